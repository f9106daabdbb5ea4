/**
 * A seeded 128-bit hash of record keys: MurmurHash3_x86_128 by Austin Appleby (public domain), with a seed for each of its four words.
 *
 * It needs 32-bit arithmetic only, which is what JavaScript is fast at. Two keys of the same hash count as one, which for keys that nobody chose
 * to that end is as likely as 2^-128 for a pair. Who could find such keys gains nothing: whoever may write to a log may write any key of it.
 */

export const HASH_SEED_SIZE_BYTES = 16;

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

export class KeyHash {
  /** The hash last computed, as four 32-bit integers. */
  h0 = 0;
  h1 = 0;
  h2 = 0;
  h3 = 0;
  readonly #seed0: number;
  readonly #seed1: number;
  readonly #seed2: number;
  readonly #seed3: number;

  /** `seed` is {@link HASH_SEED_SIZE_BYTES} bytes. */
  constructor(seed: Buffer) {
    this.#seed0 = seed.readInt32LE(0);
    this.#seed1 = seed.readInt32LE(4);
    this.#seed2 = seed.readInt32LE(8);
    this.#seed3 = seed.readInt32LE(12);
  }

  /** Hashes `bytes[start, end)` into {@link h0} to {@link h3}. */
  compute(bytes: Uint8Array, start: number, end: number): void {
    let h0 = this.#seed0;
    let h1 = this.#seed1;
    let h2 = this.#seed2;
    let h3 = this.#seed3;
    const length = end - start;
    let position = start;
    // Written out: calls here are too many for the compiler to inline.
    for (const blocksEnd = end - (length & 15); position < blocksEnd; position += 16) {
      let k =
        bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16) | (bytes[position + 3]! << 24);
      k = Math.imul(k, C1);
      h0 ^= Math.imul((k << 15) | (k >>> 17), C2);
      h0 = (((h0 << 19) | (h0 >>> 13)) + h1) | 0;
      h0 = (Math.imul(h0, 5) + 0x561ccd1b) | 0;
      k =
        bytes[position + 4]! |
        (bytes[position + 5]! << 8) |
        (bytes[position + 6]! << 16) |
        (bytes[position + 7]! << 24);
      k = Math.imul(k, C2);
      h1 ^= Math.imul((k << 16) | (k >>> 16), C3);
      h1 = (((h1 << 17) | (h1 >>> 15)) + h2) | 0;
      h1 = (Math.imul(h1, 5) + 0x0bcaa747) | 0;
      k =
        bytes[position + 8]! |
        (bytes[position + 9]! << 8) |
        (bytes[position + 10]! << 16) |
        (bytes[position + 11]! << 24);
      k = Math.imul(k, C3);
      h2 ^= Math.imul((k << 17) | (k >>> 15), C4);
      h2 = (((h2 << 15) | (h2 >>> 17)) + h3) | 0;
      h2 = (Math.imul(h2, 5) + 0x96cd1c35) | 0;
      k =
        bytes[position + 12]! |
        (bytes[position + 13]! << 8) |
        (bytes[position + 14]! << 16) |
        (bytes[position + 15]! << 24);
      k = Math.imul(k, C4);
      h3 ^= Math.imul((k << 18) | (k >>> 14), C1);
      h3 = (((h3 << 13) | (h3 >>> 19)) + h0) | 0;
      h3 = (Math.imul(h3, 5) + 0x32ac3b17) | 0;
    }
    // Up to fifteen more bytes; what is not there counts as zeros, which change nothing.
    if (position < end) h0 ^= mixed0(wordUpTo(bytes, position, end));
    if (position + 4 < end) h1 ^= mixed1(wordUpTo(bytes, position + 4, end));
    if (position + 8 < end) h2 ^= mixed2(wordUpTo(bytes, position + 8, end));
    if (position + 12 < end) h3 ^= mixed3(wordUpTo(bytes, position + 12, end));

    h0 ^= length;
    h1 ^= length;
    h2 ^= length;
    h3 ^= length;
    h0 = (h0 + h1 + h2 + h3) | 0;
    h1 = finished((h1 + h0) | 0);
    h2 = finished((h2 + h0) | 0);
    h3 = finished((h3 + h0) | 0);
    h0 = finished(h0);
    h0 = (h0 + h1 + h2 + h3) | 0;
    this.h0 = h0;
    this.h1 = (h1 + h0) | 0;
    this.h2 = (h2 + h0) | 0;
    this.h3 = (h3 + h0) | 0;
  }
}

function wordUpTo(bytes: Uint8Array, position: number, end: number): number {
  let value = bytes[position]!;
  if (position + 1 < end) value |= bytes[position + 1]! << 8;
  if (position + 2 < end) value |= bytes[position + 2]! << 16;
  if (position + 3 < end) value |= bytes[position + 3]! << 24;
  return value;
}

function rotated(value: number, count: number): number {
  return (value << count) | (value >>> (32 - count));
}

function mixed0(value: number): number {
  return Math.imul(rotated(Math.imul(value, C1), 15), C2);
}

function mixed1(value: number): number {
  return Math.imul(rotated(Math.imul(value, C2), 16), C3);
}

function mixed2(value: number): number {
  return Math.imul(rotated(Math.imul(value, C3), 17), C4);
}

function mixed3(value: number): number {
  return Math.imul(rotated(Math.imul(value, C4), 18), C1);
}

/** Lets every bit count in every other. */
function finished(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
