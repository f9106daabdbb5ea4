/** Starts, and recovery after kill -9. */
import { createTopics } from "../admin.ts";
import { firstAccepted } from "../load/first-accepted.ts";
import { PRODUCE_DEFAULTS } from "../load/loads.ts";
import { processUsage } from "../process-usage.ts";
import type { Scenario } from "../scenario.ts";

export const start: Scenario = {
  name: "start",
  title: "Start",
  text: "From the start of the process to its first answer to ApiVersions, on a new directory that is formatted already for Kafka and not for Samsa, and again on the directory that it left; resident memory right after.",
  axis: "directory",
  columns: ["startMs", "memoryAfterStartMebibytes"],
  plots: ["startMs"],
  isQuick: true,
  async run(bench) {
    for (let round = 0; round < bench.options.rounds; round++) {
      for (const make of bench.makes) {
        const system = await make.start(bench.options.dataDir);
        const record = (at: string): void => {
          const memoryBytes = processUsage(system.pid)?.memoryBytes;
          const figures = { startMs: system.startMs, memoryAfterStartMebibytes: (memoryBytes ?? Number.NaN) / 2 ** 20 };
          bench.record({ scenario: "start", system: system.name, round, at, figures });
        };
        try {
          record("new");
          await system.kill("SIGTERM");
          await system.restart();
          record("its own");
        } finally {
          await system.stop();
        }
      }
    }
  },
};

export const recovery: Scenario = {
  name: "recovery",
  title: "Recovery after kill -9",
  text: "A topic of 6 partitions is filled with 1 KiB records, the broker killed right after its last answer, and started again: until it has accepted a record for every partition.",
  axis: "gigabytes in the log",
  columns: ["recoveryMs"],
  plots: [],
  isQuick: false,
  async run(bench) {
    for (const make of bench.makes) {
      const system = await make.start(bench.options.dataDir);
      try {
        const topic = bench.newTopic("recovered");
        await createTopics(system.address, [topic], { partitions: PRODUCE_DEFAULTS.partitions });
        const load = {
          ...PRODUCE_DEFAULTS,
          ...{ recordSizeBytes: 1024, recordsPerBatch: 250, pipeline: 5, warmupMs: 0 },
          ...{ address: system.address, topics: [topic] },
        };
        let bytes = 0;
        while (bytes < bench.options.recoveryGigabytes * 1e9) {
          bytes += (await bench.load([system.pid], { ...load, durationMs: 500 })).valueBytes;
        }
        await system.kill("SIGKILL");
        const started = performance.now();
        await system.restart();
        await firstAccepted(system.address, topic, load.partitions);
        const figures = { recoveryMs: performance.now() - started };
        bench.record({
          scenario: "recovery",
          system: system.name,
          round: 0,
          at: Number((bytes / 1e9).toFixed(1)),
          figures,
        });
      } catch (error) {
        bench.omit("recovery", make.name, error);
      } finally {
        await system.stop();
      }
    }
  },
};
