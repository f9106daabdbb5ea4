/**
 * AddPartitionsToTxn (24): adds partitions to a transaction (KIP-98). From v4 on brokers use it among themselves: many
 * transactions at once, or only to verify that a partition is part of one.
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: adds PRODUCER_FENCED as a possible error (KIP-588).
 * - v3: flexible format (KIP-482).
 * - v4: many transactions, verification only (KIP-890).
 * - v5: the client can handle TRANSACTION_ABORTABLE (KIP-890).
 */
import { api, array, bool, int16, int32, int64, string } from "../schema.ts";

const addPartitionsToTxnTopic = {
  name: string("0+"),
  partitions: array("0+", int32),
};

const addPartitionsToTxnTopicResult = {
  name: string("0+"),
  resultsByPartition: array("0+", {
    partitionIndex: int32("0+"),
    partitionErrorCode: int16("0+"),
  }),
};

export const AddPartitionsToTxn = api({
  key: 24,
  name: "AddPartitionsToTxn",
  versions: "0-5",
  flexible: "3+",
  listeners: ["broker"],
  request: {
    transactions: array("4+", {
      transactionalId: string("4+"),
      producerId: int64("4+"),
      producerEpoch: int16("4+"),
      verifyOnly: bool("4+", { default: false }),
      topics: array("4+", addPartitionsToTxnTopic),
    }),
    v3AndBelowTransactionalId: string("0-3"),
    v3AndBelowProducerId: int64("0-3"),
    v3AndBelowProducerEpoch: int16("0-3"),
    v3AndBelowTopics: array("0-3", addPartitionsToTxnTopic),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("4+", { ignorable: true }),
    resultsByTransaction: array("4+", {
      transactionalId: string("4+"),
      topicResults: array("4+", addPartitionsToTxnTopicResult),
    }),
    resultsByTopicV3AndBelow: array("0-3", addPartitionsToTxnTopicResult),
  },
});
