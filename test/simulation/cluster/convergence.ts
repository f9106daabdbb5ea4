/**
 * When a simulated cluster is whole again. It is asked after every event while the cluster heals, so what an image of the topics says is remembered: most
 * events leave it as it is.
 */
import type { PartitionImage, TopicsImage } from "../../../src/metadata/topics-image.ts";
import type { Partition } from "../../../src/replication/partition.ts";
import type { BrokerProcess } from "./broker-process.ts";

/** The cluster, as far as this looks into it. */
export interface HealingCluster {
  readonly names: readonly string[];
  readonly running: readonly BrokerProcess[];
  readonly processes: ReadonlyMap<string, BrokerProcess>;
}

export class Convergence {
  readonly #cluster: HealingCluster;
  readonly #led = new WeakMap<TopicsImage, boolean>();
  readonly #inSync = new WeakMap<TopicsImage, boolean>();

  constructor(cluster: HealingCluster) {
    this.#cluster = cluster;
  }

  /** Every broker runs, and all partitions have leaders by everyone's account. */
  areAllLed(): boolean {
    const { names, running } = this.#cluster;
    if (running.length < names.length) return false;
    for (const { options, isStarted, services } of running) {
      if (!isStarted) return false;
      if (options.role === "controller") continue;
      if (services === null || !holds(this.#led, services.metadata.image.topics, ({ leader }) => leader >= 0))
        return false;
    }
    return true;
  }

  /** All of that; all have the same metadata, all replicas are in sync, and all logs end where their leader's does, and are readable up to there. */
  haveConverged(): boolean {
    if (!this.areAllLed()) return false;
    const [first, ...others] = this.#cluster.running.filter(({ services }) => services !== null);
    const { offset, topics } = first!.services!.metadata.image;
    for (const other of others) if (other.services!.metadata.image.offset !== offset) return false;
    if (!holds(this.#inSync, topics, ({ isr, replicas }) => isr.length === replicas.length)) return false;
    return topics.byId.values().every(({ name, partitions }) => partitions.every(each => this.#isLevel(name, each)));
  }

  /** What each node knows, for whoever asks why they have not converged. */
  describe(): string {
    const { names, processes } = this.#cluster;
    return names
      .map(name => {
        const process = processes.get(name);
        if (process === undefined) return `${name} is down`;
        if (process.services === null) return `${name} is ${process.isStarted ? "a controller" : "starting"}`;
        const { replicas, metadata } = process.services;
        const partitions = [...replicas.partitions()].map(
          each =>
            `${each.topic}-${each.index} ${each.isLeader ? "leads" : "follows"} e${each.leaderEpoch} isr ${each.isr} ` +
            `${each.isOffline ? "offline" : `${each.highWatermark}/${each.logEndOffset}`}`,
        );
        return `${name} metadata ${metadata.image.offset}: ${partitions.join(", ")}`;
      })
      .join("; ");
  }

  #isLevel(topic: string, { partition: index, leader, replicas }: PartitionImage): boolean {
    const led = this.#replica(leader, topic, index);
    if (led === undefined) return false;
    const endOffset = led.logEndOffset;
    return replicas.every(id => {
      const replica = this.#replica(id, topic, index);
      return replica?.logEndOffset === endOffset && replica.highWatermark === endOffset;
    });
  }

  #replica(nodeId: number, topic: string, index: number): Partition | undefined {
    return this.#cluster.processes.get(`n${nodeId}`)?.services?.replicas.get(topic, index);
  }
}

/** Whether something holds for every partition; remembered in `known`. */
function holds(
  known: WeakMap<TopicsImage, boolean>,
  topics: TopicsImage,
  condition: (partition: PartitionImage) => boolean,
): boolean {
  let outcome = known.get(topics);
  if (outcome === undefined) {
    outcome = topics.byId.values().every(({ partitions }) => partitions.every(condition));
    known.set(topics, outcome);
  }
  return outcome;
}
