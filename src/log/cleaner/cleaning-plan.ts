/**
 * Which log is to be cleaned next, and how far: pure decisions over a few facts of each log, by Kafka's rules.
 *
 * A cleaning covers whole segments. It never reaches the active segment, the segment that holds the last stable offset (which is never above
 * the high watermark), or records younger than `min.compaction.lag.ms`. A log is due when its dirty share exceeds
 * `min.cleanable.dirty.ratio`, or a dirty record is older than `max.compaction.lag.ms` (KIP-354).
 */

export interface CleaningSegmentFacts {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  /** Newest record, or the file's own time. */
  readonly retentionTimestamp: number;
  /** Of the first batch; -1 for none. */
  readonly firstTimestamp: number;
}

export interface CleaningLogFacts {
  /** In order; the last is the active one. */
  readonly segments: readonly CleaningSegmentFacts[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** Not above the high watermark. */
  readonly lastStableOffset: number;
  /** Where the last cleaning ended; null when there was none. */
  readonly cleanedOffset: number | null;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly minCleanableDirtyRatio: number;
}

export interface CleaningPlan {
  readonly firstDirtyOffset: number;
  /** The segments that may be cleaned: so many, from the first. */
  readonly segmentCount: number;
  /** The offset after them. */
  readonly endOffset: number;
  readonly cleanBytes: number;
  readonly dirtyBytes: number;
  /** Share of what was never cleaned, in [0, 1]. */
  readonly dirtyRatio: number;
  /** A record has waited for longer than the longest lag allowed. */
  readonly isOverdue: boolean;
  /** To be cleaned now. */
  readonly isDue: boolean;
}

/** What a cleaning of the log would cover; null when there is nothing that it could. */
export function planCleaning(facts: CleaningLogFacts, nowMs: number): CleaningPlan | null {
  const { segments } = facts;
  const firstDirtyOffset = firstDirtyOffsetOf(facts);
  const lagUntilMs = nowMs - Math.max(facts.minCompactionLagMs, 0);
  let segmentCount = 0;
  let cleanBytes = 0;
  let dirtyBytes = 0;
  let oldestDirtyMs = Number.POSITIVE_INFINITY;
  for (let index = 0; index < segments.length - 1; index += 1) {
    const segment = segments[index]!;
    const endOffset = segments[index + 1]!.baseOffset;
    if (endOffset > facts.lastStableOffset) break;
    const isDirty = endOffset > firstDirtyOffset;
    if (isDirty && facts.minCompactionLagMs > 0 && segment.retentionTimestamp > lagUntilMs) break;
    segmentCount += 1;
    if (segment.baseOffset < firstDirtyOffset) cleanBytes += segment.sizeBytes;
    if (isDirty) dirtyBytes += segment.sizeBytes;
    if (isDirty && facts.maxCompactionLagMs < Number.MAX_SAFE_INTEGER && segment.firstTimestamp > 0)
      oldestDirtyMs = Math.min(oldestDirtyMs, segment.firstTimestamp);
  }
  const totalBytes = cleanBytes + dirtyBytes;
  if (dirtyBytes === 0) return null;
  const dirtyRatio = dirtyBytes / totalBytes;
  const isOverdue = oldestDirtyMs < nowMs - facts.maxCompactionLagMs;
  return {
    firstDirtyOffset,
    segmentCount,
    endOffset: segments[segmentCount]!.baseOffset,
    cleanBytes,
    dirtyBytes,
    dirtyRatio,
    isOverdue,
    isDue: isOverdue || dirtyRatio > facts.minCleanableDirtyRatio,
  };
}

/** Where cleaning goes on: a checkpoint outside of the log says nothing any more. */
export function firstDirtyOffsetOf(facts: CleaningLogFacts): number {
  const { cleanedOffset, logStartOffset, logEndOffset } = facts;
  if (cleanedOffset === null || cleanedOffset < logStartOffset || cleanedOffset > logEndOffset) return logStartOffset;
  return cleanedOffset;
}

/** The one of `candidates` that is due and has the largest dirty share; null when none is due. */
export function dirtiest<C extends { readonly plan: CleaningPlan }>(candidates: readonly C[]): C | null {
  let found: C | null = null;
  for (const candidate of candidates) {
    if (!candidate.plan.isDue) continue;
    if (found === null || candidate.plan.dirtyRatio > found.plan.dirtyRatio) found = candidate;
  }
  return found;
}
