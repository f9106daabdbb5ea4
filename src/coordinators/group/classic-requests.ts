/**
 * Requests of the classic protocol, given to the group that has to answer: a classic one, or one of the consumer protocol in which the sender is a member
 * all the same.
 */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { ClassicGroup, failedJoin, failedSync } from "./classic/classic-group.ts";
import type { JoinResponse, SyncResponse } from "./classic/classic-member.ts";
import { type HeartbeatFacts, heartbeatClassicGroup } from "./classic/heartbeat.ts";
import { type JoinRequest, joinClassicGroup } from "./classic/join.ts";
import { type LeaveResult, type LeavingMember, leaveClassicGroup } from "./classic/leave.ts";
import { type SyncRequest, syncClassicGroup } from "./classic/sync.ts";
import {
  heartbeatAsClassicMember,
  joinAsClassicMember,
  leaveAsClassicMembers,
  syncAsClassicMember,
} from "./consumer/classic-members.ts";
import { ConsumerGroup } from "./consumer/consumer-group.ts";
import { consumerGroupTombstones } from "./consumer/member-records.ts";
import type { GroupTurn, Reply, RequestFacts } from "./group-environment.ts";
import type { GroupState } from "./group-state.ts";

/** JoinGroup. Answers by `reply`, maybe much later. Throws nothing. */
export function joinGroup(
  state: GroupState,
  turn: GroupTurn,
  request: JoinRequest,
  facts: RequestFacts,
  reply: Reply<JoinResponse>,
): void {
  const group = state.groups.get(request.groupId);
  if (group === undefined || group instanceof ClassicGroup) {
    joinClassicGroup(state, turn, group, request, facts, reply);
  } else if (!(group instanceof ConsumerGroup)) {
    turn.answer(reply, failedJoin(Errors.INCONSISTENT_GROUP_PROTOCOL, ""));
  } else if (!group.isEmpty) {
    joinAsClassicMember(state, turn, group, request, facts, reply);
  } else {
    // Nobody is left who speaks the consumer protocol: the group begins anew.
    joinClassicGroup(state, turn, undefined, request, facts, reply);
    if (turn.isApplied) turn.records.unshift(...consumerGroupTombstones(group));
  }
}

/** SyncGroup. Answers by `reply`, maybe with a later decision. */
export function syncGroup(state: GroupState, turn: GroupTurn, request: SyncRequest, reply: Reply<SyncResponse>): void {
  const group = state.groups.get(request.groupId);
  try {
    if (group instanceof ClassicGroup) syncClassicGroup(state, turn, group, request, reply);
    else if (group instanceof ConsumerGroup) turn.answer(reply, syncAsClassicMember(state, turn, group, request));
    else throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    turn.answer(reply, failedSync(error.code));
  }
}

/** Heartbeat: NONE or an error code. Throws UNKNOWN_MEMBER_ID and what the groups throw. */
export function heartbeatGroup(state: GroupState, request: HeartbeatFacts & { readonly groupId: string }): number {
  const group = state.groups.get(request.groupId);
  if (group instanceof ClassicGroup) return heartbeatClassicGroup(group, request);
  if (group instanceof ConsumerGroup) return heartbeatAsClassicMember(state, group, request);
  throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
}

/** LeaveGroup: results in the order of the members. */
export function leaveGroup(
  state: GroupState,
  turn: GroupTurn,
  groupId: string,
  members: readonly LeavingMember[],
): LeaveResult[] {
  const group = state.groups.get(groupId);
  if (group instanceof ClassicGroup) return leaveClassicGroup(state, turn, group, members);
  if (group instanceof ConsumerGroup) return leaveAsClassicMembers(state, turn, group, members);
  return members.map(({ memberId, groupInstanceId }) => ({
    memberId,
    groupInstanceId,
    errorCode: Errors.UNKNOWN_MEMBER_ID,
  }));
}
