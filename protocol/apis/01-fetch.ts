/**
 * Fetch (1): reads records. Consumers, followers and, on a controller, the replicas of the metadata log use it. The
 * order of partitions counts: what comes first is filled first.
 *
 * - v4: isolation level, last stable offset, aborted transactions (KIP-98).
 * - v5: log start offset (KIP-107).
 * - v6: adds KAFKA_STORAGE_ERROR as a possible error (KIP-112).
 * - v7: incremental sessions (KIP-227).
 * - v8: the broker answers before it throttles (KIP-219).
 * - v9: current leader epoch, fenced when it is not the same (KIP-320).
 * - v10: zstd is allowed (KIP-110).
 * - v11: rack of the consumer and preferred read replica (KIP-392).
 * - v12: flexible format (KIP-482); diverging epoch, current leader and snapshot id for KRaft (KIP-595, KIP-630).
 * - v13: topics by id instead of name (KIP-516).
 * - v14: adds OFFSET_MOVED_TO_TIERED_STORAGE as a possible error (KIP-405).
 * - v15: replica id moves into a tagged field with the replica's epoch (KIP-903).
 * - v16: tells the new leader's endpoint (KIP-951).
 * - v17: directory id of the fetching voter (KIP-853).
 * - v18: high watermark that the fetching replica knows (KIP-1166).
 */
import { api, array, bigint64, int8, int16, int32, int64, records, string, struct, uuid } from "../schema.ts";

export const Fetch = api({
  key: 1,
  name: "Fetch",
  versions: "4-18",
  flexible: "12+",
  listeners: ["broker", "controller"],
  request: {
    clusterId: string("12+", { nullable: "12+", default: null, tag: 0, ignorable: true }),
    replicaId: int32("0-14", { default: -1 }),
    replicaState: struct(
      "15+",
      {
        replicaId: int32("15+", { default: -1 }),
        replicaEpoch: int64("15+", { default: -1 }),
      },
      { tag: 1 },
    ),
    maxWaitMs: int32("0+"),
    minBytes: int32("0+"),
    maxBytes: int32("3+", { default: 0x7fffffff, ignorable: true }),
    isolationLevel: int8("4+", { default: 0, ignorable: true }),
    sessionId: int32("7+", { default: 0, ignorable: true }),
    sessionEpoch: int32("7+", { default: -1, ignorable: true }),
    topics: array("0+", {
      topic: string("0-12", { ignorable: true }),
      topicId: uuid("13+", { ignorable: true }),
      partitions: array("0+", {
        partition: int32("0+"),
        currentLeaderEpoch: int32("9+", { default: -1, ignorable: true }),
        fetchOffset: int64("0+"),
        lastFetchedEpoch: int32("12+", { default: -1 }),
        logStartOffset: int64("5+", { default: -1, ignorable: true }),
        partitionMaxBytes: int32("0+"),
        replicaDirectoryId: uuid("17+", { tag: 0, ignorable: true }),
        highWatermark: bigint64("18+", { default: 9223372036854775807n, tag: 1, ignorable: true }),
      }),
    }),
    forgottenTopicsData: array("7+", {
      topic: string("7-12", { ignorable: true }),
      topicId: uuid("13+", { ignorable: true }),
      partitions: array("7+", int32),
    }),
    rackId: string("11+", { default: "", ignorable: true }),
  },
  response: {
    throttleTimeMs: int32("1+", { ignorable: true }),
    errorCode: int16("7+", { ignorable: true }),
    sessionId: int32("7+", { default: 0 }),
    responses: array("0+", {
      topic: string("0-12", { ignorable: true }),
      topicId: uuid("13+", { ignorable: true }),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
        highWatermark: int64("0+"),
        lastStableOffset: int64("4+", { default: -1, ignorable: true }),
        logStartOffset: int64("5+", { default: -1, ignorable: true }),
        divergingEpoch: struct(
          "12+",
          {
            epoch: int32("12+", { default: -1 }),
            endOffset: int64("12+", { default: -1 }),
          },
          { tag: 0 },
        ),
        currentLeader: struct(
          "12+",
          {
            leaderId: int32("12+", { default: -1 }),
            leaderEpoch: int32("12+", { default: -1 }),
          },
          { tag: 1 },
        ),
        snapshotId: struct(
          "12+",
          {
            endOffset: int64("0+", { default: -1 }),
            epoch: int32("0+", { default: -1 }),
          },
          { tag: 2 },
        ),
        abortedTransactions: array(
          "4+",
          {
            producerId: int64("4+"),
            firstOffset: int64("4+"),
          },
          { nullable: "4+", ignorable: true },
        ),
        preferredReadReplica: int32("11+", { default: -1 }),
        records: records("0+", { nullable: "0+" }),
      }),
    }),
    nodeEndpoints: array(
      "16+",
      {
        nodeId: int32("16+"),
        host: string("16+"),
        port: int32("16+"),
        rack: string("16+", { nullable: "16+", default: null }),
      },
      { tag: 0 },
    ),
  },
});
