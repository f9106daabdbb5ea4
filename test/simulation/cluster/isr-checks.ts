/**
 * What the in-sync sets of the metadata promise, looked at after every event (RELIABILITY.md I3, bugs 1, 4 to 7):
 *
 * - whoever is in sync has on its disk all that any leader ever committed: when a set changes, and when a log is cut;
 * - who joins was proposed by the leader of that very epoch, for the very state of the partition that the change replaced, is not fenced, does not
 *   stop, and is the process that the leader heard of;
 * - no leader commits while fewer replicas are in sync than `min.insync.replicas` asks for;
 * - a new leader, and fewer replicas, come with a new leader epoch, and nobody fenced is elected;
 * - no process leads or follows by what the metadata said of the process before it.
 */
import { ConfigResourceType } from "../../../src/config/index.ts";
import { type ConfigsImage, resourceKey } from "../../../src/metadata/configs-image.ts";
import type { MetadataImage } from "../../../src/metadata/image.ts";
import type { PartitionImage, TopicImage } from "../../../src/metadata/topics-image.ts";
import type { LeaderRole } from "../../../src/replication/leader-role.ts";
import type { Partition } from "../../../src/replication/partition.ts";
import { InvariantError } from "../world.ts";
import type { BrokerProcess } from "./broker-process.ts";
import { keyOf } from "./history.ts";
import type { PartitionChecks } from "./partition-checks.ts";

/** What faults that lie in wait are told of: see `ambushes.ts`. */
export interface IsrObserver {
  /** The leader waits for the controller to let `joiners` into the ISR, or `leavers` out of it. */
  isrProposed(process: BrokerProcess, partition: Partition, joiners: readonly number[]): void;
  /** The leader committed something that its followers have not been told. */
  committed(process: BrokerProcess, partition: Partition): void;
}

/** What a partition was after the event before. */
interface Seen {
  role: LeaderRole | null;
  highWatermark: number;
  flushedOffset: number;
  isUnderMinimum: boolean;
  partitionEpoch: number;
  isProposing: boolean;
  /** `min.insync.replicas`, by these configs and for so many replicas. */
  minimum: number;
  configs: ConfigsImage | null;
  replicaCount: number;
}

/** A leader's proposal, and for which state of the partition it was made. */
type ProposalKey = string;

export class IsrChecks {
  readonly #partitionChecks: PartitionChecks;
  readonly #observer: IsrObserver;
  readonly #seen = new WeakMap<Partition, Seen>();
  /** What was committed by any leader, by topic id and partition. */
  readonly #committed = new Map<string, number>();
  /** Of each proposal: who is to join, and the epochs of the processes that the leader had heard of. */
  readonly #proposed = new Map<ProposalKey, Map<number, Set<number>>>();
  /** The epoch under which a machine's process before this one was registered. */
  readonly #epochsBefore = new WeakMap<BrokerProcess, number>();
  /** Of brokers whose disk was lost: under which epoch they were registered then, and in which ISRs they have been ever since. */
  readonly #lost = new Map<number, { readonly epoch: number; readonly partitions: Set<string> }>();
  /** The newest that any broker has applied. */
  #newest: MetadataImage | null = null;

  constructor(modules: { partitionChecks: PartitionChecks; observer: IsrObserver }) {
    this.#partitionChecks = modules.partitionChecks;
    this.#observer = modules.observer;
  }

  processStarts(process: BrokerProcess): void {
    const { nodeId } = process.options;
    this.#epochsBefore.set(process, this.#newest?.cluster.brokers.get(nodeId)?.epoch ?? -1);
  }

  /** The disk of a broker is gone, and what it held of the partitions that it is in sync with. */
  diskLost(nodeId: number): void {
    const partitions = new Set<string>();
    for (const { id, partitions: all } of this.#newest?.topics.byId.values() ?? []) {
      for (const { partition, isr } of all) if (isr.includes(nodeId)) partitions.add(idOf(id, partition));
    }
    this.#lost.set(nodeId, { epoch: this.#newest?.cluster.brokers.get(nodeId)?.epoch ?? -1, partitions });
  }

  /** Looks at the processes that may have changed, among all that run. */
  afterEvent(changed: readonly BrokerProcess[], processes: readonly BrokerProcess[]): void {
    for (const process of changed) {
      if (process.services === null) continue;
      for (const partition of process.services.replicas.partitions()) {
        if (!partition.isOffline && partition.leaderEpoch >= 0) this.#lookAt(process, partition, processes);
      }
    }
    const newest = newestImage(processes);
    if (newest === null || newest === this.#newest || newest.offset < (this.#newest?.offset ?? -1)) return;
    const before = this.#newest;
    this.#newest = newest;
    this.#checkChanges(before, newest, processes);
  }

  #lookAt(process: BrokerProcess, partition: Partition, processes: readonly BrokerProcess[]): void {
    const { log, leader } = partition;
    const { highWatermark, flushedOffset } = log;
    let seen = this.#seen.get(partition);
    if (seen === undefined) {
      this.#checkLife(process, partition);
      seen = {
        role: null,
        highWatermark,
        flushedOffset,
        isUnderMinimum: false,
        partitionEpoch: -1,
        isProposing: false,
        minimum: 0,
        configs: null,
        replicaCount: 0,
      };
      this.#seen.set(partition, seen);
    }
    if (flushedOffset < seen.flushedOffset) this.#checkInSync(partition, processes);
    seen.flushedOffset = flushedOffset;
    if (leader === null) {
      seen.role = null;
      return;
    }
    const { configs } = process.services!.metadata.image;
    if (seen.configs !== configs || seen.replicaCount !== partition.replicas.length) {
      seen.configs = configs;
      seen.replicaCount = partition.replicas.length;
      seen.minimum = minimumOf(configs, partition);
    }
    const isUnderMinimum = leader.isr.length < seen.minimum;
    if (seen.role === leader && highWatermark > seen.highWatermark) {
      // A set that changed in the event in which the watermark moved was another in between.
      if (isUnderMinimum && seen.isUnderMinimum && seen.partitionEpoch === leader.partitionEpoch) {
        throw new InvariantError(
          `${process.options.name} raised the high watermark of ${nameOf(partition)} to ${highWatermark} with ${leader.isr} in sync`,
        );
      }
      const key = idOf(partition.topicId, partition.index);
      if (highWatermark > (this.#committed.get(key) ?? 0)) this.#committed.set(key, highWatermark);
      this.#observer.committed(process, partition);
    }
    if (leader.hasPendingIsr && !(seen.isProposing && seen.role === leader))
      this.#noteProposal(process, partition, leader);
    seen.isProposing = leader.hasPendingIsr;
    seen.isUnderMinimum = isUnderMinimum;
    seen.partitionEpoch = leader.partitionEpoch;
    seen.highWatermark = highWatermark;
    seen.role = leader;
  }

  /** It has been given a role: by what was said of this process, not of an earlier one whose leaderships have ended. */
  #checkLife(process: BrokerProcess, partition: Partition): void {
    const { nodeId, name } = process.options;
    const before = this.#epochsBefore.get(process) ?? -1;
    const epoch = process.services!.metadata.image.cluster.brokers.get(nodeId)?.epoch ?? -1;
    if (epoch > before) return;
    throw new InvariantError(
      `${name} takes its role in ${nameOf(partition)} by metadata of its process before, registered as ${epoch}`,
    );
  }

  #noteProposal(process: BrokerProcess, partition: Partition, leader: LeaderRole): void {
    const { topicId, index } = partition;
    const key = proposalKey(topicId, index, leader.leaderEpoch, leader.partitionEpoch);
    const joiners = (leader.proposedIsr ?? []).filter(id => !leader.isr.includes(id));
    const proposed = this.#proposed.get(key) ?? new Map<number, Set<number>>();
    this.#proposed.set(key, proposed);
    for (const id of joiners) {
      const heardOf = leader.followers.find(follower => follower.id === id)?.brokerEpoch ?? -1;
      proposed.set(id, (proposed.get(id) ?? new Set()).add(heardOf));
    }
    const { brokers } = process.services!.metadata.image.cluster;
    for (const id of joiners) {
      const broker = brokers.get(id);
      if (broker?.fenced === false && !broker.inControlledShutdown) continue;
      throw new InvariantError(`${process.options.name} proposes ${id}, which is not active, for ${nameOf(partition)}`);
    }
    this.#observer.isrProposed(process, partition, joiners);
  }

  #checkChanges(before: MetadataImage | null, after: MetadataImage, processes: readonly BrokerProcess[]): void {
    for (const topic of after.topics.byId.values()) {
      if (this.#lost.size > 0) for (const each of topic.partitions) this.#checkLost(topic, each, after);
      const topicBefore = before?.topics.byId.get(topic.id);
      if (topicBefore === topic) continue;
      for (const partition of topic.partitions) {
        const known = topicBefore?.partitions[partition.partition];
        if (known === undefined || known === partition) continue;
        checkEpochs(topic, known, partition, after);
        if (sameMembers(known.isr, partition.isr)) continue;
        for (const id of partition.isr) {
          if (!known.isr.includes(id)) this.#checkJoiner(id, topic, known, partition, after);
        }
        this.#checkMembers(topic, partition, processes);
      }
    }
  }

  /** Who comes back without its disk is not counted on where it was in sync: it has to join anew. */
  #checkLost(topic: TopicImage, { partition: index, isr, replicas }: PartitionImage, image: MetadataImage): void {
    for (const [nodeId, { epoch, partitions }] of this.#lost) {
      const key = idOf(topic.id, index);
      if (!partitions.has(key)) continue;
      const broker = image.cluster.brokers.get(nodeId);
      if (!isr.includes(nodeId)) partitions.delete(key);
      else if (replicas.length > 1 && broker !== undefined && broker.epoch > epoch && !broker.fenced) {
        throw new InvariantError(
          `n${nodeId} is active and in the ISR ${isr} of ${keyOf(topic.name, index)}, which it lost`,
        );
      }
    }
  }

  #checkJoiner(
    id: number,
    topic: TopicImage,
    before: PartitionImage,
    after: PartitionImage,
    image: MetadataImage,
  ): void {
    const what = `${id} joined the ISR of ${keyOf(topic.name, after.partition)}`;
    const broker = image.cluster.brokers.get(id);
    if (broker === undefined || broker.fenced || broker.inControlledShutdown) {
      throw new InvariantError(`${what}, though it is ${broker?.fenced === false ? "stopping" : "fenced"}`);
    }
    // Who was eligible outside of the ISR comes in by being elected.
    if (id === after.leader && before.leader !== id) return;
    if (after.partitionEpoch === before.partitionEpoch + 1) {
      const key = proposalKey(topic.id, after.partition, before.leaderEpoch, before.partitionEpoch);
      const heardOf = this.#proposed.get(key)?.get(id);
      if (heardOf === undefined) {
        throw new InvariantError(
          `${what} in partition epoch ${after.partitionEpoch}, which nobody proposed for ${before.leaderEpoch}/${before.partitionEpoch}`,
        );
      }
      if (!heardOf.has(broker.epoch)) {
        throw new InvariantError(`${what} as process ${broker.epoch}; the leader had heard of ${[...heardOf]} only`);
      }
    }
  }

  /** A log became shorter: not below what was committed, where its replica is in sync. */
  #checkInSync({ topicId, index }: Partition, processes: readonly BrokerProcess[]): void {
    const topic = this.#newest?.topics.byId.get(topicId);
    const partition = topic?.partitions[index];
    if (topic !== undefined && partition !== undefined) this.#checkMembers(topic, partition, processes);
  }

  #checkMembers(topic: TopicImage, partition: PartitionImage, processes: readonly BrokerProcess[]): void {
    const { partition: index, isr, replicas } = partition;
    const committed = this.#committed.get(idOf(topic.id, index));
    // A single replica is its own ISR, whatever its disk has lost.
    if (committed === undefined || replicas.length < 2) return;
    for (const id of isr) {
      const endOffset = this.#partitionChecks.durableEndOf(id, topic, index, processes);
      if (endOffset === null || endOffset >= committed) continue;
      throw new InvariantError(
        `n${id} is in the ISR ${isr} of ${keyOf(topic.name, index)} with ${endOffset} on disk; ${committed} was committed`,
      );
    }
  }
}

/** A new leader, and fewer replicas, are of a new leader epoch; and who is made leader is active. */
function checkEpochs(topic: TopicImage, before: PartitionImage, after: PartitionImage, image: MetadataImage): void {
  const key = keyOf(topic.name, after.partition);
  const isNewEpoch = after.leaderEpoch > before.leaderEpoch;
  if (after.leader !== before.leader && !isNewEpoch) {
    throw new InvariantError(
      `${key} passed from ${before.leader} to ${after.leader} in leader epoch ${after.leaderEpoch}`,
    );
  }
  if (!isNewEpoch && !before.replicas.every(id => after.replicas.includes(id))) {
    throw new InvariantError(`${key} lost a replica of ${before.replicas} in leader epoch ${after.leaderEpoch}`);
  }
  const broker = image.cluster.brokers.get(after.leader);
  if (isNewEpoch && after.leader >= 0 && after.leader !== before.leader && broker?.fenced !== false) {
    throw new InvariantError(`${key} is to be led by ${after.leader}, which is fenced`);
  }
}

/** `min.insync.replicas` of a partition, as the metadata has it. */
function minimumOf(configs: ConfigsImage, { topic, replicas }: Partition): number {
  const values = configs.resources.get(resourceKey(ConfigResourceType.TOPIC, topic))?.values;
  const configured = values?.get("min.insync.replicas");
  const usual = replicas.length <= 2 ? 1 : Math.floor(replicas.length / 2) + 1;
  return Math.min(configured === undefined ? usual : Number(configured), replicas.length);
}

function newestImage(processes: readonly BrokerProcess[]): MetadataImage | null {
  let newest: MetadataImage | null = null;
  for (const { services } of processes) {
    if (services !== null && services.metadata.image.offset > (newest?.offset ?? -1)) newest = services.metadata.image;
  }
  return newest;
}

function sameMembers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every(id => b.includes(id));
}

function proposalKey(topicId: string, index: number, leaderEpoch: number, partitionEpoch: number): ProposalKey {
  return `${idOf(topicId, index)}@${leaderEpoch}/${partitionEpoch}`;
}

function idOf(topicId: string, index: number): string {
  return `${topicId}-${index}`;
}

function nameOf({ topic, index }: Partition): string {
  return keyOf(topic, index);
}
