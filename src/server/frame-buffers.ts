/**
 * Memory for frames that do not lie whole in the receive window, used again and again: fresh memory of this size costs page faults, and garbage
 * collections by the hundred.
 *
 * Buffers come in powers of two. A frame beyond the largest has one of its own, which is not kept.
 */
export class FrameBuffers {
  readonly #spare: Buffer[][] = [];
  #spareBytes = 0;

  /** A buffer of at least `sizeBytes`. */
  take(sizeBytes: number): Buffer {
    const order = orderOf(sizeBytes);
    if (order > LARGEST_ORDER) return Buffer.allocUnsafeSlow(sizeBytes);
    const spare = this.#spare[order]?.pop();
    if (spare === undefined) return Buffer.allocUnsafeSlow(1 << order);
    this.#spareBytes -= spare.length;
    return spare;
  }

  /** Takes back a buffer that nobody looks at any more. */
  give(buffer: Buffer): void {
    const order = orderOf(buffer.length);
    if (order > LARGEST_ORDER || this.#spareBytes + buffer.length > LARGEST_SPARE_BYTES) return;
    this.#spare[order] ??= [];
    this.#spare[order].push(buffer);
    this.#spareBytes += buffer.length;
  }

  /** Whether a buffer of that size is one of a kind, for its frame alone. */
  static isSingle(buffer: Buffer): boolean {
    return orderOf(buffer.length) > LARGEST_ORDER;
  }
}

const SMALLEST_ORDER = 10;
const LARGEST_ORDER = 21;
const LARGEST_SPARE_BYTES = 8 * 1024 * 1024;

/** The smallest n for which 2^n bytes hold `sizeBytes`. */
function orderOf(sizeBytes: number): number {
  return Math.max(SMALLEST_ORDER, 32 - Math.clz32(sizeBytes - 1));
}
