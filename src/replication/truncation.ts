/**
 * Where a follower has to cut its log when its leader says that the two have parted ways. Pure.
 *
 * Leader and follower agree on everything up to the largest (epoch, offset) that both have. The leader names the end of the largest epoch it has
 * up to the one asked about; the follower knows where that epoch ended here (KIP-101, KIP-279, KIP-595). The high watermark is no part of this:
 * a follower that cuts down to it loses what may be committed (RELIABILITY bugs 1 and 2).
 */

/** An epoch and the offset at which it ends in some log; -1, -1 when it is not known there. */
export interface EpochEnd {
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

/**
 * The offset to cut at. `local` is where the leader's epoch, or the largest before it, ended in the follower's log. When the follower lacks that
 * epoch, the cut is where an older one ended, and the next fetch asks again from there.
 */
export function truncationOffset(diverging: EpochEnd, local: EpochEnd, logEndOffset: number): number {
  // Of its epochs the follower knows none that old: what the leader says is all there is to go by.
  if (local.endOffset < 0) return Math.min(diverging.endOffset, logEndOffset);
  if (local.leaderEpoch !== diverging.leaderEpoch) return Math.min(local.endOffset, logEndOffset);
  return Math.min(local.endOffset, diverging.endOffset, logEndOffset);
}
