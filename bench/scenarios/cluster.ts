/** Three brokers: loads with every record on three disks, and the death of a leader. */
import { createTopics, deleteTopics } from "../admin.ts";
import { FailoverClient, leadersOf } from "../load/failover-client.ts";
import { CONSUME_DEFAULTS, type Load, PRODUCE_DEFAULTS } from "../load/loads.ts";
import { type Row, TABLE_ROWS } from "../load/rows.ts";
import { type Bench, figuresOf, type Scenario } from "../scenario.ts";
import type { ClusterSystem, Make } from "../systems/system.ts";

const TOPIC = { partitions: 6, replicationFactor: 3, configs: { "min.insync.replicas": "2" } };
const { batched1k, idempotent, batched100b, ten, one, partitions64, latency } = TABLE_ROWS;
const ROWS: readonly Row[] = [batched1k, idempotent, batched100b, ten, one, partitions64, latency];
const QUICK_ROWS: readonly Row[] = [batched1k, one, latency];

export const threeBrokers: Scenario = {
  name: "three-brokers",
  title: "Three brokers",
  text: "Replication factor 3, min.insync.replicas 2, acks=all. All brokers and the load generator share the machine, and only one cluster is under load at a time; CPU and memory are sums over its three.",
  axis: "load",
  columns: [
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
  ],
  plots: ["megabytesPerSecond", "cpuSecondsPerGigabyte", "memoryMebibytes", "p99Ms"],
  async run(bench) {
    const { options, fleet } = bench;
    for (let round = 0; round < options.rounds; round++) {
      for (const row of options.isQuick ? QUICK_ROWS : ROWS) {
        const clusters = await fleet.clusters();
        const inTurn = round % 2 === 0 ? clusters : [...clusters].reverse();
        for (const cluster of inTurn) await measure(bench, cluster, row, round);
      }
    }
  },
};

async function measure(bench: Bench, cluster: ClusterSystem, row: Row, round: number): Promise<void> {
  const { timings } = bench.options;
  const { address } = cluster.nodes[0]!;
  const pids = cluster.nodes.map(({ pid }) => pid);
  const topic = bench.newTopic("three");
  const { partitions, recordSizeBytes } = { ...PRODUCE_DEFAULTS, ...row.produce };
  const run = (at: string, load: (leaders: readonly string[]) => Load): Promise<boolean> => {
    const place = { scenario: "three-brokers", system: cluster.name, round, at };
    return bench.attempt(place, async () => {
      const leaders = await leadersOf(address, topic, partitions);
      bench.record(place, figuresOf(await bench.load(pids, load(leaders))));
    });
  };
  const isThere = await bench.attempt({ scenario: "three-brokers", system: cluster.name, round, at: row.title }, () =>
    createTopics(address, [topic], { ...TOPIC, partitions }),
  );
  if (!isThere) return;
  const timing = row.isBulk ? timings.bulk : timings.line;
  const isWritten = await run(row.title, leaders => {
    return { ...PRODUCE_DEFAULTS, ...row.produce, ...timing, address, leaders, topics: [topic] };
  });
  if (isWritten && row.consumeTitle !== undefined) {
    await run(row.consumeTitle, leaders => {
      return { ...CONSUME_DEFAULTS, ...timings.line, address, leaders, topic, partitions, recordSizeBytes };
    });
  }
  await deleteTopics(address, [topic]).catch(() => {});
}

/** Before the leader is killed, and how long is waited for another: Kafka's brokers have a session of 9 s. */
const STEADY_MS = 2000;
const QUICK_STEADY_MS = 500;
const FAILOVER_LIMIT_MS = 20_000;

export const failover: Scenario = {
  name: "failover",
  title: "The death of a leader",
  text: "A client writes a record every 5 ms to one partition on three brokers, acks=all; its leader is killed with -9, and the client looks for the new one without waiting between attempts. The other cluster is idle meanwhile.",
  axis: "event",
  columns: ["gapMs"],
  plots: ["gapMs"],
  async run(bench) {
    for (let round = 0; round < bench.options.rounds; round++) {
      for (const make of bench.fleet.makes) await failOver(bench, make, round);
    }
  },
};

async function failOver(bench: Bench, make: Make, round: number): Promise<void> {
  const place = { scenario: "failover", system: make.name, round, at: "kill -9" };
  const steadyMs = bench.options.isQuick ? QUICK_STEADY_MS : STEADY_MS;
  await bench.attempt(place, async () => {
    const cluster = await bench.fleet.takeCluster(make);
    try {
      const topic = bench.newTopic("failover");
      await createTopics(cluster.nodes[0]!.address, [topic], { ...TOPIC, partitions: 1 });
      await bench.untilQuiet();
      const client = new FailoverClient(
        cluster.nodes.map(({ address }) => address),
        topic,
      );
      await client.runUntilAnother(FAILOVER_LIMIT_MS, steadyMs);
      client.longestGapMs = 0;
      const leader = cluster.nodes.find(({ address }) => address === client.leader);
      if (leader === undefined) throw new Error("nothing was written before the leader was to die");
      await leader.kill("SIGKILL");
      await client.runUntilAnother(FAILOVER_LIMIT_MS, steadyMs);
      bench.record(place, { gapMs: client.longestGapMs });
    } finally {
      await bench.fleet.release(cluster);
    }
  });
}
