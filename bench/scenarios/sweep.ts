/** Scenarios that run one load at several settings, on each broker in turn. */
import { createTopics, deleteTopics } from "../admin.ts";
import { PRODUCE_DEFAULTS, type ProduceLoad } from "../load/loads.ts";
import { type Bench, type Figure, figuresOf, type Scenario } from "../scenario.ts";

type Setting = Partial<ProduceLoad> & Pick<ProduceLoad, "recordSizeBytes" | "recordsPerBatch" | "pipeline">;

export interface Sweep {
  readonly name: string;
  readonly title: string;
  readonly text: string;
  readonly axis: string;
  readonly columns: readonly Figure[];
  readonly plots: readonly Figure[];
  /** Written in turn. Default 1. */
  readonly topics?: number;
  readonly settings: ReadonlyMap<string | number, Setting>;
  /** The one place that a quick run measures. */
  readonly quickAt: string | number;
}

export function sweep(options: Sweep): Scenario {
  const { name, title, text, axis, columns, plots, settings, quickAt } = options;
  return {
    ...{ name, title, text, axis, columns, plots },
    async run(bench) {
      for (let round = 0; round < bench.sweepRounds; round++) {
        for (const [at, setting] of settings) {
          if (!bench.options.isQuick || at === quickAt) await measure(bench, options, at, setting, round);
        }
      }
    },
  };
}

async function measure(
  bench: Bench,
  options: Sweep,
  at: string | number,
  setting: Setting,
  round: number,
): Promise<void> {
  for (const system of await bench.inTurn(round)) {
    const topics = Array.from({ length: options.topics ?? 1 }, () => bench.newTopic(options.name));
    const { timings } = bench.options;
    const load = { ...PRODUCE_DEFAULTS, ...timings.sweep, ...setting, address: system.address, topics };
    const place = { scenario: options.name, system: system.name, round, at };
    await bench.attempt(place, async () => {
      await createTopics(system.address, topics, { partitions: load.partitions });
      bench.record(place, figuresOf(await bench.load([system.pid], load)));
    });
    await deleteTopics(system.address, topics).catch(() => {});
  }
}
