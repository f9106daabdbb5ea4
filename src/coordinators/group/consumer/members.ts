/**
 * Finding the member that a request speaks for: dynamic ones by their id, static ones by their instance id, new ones when they are made.
 */
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { GroupTurn } from "../group-environment.ts";
import { targetRecord } from "../group-record.ts";
import { isSubset, topicPartitionsOf } from "./assignment.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { type ConsumerMember, JOIN_EPOCH, LEAVE_STATIC_EPOCH, newConsumerMember } from "./consumer-member.ts";
import { memberTombstones, ownershipRecord, subscriptionRecord } from "./member-records.ts";
import type { MemberUpdate } from "./target-assignment.ts";

export interface MemberClaim {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** −1 from members of the classic protocol, which are not judged by it. */
  readonly memberEpoch: number;
  /** What it says it owns; null when it does not say. */
  readonly owned: readonly { readonly topicId: string; readonly partitions: readonly number[] }[] | null;
  readonly mayCreate: boolean;
  readonly isClassic: boolean;
}

/** `after` is the member to go on with: a new one, or a static one under its new id, whose records are written then. */
export function claimMember(turn: GroupTurn, group: ConsumerGroup, claim: MemberClaim): MemberUpdate {
  return claim.instanceId === null ? claimDynamic(group, claim) : claimStatic(turn, group, claim, claim.instanceId);
}

function claimDynamic(group: ConsumerGroup, claim: MemberClaim): MemberUpdate {
  const member = group.member(claim.memberId);
  if (member === undefined) {
    if (claim.mayCreate) return { before: null, after: newConsumerMember(claim.memberId) };
    throw new ApiError(Errors.UNKNOWN_MEMBER_ID, `Member ${claim.memberId} is not a member of group ${group.groupId}.`);
  }
  checkEpoch(member, claim);
  return { before: member, after: member };
}

function claimStatic(turn: GroupTurn, group: ConsumerGroup, claim: MemberClaim, instanceId: string): MemberUpdate {
  const existing = group.staticMember(instanceId);
  if (claim.mayCreate) {
    if (existing === undefined) return { before: null, after: newConsumerMember(claim.memberId) };
    if (existing.memberId !== claim.memberId) return replace(turn, group, existing, claim);
    checkEpoch(existing, claim);
    return { before: existing, after: existing };
  }
  const member = staticMember(group, claim.memberId, instanceId);
  checkEpoch(member, claim);
  return { before: member, after: member };
}

/** The static member of that instance and id. Throws UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID. */
export function staticMember(group: ConsumerGroup, memberId: string, instanceId: string): ConsumerMember {
  const member = group.staticMember(instanceId);
  if (member === undefined) {
    throw new ApiError(Errors.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`);
  }
  if (member.memberId !== memberId) {
    throw new ApiError(
      Errors.FENCED_INSTANCE_ID,
      `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`,
    );
  }
  return member;
}

/** A new process takes over a static member's place. Between two of the consumer protocol the old one must have left. */
function replace(turn: GroupTurn, group: ConsumerGroup, existing: ConsumerMember, claim: MemberClaim): MemberUpdate {
  if (!claim.isClassic && existing.classic === null && existing.memberEpoch !== LEAVE_STATIC_EPOCH) {
    throw new ApiError(
      Errors.UNRELEASED_INSTANCE_ID,
      `Static member ${claim.memberId} with instance id ${claim.instanceId} cannot join the group because the instance id is` +
        ` owned by member ${existing.memberId}.`,
    );
  }
  const { groupId } = group;
  const after: ConsumerMember = { ...existing, memberId: claim.memberId, memberEpoch: 0, previousMemberEpoch: 0 };
  for (const record of memberTombstones(groupId, existing.memberId)) turn.append(record);
  turn.append(subscriptionRecord(groupId, after));
  turn.append(targetRecord(groupId, after.memberId, topicPartitionsOf(group.target(existing.memberId))));
  turn.append(ownershipRecord(groupId, after));
  return { before: existing, after };
}

/** Throws FENCED_MEMBER_EPOCH. */
function checkEpoch(member: ConsumerMember, claim: MemberClaim): void {
  const { memberEpoch, owned } = claim;
  if (claim.isClassic || memberEpoch === member.memberEpoch) return;
  // It begins again without partitions, as a member does that lost the answer to its first request.
  if (memberEpoch === JOIN_EPOCH && owned !== null && owned.length === 0) return;
  if (memberEpoch > member.memberEpoch) {
    throw new ApiError(
      Errors.FENCED_MEMBER_EPOCH,
      `The consumer group member has a greater member epoch (${memberEpoch}) than the one known by the group coordinator` +
        ` (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
    );
  }
  // The answer that told it of its epoch may have been lost: what it owns shows that it is the same member.
  if (memberEpoch === member.previousMemberEpoch && owned !== null && isSubset(owned, member.assigned)) return;
  throw new ApiError(
    Errors.FENCED_MEMBER_EPOCH,
    `The consumer group member has a smaller member epoch (${memberEpoch}) than the one known by the group coordinator` +
      ` (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  );
}
