/** The report that people read. */
import type { Omission, ResultsData } from "../results.ts";
import { FIGURES, type Scenario } from "../scenario.ts";
import { goalRows } from "./goals.ts";
import { prototypeSection } from "./prototype.ts";
import { placesOf, spread, valuesOf } from "./statistics.ts";

const HOW_TO_READ =
  "Cells show the median of the rounds, and the lowest and highest. Broker, load generator and disk share one machine, so differences below 1.2× are ties. `client CPU` near one core means that the generator was the limit.";

/** @param plots file names of the drawings, by scenario */
export function markdownOf(
  results: ResultsData,
  scenarios: readonly Scenario[],
  plots: ReadonlyMap<string, readonly string[]>,
): string {
  const { date, machine, minutes, loadAverageBefore, systems, settings, entries } = results;
  return `${[
    "# Benchmark",
    "",
    `${date}, ${machine}; ${minutes.toFixed(0)} minutes. Load average of the machine before: ${loadAverageBefore.toFixed(2)}. ${restOf(results)}`,
    "",
    ...diskLine(results),
    ...systems.map(({ name, description }) => `- ${name}: ${description}`),
    `- Settings: ${Object.entries(settings)
      .map(([name, value]) => `${name} ${value}`)
      .join("; ")}.`,
    "",
    HOW_TO_READ,
    "",
    ...goals(results),
    ...prototypeSection(entries),
    ...scenarios.flatMap(scenario => section(results, scenario, plots.get(scenario.name) ?? [])),
  ].join("\n")}\n`;
}

function diskLine({ disk }: ResultsData): string[] {
  if (disk === undefined) return [];
  const { durableMegabytesPerSecond, syncP50Ms, syncP99Ms, batches } = disk;
  const asBatches =
    batches === undefined
      ? ""
      : ` As large batches come, 250 KiB to the next of six files, five under way, each synced, and nothing else done: ${batches.megabytesPerSecond.toFixed(0)} MB/s at ${batches.cpuSecondsPerGigabyte.toFixed(2)} CPU-s/GB.`;
  return [
    `- The disk by itself: ${durableMegabytesPerSecond.toFixed(0)} MB/s in pieces of 1 MiB to six files at a time, each with \`fdatasync\`; 1 KiB with \`fdatasync\` p50 ${syncP50Ms.toFixed(2)}, p99 ${syncP99Ms.toFixed(2)} ms.${asBatches}`,
  ];
}

/** Whether the machine was at rest. */
function restOf({ entries, settings }: ResultsData): string {
  if (settings.run === "quick")
    return "**A quick run shows that it works; it is too short and too cold for a comparison.**";
  const disturbed = entries.filter(({ isDisturbed }) => isDisturbed).length;
  if (disturbed > 0)
    return `**${disturbed} of ${entries.length} measurements began while the machine was doing something else as well.**`;
  return "Each measurement began on a machine at rest: nothing left to write to the disk, nobody computing.";
}

function goals({ entries, disk }: ResultsData): string[] {
  const rows = goalRows(entries, disk);
  const measured = rows.filter(({ isMet }) => isMet !== null);
  const met = measured.filter(({ isMet }) => isMet);
  return [
    "## Goals",
    "",
    `${met.length} of ${measured.length} that were measured are met. \`of the goal\` is above 1 where one is.`,
    "",
    "| goal | reached | of the goal | | figures |",
    "|---|---|---|---|---|",
    ...rows.map(({ goal, reached, ratio, isMet, remark }) => {
      const verdict = isMet === null ? "" : isMet ? "met" : "**short**";
      return `| ${goal} | ${reached} | ${isMet === null ? "" : `${ratio.toFixed(2)}×`} | ${verdict} | ${remark} |`;
    }),
    "",
  ];
}

function section(results: ResultsData, scenario: Scenario, plots: readonly string[]): string[] {
  const entries = results.entries.filter(entry => entry.scenario === scenario.name);
  const omissions = results.omissions.filter(omission => omission.scenario === scenario.name);
  const places = placesOf(entries, scenario.name).filter(at => !scenario.isTimeline || typeof at === "string");
  if (places.length === 0 && omissions.length === 0) return [];
  const columns = scenario.columns.filter(figure => entries.some(({ figures }) => figures[figure] !== undefined));
  const systems = [...new Set(entries.map(({ system }) => system))].sort(samsaFirst);
  const lines = ["", `## ${scenario.title}`, "", scenario.text, ""];
  if (places.length > 0) {
    lines.push(`| ${scenario.axis} | | ${columns.map(figure => FIGURES[figure].title).join(" | ")} |`);
    lines.push(`|---|---|${columns.map(() => "---|").join("")}`);
    for (const at of places) {
      for (const system of systems) {
        if (!entries.some(entry => entry.system === system && entry.at === at)) continue;
        const where = { scenario: scenario.name, system, at };
        const cells = columns.map(figure => spread(valuesOf(entries, where, figure), figure));
        lines.push(`| ${typeof at === "number" ? at.toLocaleString("en") : at} | ${system} | ${cells.join(" | ")} |`);
      }
    }
    lines.push("");
  }
  lines.push(...omissionLines(omissions));
  for (const file of plots) lines.push(`![${scenario.title}](${file})`, "");
  return lines;
}

function omissionLines(omissions: readonly Omission[]): string[] {
  if (omissions.length === 0) return [];
  return [...omissions.map(({ system, at, why }) => `- ${system}, ${at}: not measured – ${why}`), ""];
}

export function samsaFirst(a: string, b: string): number {
  return Number(b === "Samsa") - Number(a === "Samsa");
}
