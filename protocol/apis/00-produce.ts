/**
 * Produce (0): appends record batches to partitions. With acks=0 there is no response, and any failure closes the
 * connection.
 *
 * Versions below 3 carried the message formats before record batches v2 and are no longer accepted (KIP-896); they are
 * advertised all the same, because librdkafka would otherwise switch compression off (KAFKA-18659).
 *
 * - v3: record batches v2, transactional id (KIP-98).
 * - v4: adds KAFKA_STORAGE_ERROR as a possible error (KIP-112).
 * - v5: returns the log start offset (KIP-107).
 * - v6: the broker answers before it throttles (KIP-219).
 * - v7: zstd is allowed (KIP-110).
 * - v8: names the records that were rejected, with a message (KIP-467).
 * - v9: flexible format (KIP-482).
 * - v10: tells the new leader with NOT_LEADER_OR_FOLLOWER (KIP-951).
 * - v11: the client can handle TRANSACTION_ABORTABLE (KIP-890).
 * - v12: a partition is added to the transaction by producing to it (KIP-890, transactions v2).
 * - v13: topics by id instead of name (KIP-516).
 */
import { api, array, int16, int32, int64, records, string, struct, uuid } from "../schema.ts";

export const Produce = api({
  key: 0,
  name: "Produce",
  versions: "3-13",
  advertised: "0-13",
  flexible: "9+",
  listeners: ["broker"],
  request: {
    transactionalId: string("3+", { nullable: "3+", default: null }),
    acks: int16("0+"),
    timeoutMs: int32("0+"),
    topicData: array("0+", {
      name: string("0-12", { ignorable: true }),
      topicId: uuid("13+", { ignorable: true }),
      partitionData: array("0+", {
        index: int32("0+"),
        records: records("0+", { nullable: "0+" }),
      }),
    }),
  },
  response: {
    responses: array("0+", {
      name: string("0-12", { ignorable: true }),
      topicId: uuid("13+", { ignorable: true }),
      partitionResponses: array("0+", {
        index: int32("0+"),
        errorCode: int16("0+"),
        baseOffset: int64("0+"),
        logAppendTimeMs: int64("2+", { default: -1, ignorable: true }),
        logStartOffset: int64("5+", { default: -1, ignorable: true }),
        recordErrors: array(
          "8+",
          {
            batchIndex: int32("8+"),
            batchIndexErrorMessage: string("8+", { nullable: "8+", default: null }),
          },
          { ignorable: true },
        ),
        errorMessage: string("8+", { nullable: "8+", default: null, ignorable: true }),
        currentLeader: struct(
          "10+",
          {
            leaderId: int32("10+", { default: -1 }),
            leaderEpoch: int32("10+", { default: -1 }),
          },
          { tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    nodeEndpoints: array(
      "10+",
      {
        nodeId: int32("10+"),
        host: string("10+"),
        port: int32("10+"),
        rack: string("10+", { nullable: "10+", default: null }),
      },
      { tag: 0 },
    ),
  },
});
