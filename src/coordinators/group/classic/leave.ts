/**
 * LeaveGroup for classic groups: any number of members, each by its id, or a static one by its instance id alone (an administrator does that).
 */
import type { LeaveGroup } from "../../../../protocol/apis/13-leave-group.ts";
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { RequestOf, ResponseInputOf } from "../../../../protocol/schema.ts";
import type { GroupTurn } from "../group-environment.ts";
import type { GroupState } from "../group-state.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { completeJoinIfReady, prepareRebalance, removeMember } from "./rebalance.ts";

export type LeaveRequest = RequestOf<typeof LeaveGroup>;
export type LeaveResponse = ResponseInputOf<typeof LeaveGroup>;
export type LeavingMember = LeaveRequest["members"][number];
export type LeaveResult = NonNullable<LeaveResponse["members"]>[number];

export function leaveClassicGroup(
  state: GroupState,
  turn: GroupTurn,
  group: ClassicGroup,
  members: readonly LeavingMember[],
): LeaveResult[] {
  turn.isApplied = true;
  const results = members.map(({ memberId, groupInstanceId, reason }) => {
    const errorCode = leave(turn, group, memberId, groupInstanceId);
    if (errorCode === Errors.NONE) {
      state.environment.logger.info("group.member-left", {
        group: group.groupId,
        member: memberId,
        instance: groupInstanceId,
        reason,
      });
    }
    return { memberId, groupInstanceId, errorCode };
  });
  if (results.every(({ errorCode }) => errorCode !== Errors.NONE)) return results;
  if (group.state === "PreparingRebalance") completeJoinIfReady(state, turn, group);
  else if (group.state !== "Empty") prepareRebalance(state, turn, group, "members left");
  return results;
}

function leave(turn: GroupTurn, group: ClassicGroup, memberId: string, groupInstanceId: string | null): number {
  if (memberId !== "" && group.pendingMembers.has(memberId)) {
    group.remove(memberId);
    return Errors.NONE;
  }
  try {
    const id = memberId === "" && groupInstanceId !== null ? group.staticMemberId(groupInstanceId) : memberId;
    removeMember(turn, group, group.validMember(id ?? "", groupInstanceId));
    return Errors.NONE;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.code;
  }
}
