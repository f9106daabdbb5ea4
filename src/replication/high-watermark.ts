/**
 * How far a partition is committed, as its leader reckons. Pure.
 *
 * The high watermark is the smallest flushed end over all who are or may be in the ISR. It also waits for a follower that is caught up and about to
 * join, or that one would have to chase a watermark that moves with the leader's end. It never goes back in a leadership, and stands still while the
 * ISR is smaller than `min.insync.replicas` (KAFKA-15583): whatever becomes of the few that are left, what was committed is on enough disks.
 */
import type { FollowerProgress } from "./follower-progress.ts";

export interface HighWatermarkFacts {
  readonly current: number;
  /** End of what the leader has on its disk. */
  readonly flushedOffset: number;
  readonly isUnderMinIsr: boolean;
  readonly followers: readonly FollowerProgress[];
  /** Whether the high watermark has to wait for a follower. */
  readonly counts: (follower: FollowerProgress) => boolean;
}

export function nextHighWatermark(facts: HighWatermarkFacts): number {
  const { current, followers, counts } = facts;
  if (facts.isUnderMinIsr) return current;
  let lowest = facts.flushedOffset;
  for (const follower of followers) {
    if (follower.endOffset < lowest && counts(follower)) lowest = follower.endOffset;
  }
  return Math.max(current, lowest);
}
