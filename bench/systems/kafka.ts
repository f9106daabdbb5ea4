/** Apache Kafka, nodes in both roles, with its own defaults: it acknowledges from the page cache, without fsync. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { freePortPair } from "../../compat-tests/support/broker-process.ts";
import { KAFKA_CLUSTER_ID, KafkaProcess } from "../../compat-tests/support/kafka-process.ts";
import { KAFKA_VERSION } from "../../compat-tests/support/kafka-tools.ts";
import { firstAnswer } from "./first-answer.ts";
import type { ClusterSystem, Make, System } from "./system.ts";

/** As Kafka's own start script sets them. */
const JAVA_FLAGS = [
  "-Xms1g",
  "-Xmx1g",
  "-XX:+UseG1GC",
  "-XX:MaxGCPauseMillis=20",
  "-XX:InitiatingHeapOccupancyPercent=35",
];
/** Three JVMs on two cores take their time. */
const START_MS = 180_000;
/** Of what a broker said that did not start. */
const LONGEST_REASON = 500;
/** Deleted topics' files go after a second instead of a minute, as Samsa's do here: they would fill the disk. */
const PROPERTIES = { "log.segment.delete.delay.ms": 1000 };

export const kafka: Make = { name: "Kafka", start, startCluster };

async function start(dataRoot: string): Promise<System> {
  const options = { parentDir: dataRoot, javaFlags: JAVA_FLAGS, properties: PROPERTIES, startLimitMs: START_MS };
  let broker = await KafkaProcess.start(options);
  const { dataDir, port } = broker;
  let startMs = await untilFirstAnswer(broker);
  const former: KafkaProcess[] = [];
  return {
    name: "Kafka",
    description: description(),
    address: broker.address,
    dataDir,
    get pid() {
      return broker.pid;
    },
    get startMs() {
      return startMs;
    },
    get isRunning() {
      return broker.isRunning;
    },
    kill: signal => broker.kill(signal),
    async restart() {
      former.push(broker);
      broker = await KafkaProcess.start({ ...options, dataDir, port });
      startMs = await untilFirstAnswer(broker);
    },
    async stop() {
      await broker.stop();
      for (const each of [broker, ...former]) await each.dispose();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function startCluster(dataRoot: string, size: number): Promise<ClusterSystem> {
  const ports: number[] = [];
  while (ports.length < size) ports.push(await freePortPair());
  const starts = await Promise.allSettled(
    ports.map((port, index) =>
      KafkaProcess.start({
        parentDir: dataRoot,
        javaFlags: JAVA_FLAGS,
        startLimitMs: START_MS,
        port,
        nodeId: index + 1,
        formatArguments: ["-t", KAFKA_CLUSTER_ID],
        properties: {
          ...PROPERTIES,
          "controller.quorum.voters": ports.map((each, at) => `${at + 1}@127.0.0.1:${each + 10_000}`).join(","),
          "offsets.topic.replication.factor": size,
        },
      }),
    ),
  );
  const nodes = starts.flatMap(start => (start.status === "fulfilled" ? [start.value] : []));
  const failed = starts.find(start => start.status === "rejected");
  if (failed !== undefined) {
    for (const node of nodes) await node.dispose();
    throw new Error(String(failed.reason).replaceAll("\n", " ").slice(0, LONGEST_REASON));
  }
  return {
    name: "Kafka",
    description: description(),
    nodes: nodes.map((node, index) => ({
      id: index + 1,
      address: node.address,
      pid: node.pid,
      kill: signal => node.kill(signal),
    })),
    async stop() {
      await Promise.all(nodes.map(node => node.dispose()));
    },
  };
}

async function untilFirstAnswer(broker: KafkaProcess): Promise<number> {
  await firstAnswer(broker.host, broker.port, START_MS, () => broker.isRunning);
  return performance.now() - broker.startedAtMs;
}

function description(): string {
  return `Apache Kafka ${KAFKA_VERSION}, ${javaVersion()}, its defaults (1 GiB heap, no fsync before answers)`;
}

function javaVersion(): string {
  return `Java ${execFileSync("java", ["--version"], { encoding: "utf8" }).split(" ")[1]}`;
}
