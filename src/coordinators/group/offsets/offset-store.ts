/**
 * The committed offsets of one partition of `__consumer_offsets`, by group, topic and partition, and those of transactions that are still open.
 */

/** One committed offset. */
export interface CommittedOffset {
  /** As committed: any 64-bit value. */
  readonly offset: bigint;
  /** Leader epoch of the last record consumed; -1 when not told (KIP-320). */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** When it goes whatever its group does; -1 for the usual rules. Asked for by OffsetCommit v2–4. */
  readonly expireTimestampMs: number;
  /** Of the topic as it was; all zero when not known. */
  readonly topicId: string;
}

/** Topic → partition → offset. */
export type TopicOffsets = ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>;

interface Entry extends CommittedOffset {
  /** Counts writes: of two offsets, the one written later. */
  readonly order: number;
}

type Table = Map<string, Map<string, Map<number, Entry>>>;

export class OffsetStore {
  readonly #committed: Table = new Map();
  /** Offsets of open transactions, by producer id. */
  readonly #open = new Map<number, Table>();
  #order = 0;
  #count = 0;

  /** Offsets committed, of all groups. */
  get count(): number {
    return this.#count;
  }

  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#committed.get(group)?.get(topic)?.get(partition);
  }

  /** All offsets of a group; undefined when it has none. */
  of(group: string): TopicOffsets | undefined {
    return this.#committed.get(group);
  }

  has(group: string): boolean {
    return this.#committed.has(group);
  }

  /** Groups that have offsets. */
  groups(): IterableIterator<string> {
    return this.#committed.keys();
  }

  set(group: string, topic: string, partition: number, offset: CommittedOffset): void {
    this.#put(group, topic, partition, { ...offset, order: ++this.#order });
  }

  delete(group: string, topic: string, partition: number): void {
    if (remove(this.#committed, group, topic, partition)) this.#count -= 1;
    // A tombstone also ends what a transaction may still commit: it was written before.
    for (const table of this.#open.values()) remove(table, group, topic, partition);
  }

  // --- Transactions

  /** An offset that counts once the producer's transaction commits. */
  setOpen(producerId: number, group: string, topic: string, partition: number, offset: CommittedOffset): void {
    let table = this.#open.get(producerId);
    if (table === undefined) {
      table = new Map();
      this.#open.set(producerId, table);
    }
    partitionsOf(table, group, topic).set(partition, { ...offset, order: ++this.#order });
  }

  /** The producer's transaction ended. A regular commit made meanwhile is later, and stays. */
  endTransaction(producerId: number, isCommitted: boolean): void {
    const table = this.#open.get(producerId);
    if (table === undefined) return;
    this.#open.delete(producerId);
    if (!isCommitted) return;
    for (const [group, topics] of table) {
      for (const [topic, partitions] of topics) {
        for (const [partition, entry] of partitions) {
          const existing = this.#committed.get(group)?.get(topic)?.get(partition);
          if (existing === undefined || existing.order < entry.order) this.#put(group, topic, partition, entry);
        }
      }
    }
  }

  /** Whether an open transaction may change this offset (KIP-447). */
  isOpen(group: string, topic: string, partition: number): boolean {
    for (const table of this.#open.values()) if (table.get(group)?.get(topic)?.has(partition)) return true;
    return false;
  }

  /** Partitions of a group that open transactions may change, by topic. */
  *openPartitions(group: string): Iterable<{ topic: string; partition: number }> {
    for (const table of this.#open.values()) {
      for (const [topic, partitions] of table.get(group) ?? []) {
        for (const partition of partitions.keys()) yield { topic, partition };
      }
    }
  }

  hasOpen(group: string): boolean {
    for (const table of this.#open.values()) if (table.has(group)) return true;
    return false;
  }

  #put(group: string, topic: string, partition: number, entry: Entry): void {
    const partitions = partitionsOf(this.#committed, group, topic);
    if (!partitions.has(partition)) this.#count += 1;
    partitions.set(partition, entry);
  }
}

function partitionsOf(table: Table, group: string, topic: string): Map<number, Entry> {
  let topics = table.get(group);
  if (topics === undefined) {
    topics = new Map();
    table.set(group, topics);
  }
  let partitions = topics.get(topic);
  if (partitions === undefined) {
    partitions = new Map();
    topics.set(topic, partitions);
  }
  return partitions;
}

/** Leaves no empty maps behind. Returns whether there was anything to remove. */
function remove(table: Table, group: string, topic: string, partition: number): boolean {
  const topics = table.get(group);
  const partitions = topics?.get(topic);
  if (topics === undefined || partitions === undefined || !partitions.delete(partition)) return false;
  if (partitions.size === 0) topics.delete(topic);
  if (topics.size === 0) table.delete(group);
  return true;
}
