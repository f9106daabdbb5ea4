/**
 * OffsetCommit (8): stores the offsets that a group has reached. A commit with generation -1 and no member is for
 * groups that assign partitions by themselves.
 *
 * - v2: retention time.
 * - v3: throttle time (KIP-124).
 * - v4: the broker answers before it throttles (KIP-219).
 * - v5: retention time goes away (KIP-211).
 * - v6: leader epoch (KIP-320).
 * - v7: static members (KIP-345).
 * - v8: flexible format (KIP-482).
 * - v9: groups of the consumer protocol; the generation may be a member epoch (KIP-848).
 * - v10: topics by id instead of name.
 */
import { api, array, bigint64, int16, int32, int64, string, uuid } from "../schema.ts";

export const OffsetCommit = api({
  key: 8,
  name: "OffsetCommit",
  versions: "2-10",
  flexible: "8+",
  listeners: ["broker"],
  request: {
    groupId: string("0+"),
    generationIdOrMemberEpoch: int32("1+", { default: -1, ignorable: true }),
    memberId: string("1+", { ignorable: true }),
    groupInstanceId: string("7+", { nullable: "7+", default: null }),
    retentionTimeMs: int64("2-4", { default: -1, ignorable: true }),
    topics: array("0+", {
      name: string("0-9", { ignorable: true }),
      topicId: uuid("10+", { ignorable: true }),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        committedOffset: bigint64("0+"),
        committedLeaderEpoch: int32("6+", { default: -1, ignorable: true }),
        committedMetadata: string("0+", { nullable: "0+" }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32("3+", { ignorable: true }),
    topics: array("0+", {
      name: string("0-9", { ignorable: true }),
      topicId: uuid("10+", { ignorable: true }),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
      }),
    }),
  },
});
