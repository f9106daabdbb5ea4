/** A log's durable batches from first to last, as slices of what was read. */
import { batchSizeAt, lastOffsetAt } from "../../../protocol/records/batch.ts";
import type { PartitionLog } from "../partition-log.ts";

/** One batch: `buffer` holds it from `position` on, whole. */
export interface WalkedBatch {
  readonly buffer: Buffer;
  readonly position: number;
}

/** Bytes read at a time; also the longest piece of work without a pause. */
const READ_SIZE_BYTES = 256 * 1024;

/**
 * Batches from the one that holds `offset` on, up to what is durable when it comes to the end. Records that are deleted meanwhile are passed over.
 * @throws RangeError when `offset` is out of range; Error when the log cannot be read
 */
export async function* walkLog(log: PartitionLog, offset: number): AsyncGenerator<WalkedBatch> {
  let next = offset;
  while (next < log.flushedOffset) {
    const reading = log.read(next, READ_SIZE_BYTES, log.flushedOffset, { minOneBatch: true });
    const outcome = reading instanceof Promise ? await reading : reading;
    if (!outcome.ok) {
      if (next === offset || next >= log.logStartOffset)
        throw new RangeError(`offset ${next} cannot be read: ${outcome.message}`);
      next = log.logStartOffset;
      continue;
    }
    // Compaction took what was left.
    if (outcome.sizeBytes === 0) return;
    for (const buffer of outcome.chunks) {
      for (let position = 0; position < buffer.length; position += batchSizeAt(buffer, position)) {
        next = lastOffsetAt(buffer, position) + 1;
        yield { buffer, position };
      }
    }
  }
}
