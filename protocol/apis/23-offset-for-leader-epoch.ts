/**
 * OffsetForLeaderEpoch (23): returns the end offset of a leader epoch, or of the largest before it; followers and
 * consumers find with it where their log diverges (KIP-101, KIP-279).
 *
 * - v2: current leader epoch, throttle time (KIP-320).
 * - v3: replica id, so that a follower can be told from a consumer (KIP-392).
 * - v4: flexible format (KIP-482).
 */
import { api, array, int16, int32, int64, string } from "../schema.ts";

export const OffsetForLeaderEpoch = api({
  key: 23,
  name: "OffsetForLeaderEpoch",
  versions: "2-4",
  flexible: "4+",
  listeners: ["broker"],
  request: {
    replicaId: int32("3+", { default: -2, ignorable: true }),
    topics: array("0+", {
      topic: string("0+"),
      partitions: array("0+", {
        partition: int32("0+"),
        currentLeaderEpoch: int32("2+", { default: -1, ignorable: true }),
        leaderEpoch: int32("0+"),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32("2+", { ignorable: true }),
    topics: array("0+", {
      topic: string("0+"),
      partitions: array("0+", {
        errorCode: int16("0+"),
        partition: int32("0+"),
        leaderEpoch: int32("1+", { default: -1, ignorable: true }),
        endOffset: int64("0+", { default: -1 }),
      }),
    }),
  },
});
