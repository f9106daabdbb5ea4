/** Which partition a record goes to. */
import type { Random } from "../../platform/platform.ts";
import { partitionOfKey } from "./murmur2.ts";

export interface Partitioner {
  /** The partition for a record, out of `partitionCount`. */
  choose(key: Uint8Array | null, partitionCount: number): number;
  /** The batch of `partition` was closed; the next may go elsewhere. */
  batchClosed(partition: number): void;
}

export type PartitionerName = "key-hash" | "round-robin" | "sticky";

export const partitionerNames: readonly PartitionerName[] = ["key-hash", "round-robin", "sticky"];

/**
 * - `key-hash`: records with a key by its hash, those without stick to one partition for a batch (Kafka's default, KIP-480).
 * - `round-robin`: each record to the next partition, whatever its key.
 * - `sticky`: all records stick to one partition for a batch, whatever their keys.
 */
export function createPartitioner(name: PartitionerName, random: Random): Partitioner {
  if (name === "round-robin") return new RoundRobinPartitioner(random);
  const sticky = new StickyPartitioner(random);
  return name === "sticky" ? sticky : new KeyHashPartitioner(sticky);
}

class KeyHashPartitioner implements Partitioner {
  readonly #keyless: Partitioner;

  constructor(keyless: Partitioner) {
    this.#keyless = keyless;
  }

  choose(key: Uint8Array | null, partitionCount: number): number {
    return key === null ? this.#keyless.choose(key, partitionCount) : partitionOfKey(key, partitionCount);
  }

  batchClosed(partition: number): void {
    this.#keyless.batchClosed(partition);
  }
}

class RoundRobinPartitioner implements Partitioner {
  readonly #random: Random;
  #next: number | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  choose(_key: Uint8Array | null, partitionCount: number): number {
    this.#next ??= this.#random.integer(partitionCount);
    const partition = this.#next % partitionCount;
    this.#next = (partition + 1) % partitionCount;
    return partition;
  }

  batchClosed(): void {}
}

class StickyPartitioner implements Partitioner {
  readonly #random: Random;
  #current: number | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  choose(_key: Uint8Array | null, partitionCount: number): number {
    if (this.#current === null || this.#current >= partitionCount) this.#current = this.#random.integer(partitionCount);
    return this.#current;
  }

  batchClosed(partition: number): void {
    if (partition === this.#current) this.#current = null;
  }
}
