/** Apache Kafka from Maven Central, one node in both roles, with its own defaults: it acknowledges from the page cache, without fsync. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePortPair } from "../../compat-tests/support/broker-process.ts";
import { KAFKA_VERSION, kafkaClassPath } from "../../compat-tests/support/kafka-tools.ts";
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
  const port = await freePortPair();
  const folder = mkdtempSync(join(dataRoot, "kafka-"));
  const logDir = join(folder, "data");
  mkdirSync(logDir);
  const properties = join(folder, "server.properties");
  const log4j = join(folder, "log4j2.properties");
  writeFileSync(
    properties,
    [
      "process.roles=broker,controller",
      "node.id=1",
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 10_000}`,
      "controller.listener.names=CONTROLLER",
      `controller.quorum.bootstrap.servers=127.0.0.1:${port + 10_000}`,
      `log.dirs=${logDir}`,
      "offsets.topic.replication.factor=1",
      "transaction.state.log.replication.factor=1",
      "transaction.state.log.min.isr=1",
      "share.coordinator.state.topic.replication.factor=1",
      "share.coordinator.state.topic.min.isr=1",
      "",
    ].join("\n"),
  );
  writeFileSync(
    log4j,
    "rootLogger.level=warn\nrootLogger.appenderRefs=stderr\nrootLogger.appenderRef.stderr.ref=STDERR\nappender.stderr.type=Console\nappender.stderr.name=STDERR\nappender.stderr.target=SYSTEM_ERR\nappender.stderr.layout.type=PatternLayout\nappender.stderr.layout.pattern=%m%n\n",
  );
  const classPath = kafkaClassPath();
  const logging = [`-Dlog4j2.configurationFile=${log4j}`, `-Dkafka.logs.dir=${folder}`];
  execFileSync(
    "java",
    [
      ...logging,
      "-cp",
      classPath,
      "kafka.tools.StorageTool",
      "format",
      "--standalone",
      "-t",
      "MkU3OEVBNTcwNTJENDM2Qg",
      "-c",
      properties,
    ],
    { stdio: "pipe" },
  );
  const started = performance.now();
  const output = openSync(join(folder, "server.log"), "w");
  const child = spawn("java", [...JAVA_FLAGS, ...logging, "-cp", classPath, "kafka.Kafka", properties], {
    stdio: ["ignore", output, output],
  });
  await firstAnswer("127.0.0.1", port, 60_000, () => child.exitCode === null);
  const startMs = performance.now() - started;
  return {
    name: "Kafka",
    description: `Apache Kafka ${KAFKA_VERSION}, ${javaVersion()}, its defaults (1 GiB heap, no fsync before answers)`,
    address: `127.0.0.1:${port}`,
    pid: child.pid!,
    startMs,
    async stop() {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function javaVersion(): string {
  return `Java ${execFileSync("java", ["--version"], { encoding: "utf8" }).split(" ")[1]}`;
}
