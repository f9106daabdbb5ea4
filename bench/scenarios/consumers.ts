/** Readers: of data that is in no cache, and many at once. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createTopics, deleteTopics } from "../admin.ts";
import { CONSUME_DEFAULTS, PRODUCE_DEFAULTS } from "../load/loads.ts";
import { type Bench, figuresOf, type Scenario } from "../scenario.ts";
import type { System } from "../systems/system.ts";
import { timingOf } from "./table.ts";

const KIBIBYTE = 1024;

export const coldConsume: Scenario = {
  name: "cold-consume",
  title: "Consuming what is in no cache",
  text: "A topic is filled with 1 KiB records for some seconds, the broker stopped, the files' pages dropped from the system's cache, the broker started, and everything read once by one consumer. On a virtual machine the host may still have it in memory.",
  axis: "load",
  columns: ["megabytesPerSecond", "cpuSecondsPerGigabyte", "memoryMebibytes", "p99Ms"],
  plots: [],
  isQuick: false,
  async run(bench) {
    for (const make of bench.makes) {
      const system = await make.start(bench.options.dataDir);
      try {
        const topic = await fill(bench, system);
        for (let round = 0; round < bench.options.rounds; round++) {
          await system.kill("SIGTERM");
          dropFromCache(system.dataDir);
          await system.restart();
          const figures = figuresOf(
            await bench.load([system.pid], { ...consumeLoad(bench, system, topic), isOnce: true }),
          );
          bench.record({ scenario: "cold-consume", system: system.name, round, at: "cold", figures });
        }
      } catch (error) {
        bench.omit("cold-consume", make.name, error);
      } finally {
        await system.stop();
      }
    }
  },
};

const CONSUMERS = [1, 4, 16, 64];

export const manyConsumers: Scenario = {
  name: "many-consumers",
  title: "Many small consumers of one topic",
  text: "Each reads the whole topic of 1 KiB records on its own, over and over, 64 KiB of a partition at a time.",
  axis: "consumers",
  columns: ["megabytesPerSecond", "cpuSecondsPerGigabyte", "clientCpuShare", "memoryMebibytes", "p99Ms"],
  plots: ["megabytesPerSecond", "cpuSecondsPerGigabyte"],
  isQuick: false,
  async run(bench) {
    const filled = new Map<System, string>();
    for (const system of bench.systems) filled.set(system, await fill(bench, system));
    for (let round = 0; round < bench.options.rounds; round++) {
      for (const connections of CONSUMERS) {
        for (const [system, topic] of filled) {
          const load = { ...consumeLoad(bench, system, topic), connections, partitionMaxBytes: 64 * KIBIBYTE };
          const figures = figuresOf(await bench.load([system.pid], load));
          bench.record({ scenario: "many-consumers", system: system.name, round, at: connections, figures });
        }
      }
    }
    for (const [system, topic] of filled) await deleteTopics(system.address, [topic]);
  },
};

/** A new topic with some seconds' worth of records. */
export async function fill(bench: Bench, system: System): Promise<string> {
  const topic = bench.newTopic("filled");
  await createTopics(system.address, [topic], { partitions: PRODUCE_DEFAULTS.partitions });
  await bench.load([system.pid], {
    ...PRODUCE_DEFAULTS,
    ...{ warmupMs: 0, durationMs: bench.options.durationMs },
    ...{ recordSizeBytes: KIBIBYTE, recordsPerBatch: 250, pipeline: 5 },
    ...{ address: system.address, topics: [topic] },
  });
  return topic;
}

function consumeLoad(bench: Bench, system: System, topic: string) {
  return { ...CONSUME_DEFAULTS, ...timingOf(bench), address: system.address, topic, recordSizeBytes: KIBIBYTE };
}

/** Asks the system to forget the pages of all log files. GNU `dd` can ask for that, and needs no rights. */
function dropFromCache(dataDir: string): void {
  execFileSync("sync");
  for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".log")) continue;
    execFileSync("dd", [`if=${join(entry.parentPath, entry.name)}`, "iflag=nocache", "count=0", "status=none"]);
  }
}
