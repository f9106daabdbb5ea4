/** What a benchmark consists of: scenarios that run on brokers and leave entries, from which the report is made. */
import type { Fleet } from "./fleet.ts";
import type { Load } from "./load/loads.ts";
import { type Measurement, runLoad } from "./load/run-load.ts";
import { untilQuiet } from "./machine.ts";
import type { Options } from "./options.ts";
import type { Results } from "./results.ts";
import type { System } from "./systems/system.ts";

/** What is shown of an entry, by name. */
export const FIGURES = {
  megabytesPerSecond: { title: "throughput", unit: "MB/s", digits: 0 },
  thousandRecordsPerSecond: { title: "records", unit: "K/s", digits: 0 },
  cpuSecondsPerGigabyte: { title: "broker CPU", unit: "s/GB", digits: 2 },
  cpuMicrosecondsPerRecord: { title: "broker CPU a record", unit: "µs", digits: 2 },
  cpuMicrosecondsPerRequest: { title: "broker CPU a request", unit: "µs", digits: 1 },
  brokerCores: { title: "broker CPU", unit: "cores", digits: 2 },
  clientCpuShare: { title: "client CPU", unit: "cores", digits: 2 },
  memoryMebibytes: { title: "memory", unit: "MiB", digits: 0 },
  p50Ms: { title: "p50", unit: "ms", digits: 2 },
  p99Ms: { title: "p99", unit: "ms", digits: 2 },
  p999Ms: { title: "p99.9", unit: "ms", digits: 2 },
  maxMs: { title: "longest", unit: "ms", digits: 1 },
  startMs: { title: "to the first answer", unit: "ms", digits: 0 },
  memoryAfterStartMebibytes: { title: "memory then", unit: "MiB", digits: 0 },
  kibibytesEach: { title: "memory each", unit: "KiB", digits: 1 },
  secondsToCreate: { title: "to create them", unit: "s", digits: 1 },
  recoveryMs: { title: "kill -9 to the first record accepted", unit: "ms", digits: 0 },
  gapMs: { title: "longest gap between answers", unit: "ms", digits: 0 },
  pauseMs: { title: "longest GC pause", unit: "ms", digits: 1 },
  pauseShare: { title: "time in GC pauses", unit: "%", digits: 2 },
  p99Drift: { title: "p99, late against early", unit: "×", digits: 2 },
  slopeMebibytesPerHour: { title: "memory slope", unit: "MiB/h", digits: 1 },
} as const;

export type Figure = keyof typeof FIGURES;

/** Of what an entry is. */
export interface Place {
  readonly scenario: string;
  readonly system: string;
  readonly round: number;
  /** Where on the scenario's axis. */
  readonly at: string | number;
}

/** What one run of one thing on one broker came to. */
export interface Entry extends Place {
  readonly figures: Readonly<Partial<Record<Figure, number>>>;
  /** Whether the machine was doing something else when it began. */
  readonly isDisturbed?: boolean;
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
  /** Whether its axis is time: numbers on it are drawn, and only what sums them up is in its table. */
  readonly isTimeline?: boolean;
  /** Whether only `--only` runs it. */
  readonly isOnDemand?: boolean;
  run(bench: Bench): Promise<void>;
}

/** What a scenario works with. */
export class Bench {
  readonly options: Options;
  readonly fleet: Fleet;
  readonly results: Results;
  /** Of the scenario that runs. */
  #columns: readonly Figure[] = [];
  #topicCount = 0;
  #isDisturbed = false;
  #quietLimitMs: number;

  constructor(options: Options, modules: { fleet: Fleet; results: Results }) {
    this.options = options;
    this.fleet = modules.fleet;
    this.results = modules.results;
    this.#quietLimitMs = options.timings.quietLimitMs;
  }

  /** What is recorded from now on belongs to it. */
  begin({ name, columns }: Scenario): void {
    this.#columns = columns;
    this.results.begin(name);
  }

  /** Whether a quick run has taken all that it may, on a machine that is slow or busy. */
  get isTimeUp(): boolean {
    return this.results.data.minutes * 60_000 > this.options.timings.totalLimitMs;
  }

  /** How often places of an axis are measured that no goal asks for. */
  get sweepRounds(): number {
    return Math.max(1, this.options.rounds - 1);
  }

  /** A name that no topic has had. */
  newTopic(name: string): string {
    this.#topicCount += 1;
    return `${name}-${process.pid}-${this.#topicCount}`;
  }

  /** The running brokers; whoever was first comes second in the next round. */
  async inTurn(round: number): Promise<readonly System[]> {
    const systems = await this.fleet.systems();
    return round % 2 === 0 ? systems : [...systems].reverse();
  }

  /** Measures one thing. What goes wrong is told in the report, and costs nothing but this. */
  async attempt(place: Place, measure: () => Promise<void>): Promise<boolean> {
    try {
      if (this.isTimeUp) throw new Error("the time of a quick run was up");
      await measure();
      return true;
    } catch (error) {
      this.omit(place, error);
      return false;
    }
  }

  /** Runs a load once the machine has come to rest. */
  async load(pids: readonly number[], load: Load): Promise<Measurement> {
    await this.untilQuiet();
    const measurement = await runLoad(pids, load);
    if (measurement.requests === 0) throw new Error("nothing was answered while it was measured");
    return measurement;
  }

  /** Waits for the machine; where that is in vain, for less long the next time. What is recorded next tells. */
  async untilQuiet(): Promise<void> {
    if (this.options.timings.quietLimitMs === 0) return;
    const { isQuiet } = await untilQuiet(this.options.dataDir, this.#quietLimitMs);
    const { quietLimitMs } = this.options.timings;
    this.#quietLimitMs = isQuiet ? quietLimitMs : Math.max(this.#quietLimitMs / 2, quietLimitMs / 8);
    this.#isDisturbed = !isQuiet;
  }

  record(place: Place, figures: Entry["figures"]): void {
    this.results.add({ ...place, figures, ...(this.#isDisturbed ? { isDisturbed: true } : null) });
    const { scenario, system, round, at } = place;
    const texts = this.#columns.flatMap(figure => {
      const { title, unit, digits } = FIGURES[figure];
      const value = figures[figure];
      return value === undefined ? [] : [`${title} ${value.toFixed(digits)} ${unit}`];
    });
    const where = `${system.padEnd(6)} ${round + 1} ${scenario.padEnd(16)} ${String(at).padEnd(28)}`;
    console.log(`${where} ${this.#isDisturbed ? "(disturbed) " : ""}${texts.join(", ")}`);
  }

  omit({ scenario, system, at }: Omit<Place, "round">, reason: unknown): void {
    const why = (reason instanceof Error ? reason.message : String(reason)).split("\n")[0]!;
    this.results.omit({ scenario, system, at, why });
    console.log(`${system.padEnd(6)} - ${scenario.padEnd(16)} ${String(at).padEnd(28)} not measured: ${why}`);
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
          brokerCores: brokerCpuSeconds / seconds,
        }),
    ...(brokerMemoryBytes === null ? null : { memoryMebibytes: brokerMemoryBytes / 2 ** 20 }),
    clientCpuShare: measurement.clientCpuSeconds / seconds,
    p50Ms: latency.p50Ms,
    p99Ms: latency.p99Ms,
    p999Ms: latency.p999Ms,
  };
}
