/**
 * The end of a log, growing: what was judged fit (`append.ts`) gets its offsets and goes into memory and indexes, at the end of the tick into the
 * file, and into a new segment when the active one is full or old. A write that fails takes back what it was to write.
 */
import { Errors } from "../../protocol/errors.ts";
import {
  baseOffsetAt,
  lastOffsetAt,
  lastOffsetDeltaAt,
  maxTimestampAt,
  partitionLeaderEpochAt,
  producerIdAt,
  setBaseOffset,
  setPartitionLeaderEpoch,
} from "../../protocol/records/batch.ts";
import { DiskError } from "../platform/platform.ts";
import { type AppendOptions, type AppendOutcome, checkProducers, type Prepared, prepareAppend } from "./append.ts";
import { batchSizeWithin } from "./batch-walk.ts";
import { isDiskFull } from "./disk-full.ts";
import type { LogState } from "./log-state.ts";
import type { PartitionLog } from "./partition-log.ts";
import { recallBatches } from "./producer-recall.ts";
import { noteProducerBatch } from "./producer-replay.ts";

/** Told that batches already accepted were taken back: the log ends at `endOffset` again. */
export type AppendFailureListener = (log: PartitionLog, endOffset: number, errorCode: number) => void;

export class LogAppender {
  readonly #state: LogState;
  readonly #failureListeners = new Set<AppendFailureListener>();

  constructor(state: LogState) {
    this.#state = state;
  }

  /** See `PartitionLog.append`. */
  append(records: Buffer, options: AppendOptions): AppendOutcome {
    const state = this.#state;
    if (state.failure !== null) return { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: state.failure };
    if (options.origin === "client" && state.modules.host.isFull(state.log)) {
      return { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: "The disk is full." };
    }
    const prepared = prepareAppend(records, options, state.config, state.modules.maxDecompressedBytes);
    if (!prepared.ok) return prepared;
    if (options.origin !== "replica") {
      let settled = checkProducers(prepared, state.producers.state, state.logStartOffset);
      if (settled?.ok === false && this.#recall(prepared))
        settled = checkProducers(prepared, state.producers.state, state.logStartOffset);
      if (settled !== null) return settled;
      this.#assignOffsets(prepared, options.leaderEpoch);
    } else if (baseOffsetAt(prepared.records, 0) < state.logEndOffset) {
      const message = `Batch at ${baseOffsetAt(prepared.records, 0)} is below the end of the log, ${state.logEndOffset}.`;
      return { ok: false, errorCode: Errors.CORRUPT_MESSAGE, message };
    }
    const endOffset = state.logEndOffset;
    try {
      if (this.#mustRoll(prepared)) this.#roll(baseOffsetAt(prepared.records, 0));
    } catch (error) {
      return this.#appendFailed(error);
    }
    // A full disk may have taken back what this tick appended before.
    if (endOffset !== state.logEndOffset) {
      return { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: "The log could not be written." };
    }
    const baseOffset = baseOffsetAt(prepared.records, 0);
    this.#add(prepared, baseOffset);
    return {
      ok: true,
      baseOffset,
      lastOffset: state.logEndOffset - 1,
      logAppendTimeMs: prepared.logAppendTimeMs,
      logStartOffset: state.logStartOffset,
      duplicate: false,
    };
  }

  /** Starts a new segment at the end of the log, unless the active one is empty. */
  roll(): void {
    if (this.#state.segments.active.sizeBytes > 0) this.#roll(this.#state.logEndOffset);
  }

  /** See `PartitionLog.writePending`. */
  writePending(): void {
    const state = this.#state;
    if (state.writtenOffset === state.logEndOffset || state.failure !== null) return;
    try {
      state.segments.active.file.writev(state.tail.unwritten(), state.writtenPosition);
    } catch (error) {
      this.#takeBack(error);
      return;
    }
    state.tail.markWritten();
    state.files.written();
    state.writtenOffset = state.logEndOffset;
    state.writtenPosition = state.segments.active.sizeBytes;
  }

  /** See `PartitionLog.onAppendFailed`. */
  onAppendFailed(listener: AppendFailureListener): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  /** Nobody is told any more. */
  close(): void {
    this.#failureListeners.clear();
  }

  /** Looks in the log for what a snapshot did not tell of the producer that is about to be refused. Returns whether it learned anything. */
  #recall({ records }: Prepared): boolean {
    const { producers, segments } = this.#state;
    const entry = producers.state.get(producerIdAt(records, 0));
    return entry !== undefined && recallBatches(entry, segments);
  }

  /** Whether `prepared` must begin a new segment: by size, offset range, full index or age. */
  #mustRoll(prepared: Prepared): boolean {
    const { config, segments, modules } = this.#state;
    const active = segments.active;
    if (active.sizeBytes > config.segmentSizeBytes - prepared.records.length && active.sizeBytes > 0) return true;
    if (!active.hasRoomForOffset(prepared.lastOffset)) return true;
    if (active.isIndexFull(config.indexSizeBytes)) return true;
    if (active.sizeBytes === 0) return false;
    const firstTimestamp = active.firstTimestamp;
    const ageMs =
      firstTimestamp >= 0 ? prepared.maxTimestamp - firstTimestamp : modules.clock.now() - active.modifiedMs;
    return ageMs > config.segmentMs - active.rollJitterMs;
  }

  #roll(baseOffset: number): void {
    const state = this.#state;
    const endOffset = state.logEndOffset;
    this.writePending();
    if (state.failure !== null) throw new DiskError("EIO", "roll", state.files.directory);
    // A full disk took back what was to stand before the new segment.
    if (state.logEndOffset !== endOffset) throw new DiskError("ENOSPC", "roll", state.files.directory);
    const old = state.segments.active;
    const next = Math.max(baseOffset, state.logEndOffset);
    if (old.sizeBytes === 0 && old.baseOffset === next) return;
    state.files.roll(next, state.config);
    state.tail.seal();
    state.writtenPosition = 0;
    state.logger.debug("log.rolled", { partition: state.name, baseOffset: next });
  }

  #assignOffsets(prepared: Prepared, leaderEpoch: number): void {
    const { records } = prepared;
    let offset = this.#state.logEndOffset;
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
    const state = this.#state;
    const { records } = prepared;
    const segment = state.segments.active;
    const epochs = state.epochs.epochs;
    const filePosition = segment.sizeBytes;
    for (let position = 0; position < records.length; ) {
      const sizeBytes = batchSizeWithin(records, position, records.length);
      const epoch = partitionLeaderEpochAt(records, position);
      if (epoch > epochs.latestEpoch && epochs.assign(epoch, baseOffsetAt(records, position))) state.epochs.changed();
      const aborted = noteProducerBatch(state.producers.state, records, position);
      if (aborted !== null) segment.addAbortedTransaction(aborted);
      const maxTimestamp = maxTimestampAt(records, position);
      segment.noteBatch(lastOffsetAt(records, position), sizeBytes, maxTimestamp, state.config.indexIntervalBytes);
      position += sizeBytes;
    }
    const wasWritten = state.writtenOffset === state.logEndOffset;
    state.logEndOffset = prepared.lastOffset + 1;
    const { retain, memory } = prepared;
    state.recency.wrote(segment, filePosition, records.length);
    state.tail.append(records, segment, filePosition, baseOffset, state.logEndOffset, retain, memory);
    if (wasWritten) state.modules.host.appended(state.log);
  }

  /** A write failed: the batches since the last one go, and with them whatever noted them. */
  #takeBack(error: unknown): void {
    const state = this.#state;
    const endOffset = state.writtenOffset;
    const listeners = [...this.#failureListeners];
    state.logger.error("log.write-failed", { partition: state.name, records: state.logEndOffset - endOffset, error });
    try {
      state.cut(state.writtenPosition, endOffset);
      state.producers.rebuild(state.segments, state.logStartOffset, endOffset);
    } catch (cutError) {
      state.fail(cutError);
    }
    if (!isDiskFull(error)) state.fail(error);
    for (const listener of listeners) listener(state.log, endOffset, Errors.KAFKA_STORAGE_ERROR);
  }

  #appendFailed(error: unknown): AppendOutcome {
    if (!(error instanceof DiskError)) throw error;
    if (!isDiskFull(error)) this.#state.fail(error);
    return { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: error.message };
  }
}
