/** What the cleaner sees of a partition's log. */
import type { ProducerState } from "../producer-state.ts";
import type { Segments } from "../segments.ts";
import type { AbortedTransaction } from "../transaction-index.ts";
import type { CleanedSegment } from "./clean-log.ts";

/** The settings of a log that matter here. */
export interface CompactionConfig {
  readonly compacts: boolean;
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  /** How long tombstones and markers of removed transactions stay readable. */
  readonly deleteRetentionMs: number;
  readonly segmentSizeBytes: number;
  readonly indexSizeBytes: number;
  readonly indexIntervalBytes: number;
}

export interface CleanableLog {
  readonly name: string;
  readonly directory: string;
  readonly config: CompactionConfig;
  readonly segments: Segments;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
  /** Why the log is out of use; null while it is well. */
  readonly failure: string | null;
  /** Grows whenever the log is cut: segments known before may hold something else. */
  readonly cutCount: number;
  readonly producers: ProducerState;
  /** Where the last cleaning ended; null when there was none. Kept in `cleaner-offset-checkpoint`. */
  readonly cleanedOffset: number | null;
  abortedTransactions(from: number, to: number): AbortedTransaction[];
  /**
   * Puts `cleaned` in the place of the segments that it was made from. False, and its files are removed, when the log is no longer the one that
   * was read at `cutCount`.
   */
  swapIn(cleaned: CleanedSegment, cutCount: number): boolean;
  /** The log is clean below `offset`: makes that durable. */
  markCleaned(offset: number): void;
}
