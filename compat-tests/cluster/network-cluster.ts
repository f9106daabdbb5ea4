/**
 * Three real broker processes, each in a network of its own behind a bridge, so that their cables can be pulled. The test's clients sit at the bridge.
 * Linux and root are needed: network namespaces and veth pairs by `ip`.
 *
 * ```ts
 * const cluster = await NetworkCluster.start();
 * cluster.cutFromOthers(1);   // its clients still reach it
 * cluster.heal(1);
 * cluster.unplug(2);
 * await cluster.dispose();
 * ```
 *
 * What is cut is lost without a word: nobody gets an error, or sees a connection close.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SAMSA_MAIN, TestCluster, textOf } from "./test-cluster.ts";

const NODE_IDS = [1, 2, 3];
const PORT = 9092;
const CLIENT_HOST_NUMBER = 254;
/** Frames to this address reach nobody. */
const NOBODY = "02:00:00:00:00:99";
const START_TIMEOUT_MS = 30_000;
const LOOK_INTERVAL_MS = 100;

/** Whether networks can be made here. */
export const canMakeNetworks: boolean = isRoot() && tryNetwork();

export class NetworkCluster extends TestCluster {
  readonly #folder = mkdtempSync(join(tmpdir(), "samsa-network-"));
  /** Begins the names of everything made, which are the machine's; the process's id keeps runs apart. */
  readonly #name = `sm${process.pid % 100_000}`;
  /** One of the networks set apart for tests of devices (RFC 2544). */
  readonly #subnet = `198.18.${process.pid % 250}`;
  readonly #nodes = new Map<number, ChildProcess>();
  readonly #settings: Readonly<Record<string, string>>;

  private constructor(settings: Readonly<Record<string, string>>) {
    super();
    this.#settings = {
      "samsa.log.disk.reserve.bytes": "0",
      "samsa.log.disk.reserve.ratio": "0",
      "default.replication.factor": "3",
      ...settings,
    };
  }

  /** Resolves when all nodes serve. */
  static async start(options: { readonly settings?: Readonly<Record<string, string>> } = {}): Promise<NetworkCluster> {
    const cluster = new NetworkCluster(options.settings ?? {});
    try {
      cluster.#makeNetwork();
      for (const id of NODE_IDS) cluster.#startNode(id);
      await cluster.#served();
      return cluster;
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
  }

  get bootstrapServers(): string {
    return NODE_IDS.map(id => `${this.#hostOf(id)}:${PORT}`).join(",");
  }

  get nodeIds(): readonly number[] {
    return NODE_IDS;
  }

  /** Has the node and the other nodes hear nothing of each other any more; clients and the node do. */
  cutFromOthers(nodeId: number): void {
    for (const other of NODE_IDS) {
      if (other === nodeId) continue;
      this.#neighbour(nodeId, other, NOBODY);
      this.#neighbour(other, nodeId, NOBODY);
    }
  }

  /** Has nobody hear anything of the node any more. */
  unplug(nodeId: number): void {
    ip("link", "set", `${this.#name}v${nodeId}`, "down");
  }

  /** Undoes all cuts of a node. */
  heal(nodeId: number): void {
    ip("link", "set", `${this.#name}v${nodeId}`, "up");
    for (const other of NODE_IDS) {
      if (other === nodeId) continue;
      this.#neighbour(nodeId, other, this.#hardwareOf(other));
      this.#neighbour(other, nodeId, this.#hardwareOf(nodeId));
    }
  }

  logOf(nodeId: number): string {
    return textOf(join(this.#folder, `node-${nodeId}.log`));
  }

  async dispose(): Promise<void> {
    const ended = [...this.#nodes.values()].map(child => new Promise(resolve => child.once("exit", resolve)));
    for (const child of this.#nodes.values()) child.kill("SIGKILL");
    await Promise.all(ended);
    for (const id of NODE_IDS) spawnSync("ip", ["netns", "del", this.#namespaceOf(id)]);
    spawnSync("ip", ["link", "del", `${this.#name}b`]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #makeNetwork(): void {
    const bridge = `${this.#name}b`;
    ip("link", "add", bridge, "type", "bridge");
    ip("addr", "add", `${this.#subnet}.${CLIENT_HOST_NUMBER}/24`, "dev", bridge);
    ip("link", "set", bridge, "up");
    for (const id of NODE_IDS) {
      const namespace = this.#namespaceOf(id);
      const cable = `${this.#name}v${id}`;
      ip("netns", "add", namespace);
      ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace);
      ip("link", "set", cable, "master", bridge, "up");
      ip("-n", namespace, "link", "set", "eth0", "address", this.#hardwareOf(id));
      ip("-n", namespace, "addr", "add", `${this.#hostOf(id)}/24`, "dev", "eth0");
      ip("-n", namespace, "link", "set", "lo", "up");
      ip("-n", namespace, "link", "set", "eth0", "up");
    }
  }

  #startNode(id: number): void {
    const peers = NODE_IDS.map(peer => `${peer}@${this.#hostOf(peer)}:${PORT}`).join(",");
    const overrides = Object.entries(this.#settings).flatMap(([key, value]) => ["--override", `${key}=${value}`]);
    const place = ["--id", String(id), "--host", this.#hostOf(id), "--port", String(PORT), "--peers", peers];
    const dataDir = ["--data-dir", join(this.#folder, `node-${id}`)];
    const log = openSync(join(this.#folder, `node-${id}.log`), "a");
    const samsa = [process.execPath, SAMSA_MAIN, "start", ...place, ...dataDir, ...overrides];
    const child = spawn("ip", ["netns", "exec", this.#namespaceOf(id), ...samsa], { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#nodes.set(id, child);
  }

  async #served(): Promise<void> {
    const deadlineMs = performance.now() + START_TIMEOUT_MS;
    while (!NODE_IDS.every(id => this.logOf(id).includes("broker.started"))) {
      if (performance.now() > deadlineMs) throw new Error(`the cluster does not start\n${this.logs}`);
      await new Promise(resolve => setTimeout(resolve, LOOK_INTERVAL_MS));
    }
  }

  /** Says at which hardware address a node finds another. */
  #neighbour(nodeId: number, other: number, address: string): void {
    const entry = [this.#hostOf(other), "lladdr", address, "nud", "permanent", "dev", "eth0"];
    ip("-n", this.#namespaceOf(nodeId), "neigh", "replace", ...entry);
  }

  #hostOf(id: number): string {
    return `${this.#subnet}.${id}`;
  }

  #hardwareOf(id: number): string {
    return `02:00:00:00:01:0${id}`;
  }

  #namespaceOf(id: number): string {
    return `${this.#name}n${id}`;
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

function isRoot(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0;
}

function tryNetwork(): boolean {
  const name = `sm${process.pid % 100_000}t`;
  const isMade = spawnSync("ip", ["netns", "add", name]).status === 0;
  const isLinked =
    isMade &&
    spawnSync("ip", ["link", "add", `${name}v`, "type", "veth", "peer", "name", "eth0", "netns", name]).status === 0;
  if (isMade) spawnSync("ip", ["netns", "del", name]);
  return isLinked;
}
