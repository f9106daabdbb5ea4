/** Turns measurements into the table that people read. */
import type { Measurement } from "./load/run-load.ts";
import type { Workload } from "./workloads.ts";

/** Measurements of one workload on one system, a round each. */
export type Rounds = readonly Measurement[];

export interface StartFigures {
  readonly startMs: number;
  readonly memoryBytes: number | null;
}

export interface Report {
  readonly machine: string;
  readonly date: string;
  readonly systems: readonly { readonly name: string; readonly description: string }[];
  readonly starts: Readonly<Record<string, readonly StartFigures[]>>;
  readonly workloads: readonly { readonly workload: Workload; readonly rounds: Readonly<Record<string, Rounds>> }[];
}

export function markdownOf(report: Report): string {
  const names = report.systems.map(system => system.name);
  const lines = [
    `Machine: ${report.machine}. ${report.date}.`,
    "",
    ...report.systems.map(system => `- ${system.name}: ${system.description}`),
    "",
    `| workload | ${names.join(" | ")} | ratio |`,
    `|---|${names.map(() => "---|").join("")}---|`,
  ];
  for (const { workload, rounds } of report.workloads) {
    const cells = names.map(name => cellOf(workload, rounds[name] ?? []));
    lines.push(
      `| ${workload.title} | ${cells.join(" | ")} | ${ratioOf(
        workload,
        names.map(name => rounds[name] ?? []),
      )} |`,
    );
  }
  const starts = names.map(name => report.starts[name] ?? []);
  const cell = (figures: readonly StartFigures[]): string =>
    `${range(
      figures.map(figure => figure.startMs),
      0,
    )} ms; ${range(
      figures.map(figure => (figure.memoryBytes ?? Number.NaN) / 2 ** 20),
      0,
    )} MiB`;
  lines.push(`| start to first answer; memory then | ${starts.map(cell).join(" | ")} | |`);
  return `${lines.join("\n")}\n`;
}

function cellOf(workload: Workload, rounds: Rounds): string {
  if (rounds.length === 0) return "–";
  const memory = `${range(
    rounds.map(round => (round.brokerMemoryBytes ?? Number.NaN) / 2 ** 20),
    0,
  )} MiB`;
  switch (workload.unit) {
    case "latency":
      return [
        `p50 ${range(
          rounds.map(round => round.latency.p50Ms),
          2,
        )}`,
        `p99 ${range(
          rounds.map(round => round.latency.p99Ms),
          2,
        )}`,
        `p99.9 ${range(
          rounds.map(round => round.latency.p999Ms),
          2,
        )} ms`,
      ].join(", ");
    case "megabytes":
      return `${range(rounds.map(megabytesPerSecond), 0)} MB/s, ${range(rounds.map(cpuSecondsPerGigabyte), 2)} CPU-s/GB, ${memory}`;
    case "records":
      return `${range(
        rounds.map(round => round.records / round.seconds / 1000),
        0,
      )} K/s, ${range(rounds.map(cpuMicrosecondsPerRecord), 2)} µs CPU each, ${memory}`;
  }
}

/** First system over second: of throughput medians, or second over first of p99 latency medians, so that more is better for the first. */
function ratioOf(workload: Workload, systems: readonly Rounds[]): string {
  const [first, second] = systems;
  if (first === undefined || second === undefined || first.length === 0 || second.length === 0) return "";
  if (workload.unit === "latency") {
    const [a, b] = [first, second].map(rounds => median(rounds.map(round => round.latency.p99Ms)));
    return `${(b! / a!).toFixed(2)}× (p99)`;
  }
  const [a, b] = [first, second].map(rounds => median(rounds.map(round => round.records / round.seconds)));
  return `${(a! / b!).toFixed(2)}×`;
}

function megabytesPerSecond(round: Measurement): number {
  return round.valueBytes / 1e6 / round.seconds;
}

function cpuSecondsPerGigabyte(round: Measurement): number {
  return (round.brokerCpuSeconds ?? Number.NaN) / (round.valueBytes / 1e9);
}

function cpuMicrosecondsPerRecord(round: Measurement): number {
  return ((round.brokerCpuSeconds ?? Number.NaN) * 1e6) / round.records;
}

function range(values: readonly number[], digits: number): string {
  const low = Math.min(...values).toFixed(digits);
  const high = Math.max(...values).toFixed(digits);
  return low === high ? low : `${low}–${high}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
