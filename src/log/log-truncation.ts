/**
 * The end of a log, going back: a follower cuts what its leader does not have, or begins anew where the leader's log begins. The recovery point goes
 * down and the journal lets go first, so that a crash at any moment leaves what was there or what is to be there.
 */
import type { LogAppender } from "./log-appender.ts";
import { placeOf } from "./log-lookup.ts";
import type { LogState } from "./log-state.ts";

export class LogTruncation {
  readonly #state: LogState;
  readonly #appender: LogAppender;

  constructor(state: LogState, modules: { appender: LogAppender }) {
    this.#state = state;
    this.#appender = modules.appender;
  }

  /** See `PartitionLog.truncateTo`. */
  truncateTo(offset: number): boolean {
    const state = this.#state;
    if (offset >= state.logEndOffset) {
      // A leader notes where its epoch begins before it writes anything; one that never did leaves nothing else to cut.
      if (state.epochs.epochs.truncateFromEnd(state.logEndOffset)) state.epochs.changed();
      return false;
    }
    if (offset < state.logStartOffset) {
      this.truncateFullyAndStartAt(offset);
      return true;
    }
    this.#appender.writePending();
    if (offset >= state.logEndOffset) return true;
    state.logger.info("log.truncating", { partition: state.name, from: state.logEndOffset, to: offset });
    const index = Math.max(0, state.segments.indexFor(offset));
    const { position, endOffset } = placeOf(state.segments.at(index)!, offset);
    // The batch that goes whole may be the one in which the log starts. What of it was to stay is fetched again.
    if (endOffset < state.logStartOffset) {
      this.truncateFullyAndStartAt(state.logStartOffset);
      return true;
    }
    state.durability.lowerRecoveryPoint(endOffset);
    state.modules.host.rewriting(state.log);
    this.#orFail(() => {
      state.files.removeFromEnd(index + 1, state.config);
      if (!state.segments.active.isActive) state.segments.active.becomeActive();
      state.cut(position, endOffset);
      state.producers.rebuild(state.segments, state.logStartOffset, state.logEndOffset);
      state.epochs.writeNow();
    });
    return true;
  }

  /** See `PartitionLog.truncateFullyAndStartAt`. */
  truncateFullyAndStartAt(offset: number): void {
    const state = this.#state;
    this.#appender.writePending();
    state.logger.info("log.restarting", { partition: state.name, from: state.logEndOffset, at: offset });
    state.durability.lowerRecoveryPoint(Math.min(offset, state.logStartOffset));
    state.modules.host.rewriting(state.log);
    // A crash from here on finds either what was there, from `offset` on, or nothing.
    if (offset !== state.logStartOffset) {
      state.logStartOffset = offset;
      state.modules.host.checkpointLogStart(state.log);
    }
    state.tail.clear();
    this.#orFail(() => {
      state.files.restart(offset, state.config);
      state.producers.truncateTo(-1);
    });
    state.producers.state.clear();
    state.epochs.epochs.clear();
    state.epochs.changed();
    state.generation += 1;
    state.durability.restart(offset, state.segments.active);
    state.lowerCleanedOffset(offset);
    state.logStartOffset = state.logEndOffset = state.writtenOffset = state.highWatermark = offset;
    state.writtenPosition = 0;
    state.epochs.writeNow();
    state.modules.host.logStartOffsetChanged(state.log);
  }

  /** Runs a change of several files. When it breaks off half way, even for want of space, the log is of no more use. */
  #orFail(change: () => void): void {
    try {
      change();
    } catch (error) {
      this.#state.fail(error);
      throw error;
    }
  }
}
