/** The loads of PERFORMANCE's table on one broker. */
import { createTopics, deleteTopics } from "../admin.ts";
import { CONSUME_DEFAULTS, type Load, PRODUCE_DEFAULTS } from "../load/loads.ts";
import { type Row, TABLE_ROWS } from "../load/rows.ts";
import { type Bench, type Figure, figuresOf, type Scenario } from "../scenario.ts";
import type { System } from "../systems/system.ts";

const COLUMNS: readonly Figure[] = [
  "megabytesPerSecond",
  "thousandRecordsPerSecond",
  "cpuSecondsPerGigabyte",
  "cpuMicrosecondsPerRequest",
  "brokerCores",
  "clientCpuShare",
  "memoryMebibytes",
  "p50Ms",
  "p99Ms",
  "p999Ms",
];

export const table: Scenario = {
  name: "table",
  title: "One broker",
  text: "Every broker runs from the first round to the last, and each load runs on one after the other. Batches are prepared once; a connection keeps several requests going where the row does not say otherwise. Lines that write much run longer than the others, so that what the system does with pages that are not on the disk yet is a part of them.",
  axis: "load",
  columns: COLUMNS,
  plots: ["megabytesPerSecond", "cpuSecondsPerGigabyte", "memoryMebibytes", "p99Ms"],
  async run(bench) {
    for (let round = 0; round < bench.options.rounds; round++) {
      for (const row of Object.values(TABLE_ROWS) as Row[]) {
        for (const system of await bench.inTurn(round)) await measure(bench, system, row, round);
      }
    }
  },
};

async function measure(bench: Bench, system: System, row: Row, round: number): Promise<void> {
  const { timings } = bench.options;
  const timing = row.isBulk ? timings.bulk : timings.line;
  const { address, pid, name } = system;
  const topic = bench.newTopic("table");
  const load = { ...PRODUCE_DEFAULTS, ...row.produce, ...timing, address, topics: [topic] };
  const run = (at: string, load: Load): Promise<boolean> => {
    const place = { scenario: "table", system: name, round, at };
    return bench.attempt(place, async () => bench.record(place, figuresOf(await bench.load([pid], load))));
  };
  const isThere = await bench.attempt({ scenario: "table", system: name, round, at: row.title }, () =>
    createTopics(address, [topic], { partitions: load.partitions }),
  );
  if (!isThere) return;
  const isWritten = await run(row.title, load);
  if (isWritten && row.consumeTitle !== undefined) {
    const { partitions, recordSizeBytes } = load;
    await run(row.consumeTitle, { ...CONSUME_DEFAULTS, ...timings.line, address, topic, partitions, recordSizeBytes });
  }
  await deleteTopics(address, [topic]).catch(() => {});
}
