/**
 * OffsetFetch for one group: offsets of named partitions, or all there are.
 */
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import { validateConsumerFetch } from "../consumer/commit-check.ts";
import { ConsumerGroup } from "../consumer/consumer-group.ts";
import type { GroupState } from "../group-state.ts";
import type { CommittedOffset } from "./offset-store.ts";

export interface FetchOffsetsRequest {
  readonly groupId: string;
  /** Null with {@link memberEpoch} -1 when the sender does not say who it is. */
  readonly memberId: string | null;
  readonly memberEpoch: number;
  /** Null for all. */
  readonly topics: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null;
  /** Offsets that an open transaction may change are refused (KIP-447). */
  readonly requireStable: boolean;
}

export interface FetchedPartition {
  readonly partitionIndex: number;
  readonly committedOffset: bigint;
  readonly committedLeaderEpoch: number;
  readonly metadata: string;
  readonly errorCode: number;
}

export interface FetchedTopic {
  readonly name: string;
  readonly partitions: readonly FetchedPartition[];
}

const NO_OFFSET = -1n;

/** An unknown group has no offsets; that is no error. Throws UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH. */
export function fetchOffsets(state: GroupState, request: FetchOffsetsRequest): FetchedTopic[] {
  const group = state.groups.get(request.groupId);
  if (group instanceof ConsumerGroup) validateConsumerFetch(group, request);
  else if (group !== undefined && group.kind !== "classic") throw new ApiError(Errors.GROUP_ID_NOT_FOUND);
  return request.topics === null ? fetchAll(state, request) : fetchNamed(state, request, request.topics);
}

function fetchNamed(
  state: GroupState,
  { groupId, requireStable }: FetchOffsetsRequest,
  topics: NonNullable<FetchOffsetsRequest["topics"]>,
): FetchedTopic[] {
  return topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map(index => {
      if (requireStable && state.offsets.isOpen(groupId, name, index)) return unstable(index);
      return fetched(index, state.offsets.get(groupId, name, index));
    }),
  }));
}

function fetchAll(state: GroupState, { groupId, requireStable }: FetchOffsetsRequest): FetchedTopic[] {
  const topics: FetchedTopic[] = [];
  for (const [name, offsets] of state.offsets.of(groupId) ?? []) {
    const partitions = Array.from(offsets, ([index, offset]) =>
      requireStable && state.offsets.isOpen(groupId, name, index) ? unstable(index) : fetched(index, offset),
    );
    topics.push({ name, partitions });
  }
  return topics;
}

function fetched(partitionIndex: number, offset: CommittedOffset | undefined): FetchedPartition {
  if (offset === undefined) return missing(partitionIndex, Errors.NONE);
  return {
    partitionIndex,
    committedOffset: offset.offset,
    committedLeaderEpoch: offset.leaderEpoch,
    metadata: offset.metadata,
    errorCode: Errors.NONE,
  };
}

function unstable(partitionIndex: number): FetchedPartition {
  return missing(partitionIndex, Errors.UNSTABLE_OFFSET_COMMIT);
}

/** A partition without an offset, for the reason that `errorCode` gives. */
export function missing(partitionIndex: number, errorCode: number): FetchedPartition {
  return { partitionIndex, committedOffset: NO_OFFSET, committedLeaderEpoch: -1, metadata: "", errorCode };
}
