/**
 * SyncGroup for classic groups: the leader brings the assignment, everybody fetches its own. The generation is in the log before anybody is told.
 */
import type { SyncGroup } from "../../../../protocol/apis/14-sync-group.ts";
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { RequestOf } from "../../../../protocol/schema.ts";
import { sizeOf } from "../../runtime/batch-buffer.ts";
import type { GroupTurn, Reply } from "../group-environment.ts";
import { groupRecordCodec } from "../group-record.ts";
import type { GroupState } from "../group-state.ts";
import { type ClassicGroup, failedSync } from "./classic-group.ts";
import { type ClassicMember, detached, NO_ASSIGNMENT, type SyncResponse } from "./classic-member.ts";
import { groupRecord } from "./group-metadata.ts";
import { cancelSyncs, extendSession, prepareRebalance, syncArrived } from "./rebalance.ts";

export type SyncRequest = RequestOf<typeof SyncGroup>;

/** Room for the batch around the group's record. */
const BATCH_OVERHEAD_BYTES = 128;

export function syncClassicGroup(
  state: GroupState,
  turn: GroupTurn,
  group: ClassicGroup,
  request: SyncRequest,
  reply: Reply<SyncResponse>,
): void {
  let member: ClassicMember;
  try {
    member = validSync(group, request);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    turn.answer(reply, failedSync(error.code));
    return;
  }
  turn.isApplied = true;
  switch (group.state) {
    case "PreparingRebalance":
      turn.answer(reply, failedSync(Errors.REBALANCE_IN_PROGRESS));
      return;
    case "CompletingRebalance":
      group.answerSync(turn, member, failedSync(Errors.REBALANCE_IN_PROGRESS));
      member.pendingSync = reply;
      syncArrived(group, member.memberId);
      if (group.isLeader(member.memberId)) takeAssignment(state, turn, group, request);
      return;
    default:
      syncArrived(group, member.memberId);
      turn.answer(reply, synced(group, member));
  }
}

/** Throws UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL. */
function validSync(group: ClassicGroup, request: SyncRequest): ClassicMember {
  if (group.isEmpty) throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
  const member = group.validMember(request.memberId, request.groupInstanceId);
  if (request.generationId !== group.generationId) throw new ApiError(Errors.ILLEGAL_GENERATION);
  if (differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocolName)) {
    throw new ApiError(Errors.INCONSISTENT_GROUP_PROTOCOL);
  }
  return member;
}

/** KIP-559: what the member does not say is not wrong. */
function differs(said: string | null, is: string | null): boolean {
  return said !== null && is !== null && said !== is;
}

function takeAssignment(state: GroupState, turn: GroupTurn, group: ClassicGroup, request: SyncRequest): void {
  const assignments = new Map<string, Buffer>();
  for (const { memberId, assignment } of request.assignments) assignments.set(memberId, assignment);
  const record = groupRecord(group, assignments);
  const sizeBytes = sizeOf([groupRecordCodec.encode(record)]) + BATCH_OVERHEAD_BYTES;
  if (sizeBytes > state.environment.maxRecordsSizeBytes()) {
    state.environment.logger.error("group.too-large", { group: group.groupId, sizeBytes, members: group.size });
    cancelSyncs(turn, group, Errors.UNKNOWN_SERVER_ERROR);
    prepareRebalance(state, turn, group, "the group is too large for a record");
    return;
  }
  turn.append(record);
  group.becomeStable(turn.nowMs);
  for (const member of group.members()) {
    member.assignment = detached(assignments.get(member.memberId) ?? NO_ASSIGNMENT);
    if (member.pendingSync === null) continue;
    group.answerSync(turn, member, synced(group, member));
    // A session that ended while the member waited was let pass.
    extendSession(state, group, member);
  }
}

function synced(group: ClassicGroup, member: ClassicMember): SyncResponse {
  return {
    throttleTimeMs: 0,
    errorCode: Errors.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  };
}
