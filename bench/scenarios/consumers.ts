/** Readers: of data that is in no cache, and many at once. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createTopics, deleteTopics } from "../admin.ts";
import { CONSUME_DEFAULTS, PRODUCE_DEFAULTS } from "../load/loads.ts";
import { TABLE_ROWS } from "../load/rows.ts";
import { type Bench, figuresOf, type Scenario } from "../scenario.ts";
import type { System } from "../systems/system.ts";

const KIBIBYTE = 1024;
/** To read a topic once from a slow disk. */
const COLD_LIMIT_MS = 300_000;

export const coldConsume: Scenario = {
  name: "cold-consume",
  title: "Consuming what is in no cache",
  text: "A topic is filled with 1 KiB records for some seconds, the broker stopped, the files' pages dropped from the system's cache, the broker started, and everything read once by one consumer: a JVM reads it with code that is not compiled yet. On a virtual machine the host may still have it in memory.",
  axis: "load",
  columns: ["megabytesPerSecond", "cpuSecondsPerGigabyte", "memoryMebibytes", "p99Ms"],
  plots: [],
  async run(bench) {
    for (const make of bench.fleet.makes) {
      const place = { scenario: "cold-consume", system: make.name, round: 0, at: "cold" };
      await bench.attempt(place, async () => {
        const system = await bench.fleet.fresh(make);
        try {
          const topic = await fill(bench, system);
          for (let round = 0; round < bench.options.rounds; round++) {
            await system.kill("SIGTERM");
            dropFromCache(system.dataDir);
            await system.restart();
            const load = { ...consumeLoad(bench, system, topic), isOnce: true, limitMs: COLD_LIMIT_MS };
            bench.record({ ...place, round }, figuresOf(await bench.load([system.pid], load)));
          }
          await deleteTopics(system.address, [topic]);
        } finally {
          await bench.fleet.release(system);
        }
      });
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
  async run(bench) {
    const filled = new Map<string, string>();
    for (const system of await bench.inTurn(0)) {
      const place = { scenario: "many-consumers", system: system.name, round: 0, at: "fill" };
      await bench.attempt(place, async () => void filled.set(system.name, await fill(bench, system)));
    }
    for (let round = 0; round < bench.sweepRounds; round++) {
      for (const connections of bench.options.isQuick ? CONSUMERS.slice(-1) : CONSUMERS) {
        for (const system of await bench.inTurn(round)) {
          const topic = filled.get(system.name);
          const place = { scenario: "many-consumers", system: system.name, round, at: connections };
          if (topic === undefined) continue;
          const load = { ...consumeLoad(bench, system, topic), connections, partitionMaxBytes: 64 * KIBIBYTE };
          await bench.attempt(place, async () => bench.record(place, figuresOf(await bench.load([system.pid], load))));
        }
      }
    }
    for (const system of await bench.inTurn(0)) {
      const topic = filled.get(system.name);
      if (topic !== undefined) await deleteTopics(system.address, [topic]);
    }
  },
};

/** A new topic with some seconds' worth of records. */
async function fill(bench: Bench, system: System): Promise<string> {
  const topic = bench.newTopic("filled");
  await createTopics(system.address, [topic], { partitions: PRODUCE_DEFAULTS.partitions });
  const { durationMs } = bench.options.timings.line;
  const common = { warmupMs: 0, durationMs, address: system.address, topics: [topic] };
  await bench.load([system.pid], { ...PRODUCE_DEFAULTS, ...TABLE_ROWS.batched1k.produce, ...common });
  return topic;
}

function consumeLoad(bench: Bench, { address }: System, topic: string) {
  return { ...CONSUME_DEFAULTS, ...bench.options.timings.sweep, address, topic, recordSizeBytes: KIBIBYTE };
}

/** Asks the system to forget the pages of all log files. GNU `dd` can ask for that, and needs no rights. */
function dropFromCache(dataDir: string): void {
  execFileSync("sync");
  for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".log")) continue;
    execFileSync("dd", [`if=${join(entry.parentPath, entry.name)}`, "iflag=nocache", "count=0", "status=none"]);
  }
}
