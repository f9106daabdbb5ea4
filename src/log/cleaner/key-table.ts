/**
 * A hash table from record keys to offsets in bounded memory, which grows a little at a time.
 *
 * Keys are known by 128 bits of hash. The table is made of many small ones, each of which doubles by itself, so that no call ever moves more than
 * a small part of the entries. An entry takes 32 bytes: hash, offset, and a number of the owner's.
 */
import { KeyHash } from "./key-hash.ts";

const ENTRY_SIZE_BYTES = 32;
const SHARD_COUNT = 256;
const INITIAL_SLOTS = 16;

export class KeyTable {
  readonly #hash: KeyHash;
  readonly #memoryBytes: number;
  readonly #shards: Shard[] = [];
  #slotCount = 0;
  #size = 0;
  /** Where {@link find} found the key, or would put it. */
  #shard!: Shard;
  #slot = 0;

  /** `memoryBytes` bounds the entries, used or not; `seed` is 16 unpredictable bytes. */
  constructor(options: { memoryBytes: number; seed: Buffer }) {
    this.#hash = new KeyHash(options.seed);
    this.#memoryBytes = options.memoryBytes;
    this.clear();
  }

  /** Keys in the table. */
  get size(): number {
    return this.#size;
  }

  get memoryBytes(): number {
    return this.#slotCount * ENTRY_SIZE_BYTES;
  }

  /** Offset of the key that was found. */
  get offset(): number {
    return this.#shard.offsetAt(this.#slot);
  }

  /** The owner's number for it. */
  get place(): number {
    return this.#shard.placeAt(this.#slot);
  }

  /** Looks for the key `bytes[start, end)`; true when it is there. */
  find(bytes: Uint8Array, start: number, end: number): boolean {
    this.#hash.compute(bytes, start, end);
    this.#shard = this.#shards[this.#hash.h3 & (SHARD_COUNT - 1)]!;
    this.#slot = this.#shard.find(this.#hash.h0, this.#hash.h1, this.#hash.h2, this.#hash.h3);
    return this.#shard.offsetAt(this.#slot) >= 0;
  }

  /** Sets what belongs to the key that {@link find} looked for last. False when it is new and there is no room for it. */
  set(offset: number, place: number): boolean {
    const { h0, h1, h2, h3 } = this.#hash;
    if (this.#shard.offsetAt(this.#slot) < 0) {
      if (this.#shard.isFull && !this.#grow()) return false;
      this.#shard.occupy(this.#slot, h0, h1, h2, h3);
      this.#size += 1;
    }
    this.#shard.setAt(this.#slot, offset, place);
    return true;
  }

  /** Takes out the key that {@link find} found. */
  remove(): void {
    this.#shard.remove(this.#slot);
    this.#size -= 1;
  }

  /** Takes out the entries that `keep` does not want, and looks again for the key that {@link find} looked for last. */
  sweep(keep: (offset: number, place: number) => boolean): void {
    this.#size = 0;
    this.#slotCount = 0;
    for (let index = 0; index < SHARD_COUNT; index += 1) {
      const swept = this.#shards[index]!.filtered(keep);
      this.#shards[index] = swept;
      this.#size += swept.size;
      this.#slotCount += swept.slotCount;
    }
    const { h0, h1, h2, h3 } = this.#hash;
    this.#shard = this.#shards[h3 & (SHARD_COUNT - 1)]!;
    this.#slot = this.#shard.find(h0, h1, h2, h3);
  }

  clear(): void {
    for (let index = 0; index < SHARD_COUNT; index += 1) this.#shards[index] = new Shard(INITIAL_SLOTS);
    this.#shard = this.#shards[0]!;
    this.#slot = 0;
    this.#slotCount = SHARD_COUNT * INITIAL_SLOTS;
    this.#size = 0;
  }

  /** Doubles the shard at hand and looks for the free slot again. */
  #grow(): boolean {
    const old = this.#shard;
    if ((this.#slotCount + old.slotCount) * ENTRY_SIZE_BYTES > this.#memoryBytes) return false;
    const { h0, h1, h2, h3 } = this.#hash;
    const grown = old.doubled();
    this.#shards[h3 & (SHARD_COUNT - 1)] = grown;
    this.#shard = grown;
    this.#slot = grown.find(h0, h1, h2, h3);
    this.#slotCount += old.slotCount;
    return true;
  }
}

/**
 * An open-addressing table with linear probing; its size is a power of two. An entry is 32 bytes side by side, so that a look-up touches one line
 * of the processor's cache: four words of hash, then the offset plus one (0 in a free slot), then the place.
 */
class Shard {
  readonly slotCount: number;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  #size = 0;

  constructor(slotCount: number) {
    const memory = new ArrayBuffer(slotCount * ENTRY_SIZE_BYTES);
    this.slotCount = slotCount;
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory);
  }

  /** Three quarters full: beyond that probes get long. */
  get isFull(): boolean {
    return this.#size * 4 >= this.slotCount * 3;
  }

  /** -1 in a free slot. */
  offsetAt(slot: number): number {
    return this.#doubles[slot * 4 + 2]! - 1;
  }

  placeAt(slot: number): number {
    return this.#doubles[slot * 4 + 3]!;
  }

  setAt(slot: number, offset: number, place: number): void {
    this.#doubles[slot * 4 + 2] = offset + 1;
    this.#doubles[slot * 4 + 3] = place;
  }

  /** The slot of the key with this hash, or the free one where it belongs. */
  find(h0: number, h1: number, h2: number, h3: number): number {
    const words = this.#words;
    const doubles = this.#doubles;
    const mask = this.slotCount - 1;
    let slot = h0 & mask;
    while (doubles[slot * 4 + 2] !== 0) {
      const at = slot * 8;
      if (words[at] === h0 && words[at + 1] === h1 && words[at + 2] === h2 && words[at + 3] === h3) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  occupy(slot: number, h0: number, h1: number, h2: number, h3: number): void {
    const at = slot * 8;
    this.#words[at] = h0;
    this.#words[at + 1] = h1;
    this.#words[at + 2] = h2;
    this.#words[at + 3] = h3;
    this.#size += 1;
  }

  /** Frees `slot` and moves back the entries behind it that a probe would no longer reach. */
  remove(slot: number): void {
    const mask = this.slotCount - 1;
    let free = slot;
    for (let next = (slot + 1) & mask; this.offsetAt(next) >= 0; next = (next + 1) & mask) {
      const home = this.#words[next * 8]! & mask;
      // Entries whose home lies between the free slot and where they are stay.
      if (((next - home) & mask) < ((next - free) & mask)) continue;
      this.#doubles.copyWithin(free * 4, next * 4, next * 4 + 4);
      free = next;
    }
    this.setAt(free, -1, 0);
    this.#size -= 1;
  }

  get size(): number {
    return this.#size;
  }

  doubled(): Shard {
    return this.#copiedTo(new Shard(this.slotCount * 2), () => true);
  }

  /** As small as what is kept allows, so that others may grow. */
  filtered(keep: (offset: number, place: number) => boolean): Shard {
    let count = 0;
    for (let slot = 0; slot < this.slotCount; slot += 1)
      if (this.offsetAt(slot) >= 0 && keep(this.offsetAt(slot), this.placeAt(slot))) count += 1;
    let slotCount = INITIAL_SLOTS;
    while (count * 4 >= slotCount * 3) slotCount *= 2;
    return this.#copiedTo(new Shard(slotCount), keep);
  }

  #copiedTo(other: Shard, keep: (offset: number, place: number) => boolean): Shard {
    const words = this.#words;
    for (let slot = 0; slot < this.slotCount; slot += 1) {
      if (this.offsetAt(slot) < 0 || !keep(this.offsetAt(slot), this.placeAt(slot))) continue;
      const at = slot * 8;
      const target = other.find(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
      other.occupy(target, words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
      other.setAt(target, this.offsetAt(slot), this.placeAt(slot));
    }
    return other;
  }
}
