/**
 * A Samsa node run as Kafka's documentation runs a node of a cluster: from a `server.properties` that Kafka's tools read too, on a directory that
 * was formatted beforehand.
 *
 * ```ts
 * const node = new SamsaNode({ id: 1, folder, port, roles: "broker,controller", properties: quorumOf(nodes) });
 * await shell.storage("format", "-t", clusterId, "-c", node.propertiesFile, "--no-initial-controllers");
 * await node.start();
 * await node.stop();
 * ```
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { end, isAlive } from "./child-process.ts";

/** `TEST_SAMSA_MAIN=src/cli/main.ts` tests the sources as they are. */
const MAIN = process.env.TEST_SAMSA_MAIN ?? fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const START_MS = 30_000;

export type NodeRoles = "broker" | "controller" | "broker,controller";

export interface SamsaNodeOptions {
  readonly id: number;
  /** The node's files are in a folder of its own in here. */
  readonly folder: string;
  /** For clients; the controller listens 10,000 above. */
  readonly port: number;
  readonly roles: NodeRoles;
  /** Further lines of `server.properties`, which win. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

export class SamsaNode {
  readonly id: number;
  readonly port: number;
  readonly roles: NodeRoles;
  readonly propertiesFile: string;
  readonly dataDir: string;
  #child: ChildProcess | null = null;
  #output = "";

  constructor({ id, folder, port, roles, properties }: SamsaNodeOptions) {
    this.id = id;
    this.port = port;
    this.roles = roles;
    this.dataDir = join(folder, `node-${id}`, "data");
    this.propertiesFile = join(folder, `node-${id}`, "server.properties");
    mkdirSync(join(folder, `node-${id}`), { recursive: true });
    const all = { ...nodeProperties(id, port, roles, this.dataDir), ...properties };
    const lines = Object.entries(all).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(this.propertiesFile, lines.join(""));
  }

  /** Of its clients' listener. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get controllerAddress(): string {
    return `127.0.0.1:${this.port + 10_000}`;
  }

  /** Id of its directory, once that is formatted. */
  get directoryId(): string {
    const [, id] = /^directory\.id=(.*)$/m.exec(readFileSync(join(this.dataDir, "meta.properties"), "utf8"))!;
    return id!;
  }

  get isRunning(): boolean {
    return isAlive(this.#child);
  }

  /** All it has printed, over all its lives. */
  get output(): string {
    return this.#output;
  }

  /** Resolves once it serves; rejects with its output when it ends before. */
  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`node ${this.id} is running`);
    const child = spawn(process.execPath, [MAIN, "start", "-c", this.propertiesFile], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    let printed = "";
    const isReady = new Promise<void>(resolve => {
      const take = (chunk: Buffer) => {
        printed += chunk;
        this.#output += chunk;
        if (printed.includes(" is ready: ")) resolve();
      };
      child.stdout.on("data", take);
      child.stderr.on("data", take);
    });
    const ended = once(child, "exit").then(() => "ended");
    const late = new Promise<string>(resolve => setTimeout(() => resolve("is not ready"), START_MS).unref());
    const failure = await Promise.race([isReady, ended, late]);
    if (failure !== undefined) throw new Error(`node ${this.id} ${failure}:\n${this.#output}`);
  }

  /** Sends `signal` and resolves when the process is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    await end(this.#child, signal);
  }

  /** Stops it cleanly. */
  async stop(): Promise<void> {
    await this.kill("SIGTERM");
    if (this.#child?.exitCode !== 0) throw new Error(`node ${this.id} did not stop cleanly:\n${this.#output}`);
  }
}

function nodeProperties(id: number, port: number, roles: NodeRoles, dataDir: string): Record<string, string | number> {
  const listeners = {
    broker: `PLAINTEXT://127.0.0.1:${port}`,
    controller: `CONTROLLER://127.0.0.1:${port + 10_000}`,
    "broker,controller": `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 10_000}`,
  }[roles];
  return {
    "process.roles": roles,
    "node.id": id,
    listeners,
    "advertised.listeners": listeners,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": dataDir,
    "samsa.log.disk.reserve.bytes": 0,
    "samsa.log.disk.reserve.ratio": 0,
  };
}
