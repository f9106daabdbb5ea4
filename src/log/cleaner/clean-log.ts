/**
 * One cleaning of one log, over its files alone: reads the dirty part to learn the newest offset of each key, then writes the segments from the
 * first on anew, without the records that have a newer one.
 *
 * It is a generator that does some disk work, says how much, and goes on when asked to: in a thread of its own or on the event loop between
 * other work, as fast as it is allowed. Each new segment is handed out as soon as it is durable, for the log's owner to swap in.
 *
 * ```ts
 * for (const step of cleanLog(job, { disk })) if (step.kind === "segment") log.swapIn(step.segment);
 * ```
 */
import {
  attributesAt,
  batchSizeAt,
  isControl,
  isTransactional,
  lastOffsetAt,
  producerIdAt,
} from "../../../protocol/records/batch.ts";
import { joinPath } from "../../platform/files.ts";
import { type Disk, DiskError } from "../../platform/platform.ts";
import {
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetPrefix,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from "../file-names.ts";
import type { AbortedTransaction } from "../transaction-index.ts";
import { BatchFilter, type FilterCounts, type LastProducerBatch } from "./batch-filter.ts";
import { CleanedSegmentWriter } from "./cleaned-segment.ts";
import { CleanedTransactions } from "./cleaned-transactions.ts";
import { OffsetMap } from "./offset-map.ts";
import { RecordWalk } from "./record-walk.ts";
import { groupSegments } from "./segment-groups.ts";
import { SegmentSource } from "./segment-source.ts";

export interface SourceSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Everything a cleaning needs to know; plain data, so that it may go to another thread. */
export interface CleaningJob {
  readonly directory: string;
  /** All that may be cleaned, from the log's first on. */
  readonly segments: readonly SourceSegment[];
  /** Where the log was not cleaned yet. */
  readonly firstDirtyOffset: number;
  /** The offset after the last of {@link segments}. */
  readonly endOffset: number;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  readonly segmentSizeBytes: number;
  readonly indexSizeBytes: number;
  readonly indexIntervalBytes: number;
  /** Those that overlap the segments. */
  readonly abortedTransactions: readonly AbortedTransaction[];
  readonly lastProducerBatches: readonly LastProducerBatch[];
  readonly mapMemoryBytes: number;
  readonly mapLoadFactor: number;
  readonly bufferBytes: number;
  /** 16 unpredictable bytes. */
  readonly hashSeed: Uint8Array;
}

/** A new segment, durable under its `.cleaned` names. */
export interface CleanedSegment {
  /** Base offsets of the segments that it takes the place of. */
  readonly replaces: readonly number[];
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly hasTransactionIndex: boolean;
}

export type CleaningStep =
  | { readonly kind: "work"; readonly sizeBytes: number }
  | { readonly kind: "segment"; readonly segment: CleanedSegment };

export interface CleaningResult {
  /** The log is clean below; the next cleaning starts here. */
  readonly endOffset: number;
  readonly keys: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly counts: FilterCounts;
}

/**
 * Cleans. Left early (`return`), it removes what is not handed out yet.
 * @throws CleaningError, BatchFormatError, DecompressionError when a segment is damaged; DiskError
 */
export function* cleanLog(job: CleaningJob, modules: { disk: Disk }): Generator<CleaningStep, CleaningResult> {
  const offsets = new OffsetMap({
    memoryBytes: job.mapMemoryBytes,
    loadFactor: job.mapLoadFactor,
    expectedKeys: job.endOffset - job.firstDirtyOffset,
    seed: Buffer.from(job.hashSeed),
  });
  let readBytes = 0;
  let writtenBytes = 0;
  for (const step of fillOffsets(job, offsets, modules.disk)) {
    readBytes += step.sizeBytes;
    yield step;
  }

  const endOffset = offsets.latestOffset + 1;
  let writer: CleanedSegmentWriter | null = null;
  const transactions = new CleanedTransactions(job.abortedTransactions, job.segments[0]!.baseOffset, kept =>
    writer?.addAbortedTransaction(kept),
  );
  const filter = new BatchFilter({ ...job, endOffset }, { offsets, transactions });
  const groups = groupSegments(
    job.segments
      .filter(segment => segment.baseOffset < endOffset)
      .map(segment => withIndexSizes(job, segment, modules.disk)),
    job,
  );
  for (const group of groups) {
    const { baseOffset } = group[0]!;
    const replacesTransactionIndex = modules.disk.exists(pathOf(job, baseOffset, TRANSACTION_INDEX_SUFFIX));
    writer = new CleanedSegmentWriter({ ...job, baseOffset, replacesTransactionIndex }, modules);
    let isFinished = false;
    try {
      for (const segment of group) {
        for (const step of cleanSegment(job, segment, filter, writer, modules.disk)) {
          readBytes += step.readBytes;
          writtenBytes += step.writtenBytes;
          yield { kind: "work", sizeBytes: step.readBytes + step.writtenBytes };
        }
      }
      const hasTransactionIndex = writer.finish();
      isFinished = true;
      yield {
        kind: "segment",
        segment: {
          replaces: group.map(segment => segment.baseOffset),
          baseOffset,
          sizeBytes: writer.sizeBytes,
          modifiedMs: group.at(-1)!.modifiedMs,
          hasTransactionIndex,
        },
      };
    } finally {
      if (!isFinished) writer.discard();
    }
  }
  return { endOffset, keys: offsets.size, readBytes, writtenBytes, counts: filter.counts };
}

/** Notes the newest offset of each key from `firstDirtyOffset` on, as far as the map has room. */
function* fillOffsets(
  job: CleaningJob,
  offsets: OffsetMap,
  disk: Disk,
): Generator<{ kind: "work"; sizeBytes: number }, void> {
  const dirtyIndex = Math.max(
    0,
    job.segments.findLastIndex(segment => segment.baseOffset <= job.firstDirtyOffset),
  );
  const transactions = new CleanedTransactions(job.abortedTransactions, job.segments[dirtyIndex]!.baseOffset);
  const walk = new RecordWalk();
  for (let index = dirtyIndex; index < job.segments.length; index += 1) {
    const segment = job.segments[index]!;
    const file = disk.open(pathOf(job, segment.baseOffset, LOG_SUFFIX), "read");
    try {
      const source = new SegmentSource(file, { sizeBytes: segment.sizeBytes, from: 0, bufferBytes: job.bufferBytes });
      while (source.read()) {
        if (!noteBatches(source, job.firstDirtyOffset, offsets, transactions, walk)) return;
        yield { kind: "work", sizeBytes: source.endPosition };
      }
    } finally {
      file.close();
    }
    // Offsets may be missing at the end of the segment.
    offsets.latestOffset = (job.segments[index + 1]?.baseOffset ?? job.endOffset) - 1;
  }
}

/** False once the map is full. */
function noteBatches(
  source: SegmentSource,
  firstDirtyOffset: number,
  offsets: OffsetMap,
  transactions: CleanedTransactions,
  walk: RecordWalk,
): boolean {
  const { buffer, endPosition } = source;
  for (let position = 0; position < endPosition; position += batchSizeAt(buffer, position)) {
    const attributes = attributesAt(buffer, position);
    const lastOffset = lastOffsetAt(buffer, position);
    if (isControl(attributes)) {
      transactions.onControlBatch(buffer, position, lastOffset);
    } else if (
      !transactions.onBatch(producerIdAt(buffer, position), lastOffset, isTransactional(attributes)) &&
      lastOffset >= firstDirtyOffset
    ) {
      walk.open(buffer, position);
      while (walk.next()) {
        if (walk.keyStart < 0 || walk.offset < firstDirtyOffset) continue;
        if (!offsets.put(walk.bytes, walk.keyStart, walk.keyEnd, walk.offset)) return false;
      }
    }
    if (lastOffset >= firstDirtyOffset) offsets.latestOffset = lastOffset;
  }
  return true;
}

/** Copies what is to stay of a segment. */
function* cleanSegment(
  job: CleaningJob,
  segment: SourceSegment,
  filter: BatchFilter,
  writer: CleanedSegmentWriter,
  disk: Disk,
): Generator<{ readBytes: number; writtenBytes: number }, void> {
  const file = disk.open(pathOf(job, segment.baseOffset, LOG_SUFFIX), "read");
  try {
    const source = new SegmentSource(file, { sizeBytes: segment.sizeBytes, from: 0, bufferBytes: job.bufferBytes });
    while (source.read()) {
      const { buffer, endPosition } = source;
      for (let position = 0; position < endPosition; position += batchSizeAt(buffer, position)) {
        const kept = filter.filter(buffer, position);
        if (kept !== null) writer.add(kept, kept === buffer ? position : 0);
      }
      yield { readBytes: endPosition, writtenBytes: writer.write() };
    }
  } finally {
    file.close();
  }
}

function withIndexSizes(job: CleaningJob, segment: SourceSegment, disk: Disk) {
  return {
    ...segment,
    offsetIndexBytes: sizeOf(disk, pathOf(job, segment.baseOffset, OFFSET_INDEX_SUFFIX)),
    timeIndexBytes: sizeOf(disk, pathOf(job, segment.baseOffset, TIME_INDEX_SUFFIX)),
  };
}

function sizeOf(disk: Disk, path: string): number {
  try {
    return disk.status(path).sizeBytes;
  } catch (error) {
    // An index may be missing; the log then builds it anew on first use.
    if (error instanceof DiskError && error.code === "ENOENT") return 0;
    throw error;
  }
}

function pathOf(job: CleaningJob, baseOffset: number, suffix: string): string {
  return joinPath(job.directory, offsetPrefix(baseOffset) + suffix);
}
