/**
 * From keys to the newest offset each has in the dirty part of a log, in a fixed amount of memory.
 *
 * As in Kafka a slot takes 24 bytes, 16 of hash and 8 of offset, and no key is kept: two keys with the same 128 bits are taken for one. Slots
 * lie in two typed arrays, probed one after the other from where the hash points, so nothing is allocated per key.
 */
import { HASH_SEED_SIZE_BYTES, KeyHash } from "./key-hash.ts";

export const SLOT_SIZE_BYTES = 24;

export interface OffsetMapOptions {
  /** Bound on the memory of the slots. */
  readonly memoryBytes: number;
  /** How full the map may get, in (0, 1): beyond it probing gets slow. */
  readonly loadFactor: number;
  /** Most keys that may come; spares memory when that is less than what there is room for. */
  readonly expectedKeys?: number;
  /** 16 unpredictable bytes. */
  readonly seed?: Buffer;
}

export class OffsetMap {
  readonly #hash: KeyHash;
  readonly #slotCount: number;
  readonly #capacity: number;
  /** Four words of hash a slot. */
  readonly #hashes: Int32Array;
  /** Offset plus one, so that a slot of zeros is a free one. */
  readonly #offsets: Float64Array;
  #size = 0;
  /** Last offset that the map covers; -1 when it covers none. */
  latestOffset = -1;

  constructor(options: OffsetMapOptions) {
    const { memoryBytes, loadFactor, expectedKeys = Number.POSITIVE_INFINITY } = options;
    const mostSlots = Math.max(2, Math.floor(memoryBytes / SLOT_SIZE_BYTES));
    this.#slotCount = Math.min(mostSlots, Math.ceil(expectedKeys / loadFactor) + 2);
    // One slot stays free in any case, so that every probe ends.
    this.#capacity = Math.max(1, Math.min(Math.floor(this.#slotCount * loadFactor), this.#slotCount - 1));
    this.#hashes = new Int32Array(this.#slotCount * 4);
    this.#offsets = new Float64Array(this.#slotCount);
    this.#hash = new KeyHash(options.seed ?? Buffer.alloc(HASH_SEED_SIZE_BYTES));
  }

  get size(): number {
    return this.#size;
  }

  /** Keys that fit in. */
  get capacity(): number {
    return this.#capacity;
  }

  get memoryBytes(): number {
    return this.#slotCount * SLOT_SIZE_BYTES;
  }

  /** Notes `offset` for the key `bytes[start, end)`; later calls have higher offsets. False when the map is full: nothing is noted then. */
  put(bytes: Uint8Array, start: number, end: number, offset: number): boolean {
    if (this.#size >= this.#capacity) return false;
    const slot = this.#find(bytes, start, end);
    if (this.#offsets[slot] === 0) {
      const { h0, h1, h2, h3 } = this.#hash;
      const at = slot * 4;
      this.#hashes[at] = h0;
      this.#hashes[at + 1] = h1;
      this.#hashes[at + 2] = h2;
      this.#hashes[at + 3] = h3;
      this.#size += 1;
    }
    this.#offsets[slot] = offset + 1;
    this.latestOffset = offset;
    return true;
  }

  /** The newest offset of the key `bytes[start, end)`; -1 when it has none here. */
  get(bytes: Uint8Array, start: number, end: number): number {
    return this.#offsets[this.#find(bytes, start, end)]! - 1;
  }

  /** The key's slot, or the free one where it would go. */
  #find(bytes: Uint8Array, start: number, end: number): number {
    const hash = this.#hash;
    hash.compute(bytes, start, end);
    const { h0, h1, h2, h3 } = hash;
    const hashes = this.#hashes;
    const offsets = this.#offsets;
    const slotCount = this.#slotCount;
    let slot = Math.floor((h0 >>> 0) * slotCount * 2 ** -32);
    for (;;) {
      if (offsets[slot] === 0) return slot;
      const at = slot * 4;
      if (hashes[at] === h0 && hashes[at + 1] === h1 && hashes[at + 2] === h2 && hashes[at + 3] === h3) return slot;
      slot += 1;
      if (slot === slotCount) slot = 0;
    }
  }
}
