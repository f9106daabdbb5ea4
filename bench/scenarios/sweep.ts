/** Scenarios that run one load at several settings, on each broker in turn. */
import { createTopics, deleteTopics } from "../admin.ts";
import { PRODUCE_DEFAULTS, type ProduceLoad } from "../load/loads.ts";
import { type Bench, type Figure, figuresOf, type Scenario } from "../scenario.ts";
import { timingOf } from "./table.ts";

type Setting = Partial<ProduceLoad> & Pick<ProduceLoad, "recordSizeBytes" | "recordsPerBatch" | "pipeline">;

export interface Sweep {
  readonly name: string;
  readonly title: string;
  readonly text: string;
  readonly axis: string;
  readonly columns: readonly Figure[];
  readonly plots: readonly Figure[];
  readonly isQuick?: boolean;
  /** Written in turn. Default 1. */
  readonly topics?: number;
  readonly settings: ReadonlyMap<string | number, Setting>;
}

export function sweep(options: Sweep): Scenario {
  const { name, title, text, axis, columns, plots, settings, isQuick = false } = options;
  return {
    ...{ name, title, text, axis, columns, plots, isQuick },
    async run(bench) {
      for (let round = 0; round < bench.options.rounds; round++) {
        for (const [at, setting] of settings) await measure(bench, options, at, setting, round);
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
  for (const system of bench.systems) {
    const topics = Array.from({ length: options.topics ?? 1 }, () => bench.newTopic(options.name));
    const load = { ...PRODUCE_DEFAULTS, ...timingOf(bench), ...setting, address: system.address, topics };
    await createTopics(system.address, topics, { partitions: load.partitions });
    const figures = figuresOf(await bench.load([system.pid], load));
    bench.record({ scenario: options.name, system: system.name, round, at, figures });
    await deleteTopics(system.address, topics);
  }
}
