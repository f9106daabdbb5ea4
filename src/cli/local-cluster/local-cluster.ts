/**
 * A cluster of real processes on this machine, kept in one folder.
 *
 * ```ts
 * const cluster = await LocalCluster.create(new ClusterFolder("samsa-cluster"), { brokers: 3, firstPort: 9092, settings: {} });
 * cluster.start(1);                 // in the background; other commands find it by the folder
 * cluster.kill(1);
 * await cluster.stop(1);
 * ```
 */
import type { ChildProcess } from "node:child_process";
import { CliFailure } from "../../client/failure.ts";
import type { ClusterFolder, LocalClusterFile, LocalNode } from "./cluster-folder.ts";
import { isGone, isRunning, startAttached, startDetached } from "./node-process.ts";
import { freePorts } from "./ports.ts";

export interface LocalClusterOptions {
  readonly brokers: number;
  /** Nodes get the first free ports from here on. */
  readonly firstPort: number;
  /** Settings of every node, by Kafka's keys. */
  readonly settings: Readonly<Record<string, string>>;
}

const HOST = "127.0.0.1";
const MAX_DEFAULT_REPLICAS = 3;
/** How long a node may take to move its leaderships and close its logs. */
const STOP_TIMEOUT_MS = 60_000;
/** After a kill the system has only to clean up. */
const KILL_TIMEOUT_MS = 10_000;

export class LocalCluster {
  readonly #folder: ClusterFolder;
  #file: LocalClusterFile;

  private constructor(folder: ClusterFolder, file: LocalClusterFile) {
    this.#folder = folder;
    this.#file = file;
  }

  /** Lays out a new cluster; starts nothing. Throws a failure when there are no ports for it. */
  static async create(folder: ClusterFolder, options: LocalClusterOptions): Promise<LocalCluster> {
    const ports = await freePorts(HOST, options.firstPort, options.brokers);
    const replicas = String(Math.min(MAX_DEFAULT_REPLICAS, options.brokers));
    const file = {
      nodes: ports.map((pair, index) => ({ id: index + 1, ...pair, pid: null })),
      settings: { "default.replication.factor": replicas, ...options.settings },
    };
    folder.write(file);
    return new LocalCluster(folder, file);
  }

  /** The cluster of a folder. Throws a failure when there is none. */
  static open(folder: ClusterFolder): LocalCluster {
    return new LocalCluster(folder, folder.read());
  }

  get nodes(): readonly LocalNode[] {
    return this.#file.nodes;
  }

  get folder(): ClusterFolder {
    return this.#folder;
  }

  /** What clients are to be told: `127.0.0.1:9092,127.0.0.1:9093`. */
  get bootstrapServers(): string {
    return this.nodes.map(addressOf).join(",");
  }

  /** Throws a failure for a node that the cluster does not have. */
  node(id: number): LocalNode {
    const node = this.nodes.find(candidate => candidate.id === id);
    if (node !== undefined) return node;
    const ids = this.nodes.map(candidate => candidate.id).join(", ");
    throw new CliFailure(`The cluster in ${this.#folder.path} has no node ${id}; its nodes are ${ids}.`);
  }

  isRunning(id: number): boolean {
    const node = this.node(id);
    return node.pid !== null && isRunning(node.pid, this.#folder.dataDirectory(node));
  }

  /** Starts a node that does not run, in the background. */
  start(id: number): ChildProcess {
    const node = this.node(id);
    return this.#started(node, startDetached(this.#argumentsOf(node), this.#folder.logFile(node)));
  }

  /** Starts a node that does not run; its output is the child's. */
  startAttached(id: number): ChildProcess {
    const node = this.node(id);
    return this.#started(node, startAttached(this.#argumentsOf(node)));
  }

  /** Asks a node to stop, and resolves when it has. Resolves with false when it did not run. */
  async stop(id: number): Promise<boolean> {
    return this.#end(id, "SIGTERM", STOP_TIMEOUT_MS);
  }

  /** Ends a node as a crash would. Resolves with false when it did not run. */
  kill(id: number): Promise<boolean> {
    return this.#end(id, "SIGKILL", KILL_TIMEOUT_MS);
  }

  async #end(id: number, signal: "SIGTERM" | "SIGKILL", timeoutMs: number): Promise<boolean> {
    const node = this.node(id);
    const wasRunning = this.isRunning(id);
    if (wasRunning && node.pid !== null) {
      process.kill(node.pid, signal);
      if (!(await isGone(node.pid, this.#folder.dataDirectory(node), timeoutMs))) {
        throw new CliFailure(`Node ${id} (process ${node.pid}) does not end.`, {
          advice: `${this.#folder.logFile(node)} says what it does; samsa cluster kill ${id} ends it at once.`,
        });
      }
    }
    this.#remember(node, null);
    return wasRunning;
  }

  #started(node: LocalNode, child: ChildProcess): ChildProcess {
    if (child.pid === undefined) throw new CliFailure(`Node ${node.id} could not be started.`);
    this.#remember(node, child.pid);
    return child;
  }

  #remember({ id }: LocalNode, pid: number | null): void {
    const nodes = this.nodes.map(node => (node.id === id ? { ...node, pid } : node));
    this.#file = { ...this.#file, nodes };
    this.#folder.write(this.#file);
  }

  #argumentsOf(node: LocalNode): string[] {
    const peers = this.nodes.map(peer => `${peer.id}@${addressOf(peer)}`).join(",");
    const settings = Object.entries(this.#file.settings).flatMap(([key, value]) => ["--override", `${key}=${value}`]);
    const place = ["--data-dir", this.#folder.dataDirectory(node), "--host", HOST, "--port", String(node.port)];
    return [...place, "--id", String(node.id), ...(this.nodes.length > 1 ? ["--peers", peers] : []), ...settings];
  }
}

function addressOf({ port }: LocalNode): string {
  return `${HOST}:${port}`;
}
