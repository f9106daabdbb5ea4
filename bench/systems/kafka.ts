/** Apache Kafka from Maven Central, one node in both roles, with its own defaults: it acknowledges from the page cache, without fsync. */
import { execFileSync } from "node:child_process";
import { KafkaProcess } from "../../compat-tests/support/kafka-process.ts";
import { KAFKA_VERSION } from "../../compat-tests/support/kafka-tools.ts";
import { firstAnswer } from "./first-answer.ts";
import type { System } from "./system.ts";

/** As Kafka's own start script sets them. */
const JAVA_FLAGS = [
  "-Xms1g",
  "-Xmx1g",
  "-XX:+UseG1GC",
  "-XX:MaxGCPauseMillis=20",
  "-XX:InitiatingHeapOccupancyPercent=35",
];

export async function startKafka(dataRoot: string): Promise<System> {
  const kafka = await KafkaProcess.start({ parentDir: dataRoot, javaFlags: JAVA_FLAGS });
  await firstAnswer(kafka.host, kafka.port, 60_000, () => kafka.isRunning);
  const startMs = performance.now() - kafka.startedAtMs;
  return {
    name: "Kafka",
    description: `Apache Kafka ${KAFKA_VERSION}, ${javaVersion()}, its defaults (1 GiB heap, no fsync before answers)`,
    address: kafka.address,
    pid: kafka.pid,
    startMs,
    async stop() {
      await kafka.stop();
      await kafka.dispose();
    },
  };
}

function javaVersion(): string {
  return `Java ${execFileSync("java", ["--version"], { encoding: "utf8" }).split(" ")[1]}`;
}
