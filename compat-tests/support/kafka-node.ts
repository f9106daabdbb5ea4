/**
 * An Apache Kafka node in both roles, one of several of a cluster: formatted by its first start.
 *
 * ```ts
 * const node = new KafkaNode({ id: 3, port, properties: quorumOf(nodes), formatArguments: ["-t", clusterId] });
 * await node.start();
 * await node.dispose();
 * ```
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { KafkaProcess } from "./kafka-process.ts";

export interface KafkaNodeOptions {
  readonly id: number;
  /** For clients; the controller listens 10,000 above. */
  readonly port: number;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly formatArguments: readonly string[];
}

export class KafkaNode {
  readonly id: number;
  readonly port: number;
  readonly #options: KafkaNodeOptions;
  #process: KafkaProcess | null = null;

  constructor(options: KafkaNodeOptions) {
    this.id = options.id;
    this.port = options.port;
    this.#options = options;
  }

  /** Of its clients' listener. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get controllerAddress(): string {
    return `127.0.0.1:${this.port + 10_000}`;
  }

  get dataDir(): string {
    return this.#started.dataDir;
  }

  get propertiesFile(): string {
    return this.#started.propertiesFile;
  }

  /** Id of its directory. */
  get directoryId(): string {
    const [, id] = /^directory\.id=(.*)$/m.exec(readFileSync(join(this.dataDir, "meta.properties"), "utf8"))!;
    return id!;
  }

  get isRunning(): boolean {
    return this.#process?.isRunning === true;
  }

  /** Its warnings and errors. */
  get output(): string {
    return this.#process?.output ?? "";
  }

  /** Resolves once it accepts clients, which it does as a member of its cluster. */
  async start(): Promise<void> {
    if (this.#process !== null) return this.#process.restart();
    const { id: nodeId, port, properties, formatArguments } = this.#options;
    this.#process = await KafkaProcess.start({ nodeId, port, properties, formatArguments });
  }

  /** Sends `signal` and resolves when the process is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    await this.#process?.kill(signal);
  }

  /** Stops it cleanly. */
  async stop(): Promise<void> {
    await this.#started.stop();
  }

  /** Ends it, however it is, and removes its files. */
  async dispose(): Promise<void> {
    await this.#process?.dispose();
  }

  get #started(): KafkaProcess {
    if (this.#process === null) throw new Error(`node ${this.id} was never started`);
    return this.#process;
  }
}
