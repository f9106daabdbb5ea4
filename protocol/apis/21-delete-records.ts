/**
 * DeleteRecords (21): moves the log start of partitions forward, to the high watermark for offset -1. Goes to each
 * partition's leader (KIP-107).
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: flexible format (KIP-482).
 */
import { api, array, int16, int32, int64, string } from "../schema.ts";

export const DeleteRecords = api({
  key: 21,
  name: "DeleteRecords",
  versions: "0-2",
  flexible: "2+",
  listeners: ["broker"],
  request: {
    topics: array("0+", {
      name: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        offset: int64("0+"),
      }),
    }),
    timeoutMs: int32("0+"),
  },
  response: {
    throttleTimeMs: int32("0+"),
    topics: array("0+", {
      name: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        lowWatermark: int64("0+"),
        errorCode: int16("0+"),
      }),
    }),
  },
});
