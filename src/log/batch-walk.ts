/**
 * Walking over the record batches of a buffer or a file without decoding records.
 *
 * Only sizes are believed here, and only within the bytes at hand; who needs certainty checks the CRC (`isIntact`).
 */
import {
  batchSizeAt,
  computeCrc,
  crcAt,
  LOG_OVERHEAD,
  lastOffsetAt,
  lastOffsetDeltaAt,
  magicAt,
  RECORD_BATCH_OVERHEAD,
} from "../../protocol/records/batch.ts";
import type { File } from "../platform/platform.ts";

const WINDOW_SIZE_BYTES = 256 * 1024;
/** No batch is larger: message sizes are int32 and frames far smaller. Guards against reading a damaged length. */
export const MAX_BATCH_SIZE_BYTES = 0x7fff_ffff - LOG_OVERHEAD;

/**
 * What stands at `position`: the size of a whole batch that ends by `end`; `-needed` when it looks like a batch of `needed` bytes but is cut off
 * (`-RECORD_BATCH_OVERHEAD` when not even its header is there); 0 when it is no batch.
 */
export function batchSizeWithin(buffer: Uint8Array, position: number, end: number): number {
  if (end - position < RECORD_BATCH_OVERHEAD) return -RECORD_BATCH_OVERHEAD;
  const sizeBytes = batchSizeAt(buffer, position);
  if (sizeBytes < RECORD_BATCH_OVERHEAD || sizeBytes > MAX_BATCH_SIZE_BYTES || magicAt(buffer, position) !== 2)
    return 0;
  return position + sizeBytes <= end ? sizeBytes : -sizeBytes;
}

/** Whether the whole batch at `position` passes its checksum and has sane offsets. */
export function isIntact(buffer: Uint8Array, position: number, sizeBytes: number): boolean {
  return (
    lastOffsetDeltaAt(buffer, position) >= 0 && crcAt(buffer, position) === computeCrc(buffer, position, sizeBytes)
  );
}

/** The position of the first batch at or after `position` whose last offset is at least `offset`; `end` or the first incomplete one if none. */
export function findBatch(buffer: Uint8Array, position: number, end: number, offset: number): number {
  while (position < end) {
    const sizeBytes = batchSizeWithin(buffer, position, end);
    if (sizeBytes <= 0 || lastOffsetAt(buffer, position) >= offset) break;
    position += sizeBytes;
  }
  return position;
}

/** Called with each whole batch; returning false ends the walk. */
export type BatchVisitor = (buffer: Buffer, position: number, sizeBytes: number, filePosition: number) => boolean;

/**
 * Visits the batches of `file` in [`from`, `to`), reading synchronously in windows. Returns the file position at which it stopped: `to`, the
 * start of the batch after the one at which the visitor returned false, or the first position that holds no whole batch.
 */
export function forEachBatch(file: File, from: number, to: number, visit: BatchVisitor): number {
  let window = Buffer.allocUnsafe(Math.max(0, Math.min(WINDOW_SIZE_BYTES, to - from)));
  let filePosition = from;
  while (filePosition < to) {
    const readBytes = file.read(window.subarray(0, Math.min(window.length, to - filePosition)), filePosition);
    let position = 0;
    let sizeBytes = 0;
    while (position < readBytes) {
      sizeBytes = batchSizeWithin(window, position, readBytes);
      if (sizeBytes <= 0) break;
      const goOn = visit(window, position, sizeBytes, filePosition + position);
      position += sizeBytes;
      if (!goOn) return filePosition + position;
    }
    filePosition += position;
    if (position === readBytes && readBytes > 0) continue;
    // A batch that the window cut off: read on from its start, with room for all of it.
    if (sizeBytes >= 0 || filePosition - sizeBytes > to || (position === 0 && -sizeBytes <= readBytes))
      return filePosition;
    if (readBytes < window.length && position === 0) return filePosition;
    if (-sizeBytes > window.length) window = Buffer.allocUnsafe(-sizeBytes);
  }
  return filePosition;
}
