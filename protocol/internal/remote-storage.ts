/**
 * Records of `__remote_log_metadata`: which log segments are in remote storage (KIP-405).
 */
import { array, bool, bytes, int8, int32, int64, message, string, struct, uuid, type ValueOf } from "../schema.ts";

/** A segment is being copied or has been. */
export const RemoteLogSegmentMetadataRecord = message({
  name: "RemoteLogSegmentMetadataRecord",
  key: 0,
  versions: "0",
  flexible: "0+",
  fields: {
    remoteLogSegmentId: struct("0+", {
      topicIdPartition: struct("0+", {
        name: string("0+"),
        id: uuid("0+"),
        partition: int32("0+"),
      }),
      id: uuid("0+"),
    }),
    startOffset: int64("0+"),
    endOffset: int64("0+"),
    brokerId: int32("0+"),
    maxTimestampMs: int64("0+"),
    eventTimestampMs: int64("0+"),
    segmentLeaderEpochs: array("0+", {
      leaderEpoch: int32("0+"),
      offset: int64("0+"),
    }),
    segmentSizeInBytes: int32("0+"),
    customMetadata: bytes("0+", { nullable: "0+", default: null }),
    remoteLogSegmentState: int8("0+"),
    txnIndexEmpty: bool("0+", { tag: 0 }),
  },
});
export type RemoteLogSegmentMetadataRecord = ValueOf<typeof RemoteLogSegmentMetadataRecord>;

/** The state of a remote segment changed. */
export const RemoteLogSegmentMetadataUpdateRecord = message({
  name: "RemoteLogSegmentMetadataUpdateRecord",
  key: 1,
  versions: "0",
  flexible: "0+",
  fields: {
    remoteLogSegmentId: struct("0+", {
      topicIdPartition: struct("0+", {
        name: string("0+"),
        id: uuid("0+"),
        partition: int32("0+"),
      }),
      id: uuid("0+"),
    }),
    brokerId: int32("0+"),
    eventTimestampMs: int64("0+"),
    customMetadata: bytes("0+", { nullable: "0+", default: null }),
    remoteLogSegmentState: int8("0+"),
  },
});
export type RemoteLogSegmentMetadataUpdateRecord = ValueOf<typeof RemoteLogSegmentMetadataUpdateRecord>;

/** A partition with remote segments is being deleted. */
export const RemotePartitionDeleteMetadataRecord = message({
  name: "RemotePartitionDeleteMetadataRecord",
  key: 2,
  versions: "0",
  flexible: "0+",
  fields: {
    topicIdPartition: struct("0+", {
      name: string("0+"),
      id: uuid("0+"),
      partition: int32("0+"),
    }),
    brokerId: int32("0+"),
    eventTimestampMs: int64("0+"),
    remotePartitionDeleteState: int8("0+"),
  },
});
export type RemotePartitionDeleteMetadataRecord = ValueOf<typeof RemotePartitionDeleteMetadataRecord>;

/** A segment as the cache of a broker keeps it in a file. */
export const RemoteLogSegmentMetadataSnapshotRecord = message({
  name: "RemoteLogSegmentMetadataSnapshotRecord",
  key: 3,
  versions: "0",
  flexible: "0+",
  fields: {
    segmentId: uuid("0+"),
    startOffset: int64("0+"),
    endOffset: int64("0+"),
    brokerId: int32("0+"),
    maxTimestampMs: int64("0+"),
    eventTimestampMs: int64("0+"),
    segmentLeaderEpochs: array("0+", {
      leaderEpoch: int32("0+"),
      offset: int64("0+"),
    }),
    segmentSizeInBytes: int32("0+"),
    customMetadata: bytes("0+", { nullable: "0+", default: null }),
    remoteLogSegmentState: int8("0+"),
    txnIndexEmpty: bool("0+", { tag: 0 }),
  },
});
export type RemoteLogSegmentMetadataSnapshotRecord = ValueOf<typeof RemoteLogSegmentMetadataSnapshotRecord>;
