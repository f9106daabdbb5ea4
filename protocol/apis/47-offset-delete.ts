/**
 * OffsetDelete (47): deletes committed offsets of a group; not those of topics that a member subscribes to (KIP-496).
 * Never flexible.
 */
import { api, array, int16, int32, string } from "../schema.ts";

export const OffsetDelete = api({
  key: 47,
  name: "OffsetDelete",
  versions: "0",
  flexible: "none",
  listeners: ["broker"],
  request: {
    groupId: string("0+"),
    topics: array("0+", {
      name: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
      }),
    }),
  },
  response: {
    errorCode: int16("0+"),
    throttleTimeMs: int32("0+", { ignorable: true }),
    topics: array("0+", {
      name: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
      }),
    }),
  },
});
