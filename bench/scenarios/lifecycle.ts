/** Starts, and recovery after kill -9. */
import { createTopics, deleteTopics } from "../admin.ts";
import { firstAccepted } from "../load/first-accepted.ts";
import { PRODUCE_DEFAULTS } from "../load/loads.ts";
import { runLoad } from "../load/run-load.ts";
import { processUsage } from "../process-usage.ts";
import type { Bench, Scenario } from "../scenario.ts";
import type { Make } from "../systems/system.ts";

export const start: Scenario = {
  name: "start",
  title: "Start",
  text: "From the start of the process to its first answer to ApiVersions, on a new directory (that is formatted already for Kafka, and not for Samsa), and again on the directory that it left; resident memory right after. A start before the first round is not counted: it brings the programs into the system's cache, and Samsa's compiled code into Node's.",
  axis: "directory",
  columns: ["startMs", "memoryAfterStartMebibytes"],
  plots: ["startMs", "memoryAfterStartMebibytes"],
  async run(bench) {
    const { makes } = bench.fleet;
    for (const make of makes) await startTwice(bench, make, -1);
    for (let round = 0; round < bench.options.rounds; round++) {
      for (const make of round % 2 === 0 ? makes : [...makes].reverse()) await startTwice(bench, make, round);
    }
  },
};

/** What comes before round 0 is not recorded. */
async function startTwice(bench: Bench, make: Make, round: number): Promise<void> {
  // A quick run has its first start elsewhere.
  if (round < 0 && bench.options.isQuick && make.name !== "Samsa") return;
  const place = { scenario: "start", system: make.name, round, at: "new" };
  await bench.attempt(place, async () => {
    await bench.untilQuiet();
    const system = await bench.fleet.start(make);
    const record = (at: string): void => {
      const memoryBytes = processUsage(system.pid)?.memoryBytes ?? Number.NaN;
      const figures = { startMs: system.startMs, memoryAfterStartMebibytes: memoryBytes / 2 ** 20 };
      if (round >= 0) bench.record({ ...place, at }, figures);
    };
    try {
      record("new");
      await system.kill("SIGTERM");
      await bench.untilQuiet();
      await system.restart();
      record("its own");
    } finally {
      await bench.fleet.release(system);
    }
  });
}

export const recovery: Scenario = {
  name: "recovery",
  title: "Recovery after kill -9",
  text: "A topic of 6 partitions is filled with 1 KiB records, the broker killed right after its last answer, and started again: until it has accepted a record for every partition.",
  axis: "gigabytes in the log",
  columns: ["recoveryMs"],
  plots: [],
  async run(bench) {
    for (const make of bench.fleet.makes) await recover(bench, make);
  },
};

/** Much is written by many short loads, so that it is not much more than was asked for. */
const FILL_MS = 1000;

async function recover(bench: Bench, make: Make): Promise<void> {
  const { recoveryGigabytes } = bench.options;
  const place = { scenario: "recovery", system: make.name, round: 0, at: recoveryGigabytes };
  await bench.attempt(place, async () => {
    const system = await bench.fleet.fresh(make);
    try {
      const topic = bench.newTopic("recovered");
      await createTopics(system.address, [topic], { partitions: PRODUCE_DEFAULTS.partitions });
      const load = {
        ...PRODUCE_DEFAULTS,
        ...{ recordSizeBytes: 1024, recordsPerBatch: 250, pipeline: 5, warmupMs: 0, durationMs: FILL_MS },
        ...{ address: system.address, topics: [topic] },
      };
      for (let bytes = 0; bytes < recoveryGigabytes * 1e9; ) bytes += (await runLoad([], load)).valueBytes;
      await system.kill("SIGKILL");
      const started = performance.now();
      await system.restart();
      await firstAccepted(system.address, topic, load.partitions);
      bench.record(place, { recoveryMs: performance.now() - started });
      await deleteTopics(system.address, [topic]);
    } finally {
      await bench.fleet.release(system);
    }
  });
}
