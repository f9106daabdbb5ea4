/**
 * WriteTxnMarkers (27): writes commit or abort markers into partitions. Transaction coordinators send it to leaders
 * (KIP-98), administrators to end a hanging transaction (KIP-664).
 *
 * - v1: flexible format (KIP-482).
 * - v2: version of the transaction protocol.
 */
import { api, array, bool, int8, int16, int32, int64, string } from "../schema.ts";

export const WriteTxnMarkers = api({
  key: 27,
  name: "WriteTxnMarkers",
  versions: "1-2",
  flexible: "1+",
  listeners: ["broker"],
  request: {
    markers: array("0+", {
      producerId: int64("0+"),
      producerEpoch: int16("0+"),
      transactionResult: bool("0+"),
      topics: array("0+", {
        name: string("0+"),
        partitionIndexes: array("0+", int32),
      }),
      coordinatorEpoch: int32("0+"),
      transactionVersion: int8("2+", { default: 0, ignorable: true }),
    }),
  },
  response: {
    markers: array("0+", {
      producerId: int64("0+"),
      topics: array("0+", {
        name: string("0+"),
        partitions: array("0+", {
          partitionIndex: int32("0+"),
          errorCode: int16("0+"),
        }),
      }),
    }),
  },
});
