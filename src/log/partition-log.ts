/**
 * The log of one partition: an ever-growing sequence of record batches in segment files.
 *
 * Everything that changes it is synchronous. An append is visible at once, reaches the file in one write at the end of the tick, and is durable
 * once `flushedOffset` has passed it (see `flush-scheduler.ts`). A write that fails takes its batches back; a failure other than a full disk
 * ends the log, for nobody knows what is in the file then.
 *
 * ```ts
 * const outcome = log.append(records, { leaderEpoch: 4, origin: "client", retain: false, nowMs });
 * if (outcome.ok) await logs.flush(log);
 * const read = await log.read(0, 1_048_576, log.logEndOffset, { minOneBatch: true });
 * ```
 */
import { Errors } from "../../protocol/errors.ts";
import {
  baseOffsetAt,
  lastOffsetAt,
  lastOffsetDeltaAt,
  maxTimestampAt,
  partitionLeaderEpochAt,
  setBaseOffset,
  setPartitionLeaderEpoch,
} from "../../protocol/records/batch.ts";
import type { Logger } from "../logging/index.ts";
import { DiskError } from "../platform/platform.ts";
import { type AppendOptions, type AppendOutcome, checkProducers, type Prepared, prepareAppend } from "./append.ts";
import { batchSizeWithin } from "./batch-walk.ts";
import type { CleanedSegment } from "./cleaner/clean-log.ts";
import { discardCleanedFiles } from "./cleaner/segment-swap.ts";
import { isDiskFull } from "./disk-full.ts";
import type { EpochStore } from "./epoch-store.ts";
import type { LogConfig } from "./log-config.ts";
import { type JournalExtent, LogDurability } from "./log-durability.ts";
import { LogFiles } from "./log-files.ts";
import type { LoadedLog, PartitionLogModules, TopicPartition } from "./log-host.ts";
import { findMaxTimestamp, findTimestamp, placeOf, type TimestampAndOffset } from "./log-lookup.ts";
import { LogReader, type LogView, type ReadOptions, type ReadOutcome } from "./log-reader.ts";
import { LogTail } from "./log-tail.ts";
import { writePartitionMetadata } from "./partition-metadata.ts";
import { noteProducerBatch } from "./producer-replay.ts";
import type { ProducerStore } from "./producer-store.ts";
import { planRetention } from "./retention.ts";
import type { Segments } from "./segments.ts";
import type { AbortedTransaction } from "./transaction-index.ts";

export class PartitionLog implements LogView {
  #topicPartition: TopicPartition;
  readonly name: string;
  readonly segments: Segments;
  readonly tail: LogTail;
  #config: LogConfig;
  readonly #modules: PartitionLogModules;
  readonly #logger: Logger;
  readonly #reader: LogReader;
  readonly #producers: ProducerStore;
  readonly #epochs: EpochStore;
  #logStartOffset: number;
  #logEndOffset: number;
  #writtenOffset: number;
  #highWatermark: number;
  /** Size of the active segment's file. */
  #writtenPosition: number;
  #generation = 0;
  /** Why the log takes no more appends; null while it does. */
  #failure: string | null = null;
  #closed = false;
  #allowsWriteCaching = false;
  #cleanedOffset: number | null = null;
  readonly #files: LogFiles;
  readonly #durability: LogDurability;
  readonly #failureListeners = new Set<(log: PartitionLog, endOffset: number, errorCode: number) => void>();

  constructor(loaded: LoadedLog, modules: PartitionLogModules) {
    this.#topicPartition = loaded.topicPartition;
    this.name = `${loaded.topicPartition.topic}-${loaded.topicPartition.partition}`;
    this.#config = loaded.config;
    this.#modules = modules;
    this.#logger = modules.logger;
    this.segments = loaded.segments;
    this.tail = new LogTail(modules.tailCache);
    this.#producers = loaded.producers;
    this.#epochs = loaded.epochs;
    this.#logStartOffset = loaded.logStartOffset;
    this.#logEndOffset = loaded.logEndOffset;
    this.#writtenOffset = loaded.logEndOffset;
    this.#highWatermark = loaded.logStartOffset;
    this.#writtenPosition = loaded.segments.active.sizeBytes;
    this.#files = new LogFiles(loaded, {
      disk: modules.disk,
      clock: modules.clock,
      random: modules.random,
      segmentCache: modules.segmentCache,
      removeLater: (delayMs, remove) => modules.host.removeLater(delayMs, remove),
      onSyncFailed: error => modules.host.syncFailed(error),
    });
    this.#durability = new LogDurability(loaded, {
      disk: modules.disk,
      files: this.#files,
      epochs: loaded.epochs,
      onRecoveryPointLowered: () => modules.host.recoveryPointLowered(this),
    });
    this.#reader = new LogReader(
      { indexIntervalBytes: loaded.config.indexIntervalBytes, synchronousReadBytes: modules.synchronousReadBytes },
      { view: this, logger: modules.logger },
    );
  }

  get topicPartition(): TopicPartition {
    return this.#topicPartition;
  }

  /** Ties a log that does not know its topic's id to it, durably. */
  assignTopicId(topicId: string): void {
    writePartitionMetadata(this.#modules.disk, this.#files.directory, topicId);
    this.#topicPartition = { ...this.#topicPartition, topicId };
  }

  /** The first offset that may be read. */
  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.#logEndOffset;
  }

  /** End of what is in the files, though perhaps only in the page cache. */
  get writtenOffset(): number {
    return this.#writtenOffset;
  }

  /** End of what is durable. */
  get flushedOffset(): number {
    return this.#durability.flushedOffset;
  }

  /** Whether batches count as kept once they are written, not only once they are durable (`write.caching`). */
  get isWriteCached(): boolean {
    return this.#config.writeCaching && this.#allowsWriteCaching;
  }

  /** Says whether enough replicas hold the log's batches for `write.caching` to be heeded. */
  allowWriteCaching(isAllowed: boolean): void {
    this.#allowsWriteCaching = isAllowed;
  }

  /** End of what may be acknowledged and counted by replication: what is durable or, with `write.caching`, written. */
  get promisedOffset(): number {
    return this.isWriteCached ? this.#writtenOffset : this.flushedOffset;
  }

  /** The end of the tick has written what was appended in it: with `write.caching` that is as good as a flush, and who waits for one is told. */
  announceWritten(): void {
    if (this.isWriteCached && !this.#closed) this.#durability.announce(this);
  }

  /** End of what is durable in the files; the journal may hold more. */
  get syncedOffset(): number {
    return this.#durability.syncedOffset;
  }

  /** Size of the active segment's file. */
  get writtenPosition(): number {
    return this.#writtenPosition;
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
    return this.#highWatermark;
  }

  /** Readers of committed records see what is below: the high watermark, or the first open transaction before it. */
  get lastStableOffset(): number {
    const firstUnstable = this.#producers.state.firstUnstableOffset;
    return firstUnstable === null ? this.#highWatermark : Math.min(firstUnstable, this.#highWatermark);
  }

  get sizeBytes(): number {
    let sizeBytes = 0;
    for (const segment of this.segments.all()) sizeBytes += segment.sizeBytes;
    return sizeBytes;
  }

  /** Base offset of the oldest segment that a crash might leave on disk. */
  get oldestBaseOffset(): number {
    return this.#files.oldestBaseOffset;
  }

  get directory(): string {
    return this.#files.directory;
  }

  /** The directory has another name now. With `failure` the log takes no more appends. */
  relocate(directory: string, failure: string | null = null): void {
    this.#durability.relocate(directory);
    this.#failure ??= failure;
  }

  get config(): LogConfig {
    return this.#config;
  }

  /** How far the log was compacted; null when it never was. */
  get cleanedOffset(): number | null {
    return this.#cleanedOffset;
  }

  /** Grows with every truncation. */
  get cutCount(): number {
    return this.#durability.cutCount;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Why the log refuses appends; null while it is well. */
  get failure(): string | null {
    return this.#failure;
  }

  get producers(): ProducerStore["state"] {
    return this.#producers.state;
  }

  get epochEntries(): EpochStore["epochs"]["entries"] {
    return this.#epochs.epochs.entries;
  }

  updateConfig(config: LogConfig): void {
    this.#config = config;
  }

  /** Told by replication. Never above the end of the log. */
  updateHighWatermark(highWatermark: number): void {
    this.#highWatermark = Math.min(highWatermark, this.#logEndOffset);
    this.#producers.state.highWatermarkMoved(this.#highWatermark);
  }

  /**
   * Appends `records`. From clients it is exactly one batch, from replicas the leader's bytes as they are, from coordinators and raft batches
   * that this process built. Base offsets, leader epochs and, under LogAppendTime, timestamps are set in place. A refused append changes nothing.
   */
  append(records: Buffer, options: AppendOptions): AppendOutcome {
    if (this.#failure !== null) return { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: this.#failure };
    if (options.origin === "client" && this.#modules.host.isFull(this)) {
      return { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: "The disk is full." };
    }
    const prepared = prepareAppend(records, options, this.#config, this.#modules.maxDecompressedBytes);
    if (!prepared.ok) return prepared;
    if (options.origin !== "replica") {
      const settled = checkProducers(prepared, this.#producers.state, this.#logStartOffset);
      if (settled !== null) return settled;
      this.#assignOffsets(prepared, options.leaderEpoch);
    } else if (baseOffsetAt(prepared.records, 0) < this.#logEndOffset) {
      const message = `Batch at ${baseOffsetAt(prepared.records, 0)} is below the end of the log, ${this.#logEndOffset}.`;
      return { ok: false, errorCode: Errors.CORRUPT_MESSAGE, message };
    }
    const endOffset = this.#logEndOffset;
    try {
      if (this.#mustRoll(prepared)) this.#roll(baseOffsetAt(prepared.records, 0));
    } catch (error) {
      return this.#appendFailed(error);
    }
    // A full disk may have taken back what this tick appended before.
    if (endOffset !== this.#logEndOffset) {
      return { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: "The log could not be written." };
    }
    const baseOffset = baseOffsetAt(prepared.records, 0);
    this.#add(prepared, baseOffset);
    return {
      ok: true,
      baseOffset,
      lastOffset: this.#logEndOffset - 1,
      logAppendTimeMs: prepared.logAppendTimeMs,
      logStartOffset: this.#logStartOffset,
      duplicate: false,
    };
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
    return findTimestamp(this.segments, this.#epochs.epochs, this.#logStartOffset, timestamp);
  }

  /** The record with the largest timestamp; null for a log without records. */
  maxTimestamp(): TimestampAndOffset | null {
    this.writePending();
    return findMaxTimestamp(this.segments, this.#epochs.epochs, this.#logStartOffset);
  }

  /** Where `epoch` ended (OffsetForLeaderEpoch); -1, -1 when it is not known. */
  offsetForLeaderEpoch(epoch: number): { leaderEpoch: number; endOffset: number } {
    return this.#epochs.epochs.endOffsetFor(epoch, this.#logEndOffset);
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
    const found: AbortedTransaction[] = [];
    for (let index = Math.max(0, this.segments.indexFor(from)); index < this.segments.count; index += 1) {
      if (this.segments.at(index)!.collectAbortedTransactions(from, to, found)) break;
    }
    return found;
  }

  /**
   * Cuts the log: batches that hold `offset` or anything above go. Returns whether anything changed. Below the high watermark this is for
   * followers that were told so by their leader only.
   */
  truncateTo(offset: number): boolean {
    if (offset >= this.#logEndOffset) {
      // A leader notes where its epoch begins before it writes anything; one that never did leaves nothing else to cut.
      if (this.#epochs.epochs.truncateFromEnd(this.#logEndOffset)) this.#epochs.changed();
      return false;
    }
    if (offset < this.#logStartOffset) {
      this.truncateFullyAndStartAt(offset);
      return true;
    }
    this.writePending();
    if (offset >= this.#logEndOffset) return true;
    this.#logger.info("log.truncating", { partition: this.name, from: this.#logEndOffset, to: offset });
    const index = Math.max(0, this.segments.indexFor(offset));
    const { position, endOffset } = placeOf(this.segments.at(index)!, offset);
    // The batch that goes whole may be the one in which the log starts. What of it was to stay is fetched again.
    if (endOffset < this.#logStartOffset) {
      this.truncateFullyAndStartAt(this.#logStartOffset);
      return true;
    }
    this.#durability.lowerRecoveryPoint(endOffset);
    this.#modules.host.rewriting(this);
    this.#orFail(() => {
      this.#files.removeFromEnd(index + 1, this.#config);
      if (!this.segments.active.isActive) this.segments.active.becomeActive();
      this.#cut(position, endOffset);
      this.#producers.rebuild(this.segments, this.#logStartOffset, this.#logEndOffset);
      this.#epochs.writeNow();
    });
    return true;
  }

  /** Empties the log and lets it begin at `offset`. */
  truncateFullyAndStartAt(offset: number): void {
    this.writePending();
    this.#logger.info("log.restarting", { partition: this.name, from: this.#logEndOffset, at: offset });
    this.#durability.lowerRecoveryPoint(Math.min(offset, this.#logStartOffset));
    this.#modules.host.rewriting(this);
    // A crash from here on finds either what was there, from `offset` on, or nothing.
    if (offset !== this.#logStartOffset) {
      this.#logStartOffset = offset;
      this.#modules.host.checkpointLogStart(this);
    }
    this.tail.clear();
    this.#orFail(() => {
      this.#files.restart(offset, this.#config);
      this.#producers.truncateTo(-1);
    });
    this.#producers.state.clear();
    this.#epochs.epochs.clear();
    this.#epochs.changed();
    this.#generation += 1;
    this.#durability.restart(offset, this.segments.active);
    this.#lowerCleanedOffset(offset);
    this.#logStartOffset = this.#logEndOffset = this.#writtenOffset = this.#highWatermark = offset;
    this.#writtenPosition = 0;
    this.#epochs.writeNow();
    this.#modules.host.logStartOffsetChanged(this);
  }

  /** Records below `offset` are gone for readers, and whole segments below it from disk (DeleteRecords). Returns whether anything changed. */
  advanceLogStart(offset: number): boolean {
    if (offset <= this.#logStartOffset) return false;
    if (offset > this.#logEndOffset) throw new RangeError(`log start ${offset} is above the end ${this.#logEndOffset}`);
    this.#logStartOffset = offset;
    this.#highWatermark = Math.max(this.#highWatermark, offset);
    this.#generation += 1;
    if (this.#epochs.epochs.truncateFromStart(offset)) this.#epochs.changed();
    this.#modules.host.logStartOffsetChanged(this);
    return true;
  }

  /** Starts a new segment at the end of the log, unless the active one is empty. */
  roll(): void {
    if (this.segments.active.sizeBytes > 0) this.#roll(this.#logEndOffset);
  }

  /** Deletes segments that retention by time or size, or the log start offset, lets go. Returns how many. */
  deleteOldSegments(nowMs: number): number {
    this.applyRetention(nowMs);
    this.#modules.host.checkpointLogStart(this);
    return this.deleteSegmentsBelowStart();
  }

  /** Moves the log start behind what retention by time or size lets go; {@link deleteSegmentsBelowStart} follows once that is durable. */
  applyRetention(nowMs: number): boolean {
    const config = this.#config;
    if (this.#failure !== null || !config.deletes) return false;
    const plan = planRetention(this.segments.all(), {
      retentionMs: config.retentionMs,
      retentionSizeBytes: config.retentionSizeBytes,
      logStartOffset: this.#logStartOffset,
      logEndOffset: this.#logEndOffset,
      highWatermark: this.#highWatermark,
      nowMs,
    });
    if (plan === null) return false;
    if (plan.count === this.segments.count) this.#roll(this.#logEndOffset);
    const logStartOffset = this.segments.at(plan.count)!.baseOffset;
    this.#logger.info("log.retention", { partition: this.name, reason: plan.reason, logStartOffset });
    return this.advanceLogStart(Math.min(logStartOffset, this.#logEndOffset));
  }

  /** Deletes the segments that lie below the log start whole. The log start must be durable. Returns how many. */
  deleteSegmentsBelowStart(): number {
    if (this.#failure !== null) return 0;
    let count = 0;
    while (count + 1 < this.segments.count && this.segments.at(count + 1)!.baseOffset <= this.#logStartOffset)
      count += 1;
    if (count === 0) return 0;
    this.#logger.info("log.segments-deleted", { partition: this.name, count, logStartOffset: this.#logStartOffset });
    this.#files.removeFromStart(count, this.#config);
    this.#generation += 1;
    return count;
  }

  /**
   * Puts a segment that the cleaner wrote in the place of those it was made from. False, and its files are removed, when the log is not the one
   * that was read at `cutCount` any more, or the disk fails.
   */
  swapIn(cleaned: CleanedSegment, cutCount: number): boolean {
    const index = this.segments.indexFor(cleaned.baseOffset);
    const next = this.segments.at(index + cleaned.replaces.length);
    const isSame = cleaned.replaces.every((base, number) => this.segments.at(index + number)?.baseOffset === base);
    if (this.#failure !== null || cutCount !== this.cutCount || !isSame || next === undefined) {
      discardCleanedFiles(this.#files.directory, cleaned, this.#modules);
      return false;
    }
    try {
      this.#files.replace(index, cleaned, this.#config);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#fail(error);
      return false;
    }
    this.tail.dropBelow(next.baseOffset);
    this.#generation += 1;
    return true;
  }

  /** The log was compacted up to `offset`. */
  markCleaned(offset: number): void {
    if (this.#failure !== null) return;
    this.#cleanedOffset = offset;
    this.#modules.host.cleanedOffsetChanged(this);
  }

  /** What the checkpoint says of how far the log was compacted. */
  restoreCleanedOffset(offset: number): void {
    this.#cleanedOffset = offset;
  }

  /** Forgets producers that wrote nothing for `expirationMs` and have no open transaction. */
  expireProducers(nowMs: number, expirationMs: number): number {
    return this.#producers.state.expire(nowMs, expirationMs);
  }

  /** Whether a flush has anything to do. */
  get isDirty(): boolean {
    return this.flushedOffset < this.#logEndOffset || this.#durability.isOvertaken;
  }

  /** Calls `listener` after each flush that moved `flushedOffset`. Returns the way to stop that. */
  onFlushed(listener: (log: PartitionLog) => void): () => void {
    return this.#durability.onFlushed(listener);
  }

  /**
   * Calls `listener` when batches already accepted were taken back because they could not be written: the log ends at `endOffset` again. Whoever
   * waits for a higher offset must answer with `errorCode`.
   */
  onAppendFailed(listener: (log: PartitionLog, endOffset: number, errorCode: number) => void): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  /** Writes what was appended to the file: one `writev`. Called at the end of each tick that appended. */
  writePending(): void {
    if (this.#writtenOffset === this.#logEndOffset || this.#failure !== null) return;
    try {
      this.segments.active.file.writev(this.tail.unwritten(), this.#writtenPosition);
    } catch (error) {
      this.#takeBack(error);
      return;
    }
    this.tail.markWritten();
    this.#files.written();
    this.#writtenOffset = this.#logEndOffset;
    this.#writtenPosition = this.segments.active.sizeBytes;
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

  /** What is written and not durable, as it is to stand in the journal; null when only {@link flushNow} will do. */
  journalExtent(): JournalExtent | null {
    return this.#durability.extent(this);
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
    if (this.#failure === null) {
      this.writePending();
      this.#epochs.writeNow();
      this.#files.finish(this.#logEndOffset);
      this.#durability.finish(this.#logEndOffset);
    }
    this.abandon("The log is closed.");
  }

  /** Lets go of files and memory as they are: the log failed or is being deleted. */
  abandon(reason: string): void {
    this.#closed = true;
    this.#failure ??= reason;
    this.tail.clear();
    this.#files.close();
    this.#durability.close();
    this.#failureListeners.clear();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether `prepared` must begin a new segment: by size, offset range, full index or age. */
  #mustRoll(prepared: Prepared): boolean {
    const active = this.segments.active;
    const config = this.#config;
    if (active.sizeBytes > config.segmentSizeBytes - prepared.records.length && active.sizeBytes > 0) return true;
    if (!active.hasRoomForOffset(prepared.lastOffset)) return true;
    if (active.isIndexFull(config.indexSizeBytes)) return true;
    if (active.sizeBytes === 0) return false;
    const firstTimestamp = active.firstTimestamp;
    const ageMs =
      firstTimestamp >= 0 ? prepared.maxTimestamp - firstTimestamp : this.#modules.clock.now() - active.modifiedMs;
    return ageMs > config.segmentMs - active.rollJitterMs;
  }

  #roll(baseOffset: number): void {
    const endOffset = this.#logEndOffset;
    this.writePending();
    if (this.#failure !== null) throw new DiskError("EIO", "roll", this.#files.directory);
    // A full disk took back what was to stand before the new segment.
    if (this.#logEndOffset !== endOffset) throw new DiskError("ENOSPC", "roll", this.#files.directory);
    const old = this.segments.active;
    const next = Math.max(baseOffset, this.#logEndOffset);
    if (old.sizeBytes === 0 && old.baseOffset === next) return;
    this.#files.roll(next, this.#config);
    this.tail.seal();
    this.#writtenPosition = 0;
    this.#logger.debug("log.rolled", { partition: this.name, baseOffset: next });
  }

  #assignOffsets(prepared: Prepared, leaderEpoch: number): void {
    const { records } = prepared;
    let offset = this.#logEndOffset;
    for (let position = 0; position < records.length; ) {
      const sizeBytes = batchSizeWithin(records, position, records.length);
      setBaseOffset(records, position, offset);
      setPartitionLeaderEpoch(records, position, leaderEpoch);
      offset += lastOffsetDeltaAt(records, position) + 1;
      position += sizeBytes;
    }
    prepared.lastOffset = offset - 1;
  }

  /** Takes validated batches with final offsets into memory and indexes. */
  #add(prepared: Prepared, baseOffset: number): void {
    const { records } = prepared;
    const segment = this.segments.active;
    const epochs = this.#epochs.epochs;
    const filePosition = segment.sizeBytes;
    for (let position = 0; position < records.length; ) {
      const sizeBytes = batchSizeWithin(records, position, records.length);
      const epoch = partitionLeaderEpochAt(records, position);
      if (epoch > epochs.latestEpoch && epochs.assign(epoch, baseOffsetAt(records, position))) this.#epochs.changed();
      const aborted = noteProducerBatch(this.#producers.state, records, position);
      if (aborted !== null) segment.addAbortedTransaction(aborted);
      const maxTimestamp = maxTimestampAt(records, position);
      segment.noteBatch(lastOffsetAt(records, position), sizeBytes, maxTimestamp, this.#config.indexIntervalBytes);
      position += sizeBytes;
    }
    const wasWritten = this.#writtenOffset === this.#logEndOffset;
    this.#logEndOffset = prepared.lastOffset + 1;
    this.tail.append(records, segment, filePosition, baseOffset, this.#logEndOffset, prepared.retain);
    if (wasWritten) this.#modules.host.appended(this);
  }

  /** A write failed: the batches since the last one go, and with them whatever noted them. */
  #takeBack(error: unknown): void {
    const endOffset = this.#writtenOffset;
    const listeners = [...this.#failureListeners];
    this.#logger.error("log.write-failed", { partition: this.name, records: this.#logEndOffset - endOffset, error });
    try {
      this.#cut(this.#writtenPosition, endOffset);
      this.#producers.rebuild(this.segments, this.#logStartOffset, endOffset);
    } catch (cutError) {
      this.#fail(cutError);
    }
    if (!isDiskFull(error)) this.#fail(error);
    for (const listener of listeners) listener(this, endOffset, Errors.KAFKA_STORAGE_ERROR);
  }

  #appendFailed(error: unknown): AppendOutcome {
    if (!(error instanceof DiskError)) throw error;
    if (!isDiskFull(error)) this.#fail(error);
    return { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: error.message };
  }

  #fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = `The log cannot be written any more: ${error instanceof Error ? error.message : String(error)}`;
    this.#logger.error("log.failed", { partition: this.name, error: this.#failure });
    this.#modules.host.storageFailed(this, error);
  }

  /** Ends the log at `position` of its active segment, which is `offset`. */
  #cut(position: number, offset: number): void {
    this.tail.clear();
    this.#files.cut(position, offset);
    this.#logEndOffset = this.#writtenOffset = offset;
    this.#writtenPosition = position;
    this.#durability.cut(offset, this.segments.active, position);
    this.#highWatermark = Math.min(this.#highWatermark, offset);
    this.#generation += 1;
    this.#lowerCleanedOffset(offset);
    if (this.#epochs.epochs.truncateFromEnd(offset)) this.#epochs.changed();
    this.#producers.truncateTo(offset);
  }

  /** Runs a change of several files. When it breaks off half way, even for want of space, the log is of no more use. */
  #orFail(change: () => void): void {
    try {
      change();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #lowerCleanedOffset(offset: number): void {
    if (this.#cleanedOffset === null || this.#cleanedOffset <= offset) return;
    this.#cleanedOffset = offset;
    this.#modules.host.cleanedOffsetChanged(this);
  }
}
