/** A broker with what group handlers are tested on, and a classic member on it. */
import { FindCoordinator } from "../../protocol/apis/10-find-coordinator.ts";
import { JoinGroup } from "../../protocol/apis/11-join-group.ts";
import { SyncGroup } from "../../protocol/apis/14-sync-group.ts";
import { ConsumerGroupHeartbeat } from "../../protocol/apis/68-consumer-group-heartbeat.ts";
import { Errors } from "../../protocol/errors.ts";
import type { ResponseOf } from "../../protocol/schema.ts";
import type { Broker } from "../../src/broker.ts";
import { encodeSubscription } from "../coordinators/support/subscription.ts";
import { ask } from "./ask.ts";
import { createTopic, RawClient, startTestBroker } from "./broker.ts";

export interface GroupBroker {
  readonly broker: Broker;
  readonly client: RawClient;
  /** Of `t`, with four partitions. */
  readonly topicId: string;
  close(): Promise<void>;
}

/** `__consumer_offsets` is there and loaded. */
export async function startGroupBroker(): Promise<GroupBroker> {
  const broker = await startTestBroker({
    config: { "group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 3 },
  });
  const client = await RawClient.connect(broker.address);
  const topicId = await createTopic(client, "t", { partitions: 4 });
  await ask(client, FindCoordinator, 4, { key: "", keyType: 0, coordinatorKeys: ["any"] });
  return {
    broker,
    client,
    topicId,
    close: async () => {
      client.close();
      await broker.stop();
    },
  };
}

export interface StableMember {
  readonly memberId: string;
  readonly generationId: number;
  readonly joined: ResponseOf<typeof JoinGroup>;
}

/** Joins a group as its only member and syncs, in the versions given. */
export async function joinAlone(
  client: RawClient,
  groupId: string,
  { joinVersion = 9, syncVersion = 5, groupInstanceId = null as string | null } = {},
): Promise<StableMember> {
  const request = {
    groupId,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId: "",
    groupInstanceId,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: encodeSubscription(["t"]) }],
  };
  let joined = await ask(client, JoinGroup, joinVersion, request);
  if (joined.errorCode === Errors.MEMBER_ID_REQUIRED) {
    joined = await ask(client, JoinGroup, joinVersion, { ...request, memberId: joined.memberId });
  }
  const { memberId, generationId } = joined;
  const synced = await ask(client, SyncGroup, syncVersion, {
    groupId,
    generationId,
    memberId,
    groupInstanceId,
    assignments: [{ memberId, assignment: Buffer.from("mine") }],
  });
  if (joined.errorCode !== Errors.NONE || synced.errorCode !== Errors.NONE) {
    throw new Error(`join ${joined.errorCode}, sync ${synced.errorCode}`);
  }
  return { memberId, generationId, joined };
}

/** Joins a group of the consumer protocol. */
export function joinConsumer(
  client: RawClient,
  groupId: string,
  memberId: string,
): Promise<ResponseOf<typeof ConsumerGroupHeartbeat>> {
  return ask(client, ConsumerGroupHeartbeat, 1, {
    groupId,
    memberId,
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: ["t"],
    topicPartitions: [],
  });
}
