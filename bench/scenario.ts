/** What a benchmark consists of: scenarios that run on brokers and leave entries, from which the report is made. */
import type { Load } from "./load/loads.ts";
import { type Measurement, runLoad } from "./load/run-load.ts";
import type { Options } from "./options.ts";
import type { Make, System } from "./systems/system.ts";

/** What is shown of an entry, by name. */
export const FIGURES = {
  megabytesPerSecond: { title: "throughput", unit: "MB/s", digits: 0 },
  thousandRecordsPerSecond: { title: "records", unit: "K/s", digits: 0 },
  cpuSecondsPerGigabyte: { title: "broker CPU", unit: "s/GB", digits: 2 },
  cpuMicrosecondsPerRecord: { title: "broker CPU a record", unit: "µs", digits: 2 },
  cpuMicrosecondsPerRequest: { title: "broker CPU a request", unit: "µs", digits: 1 },
  clientCpuShare: { title: "client CPU", unit: "cores", digits: 2 },
  memoryMebibytes: { title: "memory", unit: "MiB", digits: 0 },
  p50Ms: { title: "p50", unit: "ms", digits: 2 },
  p99Ms: { title: "p99", unit: "ms", digits: 2 },
  p999Ms: { title: "p99.9", unit: "ms", digits: 2 },
  startMs: { title: "to the first answer", unit: "ms", digits: 0 },
  memoryAfterStartMebibytes: { title: "memory then", unit: "MiB", digits: 0 },
  kibibytesEach: { title: "memory each", unit: "KiB", digits: 1 },
  secondsToCreate: { title: "to create them", unit: "s", digits: 1 },
  recoveryMs: { title: "kill -9 to the first record accepted", unit: "ms", digits: 0 },
  gapMs: { title: "longest gap between answers", unit: "ms", digits: 0 },
} as const;

export type Figure = keyof typeof FIGURES;

/** What one run of one thing on one broker came to. */
export interface Entry {
  readonly scenario: string;
  readonly system: string;
  readonly round: number;
  /** Where on the scenario's axis. */
  readonly at: string | number;
  readonly figures: Readonly<Partial<Record<Figure, number>>>;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What is done, in a sentence or two, for the report. */
  readonly text: string;
  /** What `at` of its entries means. */
  readonly axis: string;
  /** Columns of its table. */
  readonly columns: readonly Figure[];
  /** Figures that are drawn over the axis. */
  readonly plots: readonly Figure[];
  /** Whether `--quick` runs it. */
  readonly isQuick: boolean;
  run(bench: Bench): Promise<void>;
}

/** What a scenario works with. */
export class Bench {
  readonly options: Options;
  readonly makes: readonly Make[];
  /** Running, for scenarios that need none of their own; one is under load at a time. */
  readonly systems: readonly System[];
  readonly entries: Entry[] = [];
  /** What could not be measured, and why. */
  readonly omissions: { scenario: string; system: string; why: string }[] = [];
  #topicCount = 0;

  constructor(options: Options, modules: { makes: readonly Make[]; systems: readonly System[] }) {
    this.options = options;
    this.makes = modules.makes;
    this.systems = modules.systems;
  }

  /** A name that no topic has had. */
  newTopic(name: string): string {
    this.#topicCount += 1;
    return `${name}-${this.#topicCount}`;
  }

  async load(pids: readonly number[], load: Load): Promise<Measurement> {
    return await runLoad(pids, load);
  }

  record(entry: Entry): void {
    this.entries.push(entry);
    const figures = Object.entries(entry.figures).map(([name, value]) => {
      const { title, unit, digits } = FIGURES[name as Figure];
      return `${title} ${value.toFixed(digits)} ${unit}`;
    });
    console.log(
      `${entry.system.padEnd(6)} ${String(entry.round + 1)} ${entry.scenario.padEnd(16)} ${String(entry.at).padEnd(28)} ${figures.join(", ")}`,
    );
  }

  omit(scenario: string, system: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.omissions.push({ scenario, system, why });
    console.log(`${system.padEnd(6)} - ${scenario.padEnd(16)} not measured: ${why}`);
  }
}

/** The figures of a load. */
export function figuresOf(measurement: Measurement): Partial<Record<Figure, number>> {
  const { seconds, records, requests, valueBytes, latency, brokerCpuSeconds, brokerMemoryBytes } = measurement;
  return {
    megabytesPerSecond: valueBytes / 1e6 / seconds,
    thousandRecordsPerSecond: records / seconds / 1000,
    ...(brokerCpuSeconds === null || records === 0
      ? null
      : {
          cpuSecondsPerGigabyte: brokerCpuSeconds / (valueBytes / 1e9),
          cpuMicrosecondsPerRecord: (brokerCpuSeconds * 1e6) / records,
          cpuMicrosecondsPerRequest: (brokerCpuSeconds * 1e6) / requests,
        }),
    ...(brokerMemoryBytes === null ? null : { memoryMebibytes: brokerMemoryBytes / 2 ** 20 }),
    clientCpuShare: measurement.clientCpuSeconds / seconds,
    p50Ms: latency.p50Ms,
    p99Ms: latency.p99Ms,
    p999Ms: latency.p999Ms,
  };
}
