/**
 * AlterPartition (56): a leader proposes a new set of in-sync replicas to the controller (KIP-497).
 *
 * - v2: topics by id instead of name (KIP-841).
 * - v3: in-sync replicas with their broker epochs (KIP-903).
 */
import { api, array, int8, int16, int32, int64, uuid } from "../schema.ts";

export const AlterPartition = api({
  key: 56,
  name: "AlterPartition",
  versions: "2-3",
  flexible: "0+",
  listeners: ["controller"],
  request: {
    brokerId: int32("0+"),
    brokerEpoch: int64("0+", { default: -1 }),
    topics: array("0+", {
      topicId: uuid("2+", { ignorable: true }),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        leaderEpoch: int32("0+"),
        newIsr: array("0-2", int32),
        newIsrWithEpochs: array("3+", {
          brokerId: int32("3+"),
          brokerEpoch: int64("3+", { default: -1 }),
        }),
        leaderRecoveryState: int8("1+", { default: 0 }),
        partitionEpoch: int32("0+"),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    topics: array("0+", {
      topicId: uuid("2+", { ignorable: true }),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
        leaderId: int32("0+"),
        leaderEpoch: int32("0+"),
        isr: array("0+", int32),
        leaderRecoveryState: int8("1+", { default: 0, ignorable: true }),
        partitionEpoch: int32("0+"),
      }),
    }),
  },
});
