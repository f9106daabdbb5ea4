/**
 * A log as a key-value store: the newest record of each key, found through a hash index in memory.
 *
 * The index follows what becomes durable, batch by batch, and is built by walking the log once when that is opened. Its memory is bounded: with more
 * keys than there is room for, those without a place are looked for in the log, which is slow but right.
 */
import { decodeRecords } from "../../../protocol/records/record.ts";
import type { Random } from "../../platform/platform.ts";
import { type Found, KeyIndex } from "../cleaner/key-index.ts";
import type { PartitionLog } from "../partition-log.ts";
import { walkLog } from "./walk-log.ts";

/** Bounds on the memory of key look-ups. */
export interface KeyIndexBounds {
  /** Of the table of keys: 32 bytes each, and a third more while it is not full. Default 64 MiB, room for 1.5 million keys. */
  readonly memoryBytes?: number;
  /** Of the values kept, those written or read last. The others are read from the file. Default 64 MiB. */
  readonly valueBytes?: number;
}

/** The newest record of a key. */
export interface KeyedRecord {
  readonly offset: number;
  /** Milliseconds. */
  readonly timestamp: number;
  /** Must not be changed. */
  readonly value: Buffer;
}

/** How the index is doing. */
export interface KeyIndexState {
  readonly keyCount: number;
  /** Of the table, used or not. */
  readonly memoryBytes: number;
  /** False once keys found no room: look-ups of those, and of keys that are not there, walk the log. */
  readonly isComplete: boolean;
}

export const DEFAULT_KEY_MEMORY_BYTES = 64 * 1024 * 1024;
export const DEFAULT_VALUE_BYTES = 64 * 1024 * 1024;
const SEED_SIZE_BYTES = 16;
/** Of the open transactions that a walk for one key holds: it has no other bound to take it from. */
const WALK_TRANSACTION_BYTES = 64 * 1024 * 1024;

interface Unflushed {
  readonly batch: Buffer;
  readonly endOffset: number;
}

export class KeyedReads {
  readonly #log: PartitionLog;
  readonly #random: Pick<Random, "bytes">;
  readonly #index: KeyIndex;
  /** Appended, not durable yet: not to be found. */
  #unflushed: Unflushed[] = [];

  private constructor(bounds: KeyIndexBounds, log: PartitionLog, random: Pick<Random, "bytes">) {
    this.#log = log;
    this.#random = random;
    this.#index = new KeyIndex({
      memoryBytes: bounds.memoryBytes ?? DEFAULT_KEY_MEMORY_BYTES,
      valueBytes: bounds.valueBytes ?? DEFAULT_VALUE_BYTES,
      seed: random.bytes(SEED_SIZE_BYTES),
      lowestOffset: () => log.logStartOffset,
    });
    log.onFlushed(() => this.#noteFlushed());
    log.onAppendFailed((_log, endOffset) => {
      this.#unflushed = this.#unflushed.filter(entry => entry.endOffset <= endOffset);
    });
  }

  /** Builds the index of all that `log` holds. */
  static async open(
    bounds: KeyIndexBounds,
    { log, random }: { log: PartitionLog; random: Pick<Random, "bytes"> },
  ): Promise<KeyedReads> {
    const reads = new KeyedReads(bounds, log, random);
    for await (const { buffer, position } of walkLog(log, log.logStartOffset)) reads.#index.noteAt(buffer, position);
    return reads;
  }

  get state(): KeyIndexState {
    const { size, memoryBytes, isComplete } = this.#index;
    return { keyCount: size, memoryBytes, isComplete };
  }

  /** Notes a batch just appended, which ends at `endOffset` and does not change any more. */
  appended(batch: Buffer, endOffset: number): void {
    this.#unflushed.push({ batch, endOffset });
  }

  /** The newest durable record of `key`; null when it has none or was deleted. A promise only where the disk may have to be waited for. */
  get(key: Uint8Array): KeyedRecord | null | Promise<KeyedRecord | null> {
    const found = this.#index.find(key);
    if (found.kind === "absent") return null;
    if (found.kind === "unknown") return this.#search(key);
    if (found.offset < this.#log.logStartOffset) return null;
    return isInMemory(found) ? found : this.#load(key, found.offset);
  }

  /** Reads a value that is not in memory. */
  async #load(key: Uint8Array, offset: number): Promise<KeyedRecord | null> {
    const outcome = await this.#log.read(offset, 1, this.#log.flushedOffset, { minOneBatch: true });
    if (!outcome.ok) {
      // The log start may have moved past it meanwhile; otherwise it is damaged.
      if (offset >= this.#log.logStartOffset) throw new Error(`offset ${offset} cannot be read: ${outcome.message}`);
      return this.get(key);
    }
    const [batch] = outcome.chunks;
    const record = batch === undefined ? undefined : decodeRecords(batch).find(other => other.offset === offset);
    if (record?.value == null) {
      const now = this.#index.find(key);
      // Compaction took it, because there is a newer one.
      if (now.kind !== "record" || now.offset !== offset) return this.get(key);
      throw new Error(`the log has no record at ${offset}, where its index has one`);
    }
    this.#index.remember(key, offset, record.timestamp, record.value);
    return { offset, timestamp: record.timestamp, value: record.value };
  }

  /** Walks the log for a key that found no room in the index. */
  async #search(key: Uint8Array): Promise<KeyedRecord | null> {
    const only = new KeyIndex({
      memoryBytes: 0,
      valueBytes: 0,
      openTransactionBytes: WALK_TRANSACTION_BYTES,
      seed: this.#random.bytes(SEED_SIZE_BYTES),
      only: key,
    });
    for await (const { buffer, position } of walkLog(this.#log, this.#log.logStartOffset))
      only.noteAt(buffer, position);
    const found = only.find(key);
    if (found.kind === "unknown") throw new Error("a transaction is too large to be searched for a key");
    return found.kind === "absent" || found.offset < this.#log.logStartOffset ? null : this.#load(key, found.offset);
  }

  #noteFlushed(): void {
    const { flushedOffset } = this.#log;
    let count = 0;
    for (; count < this.#unflushed.length && this.#unflushed[count]!.endOffset <= flushedOffset; count += 1)
      this.#index.noteAt(this.#unflushed[count]!.batch, 0);
    this.#unflushed = this.#unflushed.slice(count);
  }
}

function isInMemory(found: Found & { readonly kind: "record" }): found is InMemory {
  return found.value !== null;
}

type InMemory = Found & { readonly kind: "record" } & KeyedRecord;
