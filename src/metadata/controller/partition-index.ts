/**
 * Where each broker stands among the partitions: what it leads, in which ISRs and ELRs it is. Fencing one broker among ten thousand partitions
 * so touches its own ones only, and what is left to do after a step is what the index still lists.
 *
 * Derived from the image, kept beside it by `controller-state.ts`: never part of a decision's outcome.
 */
import type { MetadataImage } from "../image.ts";
import { NO_LEADER, type PartitionImage, type TopicChange } from "../topics-image.ts";

/** Partitions, by topic id and number. */
export class PartitionSet {
  readonly #byTopic = new Map<string, Set<number>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(topicId: string, partition: number): boolean {
    return this.#byTopic.get(topicId)?.has(partition) ?? false;
  }

  add(topicId: string, partition: number): void {
    let partitions = this.#byTopic.get(topicId);
    if (partitions === undefined) {
      partitions = new Set();
      this.#byTopic.set(topicId, partitions);
    }
    if (partitions.has(partition)) return;
    partitions.add(partition);
    this.#size += 1;
  }

  delete(topicId: string, partition: number): void {
    const partitions = this.#byTopic.get(topicId);
    if (partitions === undefined || !partitions.delete(partition)) return;
    this.#size -= 1;
    if (partitions.size === 0) this.#byTopic.delete(topicId);
  }

  /** Topic by topic. Must not change while it is walked. */
  *[Symbol.iterator](): Generator<readonly [topicId: string, partition: number]> {
    for (const [topicId, partitions] of this.#byTopic) for (const partition of partitions) yield [topicId, partition];
  }
}

/** Partitions by broker. */
export class PartitionsByBroker {
  readonly #sets = new Map<number, PartitionSet>();

  /** Empty where there are none. */
  of(brokerId: number): PartitionSet {
    return this.#sets.get(brokerId) ?? NO_PARTITIONS;
  }

  add(brokerId: number, topicId: string, partition: number): void {
    let set = this.#sets.get(brokerId);
    if (set === undefined) {
      set = new PartitionSet();
      this.#sets.set(brokerId, set);
    }
    set.add(topicId, partition);
  }

  delete(brokerId: number, topicId: string, partition: number): void {
    const set = this.#sets.get(brokerId);
    if (set === undefined) return;
    set.delete(topicId, partition);
    if (set.size === 0) this.#sets.delete(brokerId);
  }
}

const NO_PARTITIONS = new PartitionSet();

export class PartitionIndex {
  readonly ledBy = new PartitionsByBroker();
  readonly inIsrOf = new PartitionsByBroker();
  readonly inElrOf = new PartitionsByBroker();
  /** Partitions whose first replica is the broker. */
  readonly preferring = new PartitionsByBroker();
  /** Partitions that prefer the broker and are not led by it. */
  readonly imbalanced = new PartitionsByBroker();
  readonly leaderless = new PartitionSet();
  readonly reassigning = new PartitionSet();
  /** Partitions with fewer replicas in sync than they have. */
  readonly underReplicated = new PartitionSet();
  #partitionCount = 0;
  #imbalancedCount = 0;

  static of(image: MetadataImage): PartitionIndex {
    const index = new PartitionIndex();
    for (const { id, partitions } of image.topics.byId.values()) {
      for (const partition of partitions) index.#add(id, partition);
    }
    return index;
  }

  get partitionCount(): number {
    return this.#partitionCount;
  }

  get imbalancedCount(): number {
    return this.#imbalancedCount;
  }

  /** Follows the image from one version to the next. */
  apply(changes: ReadonlyMap<string, TopicChange>): void {
    for (const { topicId, before, after, partitions } of changes.values()) {
      if (after === null) {
        for (const partition of before?.partitions ?? []) this.#remove(topicId, partition);
        continue;
      }
      for (const number of partitions) {
        const old = before?.partitions[number];
        if (old !== undefined) this.#remove(topicId, old);
        this.#add(topicId, after.partitions[number] as PartitionImage);
      }
    }
  }

  #add(topicId: string, partition: PartitionImage): void {
    const { partition: number, leader } = partition;
    this.#partitionCount += 1;
    for (const id of partition.isr) this.inIsrOf.add(id, topicId, number);
    for (const id of partition.eligibleLeaderReplicas) this.inElrOf.add(id, topicId, number);
    if (leader === NO_LEADER) this.leaderless.add(topicId, number);
    else this.ledBy.add(leader, topicId, number);
    if (isReassigning(partition)) this.reassigning.add(topicId, number);
    if (partition.isr.length < partition.replicas.length) this.underReplicated.add(topicId, number);
    const preferred = partition.replicas[0];
    if (preferred === undefined) return;
    this.preferring.add(preferred, topicId, number);
    if (preferred === leader) return;
    this.imbalanced.add(preferred, topicId, number);
    this.#imbalancedCount += 1;
  }

  #remove(topicId: string, partition: PartitionImage): void {
    const { partition: number, leader } = partition;
    this.#partitionCount -= 1;
    for (const id of partition.isr) this.inIsrOf.delete(id, topicId, number);
    for (const id of partition.eligibleLeaderReplicas) this.inElrOf.delete(id, topicId, number);
    this.leaderless.delete(topicId, number);
    this.ledBy.delete(leader, topicId, number);
    this.reassigning.delete(topicId, number);
    this.underReplicated.delete(topicId, number);
    const preferred = partition.replicas[0];
    if (preferred === undefined) return;
    this.preferring.delete(preferred, topicId, number);
    if (preferred === leader) return;
    this.imbalanced.delete(preferred, topicId, number);
    this.#imbalancedCount -= 1;
  }
}

/** Replicas are being added to the partition or removed from it (KIP-455). */
export function isReassigning(partition: PartitionImage): boolean {
  return partition.addingReplicas.length > 0 || partition.removingReplicas.length > 0;
}
