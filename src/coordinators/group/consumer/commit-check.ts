/**
 * Who may commit and fetch offsets of a consumer group: members, at the epoch they were brought to.
 *
 * A commit may come from a member that has been moved on meanwhile: what it owned all the time it may still commit (KIP-1251).
 */
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { GroupState } from "../group-state.ts";
import type { CommitRequest, PartitionCheck } from "../offsets/commit.ts";
import type { FetchOffsetsRequest } from "../offsets/fetch.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember } from "./consumer-member.ts";

/** From this version of OffsetCommit on, members of the consumer protocol know the errors that concern them. */
const MEMBER_EPOCH_VERSION = 9;

/** Throws UNKNOWN_MEMBER_ID, UNSUPPORTED_VERSION, STALE_MEMBER_EPOCH; ILLEGAL_GENERATION for members of the classic protocol. */
export function validateConsumerCommit(
  _state: GroupState,
  group: ConsumerGroup,
  request: CommitRequest,
): PartitionCheck {
  const epoch = request.generationIdOrMemberEpoch;
  if (epoch < 0 && group.isEmpty) return () => Errors.NONE;
  const member = group.member(request.memberId);
  if (member === undefined) throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
  if (member.classic !== null) {
    if (epoch !== member.memberEpoch) throw new ApiError(Errors.ILLEGAL_GENERATION);
    return () => Errors.NONE;
  }
  if (request.apiVersion < MEMBER_EPOCH_VERSION) throw new ApiError(Errors.UNSUPPORTED_VERSION);
  if (epoch === member.memberEpoch) return () => Errors.NONE;
  if (epoch > member.memberEpoch || epoch < 0) throw new ApiError(Errors.STALE_MEMBER_EPOCH);
  return (topicId, partition) =>
    hasOwnedSince(member, topicId, partition, epoch) ? Errors.NONE : Errors.STALE_MEMBER_EPOCH;
}

function hasOwnedSince(member: ConsumerMember, topicId: string, partition: number, epoch: number): boolean {
  const since = member.assigned.get(topicId)?.get(partition) ?? member.revoking.get(topicId)?.get(partition);
  return since !== undefined && since <= epoch;
}

/** Throws UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION. */
export function validateConsumerFetch(group: ConsumerGroup, request: FetchOffsetsRequest): void {
  if (request.memberId === null && request.memberEpoch < 0) return;
  const member = request.memberId === null ? undefined : group.member(request.memberId);
  if (member === undefined) throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
  if (request.memberEpoch === member.memberEpoch) return;
  throw new ApiError(member.classic === null ? Errors.STALE_MEMBER_EPOCH : Errors.ILLEGAL_GENERATION);
}
