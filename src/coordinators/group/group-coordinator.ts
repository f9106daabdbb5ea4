/**
 * The group coordinator: consumer groups of both protocols, and the offsets they commit.
 *
 * ```ts
 * const groups = new GroupCoordinator({ config, metadata, controller, replicas, clock, timers, random, logger });
 * groups.start(); // after the replica manager
 * const errorCode = await groups.heartbeat(request);
 * ```
 *
 * Groups live on the partition of `__consumer_offsets` that their name falls on, with the broker that leads it. Methods answer in the protocol's
 * own words; those that return a value or a promise are synchronous when nothing has to be waited for. What fails as a whole throws or rejects with
 * `ApiError`: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, INVALID_GROUP_ID, and what the single methods name.
 */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { GROUP_METADATA_TOPIC } from "../../metadata/internal-topics.ts";
import { CoordinatorTopic, type CoordinatorTopicModules } from "../runtime/coordinator-topic.ts";
import { failedJoin, failedSync } from "./classic/classic-group.ts";
import type { JoinResponse, SyncResponse } from "./classic/classic-member.ts";
import type { HeartbeatFacts } from "./classic/heartbeat.ts";
import type { JoinRequest } from "./classic/join.ts";
import type { LeaveResult, LeavingMember } from "./classic/leave.ts";
import type { SyncRequest } from "./classic/sync.ts";
import { heartbeatGroup, joinGroup, leaveGroup, syncGroup } from "./classic-requests.ts";
import { type HeartbeatRequest, type HeartbeatResponse, heartbeatConsumerGroup } from "./consumer/heartbeat.ts";
import { deleteGroup } from "./delete-group.ts";
import {
  type DescribedConsumerGroup,
  type DescribedGroup,
  describeConsumerGroup,
  describeGroup,
  type ListedGroup,
  type ListFilter,
  listGroups,
} from "./describe.ts";
import type { GroupTurn, Reply, RequestFacts } from "./group-environment.ts";
import { type GroupShard, GroupShards, type GroupShardsModules } from "./group-shards.ts";
import type { GroupState } from "./group-state.ts";
import { type CommitRequest, type CommitResult, commitOffsets } from "./offsets/commit.ts";
import { type DeleteOffsetsTopic, deleteOffsets } from "./offsets/delete.ts";
import { type FetchedTopic, type FetchOffsetsRequest, fetchOffsets } from "./offsets/fetch.ts";

export type GroupCoordinatorModules = GroupShardsModules & CoordinatorTopicModules;

type Eventually<T> = T | Promise<T>;

export class GroupCoordinator {
  readonly shards: GroupShards;
  readonly #topic: CoordinatorTopic;

  constructor(modules: GroupCoordinatorModules) {
    this.shards = new GroupShards(modules);
    this.#topic = new CoordinatorTopic(GROUP_METADATA_TOPIC, modules);
  }

  /** Begins to coordinate what this broker leads. The replica manager must have started before. */
  start(): void {
    this.shards.start();
  }

  /** Everybody who waits is told NOT_COORDINATOR. */
  stop(): void {
    this.shards.stop();
  }

  /** Id of the broker that coordinates a group. Creates `__consumer_offsets` on first use. */
  coordinatorOf(groupId: string): Promise<number> {
    return this.#topic.coordinatorOf(groupId);
  }

  // --- Classic protocol

  /** Errors are in the response, those of the coordinator too. */
  async joinGroup(request: JoinRequest, facts: RequestFacts): Promise<JoinResponse> {
    const { sessionTimeoutMs, groupId } = request;
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.shards.options.classic;
    if (groupId === "") return failedJoin(Errors.INVALID_GROUP_ID, request.memberId);
    if (sessionTimeoutMs < minSessionTimeoutMs || sessionTimeoutMs > maxSessionTimeoutMs) {
      return failedJoin(Errors.INVALID_SESSION_TIMEOUT, request.memberId);
    }
    return this.#parked(
      groupId,
      (state, turn, reply: Reply<JoinResponse>) => joinGroup(state, turn, request, facts, reply),
      errorCode => failedJoin(errorCode, request.memberId),
    );
  }

  /** Errors are in the response, those of the coordinator too. */
  async syncGroup(request: SyncRequest): Promise<SyncResponse> {
    if (request.groupId === "") return failedSync(Errors.INVALID_GROUP_ID);
    return this.#parked(
      request.groupId,
      (state, turn, reply: Reply<SyncResponse>) => syncGroup(state, turn, request, reply),
      failedSync,
    );
  }

  /** Returns an error code: NONE, REBALANCE_IN_PROGRESS and the others. Nothing is wrong with a group that is still being loaded. */
  heartbeat(request: HeartbeatFacts & { readonly groupId: string }): Eventually<number> {
    if (request.groupId === "") return Errors.INVALID_GROUP_ID;
    try {
      const code = this.shards.shardFor(request.groupId).execute(state => heartbeatGroup(state, request));
      return code instanceof Promise ? code.catch(codeOf) : code;
    } catch (error) {
      const code = codeOf(error);
      return code === Errors.COORDINATOR_LOAD_IN_PROGRESS ? Errors.NONE : code;
    }
  }

  /** Results in the order of the members. A group that is not there makes strangers of them all. */
  leaveGroup(groupId: string, members: readonly LeavingMember[]): Eventually<LeaveResult[]> {
    if (groupId === "") throw new ApiError(Errors.INVALID_GROUP_ID);
    return this.shards.shardFor(groupId).execute((state, turn) => leaveGroup(state, turn, groupId, members));
  }

  // --- Consumer protocol

  consumerGroupHeartbeat(request: HeartbeatRequest, facts: RequestFacts): Eventually<HeartbeatResponse> {
    if (!this.shards.options.consumer.isEnabled) throw new ApiError(Errors.UNSUPPORTED_VERSION);
    if (request.groupId === "") throw new ApiError(Errors.INVALID_REQUEST, "GroupId can't be empty.");
    return this.shards
      .shardFor(request.groupId)
      .execute((state, turn) => heartbeatConsumerGroup(state, turn, request, facts));
  }

  // --- Offsets

  commitOffsets(request: CommitRequest): Eventually<CommitResult> {
    return this.shards.shardFor(request.groupId).execute((state, turn) => commitOffsets(state, turn, request));
  }

  fetchOffsets(request: FetchOffsetsRequest): Eventually<FetchedTopic[]> {
    return this.shards.shardFor(request.groupId).execute(state => fetchOffsets(state, request));
  }

  /** An error code for each topic: that of all its partitions. */
  deleteOffsets(groupId: string, topics: readonly DeleteOffsetsTopic[]): Eventually<number[]> {
    if (groupId === "") throw new ApiError(Errors.INVALID_GROUP_ID);
    return this.shards.shardFor(groupId).execute((state, turn) => deleteOffsets(state, turn, groupId, topics));
  }

  // --- Administration

  deleteGroup(groupId: string): Eventually<void> {
    if (groupId === "") throw new ApiError(Errors.INVALID_GROUP_ID);
    return this.shards.shardFor(groupId).execute((state, turn) => deleteGroup(state, turn, groupId));
  }

  describeGroup(groupId: string): Eventually<DescribedGroup> {
    if (groupId === "") throw new ApiError(Errors.INVALID_GROUP_ID);
    return this.shards.shardFor(groupId).execute(state => describeGroup(state, groupId));
  }

  describeConsumerGroup(groupId: string): Eventually<DescribedConsumerGroup> {
    if (groupId === "") throw new ApiError(Errors.INVALID_GROUP_ID);
    return this.shards.shardFor(groupId).execute(state => describeConsumerGroup(state, groupId));
  }

  /** The groups that this broker coordinates. Rejects with COORDINATOR_LOAD_IN_PROGRESS while some are still being loaded. */
  async listGroups(filter: ListFilter): Promise<ListedGroup[]> {
    const lists: Eventually<ListedGroup[]>[] = [];
    for (const shard of this.shards.all) lists.push(shard.execute(state => listGroups(state, filter)));
    return (await Promise.all(lists)).flat();
  }

  /** Decides, and waits for a reply that may come with a later decision. */
  async #parked<T>(
    groupId: string,
    decide: (state: GroupState, turn: GroupTurn, reply: Reply<T>) => void,
    failed: (errorCode: number) => T,
  ): Promise<T> {
    try {
      const shard: GroupShard = this.shards.shardFor(groupId);
      const refusal = shard.refusal();
      if (refusal !== null) throw refusal;
      const reply = shard.park<T>();
      try {
        const done = shard.execute((state, turn) => decide(state, turn, reply));
        if (done instanceof Promise) done.catch(error => reply.reject(error));
      } catch (error) {
        reply.reject(error as Error);
      }
      return await reply.promise;
    } catch (error) {
      if (error instanceof ApiError) return failed(error.code);
      throw error;
    }
  }
}

function codeOf(error: unknown): number {
  if (error instanceof ApiError) return error.code;
  throw error;
}
