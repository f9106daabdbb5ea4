/**
 * TxnOffsetCommit (28): stores offsets of a group as part of a transaction (KIP-98).
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: leader epoch (KIP-320).
 * - v3: flexible format (KIP-482); generation and member, fenced like a plain commit (KIP-447).
 * - v4: the client can handle TRANSACTION_ABORTABLE (KIP-890).
 * - v5: the group is added to the transaction by committing (KIP-890, transactions v2).
 */
import { api, array, bigint64, int16, int32, int64, string } from "../schema.ts";

export const TxnOffsetCommit = api({
  key: 28,
  name: "TxnOffsetCommit",
  versions: "0-5",
  flexible: "3+",
  listeners: ["broker"],
  request: {
    transactionalId: string("0+"),
    groupId: string("0+"),
    producerId: int64("0+"),
    producerEpoch: int16("0+"),
    generationId: int32("3+", { default: -1 }),
    memberId: string("3+", { default: "" }),
    groupInstanceId: string("3+", { nullable: "3+", default: null }),
    topics: array("0+", {
      name: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        committedOffset: bigint64("0+"),
        committedLeaderEpoch: int32("2+", { default: -1, ignorable: true }),
        committedMetadata: string("0+", { nullable: "0+" }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    topics: array("0+", {
      name: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
      }),
    }),
  },
});
