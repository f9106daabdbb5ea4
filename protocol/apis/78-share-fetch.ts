/**
 * ShareFetch (78): acquires records of share partitions, and acknowledges earlier ones on the way. Session epoch 0
 * opens a share session, -1 closes it (KIP-932).
 *
 * - v1: first version; v0 was an early access one.
 * - v2: acquire mode (KIP-1206), renewal of acquisition locks (KIP-1222).
 */
import { api, array, bool, int8, int16, int32, int64, records, string, struct, uuid } from "../schema.ts";

export const ShareFetch = api({
  key: 78,
  name: "ShareFetch",
  versions: "1-2",
  flexible: "0+",
  listeners: ["broker"],
  request: {
    groupId: string("0+", { nullable: "0+", default: null }),
    memberId: string("0+", { nullable: "0+" }),
    shareSessionEpoch: int32("0+"),
    maxWaitMs: int32("0+"),
    minBytes: int32("0+"),
    maxBytes: int32("0+", { default: 0x7fffffff }),
    maxRecords: int32("1+"),
    batchSize: int32("1+"),
    shareAcquireMode: int8("2+", { default: 0, ignorable: true }),
    isRenewAck: bool("2+", { default: false }),
    topics: array("0+", {
      topicId: uuid("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        partitionMaxBytes: int32("0"),
        acknowledgementBatches: array("0+", {
          firstOffset: int64("0+"),
          lastOffset: int64("0+"),
          acknowledgeTypes: array("0+", int8),
        }),
      }),
    }),
    forgottenTopicsData: array("0+", {
      topicId: uuid("0+"),
      partitions: array("0+", int32),
    }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+", default: null }),
    acquisitionLockTimeoutMs: int32("1+"),
    responses: array("0+", {
      topicId: uuid("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
        errorMessage: string("0+", { nullable: "0+", default: null }),
        acknowledgeErrorCode: int16("0+"),
        acknowledgeErrorMessage: string("0+", { nullable: "0+", default: null }),
        currentLeader: struct("0+", {
          leaderId: int32("0+"),
          leaderEpoch: int32("0+"),
        }),
        records: records("0+", { nullable: "0" }),
        acquiredRecords: array("0+", {
          firstOffset: int64("0+"),
          lastOffset: int64("0+"),
          deliveryCount: int16("0+"),
        }),
      }),
    }),
    nodeEndpoints: array("0+", {
      nodeId: int32("0+"),
      host: string("0+"),
      port: int32("0+"),
      rack: string("0+", { nullable: "0+", default: null }),
    }),
  },
});
