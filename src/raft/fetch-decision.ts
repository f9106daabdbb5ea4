/** How two logs are brought to agree: what a leader finds of a fetch's position, and where a follower cuts (KIP-595 "Fetch", KIP-630). */
import type { FetchDecision, OffsetAndEpoch } from "./messages.ts";

/** What the core may look at of the log and its snapshots. The shell performs what the core decides before it asks again. */
export interface LogView {
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** End of what is durable. */
  readonly flushedOffset: number;
  /** Epoch of the last record, or of the snapshot that the log begins behind; 0 when there is nothing at all. */
  readonly lastEpoch: number;
  /** The largest epoch at or below `epoch`, and where it ends; epoch -1 when the log does not know. */
  endOffsetForEpoch(epoch: number): OffsetAndEpoch;
  readonly earliestSnapshotId: OffsetAndEpoch | null;
  readonly latestSnapshotId: OffsetAndEpoch | null;
}

/** Whether a log that ends at `endOffset` in `lastEpoch` holds all that ours does, or would win over it. */
export function isUpToDate(log: LogView, lastEpoch: number, endOffset: number): boolean {
  return lastEpoch > log.lastEpoch || (lastEpoch === log.lastEpoch && endOffset >= log.logEndOffset);
}

/** What the leader answers to a fetch at `offset` by a replica whose record before it is of `epoch`. */
export function judgePosition(log: LogView, offset: number, epoch: number): Exclude<FetchDecision, { kind: "refuse" }> {
  if (offset === 0 && log.logStartOffset === 0) return { kind: "read" };
  const { earliestSnapshotId: earliest, latestSnapshotId: latest, logStartOffset } = log;
  if (earliest !== null && latest !== null) {
    const isBehindStart = offset < logStartOffset;
    const contradictsStart = offset === logStartOffset && epoch !== earliest.epoch && logStartOffset > 0;
    if (isBehindStart || contradictsStart || epoch < earliest.epoch) return { kind: "snapshot", id: latest };
  }
  const at = endOffsetFor(log, epoch);
  if (at.epoch !== epoch || at.endOffset < offset) return { kind: "diverging", at };
  return { kind: "read" };
}

/** Where a follower cuts its log when the leader says that it diverges `at` some point. */
export function truncationPoint(log: LogView, at: OffsetAndEpoch): number {
  const own = endOffsetFor(log, at.epoch);
  return own.epoch === at.epoch ? Math.min(own.endOffset, at.endOffset) : own.endOffset;
}

function endOffsetFor(log: LogView, epoch: number): OffsetAndEpoch {
  const known = log.endOffsetForEpoch(epoch);
  // An epoch above all of ours: everything we have comes before it.
  if (known.epoch < 0) return { epoch: log.lastEpoch, endOffset: log.logEndOffset };
  return known;
}
