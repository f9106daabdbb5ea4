/**
 * ShareGroupHeartbeat (76): keeps a member in a share group: subscription in, assignment out (KIP-932).
 *
 * - v1: first version; v0 was an early access one.
 */
import { api, array, int16, int32, string, struct, uuid } from "../schema.ts";

export const ShareGroupHeartbeat = api({
  key: 76,
  name: "ShareGroupHeartbeat",
  versions: "1",
  flexible: "0+",
  listeners: ["broker"],
  request: {
    groupId: string("0+"),
    memberId: string("0+"),
    memberEpoch: int32("0+"),
    rackId: string("0+", { nullable: "0+", default: null }),
    subscribedTopicNames: array("0+", string, { nullable: "0+", default: null }),
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
