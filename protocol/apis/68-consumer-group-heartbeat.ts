/**
 * ConsumerGroupHeartbeat (68): keeps a member in a group of the consumer protocol: subscription in, assignment out.
 * Member epoch 0 joins, -1 leaves, -2 leaves as a static member; null means unchanged (KIP-848).
 *
 * - v1: subscription by pattern (KIP-848); the client makes its member id (KIP-1082).
 */
import { api, array, int16, int32, string, struct, uuid } from "../schema.ts";

export const ConsumerGroupHeartbeat = api({
  key: 68,
  name: "ConsumerGroupHeartbeat",
  versions: "0-1",
  flexible: "0+",
  listeners: ["broker"],
  request: {
    groupId: string("0+"),
    memberId: string("0+"),
    memberEpoch: int32("0+"),
    instanceId: string("0+", { nullable: "0+", default: null }),
    rackId: string("0+", { nullable: "0+", default: null }),
    rebalanceTimeoutMs: int32("0+", { default: -1 }),
    subscribedTopicNames: array("0+", string, { nullable: "0+", default: null }),
    subscribedTopicRegex: string("1+", { nullable: "1+", default: null }),
    serverAssignor: string("0+", { nullable: "0+", default: null }),
    topicPartitions: array(
      "0+",
      {
        topicId: uuid("0+"),
        partitions: array("0+", int32),
      },
      { nullable: "0+", default: null },
    ),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+", default: null }),
    memberId: string("0+", { nullable: "0+", default: null }),
    memberEpoch: int32("0+"),
    heartbeatIntervalMs: int32("0+"),
    assignment: struct(
      "0+",
      {
        topicPartitions: array("0+", {
          topicId: uuid("0+"),
          partitions: array("0+", int32),
        }),
      },
      { nullable: "0+", default: null },
    ),
  },
});
