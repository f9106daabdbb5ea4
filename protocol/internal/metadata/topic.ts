/**
 * Records of `__cluster_metadata` about topics and partitions.
 */
import { array, int8, int32, message, string, uuid, type ValueOf } from "../../schema.ts";

/** A topic was created; PartitionRecords follow. */
export const TopicRecord = message({
  name: "TopicRecord",
  key: 2,
  versions: "0",
  flexible: "0+",
  fields: {
    name: string("0+"),
    topicId: uuid("0+"),
  },
});
export type TopicRecord = ValueOf<typeof TopicRecord>;

/** A topic was deleted, with its partitions. */
export const RemoveTopicRecord = message({
  name: "RemoveTopicRecord",
  key: 9,
  versions: "0",
  flexible: "0+",
  fields: {
    topicId: uuid("0+"),
  },
});
export type RemoveTopicRecord = ValueOf<typeof RemoveTopicRecord>;

/**
 * A partition was created, or its whole state in a snapshot. v1 adds a directory per replica (KIP-858), v2 eligible
 * leader replicas (KIP-966).
 */
export const PartitionRecord = message({
  name: "PartitionRecord",
  key: 3,
  versions: "0-2",
  flexible: "0+",
  fields: {
    partitionId: int32("0+", { default: -1 }),
    topicId: uuid("0+"),
    replicas: array("0+", int32),
    isr: array("0+", int32),
    removingReplicas: array("0+", int32),
    addingReplicas: array("0+", int32),
    leader: int32("0+", { default: -1 }),
    leaderRecoveryState: int8("0+", { default: 0, tag: 0 }),
    leaderEpoch: int32("0+", { default: -1 }),
    partitionEpoch: int32("0+", { default: -1 }),
    directories: array("1+", uuid),
    eligibleLeaderReplicas: array("2+", int32, { nullable: "2+", default: null, tag: 1 }),
    lastKnownElr: array("2+", int32, { nullable: "2+", default: null, tag: 2 }),
  },
});
export type PartitionRecord = ValueOf<typeof PartitionRecord>;

/**
 * What changed about a partition. A field that is null, or -2 for the leader, did not change. v1 adds directories
 * (KIP-858), v2 eligible leader replicas (KIP-966).
 */
export const PartitionChangeRecord = message({
  name: "PartitionChangeRecord",
  key: 5,
  versions: "0-2",
  flexible: "0+",
  fields: {
    partitionId: int32("0+", { default: -1 }),
    topicId: uuid("0+"),
    isr: array("0+", int32, { nullable: "0+", default: null, tag: 0 }),
    leader: int32("0+", { default: -2, tag: 1 }),
    replicas: array("0+", int32, { nullable: "0+", default: null, tag: 2 }),
    removingReplicas: array("0+", int32, { nullable: "0+", default: null, tag: 3 }),
    addingReplicas: array("0+", int32, { nullable: "0+", default: null, tag: 4 }),
    leaderRecoveryState: int8("0+", { default: -1, tag: 5 }),
    directories: array("1+", uuid, { nullable: "1+", default: null, tag: 8 }),
    eligibleLeaderReplicas: array("2+", int32, { nullable: "2+", default: null, tag: 6 }),
    lastKnownElr: array("2+", int32, { nullable: "2+", default: null, tag: 7 }),
  },
});
export type PartitionChangeRecord = ValueOf<typeof PartitionChangeRecord>;

/** Clears the eligible leader replicas of one topic, or of all when the name is empty (KIP-966). */
export const ClearElrRecord = message({
  name: "ClearElrRecord",
  key: 28,
  versions: "0",
  flexible: "0+",
  fields: {
    topicName: string("0+"),
  },
});
export type ClearElrRecord = ValueOf<typeof ClearElrRecord>;
