/**
 * AlterShareGroupOffsets (91): moves the start offsets of a share group without members (KIP-932).
 */
import { api, array, int16, int32, int64, string, uuid } from "../schema.ts";

export const AlterShareGroupOffsets = api({
  key: 91,
  name: "AlterShareGroupOffsets",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  request: {
    groupId: string("0+"),
    topics: array("0+", {
      topicName: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        startOffset: int64("0+"),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+", default: null }),
    responses: array("0+", {
      topicName: string("0+"),
      topicId: uuid("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
        errorMessage: string("0+", { nullable: "0+", default: null }),
      }),
    }),
  },
});
