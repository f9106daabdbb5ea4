/**
 * OffsetCommit: who may commit, and what is written.
 *
 * Members commit with their generation or member epoch. A commit without member and generation comes from an administrator or from a consumer that
 * assigns its own partitions, and is taken while the group has no members.
 */
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import { ClassicGroup } from "../classic/classic-group.ts";
import { extendSession } from "../classic/rebalance.ts";
import { validateConsumerCommit } from "../consumer/commit-check.ts";
import { ConsumerGroup } from "../consumer/consumer-group.ts";
import type { GroupTurn } from "../group-environment.ts";
import { offsetCommitRecord } from "../group-record.ts";
import type { GroupState } from "../group-state.ts";

export interface CommitRequest {
  readonly groupId: string;
  /** -1 for neither. */
  readonly generationIdOrMemberEpoch: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** From v9 on, members of the consumer protocol are expected to know STALE_MEMBER_EPOCH. */
  readonly apiVersion: number;
  /** -1 unless asked for. */
  readonly retentionTimeMs: number;
  readonly topics: readonly CommitTopic[];
}

export interface CommitTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly CommitPartition[];
}

export interface CommitPartition {
  readonly partitionIndex: number;
  readonly committedOffset: bigint;
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
}

/** Error codes in the order of the request's topics and partitions. */
export type CommitResult = readonly (readonly number[])[];

/** Whether a member of the group may commit to this partition; an error code. */
export type PartitionCheck = (topicId: string, partition: number) => number;

const ANY_PARTITION: PartitionCheck = () => Errors.NONE;
const NO_RETENTION = -1;

/**
 * Throws, nothing changed: ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS, STALE_MEMBER_EPOCH,
 * UNSUPPORTED_VERSION.
 */
export function commitOffsets(state: GroupState, turn: GroupTurn, request: CommitRequest): CommitResult {
  const check = validateCommit(state, request);
  const { metadataMaxLength } = state.environment.options.offsets;
  const { groupId, retentionTimeMs } = request;
  const expireTimestamp = retentionTimeMs === NO_RETENTION ? -1 : expiryOf(turn.nowMs, retentionTimeMs);
  // A commit of many partitions need not be one unit: each stands for itself.
  turn.isAtomic = false;
  const codes = request.topics.map(({ name, topicId, partitions }) =>
    partitions.map(partition => {
      const metadata = partition.committedMetadata ?? "";
      if (metadata.length > metadataMaxLength) return Errors.OFFSET_METADATA_TOO_LARGE;
      const errorCode = check(topicId, partition.partitionIndex);
      if (errorCode !== Errors.NONE) return errorCode;
      turn.append(
        offsetCommitRecord(groupId, name, partition.partitionIndex, {
          offset: partition.committedOffset,
          leaderEpoch: partition.committedLeaderEpoch,
          metadata,
          commitTimestamp: turn.nowMs,
          expireTimestamp,
          topicId,
        }),
      );
      return Errors.NONE;
    }),
  );
  state.environment.counters.offsetCommits.increment(turn.records.length);
  return codes;
}

/** When a commit that is to be kept for `retentionTimeMs` expires; as far ahead as can be told where a client asks for more, at once for less than 0. */
function expiryOf(nowMs: number, retentionTimeMs: number): number {
  return Math.min(Math.max(0, nowMs + retentionTimeMs), Number.MAX_SAFE_INTEGER);
}

function validateCommit(state: GroupState, request: CommitRequest): PartitionCheck {
  const group = state.groups.get(request.groupId);
  if (group === undefined) {
    // A group that only stores offsets is made by its first commit.
    if (request.generationIdOrMemberEpoch < 0) return ANY_PARTITION;
    throw new ApiError(
      request.apiVersion >= GROUP_ID_NOT_FOUND_VERSION ? Errors.GROUP_ID_NOT_FOUND : Errors.ILLEGAL_GENERATION,
    );
  }
  if (group instanceof ClassicGroup) {
    validateClassicCommit(state, group, request);
    return ANY_PARTITION;
  }
  if (group instanceof ConsumerGroup) return validateConsumerCommit(state, group, request);
  // Share groups have no committed offsets of this kind.
  throw new ApiError(Errors.GROUP_ID_NOT_FOUND);
}

const GROUP_ID_NOT_FOUND_VERSION = 9;

function validateClassicCommit(state: GroupState, group: ClassicGroup, request: CommitRequest): void {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = request;
  if (generationId < 0 && group.isEmpty) return;
  if (generationId < 0 && memberId === "" && groupInstanceId === null) throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
  const member = group.validMember(memberId, groupInstanceId);
  if (generationId !== group.generationId) throw new ApiError(Errors.ILLEGAL_GENERATION);
  // It has the generation, so it has joined, but nobody has told it what it owns.
  if (group.state === "CompletingRebalance") throw new ApiError(Errors.REBALANCE_IN_PROGRESS);
  // A commit is a sign of life.
  if (!group.isEmpty) extendSession(state, group, member);
}
