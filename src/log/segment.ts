/**
 * One segment of a log: a `.log` file of record batches with its offset, time and transaction index.
 *
 * The log appends to its last, active segment only. Index entries of the active segment live in memory and are written out when the segment
 * is rolled or closed: whatever is missing after a crash lies behind the recovery point, and recovery rebuilds it. Everything of an inactive
 * segment is loaded on first use and may be released again.
 */
import { lastOffsetAt, maxTimestampAt } from "../../protocol/records/batch.ts";
import { atomicWrite, joinPath } from "../platform/files.ts";
import { type Disk, DiskError, type File } from "../platform/platform.ts";
import { forEachBatch } from "./batch-walk.ts";
import {
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetPrefix,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from "./file-names.ts";
import { IndexBuilder } from "./index-builder.ts";
import { OffsetIndex } from "./offset-index.ts";
import type { Evictable, SegmentCache } from "./segment-cache.ts";
import { TimeIndex } from "./time-index.ts";
import { type AbortedTransaction, TransactionIndex } from "./transaction-index.ts";

export { IndexBuilder };

const MAX_RELATIVE_OFFSET = 0x7fff_ffff;
const NO_TIMESTAMP = -1;
/** The files of a segment, in the order in which they are removed: indexes without a log are only litter. */
export const SEGMENT_SUFFIXES = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX] as const;

export interface SegmentOptions {
  readonly directory: string;
  readonly baseOffset: number;
  readonly sizeBytes: number;
  /** When the segment was created or, for one found on disk, last changed. */
  readonly modifiedMs: number;
  readonly hasTransactionIndex: boolean;
  /** For indexes that have to be rebuilt. */
  readonly indexIntervalBytes: number;
}

export interface SegmentModules {
  readonly disk: Disk;
  readonly cache: SegmentCache;
}

export class Segment implements Evictable {
  readonly baseOffset: number;
  /** Size with all that was appended, written to the file or not yet. */
  sizeBytes: number;
  modifiedMs: number;
  /** Taken off `segment.ms` for this segment. */
  rollJitterMs = 0;
  /** Removed from its log; in-flight reads may still use it. */
  deleted = false;
  #isClosed = false;
  #directory: string;
  readonly #disk: Disk;
  readonly #cache: SegmentCache;
  #active = false;
  #file: File | null = null;
  #offsetIndex: OffsetIndex | null = null;
  #timeIndex: TimeIndex | null = null;
  #transactionIndex: TransactionIndex | null = null;
  #hasTransactionIndex: boolean;
  readonly #indexIntervalBytes: number;
  #offsetEntriesWritten = 0;
  #timeEntriesWritten = 0;
  #transactionsDirty = false;
  #lastIndexedPosition = 0;
  #maxTimestamp = NO_TIMESTAMP;
  #offsetOfMaxTimestamp: number;
  #firstTimestamp: number | null = null;
  #suffix = "";
  /** Index files with changes that are not durable. */
  readonly #unsyncedIndexes = new Set<string>();

  constructor(options: SegmentOptions, modules: SegmentModules) {
    this.baseOffset = options.baseOffset;
    this.sizeBytes = options.sizeBytes;
    this.modifiedMs = options.modifiedMs;
    this.#offsetOfMaxTimestamp = options.baseOffset;
    this.#hasTransactionIndex = options.hasTransactionIndex;
    this.#indexIntervalBytes = options.indexIntervalBytes;
    this.#directory = options.directory;
    this.#disk = modules.disk;
    this.#cache = modules.cache;
  }

  /** Creates the files of a new, empty segment. Its directory entries are not durable yet. */
  static create(options: Omit<SegmentOptions, "sizeBytes" | "hasTransactionIndex">, modules: SegmentModules): Segment {
    const segment = new Segment({ ...options, sizeBytes: 0, hasTransactionIndex: false }, modules);
    segment.#active = true;
    segment.#offsetIndex = new OffsetIndex(options.baseOffset);
    segment.#timeIndex = new TimeIndex(options.baseOffset);
    try {
      // Left-overs of a creation that failed half way are taken over and emptied.
      for (const suffix of [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX])
        modules.disk.writeFile(segment.path(suffix), Buffer.alloc(0));
      modules.disk.remove(segment.path(TRANSACTION_INDEX_SUFFIX));
      segment.#file = modules.disk.open(segment.path(LOG_SUFFIX), "write");
      segment.#file.truncate(0);
    } catch (error) {
      segment.#file?.close();
      throw error;
    }
    return segment;
  }

  get isActive(): boolean {
    return this.#active;
  }

  get file(): File {
    if (!this.#active) this.#cache.touch(this);
    this.#file ??= this.#disk.open(this.path(LOG_SUFFIX), this.#active ? "write" : "read");
    return this.#file;
  }

  get offsetIndex(): OffsetIndex {
    if (this.#offsetIndex === null) this.#loadIndexes();
    return this.#offsetIndex!;
  }

  get timeIndex(): TimeIndex {
    if (this.#timeIndex === null) this.#loadIndexes();
    return this.#timeIndex!;
  }

  /** The largest timestamp of the segment's records; -1 when it has none. */
  get maxTimestamp(): number {
    return this.#active ? this.#maxTimestamp : this.timeIndex.lastTimestamp;
  }

  /** Last offset of the first batch that has {@link maxTimestamp}. */
  get offsetOfMaxTimestamp(): number {
    return this.#active ? this.#offsetOfMaxTimestamp : this.timeIndex.lastOffset;
  }

  /** What retention by time looks at: the newest record, or the file's own time when no record has a timestamp. */
  get retentionTimestamp(): number {
    const maxTimestamp = this.maxTimestamp;
    return maxTimestamp >= 0 ? maxTimestamp : this.modifiedMs;
  }

  /** Timestamp of the segment's first batch, from which `segment.ms` counts; -1 when there is none. */
  get firstTimestamp(): number {
    if (this.#firstTimestamp === null) {
      if (this.sizeBytes === 0) return NO_TIMESTAMP;
      this.#firstTimestamp = NO_TIMESTAMP;
      forEachBatch(this.file, 0, this.sizeBytes, (buffer, position) => {
        this.#firstTimestamp = maxTimestampAt(buffer, position);
        return false;
      });
    }
    return this.#firstTimestamp;
  }

  path(suffix: string): string {
    return joinPath(this.#directory, offsetPrefix(this.baseOffset) + suffix + this.#suffix);
  }

  hasRoomForOffset(offset: number): boolean {
    return offset - this.baseOffset <= MAX_RELATIVE_OFFSET;
  }

  /** Whether another index entry might not fit into `indexSizeBytes`. The time index keeps one entry for the end of the segment. */
  isIndexFull(indexSizeBytes: number): boolean {
    return (
      this.offsetIndex.count >= OffsetIndex.entriesIn(indexSizeBytes) ||
      this.timeIndex.count >= TimeIndex.entriesIn(indexSizeBytes) - 1
    );
  }

  /**
   * Makes the segment the one that is appended to: finds out what only its end tells. Returns the offset after its last batch (its base offset
   * when it has none). The file must end with a whole batch.
   */
  becomeActive(): number {
    this.#cache.forget(this);
    this.#file?.close();
    this.#file = null;
    this.#active = true;
    const offsetIndex = this.offsetIndex;
    this.#lastIndexedPosition = offsetIndex.lastPosition;
    this.#maxTimestamp = this.timeIndex.lastTimestamp;
    this.#offsetOfMaxTimestamp = this.timeIndex.lastOffset;
    let endOffset = this.baseOffset;
    forEachBatch(this.file, offsetIndex.lastPosition, this.sizeBytes, (buffer, position) => {
      const lastOffset = lastOffsetAt(buffer, position);
      this.#noteTimestamp(maxTimestampAt(buffer, position), lastOffset);
      endOffset = lastOffset + 1;
      return true;
    });
    return endOffset;
  }

  /** Ends the active role: completes the time index and writes all indexes out. The files are not durable yet. */
  becomeInactive(): void {
    this.completeIndexes();
    this.#active = false;
    this.#cache.touch(this);
  }

  /** Notes a batch appended at the end: index entries by the rules of Kafka. */
  noteBatch(lastOffset: number, batchSizeBytes: number, maxTimestamp: number, indexIntervalBytes: number): void {
    const position = this.sizeBytes;
    if (position === 0) this.#firstTimestamp = maxTimestamp;
    this.#noteTimestamp(maxTimestamp, lastOffset);
    if (position - this.#lastIndexedPosition > indexIntervalBytes) {
      this.#offsetIndex!.append(lastOffset, position);
      this.#timeIndex!.maybeAppend(this.#maxTimestamp, this.#offsetOfMaxTimestamp);
      this.#lastIndexedPosition = position;
    }
    this.sizeBytes = position + batchSizeBytes;
  }

  /** Appends the last entry of the time index and writes the indexes out. */
  completeIndexes(): void {
    if (this.#maxTimestamp >= 0) this.timeIndex.maybeAppend(this.#maxTimestamp, this.#offsetOfMaxTimestamp);
    this.writeIndexes();
  }

  /** Writes index entries that are not in the files yet. */
  writeIndexes(): void {
    if (this.#offsetIndex !== null && this.#offsetIndex.count > this.#offsetEntriesWritten) {
      const bytes = this.#offsetIndex.encode(this.#offsetEntriesWritten);
      this.#writeIndex(OFFSET_INDEX_SUFFIX, bytes, this.#offsetIndex.sizeBytes - bytes.length);
      this.#offsetEntriesWritten = this.#offsetIndex.count;
    }
    if (this.#timeIndex !== null && this.#timeIndex.count > this.#timeEntriesWritten) {
      const bytes = this.#timeIndex.encode(this.#timeEntriesWritten);
      this.#writeIndex(TIME_INDEX_SUFFIX, bytes, this.#timeIndex.sizeBytes - bytes.length);
      this.#timeEntriesWritten = this.#timeIndex.count;
    }
    if (this.#transactionsDirty) {
      this.#writeIndex(TRANSACTION_INDEX_SUFFIX, this.#transactionIndex!.encode(), 0);
      this.#transactionsDirty = false;
    }
  }

  /** Makes what was written to the index files durable, off the event loop. */
  async syncIndexes(): Promise<void> {
    for (const suffix of [...this.#unsyncedIndexes]) {
      // A log that is deleted or closed meanwhile needs nothing more, and may have been moved away.
      if (this.deleted || this.#isClosed) return;
      const file = this.#disk.open(this.path(suffix), "write");
      try {
        await file.sync();
      } finally {
        file.close();
      }
      this.#unsyncedIndexes.delete(suffix);
    }
  }

  /** As {@link syncIndexes}, blocking. Returns whether there was anything to sync. */
  syncIndexesNow(): boolean {
    const isDirty = this.#unsyncedIndexes.size > 0;
    for (const suffix of this.#unsyncedIndexes) {
      const file = this.#disk.open(this.path(suffix), "write");
      try {
        file.syncNow();
      } finally {
        file.close();
      }
    }
    this.#unsyncedIndexes.clear();
    return isDirty;
  }

  addAbortedTransaction(transaction: AbortedTransaction): void {
    this.#transactions().append(transaction);
    this.#hasTransactionIndex = true;
    this.#transactionsDirty = true;
  }

  /** Collects aborted transactions that overlap [`from`, `to`); true once later segments need not be asked. */
  collectAbortedTransactions(from: number, to: number, found: AbortedTransaction[]): boolean {
    return this.#hasTransactionIndex && this.#transactions().collect(from, to, found);
  }

  /**
   * Cuts the segment: batches from file position `position` on, which begin at `offset`, go. The file, its indexes and what is known of
   * timestamps follow. The segment must be active.
   */
  truncateTo(position: number, offset: number): void {
    this.file.truncate(position);
    this.sizeBytes = position;
    this.#offsetIndex!.truncateTo(offset);
    this.#timeIndex!.truncateTo(offset);
    if (this.#offsetIndex!.count < this.#offsetEntriesWritten) {
      this.#offsetEntriesWritten = this.#offsetIndex!.count;
      this.#truncateIndex(OFFSET_INDEX_SUFFIX, this.#offsetIndex!.sizeBytes);
    }
    if (this.#timeIndex!.count < this.#timeEntriesWritten) {
      this.#timeEntriesWritten = this.#timeIndex!.count;
      this.#truncateIndex(TIME_INDEX_SUFFIX, this.#timeIndex!.sizeBytes);
    }
    if (this.#hasTransactionIndex) {
      this.#transactions().truncateTo(offset);
      this.#truncateIndex(TRANSACTION_INDEX_SUFFIX, this.#transactions().encode().length);
    }
    if (position === 0) this.#firstTimestamp = null;
    this.#maxTimestamp = NO_TIMESTAMP;
    this.#offsetOfMaxTimestamp = this.baseOffset;
    this.becomeActive();
  }

  /** Renames the files to `.deleted`. They are removed later; reads in flight go on. */
  markDeleted(): void {
    this.deleted = true;
    this.#cache.forget(this);
    const suffixes = SEGMENT_SUFFIXES.filter(suffix => this.#disk.exists(this.path(suffix)));
    for (const suffix of suffixes) {
      const path = this.path(suffix);
      this.#disk.rename(path, path + DELETED_SUFFIX);
    }
    this.#suffix = DELETED_SUFFIX;
  }

  /** The log's directory has another name now; an open file stays as it is. */
  relocate(directory: string): void {
    this.#directory = directory;
  }

  async removeFiles(): Promise<void> {
    this.release();
    for (const suffix of SEGMENT_SUFFIXES) await this.#disk.removeAsync(this.path(suffix));
  }

  /** Closes the file and drops the indexes; they come back on the next use. */
  release(): void {
    this.#file?.close();
    this.#file = null;
    this.#offsetIndex = null;
    this.#timeIndex = null;
    this.#transactionIndex = null;
  }

  close(): void {
    this.#isClosed = true;
    this.#cache.forget(this);
    this.release();
  }

  /**
   * Rebuilds the offset and time index from the file's batches, and writes them, each whole or not at all: below the recovery point nothing is
   * checked again, so half an index would be believed.
   */
  rebuildIndexes(): void {
    const builder = new IndexBuilder(this.baseOffset, this.#indexIntervalBytes);
    forEachBatch(this.file, 0, this.sizeBytes, (buffer, position, _sizeBytes, filePosition) => {
      builder.add(buffer, position, filePosition);
      return true;
    });
    this.#takeIndexes(builder);
    atomicWrite(this.#disk, this.path(OFFSET_INDEX_SUFFIX), builder.offsetIndex.encode());
    atomicWrite(this.#disk, this.path(TIME_INDEX_SUFFIX), builder.timeIndex.encode());
  }

  /** Takes over indexes built by recovery, and writes them over whatever the files held. */
  replaceIndexes(builder: IndexBuilder, transactionIndex: TransactionIndex | null = null): void {
    this.#takeIndexes(builder);
    this.#replaceIndexFile(OFFSET_INDEX_SUFFIX, builder.offsetIndex.encode());
    this.#replaceIndexFile(TIME_INDEX_SUFFIX, builder.timeIndex.encode());
    if (transactionIndex === null) return;
    this.#transactionIndex = transactionIndex;
    this.#hasTransactionIndex = transactionIndex.count > 0;
    if (this.#hasTransactionIndex) this.#replaceIndexFile(TRANSACTION_INDEX_SUFFIX, transactionIndex.encode());
    else {
      this.#disk.remove(this.path(TRANSACTION_INDEX_SUFFIX));
      this.#unsyncedIndexes.delete(TRANSACTION_INDEX_SUFFIX);
    }
  }

  #takeIndexes(builder: IndexBuilder): void {
    builder.finish();
    this.#offsetIndex = builder.offsetIndex;
    this.#timeIndex = builder.timeIndex;
    this.#offsetEntriesWritten = builder.offsetIndex.count;
    this.#timeEntriesWritten = builder.timeIndex.count;
  }

  #noteTimestamp(timestamp: number, lastOffset: number): void {
    if (timestamp <= this.#maxTimestamp) return;
    this.#maxTimestamp = timestamp;
    this.#offsetOfMaxTimestamp = lastOffset;
  }

  #loadIndexes(): void {
    const offsetIndex = this.#readIndex(OFFSET_INDEX_SUFFIX, contents =>
      OffsetIndex.parse(contents, this.baseOffset, this.sizeBytes),
    );
    const timeIndex = this.#readIndex(TIME_INDEX_SUFFIX, contents => TimeIndex.parse(contents, this.baseOffset));
    if (offsetIndex === null || timeIndex === null) {
      this.rebuildIndexes();
      return;
    }
    this.#offsetIndex = offsetIndex;
    this.#timeIndex = timeIndex;
    this.#offsetEntriesWritten = offsetIndex.count;
    this.#timeEntriesWritten = timeIndex.count;
  }

  #transactions(): TransactionIndex {
    if (this.#transactionIndex === null) {
      const parsed = this.#hasTransactionIndex
        ? this.#readIndex(TRANSACTION_INDEX_SUFFIX, TransactionIndex.parse)
        : null;
      this.#transactionIndex = parsed ?? new TransactionIndex();
    }
    return this.#transactionIndex;
  }

  #readIndex<T>(suffix: string, parse: (contents: Buffer) => T | null): T | null {
    try {
      return parse(this.#disk.readFile(this.path(suffix)));
    } catch (error) {
      if (error instanceof DiskError && error.code === "ENOENT") return null;
      throw error;
    }
  }

  #writeIndex(suffix: string, bytes: Buffer, position: number): void {
    this.#unsyncedIndexes.add(suffix);
    const file = this.#disk.open(this.path(suffix), "write");
    try {
      file.writev([bytes], position);
    } finally {
      file.close();
    }
  }

  #truncateIndex(suffix: string, sizeBytes: number): void {
    this.#unsyncedIndexes.add(suffix);
    const file = this.#disk.open(this.path(suffix), "write");
    try {
      file.truncate(sizeBytes);
    } finally {
      file.close();
    }
  }

  #replaceIndexFile(suffix: string, bytes: Buffer): void {
    this.#truncateIndex(suffix, bytes.length);
    this.#writeIndex(suffix, bytes, 0);
  }
}
