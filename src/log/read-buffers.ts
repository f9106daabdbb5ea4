/**
 * Memory that reads from files go into, used again and again: fresh memory of this size costs page faults and garbage collections, which took a
 * quarter of the CPU of a consumer's reads (docs/performance.md).
 *
 * Who reads through a {@link ReadLease} says when the bytes are of no more use. Until then nothing else is written there. A lease that is never
 * released costs its memory's return, no more: the garbage collector takes it.
 *
 * ```ts
 * const lease = new ReadLease(buffers);
 * const outcome = await log.read(offset, maxBytes, limitOffset, { minOneBatch: true, lease });
 * connection.write(outcome.chunks, () => lease.release());
 * ```
 */
import type { TailChunk } from "./tail-cache.ts";

/** The buffers of all readers of a broker that are not in use. */
export class ReadBuffers {
  readonly #limitBytes: number;
  readonly #spare = new Map<number, Buffer[]>();
  #spareBytes = 0;

  /** Keeps at most `limitBytes` for reads to come. */
  constructor(options: { readonly limitBytes: number }) {
    this.#limitBytes = options.limitBytes;
  }

  /** What is kept for reads to come. */
  get spareBytes(): number {
    return this.#spareBytes;
  }

  /** A buffer of at least `sizeBytes`, whatever is in it. */
  take(sizeBytes: number): Buffer {
    const capacityBytes = capacityFor(sizeBytes);
    const spare = this.#spare.get(capacityBytes)?.pop();
    if (spare === undefined) return Buffer.allocUnsafeSlow(capacityBytes);
    this.#spareBytes -= capacityBytes;
    return spare;
  }

  /** Takes back a buffer from {@link take} that nobody looks at any more. */
  give(buffer: Buffer): void {
    if (this.#spareBytes + buffer.length > this.#limitBytes) return;
    const spares = this.#spare.get(buffer.length);
    if (spares === undefined) this.#spare.set(buffer.length, [buffer]);
    else spares.push(buffer);
    this.#spareBytes += buffer.length;
  }
}

/** The memory that one reply consists of. */
export class ReadLease {
  readonly #pool: ReadBuffers;
  #buffers: Buffer[] = [];
  #chunks: TailChunk[] = [];

  constructor(pool: ReadBuffers) {
    this.#pool = pool;
  }

  /** Memory to read `sizeBytes` bytes into; ours until {@link release}. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes < SMALLEST_POOLED_BYTES) return Buffer.allocUnsafe(sizeBytes);
    const buffer = this.#pool.take(sizeBytes);
    this.#buffers.push(buffer);
    return buffer.length === sizeBytes ? buffer : buffer.subarray(0, sizeBytes);
  }

  /** Keeps the tail's chunk from being used for anything else until {@link release}. */
  hold(chunk: TailChunk): void {
    chunk.readers += 1;
    this.#chunks.push(chunk);
  }

  /** Nobody looks at any of it any more. The lease may be used anew. */
  release(): void {
    const buffers = this.#buffers;
    const chunks = this.#chunks;
    if (buffers.length > 0) {
      this.#buffers = [];
      for (const buffer of buffers) this.#pool.give(buffer);
    }
    if (chunks.length > 0) {
      this.#chunks = [];
      for (const chunk of chunks) chunk.cache.letGo(chunk);
    }
  }
}

/** Below, fresh memory comes from Node's own pool at next to no cost. */
const SMALLEST_POOLED_BYTES = 4096;
/** Sizes come in this many steps from one power of two to the next: few enough to meet again, close enough to waste little. */
const STEPS_PER_DOUBLING = 4;

/** The smallest size of buffers that holds `sizeBytes`, and at most a quarter more. */
export function capacityFor(sizeBytes: number): number {
  const doublings = 31 - Math.clz32(Math.max(sizeBytes - 1, SMALLEST_POOLED_BYTES));
  const stepBytes = 2 ** doublings / STEPS_PER_DOUBLING;
  return Math.ceil(sizeBytes / stepBytes) * stepBytes;
}
