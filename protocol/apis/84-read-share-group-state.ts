/**
 * ReadShareGroupState (84): reads the state of share partitions from the share coordinator (KIP-932).
 */
import { api, array, int8, int16, int32, int64, string, uuid } from "../schema.ts";

export const ReadShareGroupState = api({
  key: 84,
  name: "ReadShareGroupState",
  versions: "0",
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
        startOffset: int64("0+"),
        stateBatches: array("0+", {
          firstOffset: int64("0+"),
          lastOffset: int64("0+"),
          deliveryState: int8("0+"),
          deliveryCount: int16("0+"),
        }),
      }),
    }),
  },
});
