/** Writes a run's report: JSON with every figure, Markdown, and a folder of drawings. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { ResultsData } from "../results.ts";
import type { Scenario } from "../scenario.ts";
import { markdownOf } from "./markdown.ts";
import { plot } from "./plots.ts";

/** Returns the path of the Markdown file. */
export async function writeReport(
  results: ResultsData,
  scenarios: readonly Scenario[],
  options: { readonly outDir: string; readonly name: string },
): Promise<string> {
  const stem = join(options.outDir, options.name);
  rmSync(stem, { recursive: true, force: true });
  mkdirSync(stem, { recursive: true });
  writeFileSync(`${stem}.json`, `${JSON.stringify(results, null, 1)}\n`);
  const plots = new Map<string, string[]>();
  for (const scenario of scenarios) {
    const files: string[] = [];
    for (const figure of scenario.plots) {
      const svg = await plot(results.entries, scenario, figure);
      if (svg === null) continue;
      const file = `${scenario.name}-${figure}.svg`;
      writeFileSync(join(stem, file), svg);
      files.push(`${basename(stem)}/${file}`);
    }
    plots.set(scenario.name, files);
  }
  writeFileSync(`${stem}.md`, markdownOf(results, scenarios, plots));
  return `${stem}.md`;
}
