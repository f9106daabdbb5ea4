/**
 * DeleteGroups: an empty group goes with all it has committed.
 */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { ClassicGroup } from "./classic/classic-group.ts";
import { ConsumerGroup } from "./consumer/consumer-group.ts";
import { consumerGroupTombstones } from "./consumer/member-records.ts";
import type { GroupTurn } from "./group-environment.ts";
import { groupMetadataTombstone } from "./group-record.ts";
import type { GroupState } from "./group-state.ts";
import { deleteAllOffsets } from "./offsets/delete.ts";

/** Throws GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP. */
export function deleteGroup(state: GroupState, turn: GroupTurn, groupId: string): void {
  const group = state.groups.get(groupId);
  if (group === undefined || !(group instanceof ClassicGroup || group instanceof ConsumerGroup)) {
    throw new ApiError(Errors.GROUP_ID_NOT_FOUND);
  }
  if (!group.isEmpty) throw new ApiError(Errors.NON_EMPTY_GROUP);
  turn.isAtomic = false;
  deleteAllOffsets(state, turn, groupId);
  appendGroupTombstones(turn, group);
}

/** Writes what removes the group itself. */
export function appendGroupTombstones(turn: GroupTurn, group: ClassicGroup | ConsumerGroup): void {
  if (group instanceof ClassicGroup) turn.append(groupMetadataTombstone(group.groupId));
  else for (const record of consumerGroupTombstones(group)) turn.append(record);
}
