/**
 * The values added last, in a bounded amount of memory, handed out without a copy.
 *
 * Values lie one after the other in slabs that are never written over: when the bound is reached the oldest slab is let go of, and slices of it that
 * somebody holds stay what they are. A value's place is a number that only grows, so whoever kept one can tell whether the value is still there.
 */

export interface TimedValue {
  readonly timestamp: number;
  /** A slice; must not be changed. */
  readonly value: Buffer;
}

/** Small, for a slice keeps all of its slab alive. */
const SLAB_SIZE_BYTES = 64 * 1024;
/** A timestamp and a length. */
const HEADER_SIZE_BYTES = 12;
/** A value may take this share of the memory: a larger one would push out too much else. */
const LARGEST_SHARE = 1 / 8;

/** Numbers are read through the view: a `Buffer`'s own methods take several times as long. */
interface Slab {
  readonly bytes: Buffer;
  readonly view: DataView;
}

export class ValueCache {
  readonly #limitBytes: number;
  /** By slab number, counted from {@link #firstSlab}; the oldest first. */
  #slabs: Slab[] = [];
  #firstSlab = 0;
  /** Slabs at the front that were let go of. */
  #droppedCount = 0;
  #sizeBytes = 0;
  /** Where in the last slab the next value goes. */
  #position = 0;
  #slabSizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Keeps a copy of `bytes[start, end)`; returns its place, -1 when it is too large to be kept. */
  add(bytes: Uint8Array, start: number, end: number, timestamp: number): number {
    const sizeBytes = HEADER_SIZE_BYTES + end - start;
    if (sizeBytes > this.#limitBytes * LARGEST_SHARE) return -1;
    if (this.#position + sizeBytes > this.#slabSizeBytes) this.#addSlab(sizeBytes);
    const slab = this.#slabs[this.#slabs.length - 1]!;
    const position = this.#position;
    slab.view.setFloat64(position, timestamp, true);
    slab.view.setInt32(position + 8, end - start, true);
    slab.bytes.set(bytes.subarray(start, end), position + HEADER_SIZE_BYTES);
    this.#position = position + sizeBytes;
    return (this.#firstSlab + this.#slabs.length - 1) * SLAB_SIZE_BYTES + position;
  }

  /** The value at `place`; null when it is no longer there. */
  get(place: number): TimedValue | null {
    const position = place % SLAB_SIZE_BYTES;
    const index = (place - position) / SLAB_SIZE_BYTES - this.#firstSlab;
    if (place < 0 || index < this.#droppedCount) return null;
    const { bytes, view } = this.#slabs[index]!;
    const start = position + HEADER_SIZE_BYTES;
    return {
      timestamp: view.getFloat64(position, true),
      value: bytes.subarray(start, start + view.getInt32(position + 8, true)),
    };
  }

  #addSlab(leastBytes: number): void {
    const bytes = Buffer.allocUnsafeSlow(
      Math.max(leastBytes, Math.min(SLAB_SIZE_BYTES, Math.floor(this.#limitBytes * LARGEST_SHARE))),
    );
    this.#slabs.push({ bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) });
    this.#sizeBytes += bytes.length;
    this.#slabSizeBytes = bytes.length;
    this.#position = 0;
    while (this.#sizeBytes > this.#limitBytes && this.#droppedCount < this.#slabs.length - 1) {
      this.#sizeBytes -= this.#slabs[this.#droppedCount]!.bytes.length;
      this.#slabs[this.#droppedCount] = undefined as never;
      this.#droppedCount += 1;
    }
    if (this.#droppedCount < 64 || this.#droppedCount * 2 < this.#slabs.length) return;
    this.#slabs = this.#slabs.slice(this.#droppedCount);
    this.#firstSlab += this.#droppedCount;
    this.#droppedCount = 0;
  }
}
