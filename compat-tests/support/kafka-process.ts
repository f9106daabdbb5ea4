/**
 * A real Apache Kafka, one node in both roles unless its properties say otherwise: on a directory that it formats itself, or on one that is
 * already formatted, by Samsa or by Kafka.
 *
 * ```ts
 * const kafka = await KafkaProcess.start({ properties: { "num.partitions": "2" } });
 * await kafka.dispose();
 *
 * const heir = await KafkaProcess.start({ dataDir: samsa.dataDir, port: samsa.port });
 * await heir.stop();
 * await heir.dispose();
 * ```
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePortPair, isAccepting } from "./broker-process.ts";
import { end, isAlive } from "./child-process.ts";
import { kafkaClassPath } from "./kafka-tools.ts";

export interface KafkaProcessOptions {
  /** Further lines of `server.properties`, which win over those below. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** A directory that is formatted already, kept at the end; one of its own is made, formatted and removed otherwise. */
  readonly dataDir?: string;
  /** Where its own directory is made. The system's folder for temporary files by default. */
  readonly parentDir?: string;
  /** Clients' port, a free one by default. The controller listens 10,000 above, as Samsa's does. */
  readonly port?: number;
  readonly nodeId?: number;
  /** Of the broker. By default quick to start: a broker that a test asks a few questions never runs hot. */
  readonly javaFlags?: readonly string[];
  /** How a directory of its own is formatted. */
  readonly formatArguments?: readonly string[];
  /** How long it may take to accept connections: a minute by default. */
  readonly startLimitMs?: number;
}

export const KAFKA_CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";
const QUICK_FLAGS = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"];
const PROPERTIES_FILE = "server.properties";
const START_MS = 60_000;
const POLL_MS = 25;

const LOG4J = `rootLogger.level=warn
rootLogger.appenderRefs=stderr
rootLogger.appenderRef.stderr.ref=STDERR
appender.stderr.type=Console
appender.stderr.name=STDERR
appender.stderr.target=SYSTEM_ERR
appender.stderr.layout.type=PatternLayout
appender.stderr.layout.pattern=%d{HH:mm:ss.SSS} %p %m (%c)%n%throwable
`;

export class KafkaProcess {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly dataDir: string;
  /** When the process was started, by `performance.now()`. */
  readonly startedAtMs: number;
  readonly #folder: string;
  readonly #javaArguments: readonly string[];
  #child: ChildProcess;

  private constructor(port: number, dataDir: string, folder: string, javaArguments: readonly string[]) {
    this.port = port;
    this.dataDir = dataDir;
    this.startedAtMs = performance.now();
    this.#folder = folder;
    this.#javaArguments = javaArguments;
    this.#child = this.#spawn();
  }

  /** Formats a directory if need be and starts Kafka on it. Resolves once it accepts connections; fails with its output when it ends before. */
  static async start(options: KafkaProcessOptions = {}): Promise<KafkaProcess> {
    const port = options.port ?? (await freePortPair());
    const folder = mkdtempSync(join(options.parentDir ?? tmpdir(), "samsa-kafka-"));
    const dataDir = options.dataDir ?? join(folder, "data");
    const properties = join(folder, PROPERTIES_FILE);
    const log4j = join(folder, "log4j2.properties");
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(properties, propertiesText(port, dataDir, options));
    writeFileSync(log4j, LOG4J);
    const common = [`-Dlog4j2.configurationFile=${log4j}`, `-Dkafka.logs.dir=${folder}`, "-cp", kafkaClassPath()];
    if (options.dataDir === undefined) {
      const { formatArguments = ["--standalone", "-t", KAFKA_CLUSTER_ID] } = options;
      const format = ["kafka.tools.StorageTool", "format", ...formatArguments, "-c", properties];
      execFileSync("java", [...QUICK_FLAGS, ...common, ...format], { stdio: "pipe" });
    }
    const { javaFlags = QUICK_FLAGS } = options;
    const kafka = new KafkaProcess(port, dataDir, folder, [...javaFlags, ...common, "kafka.Kafka", properties]);
    await kafka.#accepting(options.startLimitMs ?? START_MS);
    return kafka;
  }

  /** Starts it again where it was, once it has ended. Resolves once it accepts connections. */
  async restart(): Promise<void> {
    if (this.isRunning) throw new Error("Kafka is running");
    this.#child = this.#spawn();
    await this.#accepting(START_MS);
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isRunning(): boolean {
    return isAlive(this.#child);
  }

  get propertiesFile(): string {
    return join(this.#folder, PROPERTIES_FILE);
  }

  /** Its warnings and errors. */
  get output(): string {
    return readFileSync(join(this.#folder, "server.log"), "utf8");
  }

  /** Sends `signal` and resolves when the process is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    await end(this.#child, signal);
  }

  /** Stops it cleanly. */
  async stop(): Promise<void> {
    await this.kill("SIGTERM");
  }

  /** Ends the process, however it is, and removes all it wrote but a `dataDir` that was given. */
  async dispose(): Promise<void> {
    await this.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #spawn(): ChildProcess {
    const output = openSync(join(this.#folder, "server.log"), "a");
    const child = spawn("java", [...this.#javaArguments], { stdio: ["ignore", output, output] });
    closeSync(output);
    return child;
  }

  async #accepting(limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (!(await isAccepting(this.host, this.port))) {
      if (!this.isRunning || performance.now() > deadline) {
        await this.kill("SIGKILL");
        throw new Error(`Kafka does not start:\n${this.output}`);
      }
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
    }
  }
}

function propertiesText(port: number, dataDir: string, options: KafkaProcessOptions): string {
  const all = {
    "process.roles": "broker,controller",
    "node.id": options.nodeId ?? 1,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 10_000}`,
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.bootstrap.servers": `127.0.0.1:${port + 10_000}`,
    "log.dirs": dataDir,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    ...options.properties,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}
