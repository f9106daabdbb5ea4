/**
 * Offsets and groups that nobody needs any more (KIP-211).
 *
 * - Empty group of consumers: all of it goes when it has been empty for the retention time.
 * - Group of consumers with members: offsets of topics that it no longer consumes go after the retention time.
 * - Offsets without members (a consumer that assigns its own partitions): each goes by the time it was committed.
 * - A group that is empty and has no offsets left goes too.
 */
import { ClassicGroup } from "../classic/classic-group.ts";
import { ConsumerGroup } from "../consumer/consumer-group.ts";
import { appendGroupTombstones } from "../delete-group.ts";
import type { GroupTurn } from "../group-environment.ts";
import { offsetTombstone } from "../group-record.ts";
import type { Group, GroupState } from "../group-state.ts";
import type { CommittedOffset } from "./offset-store.ts";

/** Decides what has expired by now, and writes tombstones for it. Returns how many offsets went. */
export function expireOffsets(state: GroupState, turn: GroupTurn): number {
  turn.isAtomic = false;
  let count = 0;
  for (const group of state.groups.values()) {
    if (!(group instanceof ClassicGroup || group instanceof ConsumerGroup)) continue;
    count += expireGroup(state, turn, group);
  }
  return count;
}

function expireGroup(state: GroupState, turn: GroupTurn, group: ClassicGroup | ConsumerGroup): number {
  const { groupId } = group;
  const { retentionMs } = state.environment.options.offsets;
  let expired = 0;
  let kept = 0;
  for (const [topic, offsets] of state.offsets.of(groupId) ?? []) {
    for (const [partition, offset] of offsets) {
      const isDue = isExpired(group, topic, offset, turn.nowMs, retentionMs);
      if (!isDue || state.offsets.isOpen(groupId, topic, partition)) {
        kept += 1;
        continue;
      }
      turn.append(offsetTombstone(groupId, topic, partition));
      expired += 1;
    }
  }
  if (kept === 0 && isUnused(group) && !state.offsets.hasOpen(groupId)) appendGroupTombstones(turn, group);
  return expired;
}

/** Whether nobody is in the group, or about to be. */
function isUnused(group: Group): boolean {
  return group.isEmpty && !(group instanceof ClassicGroup && group.pendingMembers.size > 0);
}

function isExpired(
  group: ClassicGroup | ConsumerGroup,
  topic: string,
  offset: CommittedOffset,
  nowMs: number,
  retentionMs: number,
): boolean {
  const since = expiresSince(group, topic, offset);
  if (since === null) return false;
  return offset.expireTimestampMs >= 0 ? nowMs >= offset.expireTimestampMs : nowMs - since >= retentionMs;
}

/** The time from which retention counts; null while the offset is in use. */
function expiresSince(group: ClassicGroup | ConsumerGroup, topic: string, offset: CommittedOffset): number | null {
  if (group instanceof ConsumerGroup) return group.isSubscribedTo(topic) ? null : offset.commitTimestampMs;
  if (group.protocolType === null) return offset.commitTimestampMs;
  if (group.isEmpty) return group.stateTimestampMs >= 0 ? group.stateTimestampMs : offset.commitTimestampMs;
  if (group.state !== "Stable" || group.subscribedTopics === null || group.isSubscribedTo(topic)) return null;
  return offset.commitTimestampMs;
}
