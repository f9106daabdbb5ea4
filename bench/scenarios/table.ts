/** The loads of PERFORMANCE's table on one broker. */
import { createTopics, deleteTopics } from "../admin.ts";
import { CONSUME_DEFAULTS, type Load, PRODUCE_DEFAULTS, type ProduceLoad } from "../load/loads.ts";
import { type Bench, type Figure, figuresOf, type Scenario } from "../scenario.ts";
import type { System } from "../systems/system.ts";

const KIBIBYTE = 1024;

type Produce = Pick<ProduceLoad, "recordSizeBytes" | "recordsPerBatch" | "pipeline"> & Partial<ProduceLoad>;

/** One topic that is written, and perhaps read afterwards. */
interface Row {
  readonly title: string;
  readonly produce: Produce;
  /** What the reading of it is called; none otherwise. */
  readonly consumeTitle?: string;
}

export const TABLE_ROWS = {
  batched1k: {
    title: "produce 1 KiB records, 250 a batch",
    produce: { recordSizeBytes: KIBIBYTE, recordsPerBatch: 250, pipeline: 5 },
    consumeTitle: "consume 1 KiB records",
  },
  idempotent: {
    title: "the same, idempotent",
    produce: { recordSizeBytes: KIBIBYTE, recordsPerBatch: 250, pipeline: 5, isIdempotent: true },
  },
  batched100b: {
    title: "produce 100 B records, 2,000 a batch",
    produce: { recordSizeBytes: 100, recordsPerBatch: 2000, pipeline: 5 },
    consumeTitle: "consume 100 B records",
  },
  ten: {
    title: "produce 100 B records, ten a batch",
    produce: { recordSizeBytes: 100, recordsPerBatch: 10, pipeline: 256 },
  },
  one: {
    title: "produce 100 B records, one a batch",
    produce: { recordSizeBytes: 100, recordsPerBatch: 1, pipeline: 256 },
  },
  partitions64: {
    title: "produce 1 KiB records over 64 partitions",
    produce: { recordSizeBytes: KIBIBYTE, recordsPerBatch: 16, pipeline: 64, partitions: 64 },
  },
  partitions6: {
    title: "the same over 6 partitions",
    produce: { recordSizeBytes: KIBIBYTE, recordsPerBatch: 16, pipeline: 64 },
  },
  latency: {
    title: "1,000 records/s, one a batch",
    produce: { recordSizeBytes: KIBIBYTE, recordsPerBatch: 1, pipeline: 0, requestsPerSecond: 1000 },
  },
} as const satisfies Record<string, Row>;

const COLUMNS: readonly Figure[] = [
  "megabytesPerSecond",
  "thousandRecordsPerSecond",
  "cpuSecondsPerGigabyte",
  "cpuMicrosecondsPerRequest",
  "memoryMebibytes",
  "clientCpuShare",
  "p50Ms",
  "p99Ms",
  "p999Ms",
];

export const table: Scenario = {
  name: "table",
  title: "One broker",
  text: "Every broker runs from the first round to the last, and each load runs on one after the other. Batches are prepared once; a connection keeps several requests going where the row does not say otherwise.",
  axis: "load",
  columns: COLUMNS,
  plots: ["megabytesPerSecond", "cpuSecondsPerGigabyte", "memoryMebibytes", "p99Ms"],
  isQuick: true,
  async run(bench) {
    for (let round = 0; round < bench.options.rounds; round++) {
      for (const row of Object.values(TABLE_ROWS) as Row[]) {
        // Whoever was first comes second the next time.
        const systems = round % 2 === 0 ? bench.systems : [...bench.systems].reverse();
        for (const system of systems) await measure(bench, system, row, round);
      }
    }
  },
};

async function measure(bench: Bench, system: System, row: Row, round: number): Promise<void> {
  const topic = bench.newTopic("table");
  const load = { ...PRODUCE_DEFAULTS, ...timingOf(bench), ...row.produce, address: system.address, topics: [topic] };
  const run = async (at: string, load: Load): Promise<void> => {
    const figures = figuresOf(await bench.load([system.pid], load));
    bench.record({ scenario: "table", system: system.name, round, at, figures });
  };
  await createTopics(system.address, [topic], { partitions: load.partitions });
  await run(row.title, load);
  if (row.consumeTitle !== undefined) {
    const { address, partitions, recordSizeBytes } = load;
    await run(row.consumeTitle, {
      ...CONSUME_DEFAULTS,
      ...timingOf(bench),
      address,
      topic,
      partitions,
      recordSizeBytes,
    });
  }
  await deleteTopics(system.address, [topic]);
}

/** How long a load runs. */
export function timingOf(bench: Bench): { warmupMs: number; durationMs: number } {
  return { warmupMs: bench.options.warmupMs, durationMs: bench.options.durationMs };
}
