/**
 * A real Apache Kafka, one node in both roles, for comparing answers.
 *
 * ```ts
 * const kafka = await KafkaProcess.start({ properties: { "num.partitions": "2" } });
 * await kafka.dispose();
 * ```
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePortPair, isAccepting } from "./broker-process.ts";
import { kafkaClassPath } from "./kafka-tools.ts";

export interface KafkaProcessOptions {
  /** Further lines of `server.properties`. */
  readonly properties?: Readonly<Record<string, string>>;
}

const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";
/** Quick to start; a broker that a test asks a few questions never runs hot. */
const JAVA_FLAGS = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"];
const START_MS = 60_000;
const POLL_MS = 50;

const LOG4J = `rootLogger.level=warn
rootLogger.appenderRefs=stderr
rootLogger.appenderRef.stderr.ref=STDERR
appender.stderr.type=Console
appender.stderr.name=STDERR
appender.stderr.target=SYSTEM_ERR
appender.stderr.layout.type=PatternLayout
appender.stderr.layout.pattern=%m%n
`;

export class KafkaProcess {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly dataDir: string;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(port: number, folder: string, child: ChildProcess) {
    this.port = port;
    this.dataDir = join(folder, "data");
    this.#folder = folder;
    this.#child = child;
  }

  /** Formats a directory and starts Kafka on it; resolves once it accepts connections. */
  static async start(options: KafkaProcessOptions = {}): Promise<KafkaProcess> {
    const port = await freePortPair();
    const folder = mkdtempSync(join(tmpdir(), "samsa-kafka-"));
    const properties = join(folder, "server.properties");
    const log4j = join(folder, "log4j2.properties");
    writeFileSync(properties, propertiesText(port, join(folder, "data"), options));
    writeFileSync(log4j, LOG4J);
    const java = [
      ...JAVA_FLAGS,
      `-Dlog4j2.configurationFile=${log4j}`,
      `-Dkafka.logs.dir=${folder}`,
      "-cp",
      kafkaClassPath(),
    ];
    const format = ["kafka.tools.StorageTool", "format", "--standalone", "-t", CLUSTER_ID, "-c", properties];
    execFileSync("java", [...java, ...format], { stdio: "pipe" });
    const output = openSync(join(folder, "server.log"), "w");
    const child = spawn("java", [...java, "kafka.Kafka", properties], { stdio: ["ignore", output, output] });
    closeSync(output);
    const kafka = new KafkaProcess(port, folder, child);
    await kafka.#accepting();
    return kafka;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** Ends the process and removes all it wrote. */
  async dispose(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #accepting(): Promise<void> {
    const deadline = performance.now() + START_MS;
    while (!(await isAccepting(this.host, this.port))) {
      if (this.#child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`Kafka does not start:\n${readFileSync(join(this.#folder, "server.log"), "utf8")}`);
      }
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
    }
  }
}

function propertiesText(port: number, dataDir: string, { properties = {} }: KafkaProcessOptions): string {
  const all = {
    "process.roles": "broker,controller",
    "node.id": "1",
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 10_000}`,
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.bootstrap.servers": `127.0.0.1:${port + 10_000}`,
    "log.dirs": dataDir,
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    ...properties,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}
