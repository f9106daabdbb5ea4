/**
 * The newest record of each key of a compacted log, in memory: the log as a key-value store.
 *
 * The index holds an offset for every key, and the values of the keys written or read lately, both within a bound. It follows the log batch by
 * batch, and is built by walking the log once when that is opened. Records of a transaction count from its commit on.
 *
 * ```ts
 * const index = new KeyIndex({ memoryBytes: 256 << 20, valueBytes: 64 << 20, seed: random.bytes(16) });
 * for (const chunk of chunks) index.note(chunk);
 * const found = index.find(Buffer.from("user-42"));
 * if (found.kind === "record") found.value ?? (await read(found.offset));
 * ```
 */
import {
  attributesAt,
  baseTimestampAt,
  batchSizeAt,
  isControl,
  isTransactional,
  maxTimestampAt,
  producerIdAt,
  timestampTypeOf,
} from "../../../protocol/records/batch.ts";
import { markerAt } from "../producer-replay.ts";
import { KeyTable } from "./key-table.ts";
import { RecordWalk } from "./record-walk.ts";
import { ValueCache } from "./value-cache.ts";

export interface KeyIndexOptions {
  /** Bound on the table of keys; each takes 32 bytes, and a third more while the table is not full. */
  readonly memoryBytes: number;
  /** Bound on the values kept. */
  readonly valueBytes: number;
  /** Bound on the batches of open transactions. Default a quarter of {@link memoryBytes}. */
  readonly openTransactionBytes?: number;
  /** 16 unpredictable bytes. */
  readonly seed: Buffer;
}

export type Found =
  /** `value` is null when it is not in memory: it stands in the log at `offset`. */
  | { readonly kind: "record"; readonly offset: number; readonly timestamp: number; readonly value: Buffer | null }
  | { readonly kind: "absent" }
  /** Not all keys found room in the index, and this is none of those that did: only the log knows. */
  | { readonly kind: "unknown" };

const ABSENT: Found = Object.freeze({ kind: "absent" });
const UNKNOWN: Found = Object.freeze({ kind: "unknown" });
/** Places of values: not in memory, and a tombstone that must outlive older records of open transactions. */
const NOT_IN_MEMORY = -1;
const TOMBSTONE = -2;

export class KeyIndex {
  readonly #table: KeyTable;
  readonly #values: ValueCache;
  readonly #openTransactionBytes: number;
  readonly #walk = new RecordWalk();
  /** Batches of open transactions, by producer. */
  readonly #open = new Map<number, Buffer[]>();
  #openBytes = 0;
  #isComplete = true;

  constructor(options: KeyIndexOptions) {
    this.#table = new KeyTable(options);
    this.#values = new ValueCache(options.valueBytes);
    this.#openTransactionBytes = options.openTransactionBytes ?? options.memoryBytes / 4;
  }

  /** Keys in the index. */
  get size(): number {
    return this.#table.size;
  }

  /** False once a key found no room: {@link find} then says `unknown` where it would say `absent`. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Memory of the table of keys; the values take theirs in addition. */
  get memoryBytes(): number {
    return this.#table.memoryBytes;
  }

  /** Notes the batches in `buffer`, which follow in the log on those noted before. They must be whole and sound. */
  note(buffer: Buffer): void {
    for (let position = 0; position < buffer.length; position += batchSizeAt(buffer, position)) {
      const attributes = attributesAt(buffer, position);
      if (isControl(attributes)) this.#endTransaction(buffer, position);
      else if (isTransactional(attributes)) this.#hold(buffer, position);
      else this.#noteBatch(buffer, position);
    }
  }

  find(key: Uint8Array): Found {
    const table = this.#table;
    if (!table.find(key, 0, key.length)) return this.#isComplete ? ABSENT : UNKNOWN;
    const { offset, place } = table;
    if (place === TOMBSTONE) return ABSENT;
    const kept = this.#values.get(place);
    return { kind: "record", offset, timestamp: kept?.timestamp ?? -1, value: kept?.value ?? null };
  }

  /** Keeps the value of a record that was read from the log because {@link find} did not have it. */
  remember(key: Uint8Array, offset: number, timestamp: number, value: Uint8Array): void {
    if (!this.#table.find(key, 0, key.length) || this.#table.offset !== offset) return;
    this.#table.set(offset, this.#values.add(value, 0, value.length, timestamp));
  }

  /** Forgets everything, because the log was cut: it has to be walked again. */
  clear(): void {
    this.#table.clear();
    this.#open.clear();
    this.#openBytes = 0;
    this.#isComplete = true;
  }

  #noteBatch(buffer: Buffer, position: number): void {
    const attributes = attributesAt(buffer, position);
    const appendTime = timestampTypeOf(attributes) === "LogAppendTime" ? maxTimestampAt(buffer, position) : null;
    const baseTimestamp = baseTimestampAt(buffer, position);
    const walk = this.#walk;
    const table = this.#table;
    walk.open(buffer, position);
    while (walk.next()) {
      if (walk.keyStart < 0) continue;
      const isKnown = table.find(walk.bytes, walk.keyStart, walk.keyEnd);
      // Newer than a record of a transaction that ended after it.
      if (isKnown && table.offset > walk.offset) continue;
      if (walk.hasValue) {
        const timestamp = appendTime ?? baseTimestamp + walk.timestampDelta;
        const isNoted = table.set(walk.offset, NOT_IN_MEMORY);
        if (isNoted) table.set(walk.offset, this.#values.add(walk.bytes, walk.valueStart, walk.valueEnd, timestamp));
        else this.#isComplete = false;
      } else if (this.#open.size > 0) {
        if (!table.set(walk.offset, TOMBSTONE)) this.#isComplete = false;
      } else if (isKnown) {
        table.remove();
      }
    }
  }

  #hold(buffer: Buffer, position: number): void {
    const batch = Buffer.from(buffer.subarray(position, position + batchSizeAt(buffer, position)));
    if (this.#openBytes + batch.length > this.#openTransactionBytes) {
      this.#isComplete = false;
      return;
    }
    this.#openBytes += batch.length;
    const producerId = producerIdAt(buffer, position);
    const held = this.#open.get(producerId);
    if (held === undefined) this.#open.set(producerId, [batch]);
    else held.push(batch);
  }

  #endTransaction(buffer: Buffer, position: number): void {
    const marker = markerAt(buffer, position);
    const held = marker === null ? undefined : this.#open.get(marker.producerId);
    if (held === undefined) return;
    for (const batch of held) {
      this.#openBytes -= batch.length;
      if (marker!.isCommit) this.#noteBatch(batch, 0);
    }
    this.#open.delete(marker!.producerId);
  }
}
