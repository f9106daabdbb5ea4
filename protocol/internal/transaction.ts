/**
 * Records of `__transaction_state`: one record holds the whole state of a transactional id.
 */
import { array, int8, int16, int32, int64, message, string, type ValueOf } from "../schema.ts";

export const TransactionLogKey = message({
  name: "TransactionLogKey",
  key: 0,
  versions: "0",
  flexible: "none",
  fields: {
    transactionalId: string("0"),
  },
});
export type TransactionLogKey = ValueOf<typeof TransactionLogKey>;

/** v1 adds tagged fields with the producer ids and the client version of KIP-890. */
export const TransactionLogValue = message({
  name: "TransactionLogValue",
  key: 0,
  versions: "0-1",
  flexible: "1+",
  fields: {
    producerId: int64("0+"),
    previousProducerId: int64("1+", { default: -1, tag: 0 }),
    nextProducerId: int64("1+", { default: -1, tag: 1 }),
    producerEpoch: int16("0+"),
    nextProducerEpoch: int16("1+", { default: -1, tag: 3 }),
    transactionTimeoutMs: int32("0+"),
    transactionStatus: int8("0+"),
    transactionPartitions: array(
      "0+",
      {
        topic: string("0+"),
        partitionIds: array("0+", int32),
      },
      { nullable: "0+" },
    ),
    transactionLastUpdateTimestampMs: int64("0+"),
    transactionStartTimestampMs: int64("0+"),
    clientTransactionVersion: int16("1+", { default: 0, tag: 2 }),
  },
});
export type TransactionLogValue = ValueOf<typeof TransactionLogValue>;
