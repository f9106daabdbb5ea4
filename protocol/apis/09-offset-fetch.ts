/**
 * OffsetFetch (9): returns the offsets that groups have committed; null topics ask for all.
 *
 * - v1: offsets kept by the coordinator.
 * - v2: null topics ask for all; error for the whole response (KIP-88).
 * - v3: throttle time (KIP-124).
 * - v4: the broker answers before it throttles (KIP-219).
 * - v5: leader epoch (KIP-320).
 * - v6: flexible format (KIP-482).
 * - v7: may refuse offsets of an open transaction (KIP-447).
 * - v8: many groups in one request (KIP-709).
 * - v9: member id and epoch (KIP-848).
 * - v10: topics by id instead of name.
 */
import { api, array, bigint64, bool, int16, int32, string, uuid } from "../schema.ts";

export const OffsetFetch = api({
  key: 9,
  name: "OffsetFetch",
  versions: "1-10",
  flexible: "6+",
  listeners: ["broker"],
  request: {
    groupId: string("0-7"),
    topics: array(
      "0-7",
      {
        name: string("0-7"),
        partitionIndexes: array("0-7", int32),
      },
      { nullable: "2-7" },
    ),
    groups: array("8+", {
      groupId: string("8+"),
      memberId: string("9+", { nullable: "9+", default: null, ignorable: true }),
      memberEpoch: int32("9+", { default: -1, ignorable: true }),
      topics: array(
        "8+",
        {
          name: string("8-9", { ignorable: true }),
          topicId: uuid("10+", { ignorable: true }),
          partitionIndexes: array("8+", int32),
        },
        { nullable: "8+" },
      ),
    }),
    requireStable: bool("7+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("3+", { ignorable: true }),
    topics: array("0-7", {
      name: string("0-7"),
      partitions: array("0-7", {
        partitionIndex: int32("0-7"),
        committedOffset: bigint64("0-7"),
        committedLeaderEpoch: int32("5-7", { default: -1, ignorable: true }),
        metadata: string("0-7", { nullable: "0-7" }),
        errorCode: int16("0-7"),
      }),
    }),
    errorCode: int16("2-7", { default: 0, ignorable: true }),
    groups: array("8+", {
      groupId: string("8+"),
      topics: array("8+", {
        name: string("8-9", { ignorable: true }),
        topicId: uuid("10+", { ignorable: true }),
        partitions: array("8+", {
          partitionIndex: int32("8+"),
          committedOffset: bigint64("8+"),
          committedLeaderEpoch: int32("8+", { default: -1, ignorable: true }),
          metadata: string("8+", { nullable: "8+" }),
          errorCode: int16("8+"),
        }),
      }),
      errorCode: int16("8+", { default: 0 }),
    }),
  },
});
