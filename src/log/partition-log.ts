/**
 * The log of one partition: an ever-growing sequence of record batches in segment files.
 *
 * Everything that changes it is synchronous. An append is visible at once, reaches the file in one write at the end of the tick, and is durable
 * once `flushedOffset` has passed it. A write that fails takes its batches back; a failure other than a full disk ends the log.
 *
 * ```ts
 * const outcome = log.append(records, { leaderEpoch: 4, origin: "client", retain: false, nowMs });
 * if (outcome.ok) await logs.flush(log);
 * const read = await log.read(0, 1_048_576, log.logEndOffset, { minOneBatch: true });
 * ```
 */
import type { AppendOptions, AppendOutcome } from "./append.ts";
import type { CleanedSegment } from "./cleaner/clean-log.ts";
import type { EpochStore } from "./epoch-store.ts";
import { type AppendFailureListener, LogAppender } from "./log-appender.ts";
import type { LogConfig } from "./log-config.ts";
import type { JournalExtent, LogDurability } from "./log-durability.ts";
import type { LoadedLog, PartitionLogModules, TopicPartition } from "./log-host.ts";
import { findMaxTimestamp, findTimestamp, type TimestampAndOffset } from "./log-lookup.ts";
import { LogMaintenance } from "./log-maintenance.ts";
import { LogReader, type LogView, type ReadOptions, type ReadOutcome } from "./log-reader.ts";
import { LogState } from "./log-state.ts";
import type { LogTail } from "./log-tail.ts";
import { LogTruncation } from "./log-truncation.ts";
import { writePartitionMetadata } from "./partition-metadata.ts";
import type { ProducerStore } from "./producer-store.ts";
import type { Segments } from "./segments.ts";
import type { AbortedTransaction } from "./transaction-index.ts";

export class PartitionLog implements LogView {
  readonly name: string;
  readonly segments: Segments;
  readonly tail: LogTail;
  readonly #state: LogState;
  readonly #durability: LogDurability;
  readonly #epochs: EpochStore;
  readonly #reader: LogReader;
  readonly #appender: LogAppender;
  readonly #truncation: LogTruncation;
  readonly #maintenance: LogMaintenance;
  #closed = false;
  #allowsWriteCaching = false;

  constructor(loaded: LoadedLog, modules: PartitionLogModules) {
    const state = new LogState(this, loaded, modules);
    this.#state = state;
    this.name = state.name;
    this.segments = state.segments;
    this.tail = state.tail;
    this.#durability = state.durability;
    this.#epochs = state.epochs;
    this.#appender = new LogAppender(state);
    this.#truncation = new LogTruncation(state, { appender: this.#appender });
    this.#maintenance = new LogMaintenance(state, { appender: this.#appender });
    this.#reader = new LogReader(
      { indexIntervalBytes: loaded.config.indexIntervalBytes, synchronousReadBytes: modules.synchronousReadBytes },
      { view: this, recency: state.recency, logger: modules.logger },
    );
  }

  get topicPartition(): TopicPartition {
    return this.#state.topicPartition;
  }

  /** Ties a log that does not know its topic's id to it, durably. */
  assignTopicId(topicId: string): void {
    writePartitionMetadata(this.#state.modules.disk, this.#state.files.directory, topicId);
    this.#state.topicPartition = { ...this.#state.topicPartition, topicId };
  }

  /** The first offset that may be read. */
  get logStartOffset(): number {
    return this.#state.logStartOffset;
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.#state.logEndOffset;
  }

  /** End of what is in the files, though perhaps only in the page cache. */
  get writtenOffset(): number {
    return this.#state.writtenOffset;
  }

  /** End of what is durable. */
  get flushedOffset(): number {
    return this.#durability.flushedOffset;
  }

  /** Whether batches count as kept once they are written, not only once they are durable (`write.caching`). */
  get isWriteCached(): boolean {
    return this.#state.config.writeCaching && this.#allowsWriteCaching;
  }

  /** Says whether enough replicas hold the log's batches for `write.caching` to be heeded. */
  allowWriteCaching(isAllowed: boolean): void {
    this.#allowsWriteCaching = isAllowed;
  }

  /** End of what may be acknowledged and counted by replication: what is durable or, with `write.caching`, written. */
  get promisedOffset(): number {
    return this.isWriteCached ? this.#state.writtenOffset : this.flushedOffset;
  }

  /** The end of the tick has written what was appended in it: with `write.caching` that is as good as a flush, and who waits for one is told. */
  announceWritten(): void {
    if (this.isWriteCached && !this.#closed) this.#durability.announce(this);
  }

  /** End of what is durable in the files; the journal may hold more. */
  get syncedOffset(): number {
    return this.#durability.syncedOffset;
  }

  /** Size of the active segment's file; and what the segment holds, there or to be written there, that is durable nowhere. */
  get writtenPosition(): number {
    return this.#state.writtenPosition;
  }
  get unflushedBytes(): number {
    return this.#durability.unflushedBytes(this);
  }

  /** Recovery after a crash reads from here; all below is durable, indexes and checkpoints included. */
  get recoveryPoint(): number {
    return this.#durability.recoveryPoint;
  }

  /** The latest leader epoch; -1 when there is none. */
  get leaderEpoch(): number {
    return this.#epochs.epochs.latestEpoch;
  }

  get highWatermark(): number {
    return this.#state.highWatermark;
  }

  /** Readers of committed records see what is below: the high watermark, or the first open transaction before it. */
  get lastStableOffset(): number {
    const firstUnstable = this.#state.producers.state.firstUnstableOffset;
    return firstUnstable === null ? this.#state.highWatermark : Math.min(firstUnstable, this.#state.highWatermark);
  }

  get sizeBytes(): number {
    return this.segments.sizeBytes;
  }

  /** Base offset of the oldest segment that a crash might leave on disk. */
  get oldestBaseOffset(): number {
    return this.#state.files.oldestBaseOffset;
  }

  get directory(): string {
    return this.#state.files.directory;
  }

  /** The directory has another name now. With `failure` the log takes no more appends. */
  relocate(directory: string, failure: string | null = null): void {
    this.#durability.relocate(directory);
    this.#state.failure ??= failure;
  }

  get config(): LogConfig {
    return this.#state.config;
  }

  /** How far the log was compacted; null when it never was. */
  get cleanedOffset(): number | null {
    return this.#state.cleanedOffset;
  }

  /** Grows with every truncation. */
  get cutCount(): number {
    return this.#durability.cutCount;
  }

  get generation(): number {
    return this.#state.generation;
  }

  /** Why the log refuses appends; null while it is well. */
  get failure(): string | null {
    return this.#state.failure;
  }

  get producers(): ProducerStore["state"] {
    return this.#state.producers.state;
  }

  get epochEntries(): EpochStore["epochs"]["entries"] {
    return this.#epochs.epochs.entries;
  }

  updateConfig(config: LogConfig): void {
    this.#state.config = config;
  }

  /** Told by replication. Never above the end of the log. */
  updateHighWatermark(highWatermark: number): void {
    this.#state.highWatermark = Math.min(highWatermark, this.#state.logEndOffset);
    this.#state.producers.state.highWatermarkMoved(this.#state.highWatermark);
  }

  /**
   * Appends `records`. From clients it is exactly one batch, from replicas the leader's bytes as they are, from coordinators and raft batches
   * that this process built. Base offsets, leader epochs and, under LogAppendTime, timestamps are set in place. A refused append changes nothing.
   */
  append(records: Buffer, options: AppendOptions): AppendOutcome {
    return this.#appender.append(records, options);
  }

  /**
   * Whole batches from the one that holds `offset` on, below `limitOffset`, up to `maxBytes` in all. A promise only where the disk may have to
   * be waited for.
   */
  read(
    offset: number,
    maxBytes: number,
    limitOffset: number,
    options: ReadOptions,
  ): ReadOutcome | Promise<ReadOutcome> {
    return this.#reader.read(offset, maxBytes, limitOffset, options);
  }

  /** The first record at or above the log start with a timestamp of at least `timestamp`; null when there is none. */
  offsetForTimestamp(timestamp: number): TimestampAndOffset | null {
    this.writePending();
    return findTimestamp(this.segments, this.#epochs.epochs, this.#state.logStartOffset, timestamp);
  }

  /** The record with the largest timestamp; null for a log without records. */
  maxTimestamp(): TimestampAndOffset | null {
    this.writePending();
    return findMaxTimestamp(this.segments, this.#epochs.epochs, this.#state.logStartOffset);
  }

  /** Where `epoch` ended (OffsetForLeaderEpoch); -1, -1 when it is not known. */
  offsetForLeaderEpoch(epoch: number): { leaderEpoch: number; endOffset: number } {
    return this.#epochs.epochs.endOffsetFor(epoch, this.#state.logEndOffset);
  }

  /** The leader epoch of the record at `offset`; -1 when not known. */
  epochForOffset(offset: number): number {
    return this.#epochs.epochs.epochFor(offset);
  }

  /** A leader of `epoch` starts to write at `offset`. */
  assignEpochStart(epoch: number, offset: number): void {
    if (this.#epochs.epochs.assign(epoch, offset)) this.#epochs.changed();
  }

  /** The aborted transactions that overlap [`from`, `to`), for a reader of committed records. */
  abortedTransactions(from: number, to: number): AbortedTransaction[] {
    return this.segments.abortedTransactions(from, to);
  }

  /**
   * Cuts the log: batches that hold `offset` or anything above go. Returns whether anything changed. Below the high watermark this is for
   * followers that were told so by their leader only.
   */
  truncateTo(offset: number): boolean {
    return this.#truncation.truncateTo(offset);
  }

  /** Empties the log and lets it begin at `offset`. */
  truncateFullyAndStartAt(offset: number): void {
    this.#truncation.truncateFullyAndStartAt(offset);
  }

  /** Records below `offset` are gone for readers, and whole segments below it from disk (DeleteRecords). Returns whether anything changed. */
  advanceLogStart(offset: number): boolean {
    return this.#maintenance.advanceLogStart(offset);
  }

  /** Starts a new segment at the end of the log, unless the active one is empty. */
  roll(): void {
    this.#appender.roll();
  }

  /** Deletes segments that retention by time or size, or the log start offset, lets go. Returns how many. */
  deleteOldSegments(nowMs: number): number {
    return this.#maintenance.deleteOldSegments(nowMs);
  }

  /** Moves the log start behind what retention by time or size lets go; {@link deleteSegmentsBelowStart} follows once that is durable. */
  applyRetention(nowMs: number): boolean {
    return this.#maintenance.applyRetention(nowMs);
  }

  /** Deletes the segments that lie below the log start whole. The log start must be durable. Returns how many. */
  deleteSegmentsBelowStart(): number {
    return this.#maintenance.deleteSegmentsBelowStart();
  }

  /**
   * Puts a segment that the cleaner wrote in the place of those it was made from. False, and its files are removed, when the log is not the one
   * that was read at `cutCount` any more, or the disk fails.
   */
  swapIn(cleaned: CleanedSegment, cutCount: number): boolean {
    return this.#maintenance.swapIn(cleaned, cutCount);
  }

  /** The log was compacted up to `offset`. */
  markCleaned(offset: number): void {
    this.#maintenance.markCleaned(offset);
  }

  /** What the checkpoint says of how far the log was compacted. */
  restoreCleanedOffset(offset: number): void {
    this.#state.cleanedOffset = offset;
  }

  /** Forgets producers that wrote nothing for `expirationMs` and have no open transaction. */
  expireProducers(nowMs: number, expirationMs: number): number {
    return this.#state.producers.state.expire(nowMs, expirationMs);
  }

  /** Whether a flush has anything to do. */
  get isDirty(): boolean {
    return this.flushedOffset < this.#state.logEndOffset || this.#durability.isOvertaken;
  }

  /** Calls `listener` after each flush that moved `flushedOffset`. Returns the way to stop that. */
  onFlushed(listener: (log: PartitionLog) => void): () => void {
    return this.#durability.onFlushed(listener);
  }

  /**
   * Calls `listener` when batches already accepted were taken back because they could not be written: the log ends at `endOffset` again. Whoever
   * waits for a higher offset must answer with `errorCode`.
   */
  onAppendFailed(listener: AppendFailureListener): () => void {
    return this.#appender.onAppendFailed(listener);
  }

  /** Writes what was appended to the file: one `writev`. Called at the end of each tick that appended. */
  writePending(): void {
    this.#appender.writePending();
  }

  /**
   * Makes everything appended so far durable; `flushedOffset` moves and listeners are called before the promise resolves. Only the flush
   * scheduler calls this, one at a time. A rejection means that nobody knows what is on disk.
   */
  flushNow(): Promise<void> {
    this.writePending();
    return this.#durability.flush(this);
  }

  /** Syncs what was appended so far, blocking; who waits for a flush waits on. Throws after telling that a sync failed. */
  syncNow(): void {
    this.writePending();
    this.#durability.syncNow(this);
  }

  /** What is written and not durable, as it is to stand in the journal; null when it is more than `maxBytes`, or only {@link flushNow} will do. */
  journalExtent(maxBytes: number): JournalExtent | null {
    return this.#durability.extent(this, maxBytes);
  }

  /** The journal holds `extent`, durably: as good as flushed. */
  journaled(extent: JournalExtent): void {
    this.#durability.journaled(this, extent);
  }

  /**
   * Moves the recovery point up to what is flushed, making durable first whatever recovery would have rebuilt from the batches below it. Returns
   * whether it moved; the manager then writes the checkpoint file.
   */
  advanceRecoveryPoint(): Promise<boolean> {
    return this.#durability.advanceRecoveryPoint(this);
  }

  /** Writes and syncs everything; the log can be opened again without recovery. */
  close(): void {
    if (this.#closed) return;
    if (this.#state.failure === null) {
      this.writePending();
      this.#epochs.writeNow();
      this.#state.files.finish(this.#state.logEndOffset);
      this.#durability.finish(this.#state.logEndOffset);
    }
    this.abandon("The log is closed.");
  }

  /** Lets go of files and memory as they are: the log failed or is being deleted. */
  abandon(reason: string): void {
    this.#closed = true;
    this.#state.failure ??= reason;
    this.tail.clear();
    this.#state.files.close();
    this.#durability.close();
    this.#appender.close();
  }

  get isClosed(): boolean {
    return this.#closed;
  }
}
