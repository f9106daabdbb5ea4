/** Clients of groups in a {@link BrokerCluster}: they look for their coordinator, and look again when it has moved. */
import { OffsetCommit } from "../../../protocol/apis/08-offset-commit.ts";
import { OffsetFetch } from "../../../protocol/apis/09-offset-fetch.ts";
import { FindCoordinator } from "../../../protocol/apis/10-find-coordinator.ts";
import { JoinGroup } from "../../../protocol/apis/11-join-group.ts";
import { SyncGroup } from "../../../protocol/apis/14-sync-group.ts";
import { Errors } from "../../../protocol/errors.ts";
import { type Api, type RequestInputOf, type ResponseOf, ZERO_UUID } from "../../../protocol/schema.ts";
import { RpcError } from "../../../src/rpc/index.ts";
import type { BrokerCluster } from "../../broker/support/broker-cluster.ts";

const MOVED: ReadonlySet<number> = new Set([
  Errors.NOT_COORDINATOR,
  Errors.COORDINATOR_NOT_AVAILABLE,
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
]);
const RETRY_MS = 10;
const ATTEMPTS = 2_000;
const GROUP_KEY = 0;
const NO_MEMBER = { memberId: "", generationIdOrMemberEpoch: -1, groupInstanceId: null } as const;

export interface MemberOf {
  readonly memberId: string;
  readonly generationIdOrMemberEpoch: number;
  readonly groupInstanceId: null;
}

export class ClusterGroupClient {
  readonly cluster: BrokerCluster;
  readonly groupId: string;

  constructor(cluster: BrokerCluster, groupId: string) {
    this.cluster = cluster;
    this.groupId = groupId;
  }

  /** Id of the node that coordinates the group, as soon as there is one among those that run. */
  async coordinator(): Promise<number> {
    return this.#retried(async () => {
      const asked = [...this.cluster.brokers.keys()][0]!;
      const { groupId } = this;
      const body = { key: groupId, keyType: GROUP_KEY, coordinatorKeys: [] };
      const { errorCode, nodeId } = await this.cluster.ask(asked, FindCoordinator, body, { versions: { max: 3 } });
      if (errorCode === Errors.NONE) return this.cluster.brokers.has(nodeId) ? nodeId : null;
      if (MOVED.has(errorCode)) return null;
      throw new Error(`FindCoordinator: error ${errorCode}`);
    });
  }

  /** Asks the coordinator until it is no longer said to be elsewhere; a request whose connection was lost is sent again. */
  ask<A extends Api>(
    api: A,
    body: RequestInputOf<A>,
    errorOf: (response: ResponseOf<A>) => number,
    maxVersion?: number,
  ): Promise<ResponseOf<A>> {
    return this.#retried(async () => {
      const nodeId = await this.coordinator();
      const versions = maxVersion === undefined ? {} : { max: maxVersion };
      const response = await this.cluster.ask(nodeId, api, body, { versions });
      return MOVED.has(errorOf(response)) ? null : response;
    });
  }

  /** Commits an offset of partition 0; gives the error code. */
  async commit(topic: string, committedOffset: number, member: MemberOf = NO_MEMBER): Promise<number> {
    const errorOf = (response: ResponseOf<typeof OffsetCommit>) => response.topics[0]!.partitions[0]!.errorCode;
    return errorOf(await this.ask(OffsetCommit, this.commitRequest(topic, committedOffset, member), errorOf, 9));
  }

  commitRequest(topic: string, committedOffset: number, member: MemberOf = NO_MEMBER) {
    const partition = { partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata: "" };
    return {
      ...member,
      groupId: this.groupId,
      retentionTimeMs: -1,
      topics: [{ name: topic, topicId: ZERO_UUID, partitions: [partition] }],
    };
  }

  /** The committed offset of partition 0. */
  async committed(topic: string): Promise<number> {
    const response = await this.ask(
      OffsetFetch,
      {
        groupId: "",
        topics: [],
        requireStable: true,
        groups: [
          {
            groupId: this.groupId,
            memberId: null,
            memberEpoch: -1,
            topics: [{ name: topic, topicId: ZERO_UUID, partitionIndexes: [0] }],
          },
        ],
      },
      ({ groups }) => groups[0]!.errorCode,
      9,
    );
    return Number(response.groups[0]!.topics[0]!.partitions[0]!.committedOffset);
  }

  joinRequest(memberId: string) {
    return {
      groupId: this.groupId,
      memberId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 60_000,
      groupInstanceId: null,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
      reason: null,
    };
  }

  /** Becomes the only member of a classic group. */
  async joinAlone(): Promise<MemberOf> {
    const errorOf = ({ errorCode }: { readonly errorCode: number }) => errorCode;
    const { memberId } = await this.ask(JoinGroup, this.joinRequest(""), errorOf);
    const joined = await this.ask(JoinGroup, this.joinRequest(memberId), errorOf);
    const generationId = joined.generationId;
    await this.ask(
      SyncGroup,
      {
        groupId: this.groupId,
        generationId,
        memberId,
        groupInstanceId: null,
        protocolType: "consumer",
        protocolName: "range",
        assignments: [{ memberId, assignment: Buffer.from("all") }],
      },
      errorOf,
    );
    return { memberId, generationIdOrMemberEpoch: generationId, groupInstanceId: null };
  }

  async #retried<T>(attempt: () => Promise<T | null>): Promise<T> {
    for (let count = 0; count < ATTEMPTS; count += 1) {
      try {
        const result = await attempt();
        if (result !== null) return result;
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
      }
      await this.cluster.advance(RETRY_MS);
    }
    throw new Error(`the coordinator of ${this.groupId} does not answer`);
  }
}
