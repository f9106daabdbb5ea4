/**
 * Memory for content that is looked at and dropped, as a broker does with each compressed batch that it is sent: fresh buffers of a batch's
 * size, a thousand a second, are what the garbage collector would do nothing else but free.
 *
 * @module
 */

/** More is not kept, and does not come from here. Clients bound their batches by less before they compress them. */
export const MAX_SCRATCH_BYTES = 2 * 1024 * 1024;
const SMALLEST_BYTES = 128 * 1024;

let kept: Buffer = Buffer.alloc(0);

/** All that is kept, and at least `sizeBytes`, which is at most {@link MAX_SCRATCH_BYTES}. Holds what was written to it before. */
export function scratch(sizeBytes: number): Buffer {
  if (kept.length < sizeBytes) {
    const grown = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(Math.max(sizeBytes, SMALLEST_BYTES))));
    kept.copy(grown);
    kept = grown;
  }
  return kept;
}

/** Where a decoder gets the memory for its output. */
export type Allocate = (sizeBytes: number) => Buffer;

/** As `Buffer.allocUnsafe`, from what is kept: whoever has it loses it to the next call. */
export function allocateScratch(sizeBytes: number): Buffer {
  return sizeBytes > MAX_SCRATCH_BYTES ? Buffer.allocUnsafe(sizeBytes) : scratch(sizeBytes).subarray(0, sizeBytes);
}
