/** Apache Kafka, one node in both roles, on a data directory that is already formatted: by Samsa, or by Kafka itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAccepting } from "./broker-process.ts";
import { kafkaClassPath } from "./kafka-tools.ts";

const START_TIMEOUT_MS = 60_000;
const LOGGING = `rootLogger.level=warn
rootLogger.appenderRefs=stderr
rootLogger.appenderRef.stderr.ref=STDERR
appender.stderr.type=Console
appender.stderr.name=STDERR
appender.stderr.target=SYSTEM_ERR
appender.stderr.layout.type=PatternLayout
appender.stderr.layout.pattern=%d{HH:mm:ss.SSS} %p %m (%c)%n%throwable
`;

export interface KafkaBrokerOptions {
  readonly dataDir: string;
  /** Clients' port; the controller listens 10,000 above, as Samsa's does. */
  readonly port: number;
  readonly nodeId?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

export class KafkaBroker {
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  /** Resolves once it takes connections and has been unfenced; fails with its output when it ends before. */
  static async start(options: KafkaBrokerOptions): Promise<KafkaBroker> {
    const { dataDir, port, nodeId = 1, settings = {} } = options;
    const folder = mkdtempSync(join(tmpdir(), "samsa-kafka-"));
    const properties: Record<string, string | number> = {
      "process.roles": "broker,controller",
      "node.id": nodeId,
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 10_000}`,
      "advertised.listeners": `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 10_000}`,
      "controller.listener.names": "CONTROLLER",
      "controller.quorum.bootstrap.servers": `127.0.0.1:${port + 10_000}`,
      "log.dirs": dataDir,
      "offsets.topic.replication.factor": 1,
      "transaction.state.log.replication.factor": 1,
      "transaction.state.log.min.isr": 1,
      "share.coordinator.state.topic.replication.factor": 1,
      "share.coordinator.state.topic.min.isr": 1,
      ...settings,
    };
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(join(folder, "server.properties"), lines.join(""));
    writeFileSync(join(folder, "log4j2.properties"), LOGGING);
    const output = openSync(join(folder, "server.log"), "w");
    const flags = [
      "-Xmx512m",
      "-XX:TieredStopAtLevel=1",
      `-Dlog4j2.configurationFile=${join(folder, "log4j2.properties")}`,
    ];
    const child = spawn("java", [...flags, "-cp", kafkaClassPath(), "kafka.Kafka", join(folder, "server.properties")], {
      stdio: ["ignore", output, output],
    });
    const broker = new KafkaBroker(child, folder);
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await isAccepting("127.0.0.1", port))) {
      if (child.exitCode !== null) throw new Error(`Kafka exited:\n${broker.output}`);
      if (performance.now() > deadline) {
        child.kill("SIGKILL");
        throw new Error(`Kafka does not listen:\n${broker.output}`);
      }
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    return broker;
  }

  /** Its warnings and errors. */
  get output(): string {
    return readFileSync(join(this.#folder, "server.log"), "utf8");
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill(signal);
    await exited;
  }

  /** Stops it cleanly. */
  async stop(): Promise<void> {
    await this.kill("SIGTERM");
  }

  async dispose(): Promise<void> {
    await this.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
