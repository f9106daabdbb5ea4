/**
 * What happens to the old part of a log: its start moves up (DeleteRecords, retention by time and size), segments below the start go, and the cleaner
 * puts what it wrote in the place of segments.
 */
import { DiskError } from "../platform/platform.ts";
import type { CleanedSegment } from "./cleaner/clean-log.ts";
import { discardCleanedFiles } from "./cleaner/segment-swap.ts";
import type { LogAppender } from "./log-appender.ts";
import type { LogState } from "./log-state.ts";
import { planRetention } from "./retention.ts";

export class LogMaintenance {
  readonly #state: LogState;
  readonly #appender: LogAppender;

  constructor(state: LogState, modules: { appender: LogAppender }) {
    this.#state = state;
    this.#appender = modules.appender;
  }

  /** See `PartitionLog.advanceLogStart`. */
  advanceLogStart(offset: number): boolean {
    const state = this.#state;
    if (offset <= state.logStartOffset) return false;
    if (offset > state.logEndOffset) throw new RangeError(`log start ${offset} is above the end ${state.logEndOffset}`);
    state.logStartOffset = offset;
    state.highWatermark = Math.max(state.highWatermark, offset);
    state.generation += 1;
    if (state.epochs.epochs.truncateFromStart(offset)) state.epochs.changed();
    state.modules.host.logStartOffsetChanged(state.log);
    return true;
  }

  /** See `PartitionLog.deleteOldSegments`. */
  deleteOldSegments(nowMs: number): number {
    this.applyRetention(nowMs);
    this.#state.modules.host.checkpointLogStart(this.#state.log);
    return this.deleteSegmentsBelowStart();
  }

  /** See `PartitionLog.applyRetention`. */
  applyRetention(nowMs: number): boolean {
    const state = this.#state;
    const { config, segments } = state;
    if (state.failure !== null || !config.deletes) return false;
    const plan = planRetention(segments.all(), {
      retentionMs: config.retentionMs,
      retentionSizeBytes: config.retentionSizeBytes,
      logStartOffset: state.logStartOffset,
      logEndOffset: state.logEndOffset,
      highWatermark: state.highWatermark,
      nowMs,
    });
    if (plan === null) return false;
    if (plan.count === segments.count) this.#appender.roll();
    const logStartOffset = segments.at(plan.count)!.baseOffset;
    state.logger.info("log.retention", { partition: state.name, reason: plan.reason, logStartOffset });
    return this.advanceLogStart(Math.min(logStartOffset, state.logEndOffset));
  }

  /** See `PartitionLog.deleteSegmentsBelowStart`. */
  deleteSegmentsBelowStart(): number {
    const state = this.#state;
    const { segments, logStartOffset } = state;
    if (state.failure !== null) return 0;
    let count = 0;
    while (count + 1 < segments.count && segments.at(count + 1)!.baseOffset <= logStartOffset) count += 1;
    if (count === 0) return 0;
    state.logger.info("log.segments-deleted", { partition: state.name, count, logStartOffset });
    state.files.removeFromStart(count, state.config);
    state.generation += 1;
    return count;
  }

  /** See `PartitionLog.swapIn`. */
  swapIn(cleaned: CleanedSegment, cutCount: number): boolean {
    const state = this.#state;
    const { segments, files } = state;
    const index = segments.indexFor(cleaned.baseOffset);
    const next = segments.at(index + cleaned.replaces.length);
    const isSame = cleaned.replaces.every((base, number) => segments.at(index + number)?.baseOffset === base);
    if (state.failure !== null || cutCount !== state.durability.cutCount || !isSame || next === undefined) {
      discardCleanedFiles(files.directory, cleaned, state.modules);
      return false;
    }
    try {
      files.replace(index, cleaned, state.config);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      state.fail(error);
      return false;
    }
    state.tail.dropBelow(next.baseOffset);
    state.generation += 1;
    return true;
  }

  /** See `PartitionLog.markCleaned`. */
  markCleaned(offset: number): void {
    const state = this.#state;
    if (state.failure !== null) return;
    state.cleanedOffset = offset;
    state.modules.host.cleanedOffsetChanged(state.log);
  }
}
