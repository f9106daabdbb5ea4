/**
 * Three real broker processes, run as a user runs them: by `samsa cluster`, from `dist/`.
 *
 * ```ts
 * const cluster = await ProcessCluster.start();
 * cluster.signal(await cluster.activeController(), "SIGKILL");
 * await cluster.local("restart", "2");
 * await cluster.dispose();
 * ```
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePortPair } from "../support/broker-process.ts";
import { TestCluster, textOf } from "./test-cluster.ts";

interface NodeFact {
  readonly id: number;
  readonly port: number;
  readonly pid: number | null;
}

export class ProcessCluster extends TestCluster {
  readonly folder: string;

  private constructor(folder: string) {
    super();
    this.folder = folder;
  }

  /** Resolves when all nodes serve. */
  static async start(options: { readonly settings?: Readonly<Record<string, string>> } = {}): Promise<ProcessCluster> {
    const cluster = new ProcessCluster(join(mkdtempSync(join(tmpdir(), "samsa-cluster-")), "cluster"));
    const settings = { "samsa.log.disk.reserve.bytes": "0", "samsa.log.disk.reserve.ratio": "0", ...options.settings };
    const overrides = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
    await cluster.local("--brokers", "3", "--port", String(await freePortPair()), ...overrides);
    return cluster;
  }

  get bootstrapServers(): string {
    return this.#nodes.map(({ port }) => `127.0.0.1:${port}`).join(",");
  }

  get nodeIds(): readonly number[] {
    return this.#nodes.map(({ id }) => id);
  }

  /** Runs a command of the local cluster: none starts it, `kill 2` and `restart 2` do that to a node. */
  async local(...args: readonly string[]): Promise<string> {
    return this.run("cluster", ...args, "-d", this.folder);
  }

  /** Sends a signal to a node's process. */
  signal(nodeId: number, signal: NodeJS.Signals): void {
    const pid = this.#nodes.find(({ id }) => id === nodeId)?.pid;
    if (pid === undefined || pid === null) throw new Error(`node ${nodeId} does not run`);
    process.kill(pid, signal);
  }

  logOf(nodeId: number): string {
    return textOf(join(this.folder, `node-${nodeId}.log`));
  }

  async dispose(): Promise<void> {
    for (const id of this.nodeIds) await this.local("kill", String(id));
    rmSync(join(this.folder, ".."), { recursive: true, force: true });
  }

  get #nodes(): readonly NodeFact[] {
    return JSON.parse(readFileSync(join(this.folder, "samsa-cluster.json"), "utf8")).nodes;
  }
}
