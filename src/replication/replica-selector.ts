/**
 * Which replica a consumer is to read from (KIP-392). Pure.
 *
 * With `replica.selector.class` = RackAwareReplicaSelector a leader sends consumers to a replica in their own rack, as long as it is in sync and has what
 * they ask for. Without it, or where no replica is in their rack, they read from the leader.
 */

/** A replica that a consumer might read from. */
export interface ReadableReplica {
  readonly id: number;
  readonly rack: string | null;
  readonly endOffset: number;
}

export const RACK_AWARE_SELECTOR = "org.apache.kafka.common.replica.RackAwareReplicaSelector";

/** The leader is none of `followers`. Returns the id of the follower to read from; null for the leader. */
export function selectByRack(
  clientRack: string,
  leaderRack: string | null,
  followers: readonly ReadableReplica[],
): number | null {
  if (clientRack === "" || leaderRack === clientRack) return null;
  let best: ReadableReplica | null = null;
  for (const follower of followers) {
    if (follower.rack !== clientRack) continue;
    const isBetter = best === null || follower.endOffset > best.endOffset;
    if (isBetter || (follower.endOffset === best!.endOffset && follower.id > best!.id)) best = follower;
  }
  return best?.id ?? null;
}
