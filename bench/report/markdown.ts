/** The report that people read. */
import { type Bench, type Entry, FIGURES, type Scenario } from "../scenario.ts";
import { goalRows } from "./goals.ts";
import { placesOf, spread, valuesOf } from "./statistics.ts";

/** Everything a run leaves behind. */
export interface Results {
  readonly date: string;
  readonly machine: string;
  readonly systems: readonly { readonly name: string; readonly description: string }[];
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** How long it took, and what the machine was doing before it began. */
  readonly minutes: number;
  readonly loadAverageBefore: number;
  readonly entries: readonly Entry[];
  readonly omissions: Bench["omissions"];
}

/** @param plots file names of the drawings, by scenario */
export function markdownOf(
  results: Results,
  scenarios: readonly Scenario[],
  plots: ReadonlyMap<string, readonly string[]>,
): string {
  return `${[
    "# Benchmark",
    "",
    `${results.date}, ${results.machine}; ${results.minutes.toFixed(0)} minutes. Load average of the machine before: ${results.loadAverageBefore.toFixed(2)}.`,
    "",
    ...results.systems.map(({ name, description }) => `- ${name}: ${description}`),
    `- Settings: ${Object.entries(results.settings)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ")}.`,
    "",
    "Cells show the median of the rounds, and the lowest and highest. Broker, load generator and disk share one machine, so differences below 1.2× are ties. `client CPU` near one core means that the generator was the limit.",
    "",
    ...goals(results.entries),
    ...scenarios.flatMap(scenario => section(results, scenario, plots.get(scenario.name) ?? [])),
  ].join("\n")}\n`;
}

function goals(entries: readonly Entry[]): string[] {
  const rows = goalRows(entries);
  return [
    "## Goals",
    "",
    "| goal | reached | |",
    "|---|---|---|",
    ...rows.map(
      ({ goal, reached, isMet }) => `| ${goal} | ${reached} | ${isMet === null ? "" : isMet ? "met" : "**short**"} |`,
    ),
    "",
  ];
}

function section(results: Results, scenario: Scenario, plots: readonly string[]): string[] {
  const { entries } = results;
  const omissions = results.omissions.filter(omission => omission.scenario === scenario.name);
  const places = placesOf(entries, scenario.name);
  if (places.length === 0 && omissions.length === 0) return [];
  const systems = [...new Set(entries.filter(entry => entry.scenario === scenario.name).map(({ system }) => system))];
  const columns = scenario.columns.filter(figure =>
    entries.some(entry => entry.scenario === scenario.name && entry.figures[figure] !== undefined),
  );
  const lines = ["", `## ${scenario.title}`, "", scenario.text, ""];
  if (places.length > 0) {
    lines.push(`| ${scenario.axis} | | ${columns.map(figure => FIGURES[figure].title).join(" | ")} |`);
    lines.push(`|---|---|${columns.map(() => "---|").join("")}`);
    for (const at of places) {
      for (const system of systems) {
        const where = { scenario: scenario.name, system, at };
        if (!entries.some(entry => entry.scenario === scenario.name && entry.system === system && entry.at === at))
          continue;
        const cells = columns.map(figure => spread(valuesOf(entries, where, figure), figure));
        lines.push(`| ${typeof at === "number" ? at.toLocaleString("en") : at} | ${system} | ${cells.join(" | ")} |`);
      }
    }
    lines.push("");
  }
  for (const { system, why } of omissions) lines.push(`- ${system}: not measured – ${why}`);
  if (omissions.length > 0) lines.push("");
  for (const file of plots) lines.push(`![${scenario.title}](${file})`, "");
  return lines;
}
