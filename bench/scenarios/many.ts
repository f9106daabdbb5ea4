/** What idle things cost: connections, partitions. */
import { connect, type Socket } from "node:net";
import { createTopics, deleteTopics } from "../admin.ts";
import { PRODUCE_DEFAULTS } from "../load/loads.ts";
import { TABLE_ROWS } from "../load/rows.ts";
import { processUsage } from "../process-usage.ts";
import { type Bench, figuresOf, type Scenario } from "../scenario.ts";
import type { System } from "../systems/system.ts";

/** Partitions of one request that creates topics. */
const PARTITIONS_PER_TOPIC = 100;

export const idleConnections: Scenario = {
  name: "idle-connections",
  title: "Idle connections",
  text: "Memory of the broker for each connection that is open and silent, and the latency of one active client (1,000 records/s of 1 KiB, one a batch) beside them.",
  axis: "idle connections",
  columns: ["kibibytesEach", "p50Ms", "p99Ms", "memoryMebibytes"],
  plots: ["p99Ms", "memoryMebibytes"],
  async run(bench) {
    await onFreshSystems(bench, "idle-connections", async (system, round) => {
      await measure(bench, "idle-connections", system, round, 0, {});
      for (const count of countsOf(bench)) {
        const before = await settledMemory(system.pid);
        const sockets = await openMany(system.address, count);
        const kibibytesEach = ((await settledMemory(system.pid)) - before) / count / 1024;
        await measure(bench, "idle-connections", system, round, count, { kibibytesEach });
        for (const socket of sockets) socket.destroy();
        await settledMemory(system.pid);
      }
    });
  },
};

export const idlePartitions: Scenario = {
  name: "idle-partitions",
  title: "Idle partitions",
  text: "Memory of the broker for each partition that nobody writes, and the latency of one active client (as above) beside them.",
  axis: "idle partitions",
  columns: ["kibibytesEach", "secondsToCreate", "p50Ms", "p99Ms", "memoryMebibytes"],
  plots: ["p99Ms", "memoryMebibytes"],
  async run(bench) {
    await onFreshSystems(bench, "idle-partitions", async (system, round) => {
      await measure(bench, "idle-partitions", system, round, 0, {});
      const topics: string[] = [];
      for (const count of countsOf(bench)) {
        const before = await settledMemory(system.pid);
        const started = performance.now();
        const added = count - topics.length * PARTITIONS_PER_TOPIC;
        while (topics.length * PARTITIONS_PER_TOPIC < count) {
          const topic = bench.newTopic("idle");
          await createTopics(system.address, [topic], { partitions: PARTITIONS_PER_TOPIC });
          topics.push(topic);
        }
        const secondsToCreate = (performance.now() - started) / 1000;
        const kibibytesEach = ((await settledMemory(system.pid)) - before) / added / 1024;
        await measure(bench, "idle-partitions", system, round, count, { kibibytesEach, secondsToCreate });
      }
      if (bench.options.isQuick) await deleteTopics(system.address, topics);
    });
  },
};

function countsOf(bench: Bench): readonly number[] {
  return bench.options.isQuick ? [500] : [1000, 10_000];
}

/** Brokers of their own, once: what stays in memory must not burden what is measured later. */
async function onFreshSystems(
  bench: Bench,
  scenario: string,
  run: (system: System, round: number) => Promise<void>,
): Promise<void> {
  for (const make of bench.fleet.makes) {
    await bench.attempt({ scenario, system: make.name, round: 0, at: "all" }, async () => {
      const system = await bench.fleet.fresh(make);
      try {
        if (!bench.options.isQuick) await bench.fleet.warmUp(system, [TABLE_ROWS.one, TABLE_ROWS.latency]);
        await run(system, 0);
      } finally {
        await bench.fleet.release(system);
      }
    });
  }
}

async function measure(
  bench: Bench,
  scenario: string,
  system: System,
  round: number,
  at: number,
  further: { kibibytesEach?: number; secondsToCreate?: number },
): Promise<void> {
  const topic = bench.newTopic("active");
  await createTopics(system.address, [topic], { partitions: PRODUCE_DEFAULTS.partitions });
  const measurement = await bench.load([system.pid], {
    ...PRODUCE_DEFAULTS,
    ...bench.options.timings.line,
    ...TABLE_ROWS.latency.produce,
    ...{ address: system.address, topics: [topic] },
  });
  const { p50Ms, p99Ms, p999Ms, memoryMebibytes } = figuresOf(measurement);
  const figures = { p50Ms: p50Ms!, p99Ms: p99Ms!, p999Ms: p999Ms!, memoryMebibytes: memoryMebibytes ?? Number.NaN };
  bench.record({ scenario, system: system.name, round, at }, { ...further, ...figures });
  await deleteTopics(system.address, [topic]);
}

/** Memory once it has stopped to change much. */
async function settledMemory(pid: number): Promise<number> {
  let last = processUsage(pid)?.memoryBytes ?? Number.NaN;
  for (let attempt = 0; attempt < 10; attempt++) {
    await new Promise(resolve => setTimeout(resolve, 500));
    const now = processUsage(pid)?.memoryBytes ?? Number.NaN;
    if (Math.abs(now - last) < 1024 * 1024) return now;
    last = now;
  }
  return last;
}

async function openMany(address: string, count: number): Promise<Socket[]> {
  const [host, port] = address.split(":");
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(200, count - sockets.length) }, () => {
      return new Promise<Socket>((resolve, reject) => {
        const socket = connect({ host: host!, port: Number(port) }, () => resolve(socket));
        socket.on("error", reject);
      });
    });
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}
