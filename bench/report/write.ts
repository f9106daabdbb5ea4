/** Writes a run's results: JSON with every figure, Markdown, and a folder of drawings. */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Scenario } from "../scenario.ts";
import { markdownOf, type Results } from "./markdown.ts";
import { plot } from "./plots.ts";

/** Returns the path of the Markdown file. */
export async function writeReport(
  results: Results,
  scenarios: readonly Scenario[],
  options: { readonly outDir: string; readonly name: string },
): Promise<string> {
  const stem = join(options.outDir, options.name);
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
