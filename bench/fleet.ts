/** The brokers of a benchmark: started when they are first needed, warmed up, and all stopped at the end however that comes. */
import type { Row } from "./load/rows.ts";
import { warmUp } from "./load/warm-up.ts";
import type { Options } from "./options.ts";
import type { ClusterSystem, Make, System } from "./systems/system.ts";

/** Brokers of a cluster. */
export const CLUSTER_SIZE = 3;

export interface WarmUpRows {
  readonly one: readonly Row[];
  readonly cluster: readonly Row[];
}

export class Fleet {
  readonly makes: readonly Make[];
  /** Name and description of each system that ran. */
  readonly descriptions = new Map<string, string>();
  readonly #options: Options;
  readonly #rows: WarmUpRows;
  /** Everything that has to be stopped. */
  readonly #running = new Set<{ stop(): Promise<void> }>();
  #systems: System[] = [];
  readonly #clusters = new Map<Make, ClusterSystem>();

  constructor(options: Options, modules: { makes: readonly Make[]; warmUpRows: WarmUpRows }) {
    this.#options = options;
    this.makes = modules.makes;
    this.#rows = modules.warmUpRows;
  }

  /** One broker of each make; one is under load at a time. A broker that has died is started again. */
  async systems(): Promise<readonly System[]> {
    if (this.#systems.length === 0) {
      await this.stop();
      for (const make of this.makes) this.#systems.push(await this.start(make));
      for (const system of this.#systems) await this.warmUp(system, this.#rows.one);
    }
    for (const system of this.#systems) {
      if (system.isRunning) continue;
      console.log(`${system.name} has died; it is started again.`);
      await system.restart();
    }
    return this.#systems;
  }

  /** A cluster of each make; one is under load at a time. */
  async clusters(): Promise<readonly ClusterSystem[]> {
    const missing = this.makes.filter(make => !this.#clusters.has(make));
    if (missing.length > 0) {
      if (this.#clusters.size === 0) await this.stop();
      for (const make of missing) this.#clusters.set(make, await this.#startCluster(make));
      for (const make of missing) await this.warmUp(addressOf(this.#clusters.get(make)!), this.#rows.cluster);
    }
    return [...this.#clusters.values()];
  }

  /** A cluster that may be broken, which the caller gives to {@link release}: the running one, or a new one that is not warm. */
  async takeCluster(make: Make): Promise<ClusterSystem> {
    const running = this.#clusters.get(make);
    this.#clusters.delete(make);
    if (running !== undefined) return running;
    if (this.#clusters.size === 0) await this.stop();
    return await this.#startCluster(make);
  }

  async #startCluster(make: Make): Promise<ClusterSystem> {
    const cluster = await make.startCluster(this.#options.dataDir, CLUSTER_SIZE);
    this.#running.add(cluster);
    this.descriptions.set(cluster.name, cluster.description);
    return cluster;
  }

  /** A broker of its own, which the caller stops by {@link release}; the others are stopped first, unless all is to be quick. */
  async fresh(make: Make): Promise<System> {
    if (this.#options.isQuick) return (await this.systems()).find(({ name }) => name === make.name)!;
    await this.stop();
    return await this.start(make);
  }

  /** What {@link fresh} or {@link takeCluster} gave is needed no more. */
  async release(system: System | ClusterSystem): Promise<void> {
    if (this.#systems.some(each => each === system)) return;
    this.#running.delete(system);
    await system.stop();
  }

  async start(make: Make): Promise<System> {
    return await this.add(make.start(this.#options.dataDir));
  }

  /** Takes on one that was started otherwise. */
  async add(started: Promise<System>): Promise<System> {
    const system = await started;
    this.#running.add(system);
    this.descriptions.set(system.name, system.description);
    return system;
  }

  async warmUp({ name, address }: { name: string; address: string }, rows: readonly Row[]): Promise<void> {
    const { durationMs } = this.#options.timings.warmUp;
    console.log(`${name} is warmed up, ${durationMs / 1000} s a load.`);
    const replicationFactor = this.#clusters.size > 0 ? CLUSTER_SIZE : 1;
    await warmUp(address, { rows, durationMs, replicationFactor });
  }

  /** Stops all that runs; safe to call twice. */
  async stop(): Promise<void> {
    this.#systems = [];
    this.#clusters.clear();
    for (const each of [...this.#running]) {
      this.#running.delete(each);
      await each.stop().catch(error => console.log(`a broker did not stop: ${error}`));
    }
  }
}

function addressOf({ name, nodes }: ClusterSystem): { name: string; address: string } {
  return { name: `${name} ×${nodes.length}`, address: nodes[0]!.address };
}
