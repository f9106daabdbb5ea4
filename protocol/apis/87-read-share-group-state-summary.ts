/**
 * ReadShareGroupStateSummary (87): reads the start offsets of share partitions without the rest of their state
 * (KIP-932).
 *
 * - v1: count of completed deliveries (KIP-1226).
 */
import { api, array, int16, int32, int64, string, uuid } from "../schema.ts";

export const ReadShareGroupStateSummary = api({
  key: 87,
  name: "ReadShareGroupStateSummary",
  versions: "0-1",
  flexible: "0+",
  listeners: ["broker"],
  request: {
    groupId: string("0+"),
    topics: array("0+", {
      topicId: uuid("0+"),
      partitions: array("0+", {
        partition: int32("0+"),
        leaderEpoch: int32("0+"),
      }),
    }),
  },
  response: {
    results: array("0+", {
      topicId: uuid("0+"),
      partitions: array("0+", {
        partition: int32("0+"),
        errorCode: int16("0+"),
        errorMessage: string("0+", { nullable: "0+", default: null }),
        stateEpoch: int32("0+"),
        leaderEpoch: int32("0+"),
        startOffset: int64("0+"),
        deliveryCompleteCount: int32("1+", { default: -1, ignorable: true }),
      }),
    }),
  },
});
