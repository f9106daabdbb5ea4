/** The logs of a broker by topic and partition. */
import { METADATA_TOPIC } from "./file-names.ts";
import type { PartitionLog } from "./partition-log.ts";

export class LogRegistry {
  readonly #topics = new Map<string, Map<number, PartitionLog>>();

  get segmentCount(): number {
    let count = 0;
    for (const log of this.all()) count += log.segments.count;
    return count;
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  *all(): IterableIterator<PartitionLog> {
    for (const partitions of this.#topics.values()) yield* partitions.values();
  }

  add(log: PartitionLog): void {
    const { topic, partition } = log.topicPartition;
    const partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, new Map([[partition, log]]));
    else partitions.set(partition, log);
  }

  remove(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic);
    if (partitions === undefined) return;
    partitions.delete(partition);
    if (partitions.size === 0) this.#topics.delete(topic);
  }
}

/** The metadata log has its high watermark from the quorum, not from a checkpoint. */
export function isReplicated(log: PartitionLog): boolean {
  return log.topicPartition.topic !== METADATA_TOPIC;
}
