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
  /** Where the log starts: what lies below makes room when there is none. Default 0. */
  readonly lowestOffset?: () => number;
  /** Note records of this key alone. */
  readonly only?: Uint8Array;
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
/** Looking for entries below the log start pays when it moved by this share of the keys. */
const SWEEP_SHARE = 1 / 4;

export class KeyIndex {
  readonly #table: KeyTable;
  readonly #values: ValueCache;
  readonly #openTransactionBytes: number;
  readonly #walk = new RecordWalk();
  /** Batches of open transactions, by producer. */
  readonly #open = new Map<number, Buffer[]>();
  #openBytes = 0;
  /** Producers of whose open transaction batches found no room. */
  readonly #lost = new Set<number>();
  readonly #lowestOffset: () => number;
  readonly #only: Uint8Array | null;
  /** The log start when entries below it were last removed. */
  #sweptOffset = 0;
  #isComplete = true;

  constructor(options: KeyIndexOptions) {
    this.#table = new KeyTable(options);
    this.#values = new ValueCache(options.valueBytes);
    this.#openTransactionBytes = options.openTransactionBytes ?? options.memoryBytes / 4;
    this.#lowestOffset = options.lowestOffset ?? (() => 0);
    this.#only = options.only ?? null;
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
    for (let position = 0; position < buffer.length; position += batchSizeAt(buffer, position))
      this.noteAt(buffer, position);
  }

  /** As {@link note}, the one batch at `position`. */
  noteAt(buffer: Buffer, position: number): void {
    const attributes = attributesAt(buffer, position);
    if (isControl(attributes)) this.#endTransaction(buffer, position);
    else if (isTransactional(attributes)) this.#hold(buffer, position);
    else this.#noteBatch(buffer, position, false);
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
    this.#lost.clear();
    this.#isComplete = true;
  }

  /** `isLate`: batches behind it were noted before. */
  #noteBatch(buffer: Buffer, position: number, isLate: boolean): void {
    const attributes = attributesAt(buffer, position);
    const appendTime = timestampTypeOf(attributes) === "LogAppendTime" ? maxTimestampAt(buffer, position) : null;
    const baseTimestamp = baseTimestampAt(buffer, position);
    const walk = this.#walk;
    const table = this.#table;
    walk.open(buffer, position);
    while (walk.next()) {
      if (walk.keyStart < 0 || !this.#isWanted(walk)) continue;
      const isKnown = table.find(walk.bytes, walk.keyStart, walk.keyEnd);
      // Newer than a record of a transaction that ended after it; or perhaps newer, and without room.
      if (isKnown ? table.offset > walk.offset : isLate && !this.#isComplete) continue;
      if (walk.hasValue) {
        const timestamp = appendTime ?? baseTimestamp + walk.timestampDelta;
        if (this.#set(walk.offset, NOT_IN_MEMORY))
          table.set(walk.offset, this.#values.add(walk.bytes, walk.valueStart, walk.valueEnd, timestamp));
      } else if (this.#open.size > 0) {
        this.#set(walk.offset, TOMBSTONE);
      } else if (isKnown) {
        table.remove();
      }
    }
  }

  /** Sets what belongs to the key that was looked for last, making room if that can be. */
  #set(offset: number, place: number): boolean {
    if (this.#table.set(offset, place)) return true;
    const lowestOffset = this.#lowestOffset();
    if (lowestOffset - this.#sweptOffset > this.#table.size * SWEEP_SHARE) {
      this.#sweptOffset = lowestOffset;
      const keepsTombstones = this.#open.size > 0;
      this.#table.sweep((at, where) => at >= lowestOffset && (keepsTombstones || where !== TOMBSTONE));
      if (this.#table.set(offset, place)) return true;
    }
    this.#isComplete = false;
    return false;
  }

  #isWanted({ bytes, keyStart, keyEnd }: RecordWalk): boolean {
    const only = this.#only;
    if (only === null) return true;
    return only.length === keyEnd - keyStart && bytes.compare(only, 0, only.length, keyStart, keyEnd) === 0;
  }

  #hold(buffer: Buffer, position: number): void {
    const producerId = producerIdAt(buffer, position);
    const batch = Buffer.from(buffer.subarray(position, position + batchSizeAt(buffer, position)));
    if (this.#openBytes + batch.length > this.#openTransactionBytes) {
      this.#lost.add(producerId);
      return;
    }
    this.#openBytes += batch.length;
    const held = this.#open.get(producerId);
    if (held === undefined) this.#open.set(producerId, [batch]);
    else held.push(batch);
  }

  #endTransaction(buffer: Buffer, position: number): void {
    const marker = markerAt(buffer, position);
    if (marker === null) return;
    const { producerId, isCommit } = marker;
    const held = this.#open.get(producerId) ?? [];
    if (this.#lost.delete(producerId) && isCommit) {
      // Nobody knows which of the keys have a newer record in it.
      this.#table.clear();
      this.#isComplete = false;
    }
    for (const batch of held) {
      this.#openBytes -= batch.length;
      if (isCommit) this.#noteBatch(batch, 0, true);
    }
    this.#open.delete(producerId);
  }
}
