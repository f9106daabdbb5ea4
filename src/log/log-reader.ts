/**
 * Reading batches: from the tail in memory, else from the file – synchronously when the range was written lately and so is in the page cache,
 * otherwise off the event loop. Bytes that come from a file that this process did not just write are checked before anybody gets them.
 */
import { Errors } from "../../protocol/errors.ts";
import { baseOffsetAt, lastOffsetAt, RECORD_BATCH_OVERHEAD } from "../../protocol/records/batch.ts";
import type { Logger } from "../logging/index.ts";
import { DiskError } from "../platform/platform.ts";
import { batchSizeWithin, findBatch, isIntact } from "./batch-walk.ts";
import type { LogTail } from "./log-tail.ts";
import type { ReadLease } from "./read-buffers.ts";
import type { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";
import type { TailChunk } from "./tail-cache.ts";
import type { WriteRecency } from "./write-recency.ts";

export interface ReadOptions {
  /** Return the first batch even when it alone is larger than `maxBytes`. */
  readonly minOneBatch: boolean;
  /** Whose memory the bytes are in: they are valid until it is released. Without one they are valid for good. */
  readonly lease?: ReadLease | undefined;
}

/** Whole batches, the first of which holds the offset asked for or is the first above it; none when there is nothing to read. */
export type ReadOutcome =
  | {
      readonly ok: true;
      /** Slices that do not change while {@link ReadOptions.lease} holds; together they are the batches. */
      readonly chunks: readonly Buffer[];
      readonly sizeBytes: number;
      /** Base offset of the first batch; the offset asked for when there is none. */
      readonly firstOffset: number;
    }
  | { readonly ok: false; readonly errorCode: number; readonly message: string };

/** What a reader sees of its log. */
export interface LogView {
  readonly name: string;
  readonly segments: Segments;
  readonly tail: LogTail;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** Changes whenever offsets below the end may have got other contents or gone. */
  readonly generation: number;
  /** End of what is in the files. */
  readonly writtenOffset: number;
  /** Brings everything appended into the file. */
  writePending(): void;
}

export interface LogReaderOptions {
  readonly indexIntervalBytes: number;
  /** File ranges that end within so many bytes of the end of the active segment are read synchronously. */
  readonly synchronousReadBytes: number;
}

/** A file range to read for a fetch. */
interface FileRange {
  readonly segment: Segment;
  readonly position: number;
  readonly sizeBytes: number;
  readonly endPosition: number;
}

/** Ranges from here on are worth a look at a header. */
const SMALLEST_SIZED_BYTES = 16 * 1024;

export class LogReader {
  readonly #options: LogReaderOptions;
  readonly #view: LogView;
  readonly #recency: WriteRecency;
  readonly #logger: Logger;

  constructor(options: LogReaderOptions, modules: { view: LogView; recency: WriteRecency; logger: Logger }) {
    this.#options = options;
    this.#view = modules.view;
    this.#recency = modules.recency;
    this.#logger = modules.logger;
  }

  read(
    offset: number,
    maxBytes: number,
    limitOffset: number,
    options: ReadOptions,
  ): ReadOutcome | Promise<ReadOutcome> {
    const view = this.#view;
    if (offset < view.logStartOffset || offset > view.logEndOffset) {
      return outOfRange(offset, view.logStartOffset, view.logEndOffset);
    }
    if (offset >= limitOffset || offset >= view.logEndOffset) return nothing(offset);
    // What is served must be in the file: a write that fails takes its batches back.
    if (limitOffset > view.writtenOffset) {
      view.writePending();
      if (offset >= view.logEndOffset) return nothing(offset);
    }
    if (offset >= view.tail.firstOffset) return this.#readTail(offset, maxBytes, limitOffset, options);
    if (maxBytes <= 0 && !options.minOneBatch) return nothing(offset);
    return this.#readFiles(offset, maxBytes, limitOffset, options);
  }

  #readTail(offset: number, maxBytes: number, limitOffset: number, options: ReadOptions): ReadOutcome {
    const { minOneBatch, lease } = options;
    const tail = this.#view.tail;
    let index = tail.find(offset);
    let chunk = index < 0 ? undefined : tail.chunk(index);
    if (chunk === undefined) return nothing(offset);
    const hint = chunk.segment.offsetIndex.positionFor(offset) - chunk.position;
    let start = findBatch(chunk.buffer, Math.max(0, hint), chunk.usedBytes, offset);
    const firstOffset = baseOffsetAt(chunk.buffer, start);
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    while (chunk !== undefined) {
      let end = chunk.usedBytes;
      if (chunk.endOffset > limitOffset)
        end = limitPosition(chunk.buffer, start, end, limitOffset, chunk.segment, chunk.position);
      if (end - start > maxBytes - sizeBytes) {
        const most = start + maxBytes - sizeBytes;
        const from = Math.max(
          start,
          chunk.segment.offsetIndex.floorPosition(chunk.position + Math.max(most, 0)) - chunk.position,
        );
        end = cut(chunk.buffer, from, end, most);
        if (end === start && sizeBytes === 0 && minOneBatch)
          end = firstBatchEnd(chunk.buffer, start, chunk.usedBytes, limitOffset);
        if (end > start) chunks.push(handOut(chunk, start, end, lease));
        sizeBytes += end - start;
        break;
      }
      if (end > start) chunks.push(handOut(chunk, start, end, lease));
      sizeBytes += end - start;
      if (end < chunk.usedBytes) break;
      index += 1;
      chunk = tail.chunk(index);
      start = 0;
    }
    return { ok: true, chunks, sizeBytes, firstOffset: sizeBytes === 0 ? offset : firstOffset };
  }

  #readFiles(
    offset: number,
    maxBytes: number,
    limitOffset: number,
    options: ReadOptions,
  ): ReadOutcome | Promise<ReadOutcome> {
    const segments = this.#view.segments;
    try {
      let index = Math.max(0, segments.indexFor(offset));
      for (let segment = segments.at(index); segment !== undefined; index += 1, segment = segments.at(index)) {
        const position = segment.offsetIndex.positionFor(offset);
        const endPosition = segment.sizeBytes;
        if (position >= endPosition) continue;
        const sizeBytes = Math.min(
          endPosition - position,
          Math.max(maxBytes, 0) + this.#options.indexIntervalBytes + 4096,
        );
        const range: FileRange = { segment, position, sizeBytes, endPosition };
        if (!this.#isInMemory(segment, position))
          return this.#readRangeAsync(range, offset, maxBytes, limitOffset, options);
        const sized = sizedByFirstBatch(range, offset, maxBytes, options.minOneBatch);
        if (sized === null) return nothing(offset);
        const outcome = this.#readRange(sized, offset, maxBytes, limitOffset, options);
        if (outcome !== null) return outcome;
      }
      return nothing(offset);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Whether the system has what stands there in its memory, as far as can be told. */
  #isInMemory(segment: Segment, position: number): boolean {
    if (segment.isActive && segment.sizeBytes - position <= this.#options.synchronousReadBytes) return true;
    return this.#recency.isRecent(segment, position);
  }

  /** Null when the segment holds nothing at or above the offset. */
  #readRange(
    range: FileRange,
    offset: number,
    maxBytes: number,
    limitOffset: number,
    options: ReadOptions,
  ): ReadOutcome | null {
    for (;;) {
      const buffer = options.lease?.take(range.sizeBytes) ?? Buffer.allocUnsafeSlow(range.sizeBytes);
      const readBytes = range.segment.file.read(buffer, range.position);
      const found = this.#select(buffer, readBytes, range, offset, maxBytes, limitOffset, options.minOneBatch, false);
      if (found === null || "ok" in found) return found;
      range = found;
    }
  }

  async #readRangeAsync(
    range: FileRange,
    offset: number,
    maxBytes: number,
    limitOffset: number,
    options: ReadOptions,
  ): Promise<ReadOutcome> {
    const generation = this.#view.generation;
    try {
      for (;;) {
        const buffer = options.lease?.take(range.sizeBytes) ?? Buffer.allocUnsafeSlow(range.sizeBytes);
        const readBytes = await range.segment.file.readAsync(buffer, range.position);
        // The log was cut or its start moved meanwhile: ask again, from the top.
        if (this.#view.generation !== generation) return this.read(offset, maxBytes, limitOffset, options);
        const found = this.#select(buffer, readBytes, range, offset, maxBytes, limitOffset, options.minOneBatch, true);
        if (found === null) {
          const segments = this.#view.segments;
          const next = segments.at(segments.indexFor(range.segment.baseOffset) + 1);
          return next === undefined ? nothing(offset) : this.#readNext(next, offset, maxBytes, limitOffset, options);
        }
        if ("ok" in found) return found;
        range = found;
      }
    } catch (error) {
      if (this.#view.generation !== generation) return this.read(offset, maxBytes, limitOffset, options);
      return this.#failed(error);
    }
  }

  /** The offset lies in a gap behind the last batch of a segment: the next one begins with the answer. */
  #readNext(
    next: Segment,
    offset: number,
    maxBytes: number,
    limitOffset: number,
    options: ReadOptions,
  ): ReadOutcome | Promise<ReadOutcome> {
    if (next.baseOffset >= limitOffset) return nothing(offset);
    return this.read(Math.max(offset, next.baseOffset), maxBytes, limitOffset, options);
  }

  /** Picks the batches out of what was read; a range when more must be read, null when the segment ends below the offset. */
  #select(
    buffer: Buffer,
    readBytes: number,
    range: FileRange,
    offset: number,
    maxBytes: number,
    limitOffset: number,
    minOneBatch: boolean,
    verify: boolean,
  ): ReadOutcome | FileRange | null {
    const start = findBatch(buffer, 0, readBytes, offset);
    const position = range.position + start;
    if (position >= range.endPosition) return null;
    const firstSizeBytes = batchSizeWithin(buffer, start, readBytes);
    if (firstSizeBytes === 0) return this.#corrupt(range.segment, position, offset);
    if (firstSizeBytes < 0) {
      const { segment, endPosition } = range;
      const sizeBytes = Math.min(endPosition - position, Math.max(maxBytes, -firstSizeBytes));
      if (sizeBytes < -firstSizeBytes || (start === 0 && readBytes >= -firstSizeBytes))
        return this.#corrupt(segment, position, offset);
      // The file is shorter than the segment says only when something else cut it.
      if (start === 0 && readBytes < range.sizeBytes) return this.#corrupt(segment, position, offset);
      if (-firstSizeBytes > maxBytes && !minOneBatch) return nothing(offset);
      return { segment, position, sizeBytes, endPosition };
    }
    let end = start;
    while (end < readBytes) {
      const sizeBytes = batchSizeWithin(buffer, end, readBytes);
      if (sizeBytes <= 0 || lastOffsetAt(buffer, end) >= limitOffset) break;
      if (end + sizeBytes - start > maxBytes && !(end === start && minOneBatch)) break;
      if (verify && !isIntact(buffer, end, sizeBytes)) {
        if (end > start) break;
        return this.#corrupt(range.segment, position, offset);
      }
      end += sizeBytes;
    }
    if (end === start) return nothing(offset);
    return {
      ok: true,
      chunks: [buffer.subarray(start, end)],
      sizeBytes: end - start,
      firstOffset: baseOffsetAt(buffer, start),
    };
  }

  #corrupt(segment: Segment, position: number, offset: number): ReadOutcome {
    const message = `The log holds a damaged batch at offset ${offset}.`;
    this.#logger.error("log.corrupt-batch", {
      partition: this.#view.name,
      segment: segment.baseOffset,
      position,
      offset,
    });
    return { ok: false, errorCode: Errors.CORRUPT_MESSAGE, message };
  }

  #failed(error: unknown): ReadOutcome {
    if (!(error instanceof DiskError)) throw error;
    this.#logger.error("log.read-failed", { partition: this.#view.name, error: error.message });
    return { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: error.message };
  }
}

/** Where a batch's header is looked at before the batch is read; nobody keeps it. */
const header = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD);

/**
 * `range` as large as it has to be by the header of its first batch, where that is the one asked for; null when that batch is too large for who asks.
 * A consumer that takes less of a partition than a batch has would else copy as much of each of them from the page cache for nothing, every time.
 */
function sizedByFirstBatch(range: FileRange, offset: number, maxBytes: number, minOneBatch: boolean): FileRange | null {
  const { segment, position, endPosition } = range;
  // All that there is fits, or reading the header takes as long as reading the rest with it.
  if (endPosition - position <= maxBytes || range.sizeBytes < SMALLEST_SIZED_BYTES) return range;
  const readBytes = segment.file.read(header, position);
  const sizeBytes = Math.abs(batchSizeWithin(header, 0, readBytes));
  // Damage, or a batch before the one asked for: what is read tells.
  if (readBytes < header.length || sizeBytes === 0 || sizeBytes > endPosition - position) return range;
  if (lastOffsetAt(header, 0) < offset) return range;
  if (sizeBytes > maxBytes && !minOneBatch) return null;
  return { segment, position, sizeBytes: Math.min(endPosition - position, Math.max(sizeBytes, maxBytes)), endPosition };
}

/** A slice of a chunk for a reader, who may hold it for as long as a slow client takes. */
function handOut(chunk: TailChunk, start: number, end: number, lease: ReadLease | undefined): Buffer {
  if (lease === undefined) chunk.reusable = false;
  else lease.hold(chunk);
  return chunk.buffer.subarray(start, end);
}

/** The end of the last batch in `buffer[from, end)` that ends at or below `most`. */
function cut(buffer: Buffer, from: number, end: number, most: number): number {
  let position = from;
  while (position < end) {
    const sizeBytes = batchSizeWithin(buffer, position, end);
    if (sizeBytes <= 0 || position + sizeBytes > most) break;
    position += sizeBytes;
  }
  return position;
}

/** The end of the batches below `limitOffset` in a chunk. */
function limitPosition(
  buffer: Buffer,
  start: number,
  end: number,
  limitOffset: number,
  segment: Segment,
  chunkPosition: number,
): number {
  const hint = segment.offsetIndex.positionFor(limitOffset) - chunkPosition;
  return findBatch(buffer, Math.max(start, hint), end, limitOffset);
}

function firstBatchEnd(buffer: Buffer, start: number, end: number, limitOffset: number): number {
  const sizeBytes = batchSizeWithin(buffer, start, end);
  return sizeBytes <= 0 || lastOffsetAt(buffer, start) >= limitOffset ? start : start + sizeBytes;
}

function nothing(offset: number): ReadOutcome {
  return { ok: true, chunks: [], sizeBytes: 0, firstOffset: offset };
}

function outOfRange(offset: number, logStartOffset: number, logEndOffset: number): ReadOutcome {
  const message = `Offset ${offset} is outside the log, which holds ${logStartOffset} to ${logEndOffset}.`;
  return { ok: false, errorCode: Errors.OFFSET_OUT_OF_RANGE, message };
}
