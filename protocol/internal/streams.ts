/**
 * What classic Kafka Streams members put into the opaque user data of their subscription. Brokers pass it on unread;
 * tools may show it.
 */
import { array, bytes, int8, int32, int64, message, string, uuid, type ValueOf } from "../schema.ts";

const taskId = {
  topicGroupId: int32("1-6"),
  partition: int32("1-6"),
};

/** Versions follow the releases of Kafka Streams. */
export const SubscriptionInfoData = message({
  name: "SubscriptionInfoData",
  versions: "1-11",
  flexible: "none",
  fields: {
    version: int32("1+"),
    latestSupportedVersion: int32("3+", { default: -1 }),
    processId: uuid("1+"),
    prevTasks: array("1-6", taskId),
    standbyTasks: array("1-6", taskId),
    userEndPoint: bytes("2+"),
    taskOffsetSums: array("7+", {
      topicGroupId: int32("7+"),
      partition: int32("10+"),
      offsetSum: int64("10+"),
      namedTopology: string("10+", { nullable: "10+" }),
      partitionToOffsetSum: array("7-9", {
        partition: int32("7-9"),
        offsetSum: int64("7-9"),
      }),
    }),
    uniqueField: int8("8+"),
    errorCode: int32("9+"),
    clientTags: array("11+", {
      key: bytes("11+"),
      value: bytes("11+"),
    }),
  },
});
export type SubscriptionInfoData = ValueOf<typeof SubscriptionInfoData>;
