/**
 * Removing offsets: on request (OffsetDelete), with their group, and with their topic.
 */
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import { ClassicGroup } from "../classic/classic-group.ts";
import { ConsumerGroup } from "../consumer/consumer-group.ts";
import type { GroupTurn } from "../group-environment.ts";
import { offsetTombstone } from "../group-record.ts";
import type { GroupState } from "../group-state.ts";

export interface DeleteOffsetsTopic {
  readonly name: string;
  readonly partitions: readonly { readonly partitionIndex: number }[];
}

/**
 * Removes single offsets of a group. Topics that the group is subscribed to keep theirs. Returns an error code for each topic: those of its
 * partitions. Throws GROUP_ID_NOT_FOUND; NON_EMPTY_GROUP for a group with members of whose topics nothing is known.
 */
export function deleteOffsets(
  state: GroupState,
  turn: GroupTurn,
  groupId: string,
  topics: readonly DeleteOffsetsTopic[],
): number[] {
  const group = state.groups.get(groupId);
  if (group === undefined || !(group instanceof ClassicGroup || group instanceof ConsumerGroup)) {
    throw new ApiError(Errors.GROUP_ID_NOT_FOUND);
  }
  if (group instanceof ClassicGroup && !group.isEmpty && !group.usesConsumerProtocol) {
    throw new ApiError(Errors.NON_EMPTY_GROUP);
  }
  turn.isAtomic = false;
  return topics.map(({ name, partitions }) => {
    if (!group.isEmpty && group.isSubscribedTo(name)) return Errors.GROUP_SUBSCRIBED_TO_TOPIC;
    for (const { partitionIndex } of partitions) {
      if (state.offsets.get(groupId, name, partitionIndex) === undefined) continue;
      turn.append(offsetTombstone(groupId, name, partitionIndex));
    }
    return Errors.NONE;
  });
}

/** Writes tombstones for everything that a group has committed, open transactions included. */
export function deleteAllOffsets(state: GroupState, turn: GroupTurn, groupId: string): void {
  const seen = new Set<string>();
  const remove = (topic: string, partition: number) => {
    const key = `${topic}:${partition}`;
    if (seen.has(key)) return;
    seen.add(key);
    turn.append(offsetTombstone(groupId, topic, partition));
  };
  for (const [topic, offsets] of state.offsets.of(groupId) ?? []) {
    for (const partition of offsets.keys()) remove(topic, partition);
  }
  for (const { topic, partition } of state.offsets.openPartitions(groupId)) remove(topic, partition);
}

/** Topics are gone: so are all offsets in them, for a topic of the same name is another one. */
export function deleteTopicOffsets(state: GroupState, turn: GroupTurn, topics: ReadonlySet<string>): void {
  turn.isAtomic = false;
  for (const groupId of state.offsets.groups()) {
    const offsets = state.offsets.of(groupId)!;
    for (const topic of topics) {
      for (const partition of offsets.get(topic)?.keys() ?? []) turn.append(offsetTombstone(groupId, topic, partition));
    }
  }
}
