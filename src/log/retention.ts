/** Which segments may go: pure decisions over what a log knows of its segments. */

export interface SegmentFacts {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  /** Timestamp of the newest record, or of the file when records have none. */
  readonly retentionTimestamp: number;
}

export interface RetentionOptions {
  /** -1: no limit. */
  readonly retentionMs: number;
  /** -1: no limit. */
  readonly retentionSizeBytes: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** What is not committed yet stays, whatever its age. */
  readonly highWatermark: number;
  readonly nowMs: number;
}

export type RetentionReason = "log-start-offset" | "time" | "size";

/**
 * How many segments from the front may go, and for which reason. `segments` are all of a log, in order; when the answer is all of them, the log
 * has to be rolled first. An empty active segment never goes.
 */
export function planRetention(
  segments: Iterable<SegmentFacts>,
  options: RetentionOptions,
): { count: number; reason: RetentionReason } | null {
  const all = [...segments];
  const byStart = countFrom(
    all,
    options,
    (_segment, next) => next !== undefined && next.baseOffset <= options.logStartOffset,
  );
  const byTime =
    options.retentionMs < 0
      ? 0
      : countFrom(all, options, segment => options.nowMs - segment.retentionTimestamp > options.retentionMs);
  let excessBytes =
    options.retentionSizeBytes < 0
      ? -1
      : all.reduce((sum, segment) => sum + segment.sizeBytes, 0) - options.retentionSizeBytes;
  const bySize =
    excessBytes <= 0
      ? 0
      : countFrom(all, options, segment => {
          excessBytes -= segment.sizeBytes;
          return excessBytes >= 0;
        });
  const count = Math.max(byStart, byTime, bySize);
  if (count === 0) return null;
  return { count, reason: count === byTime ? "time" : count === bySize ? "size" : "log-start-offset" };
}

function countFrom(
  segments: readonly SegmentFacts[],
  options: RetentionOptions,
  mayGo: (segment: SegmentFacts, next: SegmentFacts | undefined) => boolean,
): number {
  let count = 0;
  for (const segment of segments) {
    const next = segments[count + 1];
    const endOffset = next?.baseOffset ?? options.logEndOffset;
    const isEmptyLast = next === undefined && segment.sizeBytes === 0;
    if (isEmptyLast || options.highWatermark < endOffset || !mayGo(segment, next)) break;
    count += 1;
  }
  return count;
}
