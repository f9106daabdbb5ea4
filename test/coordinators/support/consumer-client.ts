/** Members of the consumer protocol against a {@link GroupFixture}. */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { ConsumerGroup } from "../../../src/coordinators/group/consumer/consumer-group.ts";
import {
  type HeartbeatRequest,
  type HeartbeatResponse,
  heartbeatConsumerGroup,
} from "../../../src/coordinators/group/consumer/heartbeat.ts";
import type { GroupFixture, TestTopic } from "./group-fixture.ts";

export const GROUP = "g";

export const T1: TestTopic = { name: "t1", id: "AAAAAAAAAAAAAAAAAAAATQ", partitionCount: 6 };
export const T2: TestTopic = { name: "t2", id: "BAAAAAAAAAAAAAAAAAAAAA", partitionCount: 3 };

export function heartbeatRequest(overrides: Partial<HeartbeatRequest>): HeartbeatRequest {
  return {
    groupId: GROUP,
    memberId: "",
    memberEpoch: 0,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: null,
    subscribedTopicRegex: null,
    serverAssignor: null,
    topicPartitions: null,
    ...overrides,
  };
}

export function consumerGroup(fixture: GroupFixture, groupId = GROUP): ConsumerGroup {
  const group = fixture.state.groups.get(groupId);
  if (!(group instanceof ConsumerGroup)) throw new Error(`${groupId} is no consumer group`);
  return group;
}

/** The answer; one with an error code where the request is refused. */
export async function beat(
  fixture: GroupFixture,
  overrides: Partial<HeartbeatRequest>,
  apiVersion = 1,
): Promise<HeartbeatResponse> {
  const facts = { apiVersion, clientId: "client", clientHost: "/127.0.0.1" };
  try {
    const response = fixture.shard.execute((state, turn) =>
      heartbeatConsumerGroup(state, turn, heartbeatRequest(overrides), facts),
    );
    if (response instanceof Promise) response.catch(() => {}); // awaited below
    await fixture.settle();
    return await response;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return {
      throttleTimeMs: 0,
      errorCode: error.code,
      errorMessage: error.message,
      memberEpoch: 0,
      heartbeatIntervalMs: 0,
    };
  }
}

/** A consumer that does what it is told: takes what it is given, and gives up what it is asked to. */
export class TestConsumer {
  readonly fixture: GroupFixture;
  readonly memberId: string;
  /** What it says of itself. */
  news: Partial<HeartbeatRequest>;
  epoch = 0;
  owned: { topicId: string; partitions: number[] }[] = [];
  /** What it was told to own and has not acknowledged yet. */
  #hasNews = false;

  constructor(fixture: GroupFixture, memberId: string, news: Partial<HeartbeatRequest> = {}) {
    this.fixture = fixture;
    this.memberId = memberId;
    this.news = { subscribedTopicNames: ["t1"], ...news };
  }

  async join(): Promise<HeartbeatResponse> {
    const response = await beat(this.fixture, {
      memberId: this.memberId,
      rebalanceTimeoutMs: 30_000,
      topicPartitions: [],
      ...this.news,
    });
    return this.#take(response);
  }

  /** One that does not acknowledge is still at work on what it had. */
  async beat(acknowledges = true, extra: Partial<HeartbeatRequest> = {}): Promise<HeartbeatResponse> {
    const topicPartitions = acknowledges && this.#hasNews ? this.owned : null;
    if (acknowledges) this.#hasNews = false;
    const { memberId, epoch: memberEpoch } = this;
    const { instanceId = null } = this.news;
    return this.#take(await beat(this.fixture, { memberId, memberEpoch, instanceId, topicPartitions, ...extra }));
  }

  leave(epoch = -1): Promise<HeartbeatResponse> {
    const { instanceId = null } = this.news;
    return beat(this.fixture, { memberId: this.memberId, memberEpoch: epoch, instanceId });
  }

  /** Partitions of `t1`, or of all topics as `topic:partition`. */
  get partitions(): number[] {
    return this.owned.flatMap(({ topicId, partitions }) => (topicId === T1.id ? partitions : [])).sort((a, b) => a - b);
  }

  #take(response: HeartbeatResponse): HeartbeatResponse {
    if (response.errorCode !== Errors.NONE) return response;
    this.epoch = response.memberEpoch;
    if (response.assignment) {
      this.owned = response.assignment.topicPartitions.map(({ topicId, partitions }) => ({
        topicId,
        partitions: [...partitions],
      }));
      this.#hasNews = true;
    }
    return response;
  }
}

/** Lets all heartbeat in turn until nothing changes. */
export async function converge(...consumers: TestConsumer[]): Promise<void> {
  for (let round = 0; round < 6; round += 1) for (const consumer of consumers) await consumer.beat();
}
