/** Three brokers: loads with every record on three disks, and the death of a leader. */
import { createTopics, deleteTopics } from "../admin.ts";
import { FailoverClient, leadersOf } from "../load/failover-client.ts";
import { CONSUME_DEFAULTS, PRODUCE_DEFAULTS, type ProduceLoad } from "../load/loads.ts";
import { type Bench, figuresOf, type Scenario } from "../scenario.ts";
import type { ClusterSystem } from "../systems/system.ts";
import { TABLE_ROWS, timingOf } from "./table.ts";

const SIZE = 3;
const TOPIC = { partitions: 6, replicationFactor: SIZE, configs: { "min.insync.replicas": "2" } };

export const threeBrokers: Scenario = {
  name: "three-brokers",
  title: "Three brokers",
  text: "Replication factor 3, min.insync.replicas 2, acks=all. All three brokers and the load generator share the machine; CPU and memory are sums over the three.",
  axis: "load",
  columns: [
    "megabytesPerSecond",
    "thousandRecordsPerSecond",
    "cpuSecondsPerGigabyte",
    "cpuMicrosecondsPerRequest",
    "memoryMebibytes",
    "p50Ms",
    "p99Ms",
    "p999Ms",
  ],
  plots: ["megabytesPerSecond", "cpuSecondsPerGigabyte", "p99Ms"],
  isQuick: false,
  async run(bench) {
    await onClusters(bench, "three-brokers", async cluster => {
      for (let round = 0; round < bench.options.rounds; round++) {
        for (const row of [
          TABLE_ROWS.batched1k,
          TABLE_ROWS.idempotent,
          TABLE_ROWS.batched100b,
          TABLE_ROWS.ten,
          TABLE_ROWS.one,
          TABLE_ROWS.latency,
        ]) {
          await measure(bench, cluster, row, round);
        }
      }
    });
  },
};

async function measure(
  bench: Bench,
  cluster: ClusterSystem,
  row: {
    title: string;
    consumeTitle?: string;
    produce: Partial<ProduceLoad> & Pick<ProduceLoad, "recordSizeBytes" | "recordsPerBatch" | "pipeline">;
  },
  round: number,
): Promise<void> {
  const { address } = cluster.nodes[0]!;
  const topic = bench.newTopic("three");
  await createTopics(address, [topic], TOPIC);
  const leaders = await leadersOf(address, topic, TOPIC.partitions);
  const pids = cluster.nodes.map(({ pid }) => pid);
  const common = { ...timingOf(bench), address, leaders };
  const produced = await bench.load(pids, { ...PRODUCE_DEFAULTS, ...common, ...row.produce, topics: [topic] });
  bench.record({ scenario: "three-brokers", system: cluster.name, round, at: row.title, figures: figuresOf(produced) });
  if (row.consumeTitle !== undefined) {
    const { recordSizeBytes } = row.produce;
    const consumed = await bench.load(pids, { ...CONSUME_DEFAULTS, ...common, topic, recordSizeBytes });
    const figures = figuresOf(consumed);
    bench.record({ scenario: "three-brokers", system: cluster.name, round, at: row.consumeTitle, figures });
  }
  await deleteTopics(address, [topic]);
}

export const failover: Scenario = {
  name: "failover",
  title: "The death of a leader",
  text: "A client writes a record every 5 ms to one partition on three brokers, acks=all; its leader is killed with -9, and the client looks for the new one without waiting between attempts.",
  axis: "event",
  columns: ["gapMs"],
  plots: [],
  isQuick: false,
  async run(bench) {
    for (let round = 0; round < bench.options.rounds; round++) {
      await onClusters(bench, "failover", async cluster => {
        const topic = bench.newTopic("failover");
        await createTopics(cluster.nodes[0]!.address, [topic], { ...TOPIC, partitions: 1 });
        const client = new FailoverClient(
          cluster.nodes.map(({ address }) => address),
          topic,
        );
        await client.run(bench.options.warmupMs);
        const leader = cluster.nodes.find(({ address }) => address === client.leader)!;
        await leader.kill("SIGKILL");
        await client.run(15_000);
        client.close();
        bench.record({
          scenario: "failover",
          system: cluster.name,
          round,
          at: "kill -9",
          figures: { gapMs: client.longestGapMs },
        });
      });
    }
  },
};

async function onClusters(
  bench: Bench,
  scenario: string,
  run: (cluster: ClusterSystem) => Promise<void>,
): Promise<void> {
  for (const make of bench.makes) {
    let cluster: ClusterSystem | null = null;
    try {
      cluster = await make.startCluster(bench.options.dataDir, SIZE);
      await run(cluster);
    } catch (error) {
      bench.omit(scenario, make.name, error);
    } finally {
      await cluster?.stop();
    }
  }
}
