/**
 * Checking a segment after an unclean stop: reads all of its batches, keeps those that are whole, undamaged and in order, and rebuilds its indexes
 * by the rules by which appends made them.
 */
import { baseOffsetAt, lastOffsetAt, partitionLeaderEpochAt } from "../../protocol/records/batch.ts";
import type { File } from "../platform/platform.ts";
import { batchSizeWithin, isIntact } from "./batch-walk.ts";
import { IndexBuilder } from "./index-builder.ts";
import type { LeaderEpochs } from "./leader-epochs.ts";
import { noteProducerBatch } from "./producer-replay.ts";
import type { ProducerState } from "./producer-state.ts";
import { TransactionIndex } from "./transaction-index.ts";

const WINDOW_SIZE_BYTES = 1024 * 1024;

export interface SegmentScan {
  /** Size of the part that is good. */
  readonly validBytes: number;
  /** The offset after the last good batch; where the segment was to begin when there is none. */
  readonly endOffset: number;
  /** Why the scan ended before the file did; null when it did not. */
  readonly fault: string | null;
  readonly indexes: IndexBuilder;
  readonly transactionIndex: TransactionIndex;
  readonly batchCount: number;
  /** Whether a leader epoch was found that the checkpoint did not have. */
  readonly foundEpoch: boolean;
}

export interface ScanOptions {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly indexIntervalBytes: number;
}

/** Reads the segment in `file`. What its batches say of producers and epochs is noted in `producers` and `epochs`. */
export async function scanSegment(
  file: File,
  options: ScanOptions,
  state: { producers: ProducerState; epochs: LeaderEpochs },
): Promise<SegmentScan> {
  const indexes = new IndexBuilder(options.baseOffset, options.indexIntervalBytes);
  const transactionIndex = new TransactionIndex();
  let window = Buffer.allocUnsafe(Math.min(WINDOW_SIZE_BYTES, Math.max(options.sizeBytes, 1)));
  let validBytes = 0;
  let endOffset = options.baseOffset;
  let batchCount = 0;
  let fault: string | null = null;
  let lastEpoch = -1;
  let foundEpoch = false;
  while (fault === null && validBytes < options.sizeBytes) {
    const wantedBytes = Math.min(window.length, options.sizeBytes - validBytes);
    const readBytes = await file.readAsync(window.subarray(0, wantedBytes), validBytes);
    let position = 0;
    let sizeBytes = 0;
    while (position < readBytes) {
      sizeBytes = batchSizeWithin(window, position, readBytes);
      if (sizeBytes <= 0) break;
      const epoch = partitionLeaderEpochAt(window, position);
      fault = faultOf(window, position, sizeBytes, endOffset, options.baseOffset);
      // What an earlier leader wrote never follows what a later one did: it is left from before a cut.
      if (fault === null && epoch >= 0 && epoch < lastEpoch) fault = "leader epochs fall";
      if (fault !== null) break;
      lastEpoch = Math.max(lastEpoch, epoch);
      endOffset = lastOffsetAt(window, position) + 1;
      indexes.add(window, position, validBytes + position);
      if (epoch > state.epochs.latestEpoch && state.epochs.assign(epoch, baseOffsetAt(window, position)))
        foundEpoch = true;
      const aborted = noteProducerBatch(state.producers, window, position);
      if (aborted !== null) transactionIndex.append(aborted);
      batchCount += 1;
      position += sizeBytes;
    }
    validBytes += position;
    if (fault !== null || (position === readBytes && readBytes > 0)) continue;
    if (sizeBytes >= 0) fault = readBytes === 0 ? "the file ends early" : "not a record batch";
    else if (validBytes - sizeBytes > options.sizeBytes || readBytes < wantedBytes) fault = "a batch is cut off";
    else if (-sizeBytes > window.length) window = Buffer.allocUnsafe(-sizeBytes);
  }
  return { validBytes, endOffset, fault, indexes, transactionIndex, batchCount, foundEpoch };
}

function faultOf(
  buffer: Buffer,
  position: number,
  sizeBytes: number,
  nextOffset: number,
  segmentBase: number,
): string | null {
  if (!isIntact(buffer, position, sizeBytes)) return "a batch fails its checksum";
  if (baseOffsetAt(buffer, position) < nextOffset) return "offsets do not rise";
  if (lastOffsetAt(buffer, position) - segmentBase > 0x7fff_ffff) return "an offset is out of the segment's range";
  return null;
}
