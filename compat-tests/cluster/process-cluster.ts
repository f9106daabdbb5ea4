/**
 * Three real broker processes, run as a user runs them: by `samsa cluster`, from `dist/`.
 *
 * ```ts
 * const cluster = await ProcessCluster.start();
 * cluster.signal(await cluster.leaderOf("orders", 0), "SIGKILL");
 * await cluster.samsa("cluster", "restart", "2");
 * await cluster.dispose();
 * ```
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePortPair } from "../support/broker-process.ts";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));

interface NodeFact {
  readonly id: number;
  readonly port: number;
  readonly pid: number | null;
}

/** What `samsa topics describe --json` says of a partition. */
interface PartitionFact {
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** A line of a node's log. */
export interface LoggedEvent {
  readonly nodeId: number;
  /** After the moment that was asked for. */
  readonly afterMs: number;
  readonly text: string;
}

/** How long a cluster may take to be whole again. */
const WHOLE_TIMEOUT_MS = 30_000;

export class ProcessCluster {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Resolves when all nodes serve. */
  static async start(options: { readonly settings?: Readonly<Record<string, string>> } = {}): Promise<ProcessCluster> {
    const cluster = new ProcessCluster(join(mkdtempSync(join(tmpdir(), "samsa-cluster-")), "cluster"));
    const settings = { "samsa.log.disk.reserve.bytes": "0", "samsa.log.disk.reserve.ratio": "0", ...options.settings };
    const overrides = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
    await cluster.samsa("cluster", "--brokers", "3", "--port", String(await freePortPair()), ...overrides);
    return cluster;
  }

  get bootstrapServers(): string {
    return this.#nodes.map(({ port }) => `127.0.0.1:${port}`).join(",");
  }

  get nodeIds(): readonly number[] {
    return this.#nodes.map(({ id }) => id);
  }

  /** Runs a command of the local cluster, or one of a client of it. Rejects with what it printed when it fails. */
  async samsa(command: string, ...args: readonly string[]): Promise<string> {
    const where = command === "cluster" && args[0] !== "status" ? ["-d", this.folder] : ["-b", this.bootstrapServers];
    const { stdout } = await run(process.execPath, [MAIN, command, ...args, ...where]);
    return stdout;
  }

  /** Creates a topic that all nodes have a replica of. */
  async createTopic(name: string, partitions: number): Promise<void> {
    await this.samsa("topics", "create", name, "-p", String(partitions), "-r", "3");
  }

  /** Creates a topic with a replica on every node, led by these in turn. */
  async createTopicLedBy(name: string, partitions: number, leaders: readonly number[]): Promise<void> {
    const assignments = Array.from({ length: partitions }, (_, index) => {
      const leader = leaders[index % leaders.length]!;
      return [leader, ...this.nodeIds.filter(id => id !== leader)].join(":");
    });
    await this.samsa("topics", "create", name, "--replica-assignment", assignments.join(","));
  }

  async partitions(topic: string): Promise<readonly PartitionFact[]> {
    const [described] = JSON.parse(await this.samsa("topics", "describe", topic, "--json"));
    return described.partitions;
  }

  /** The node that leads the quorum. */
  async activeController(): Promise<number> {
    return JSON.parse(await this.samsa("cluster", "status", "--json")).quorum.leader;
  }

  /** Sends a signal to a node's process. */
  signal(nodeId: number, signal: NodeJS.Signals): void {
    const pid = this.#nodes.find(({ id }) => id === nodeId)?.pid;
    if (pid === undefined || pid === null) throw new Error(`node ${nodeId} does not run`);
    process.kill(pid, signal);
  }

  /** Resolves when all replicas of the topic are in sync. */
  async whole(topic: string): Promise<void> {
    const deadlineMs = performance.now() + WHOLE_TIMEOUT_MS;
    for (;;) {
      const partitions = await this.partitions(topic);
      if (partitions.every(({ leader, isr, replicas }) => leader >= 0 && isr.length === replicas.length)) return;
      if (performance.now() > deadlineMs) throw new Error(`not whole: ${JSON.stringify(partitions)}\n${this.logs}`);
    }
  }

  /** What all nodes have printed. */
  get logs(): string {
    return this.#nodes
      .map(({ id }) => `node ${id}:\n${readFileSync(join(this.folder, `node-${id}.log`), "utf8")}`)
      .join("\n");
  }

  /** What all nodes logged between two moments of the wall clock, in order. */
  eventsBetween(startMs: number, afterMs: number): LoggedEvent[] {
    const events = this.#nodes.flatMap(({ id: nodeId }) =>
      readFileSync(join(this.folder, `node-${nodeId}.log`), "utf8")
        .split("\n")
        .map(line => ({ nodeId, afterMs: Date.parse(line.slice(0, 24)) - startMs, text: line.slice(25) })),
    );
    return events
      .filter(event => event.afterMs >= 0 && event.afterMs <= afterMs)
      .sort((left, right) => left.afterMs - right.afterMs);
  }

  /** Ends all nodes, however they are, and removes their data. */
  async dispose(): Promise<void> {
    for (const id of this.nodeIds) await this.samsa("cluster", "kill", String(id));
    rmSync(join(this.folder, ".."), { recursive: true, force: true });
  }

  get #nodes(): readonly NodeFact[] {
    return JSON.parse(readFileSync(join(this.folder, "samsa-cluster.json"), "utf8")).nodes;
  }
}
