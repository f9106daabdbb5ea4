/**
 * Records of `__consumer_offsets` about share groups (KIP-932).
 */
import { array, bigint64, int8, int32, int64, message, string, uuid, type ValueOf } from "../../schema.ts";

const topicPartitionsInfo = {
  topicId: uuid("0+"),
  topicName: string("0+"),
  partitions: array("0+", int32),
};

export const ShareGroupMetadataKey = message({
  name: "ShareGroupMetadataKey",
  key: 11,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
  },
});
export type ShareGroupMetadataKey = ValueOf<typeof ShareGroupMetadataKey>;

/** The group and its epoch. */
export const ShareGroupMetadataValue = message({
  name: "ShareGroupMetadataValue",
  key: 11,
  versions: "0",
  flexible: "0+",
  fields: {
    epoch: int32("0+"),
    metadataHash: bigint64("0+"),
  },
});
export type ShareGroupMetadataValue = ValueOf<typeof ShareGroupMetadataValue>;

export const ShareGroupMemberMetadataKey = message({
  name: "ShareGroupMemberMetadataKey",
  key: 10,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    memberId: string("0"),
  },
});
export type ShareGroupMemberMetadataKey = ValueOf<typeof ShareGroupMemberMetadataKey>;

/** A member and its subscription. */
export const ShareGroupMemberMetadataValue = message({
  name: "ShareGroupMemberMetadataValue",
  key: 10,
  versions: "0",
  flexible: "0+",
  fields: {
    rackId: string("0+", { nullable: "0+" }),
    clientId: string("0+"),
    clientHost: string("0+"),
    subscribedTopicNames: array("0+", string),
  },
});
export type ShareGroupMemberMetadataValue = ValueOf<typeof ShareGroupMemberMetadataValue>;

export const ShareGroupTargetAssignmentMetadataKey = message({
  name: "ShareGroupTargetAssignmentMetadataKey",
  key: 12,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
  },
});
export type ShareGroupTargetAssignmentMetadataKey = ValueOf<typeof ShareGroupTargetAssignmentMetadataKey>;

/** The epoch the target assignment was computed for. */
export const ShareGroupTargetAssignmentMetadataValue = message({
  name: "ShareGroupTargetAssignmentMetadataValue",
  key: 12,
  versions: "0",
  flexible: "0+",
  fields: {
    assignmentEpoch: int32("0+"),
    assignmentTimestamp: int64("0+", { default: 0, tag: 0, ignorable: true }),
  },
});
export type ShareGroupTargetAssignmentMetadataValue = ValueOf<typeof ShareGroupTargetAssignmentMetadataValue>;

export const ShareGroupTargetAssignmentMemberKey = message({
  name: "ShareGroupTargetAssignmentMemberKey",
  key: 13,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    memberId: string("0"),
  },
});
export type ShareGroupTargetAssignmentMemberKey = ValueOf<typeof ShareGroupTargetAssignmentMemberKey>;

/** What a member should own. */
export const ShareGroupTargetAssignmentMemberValue = message({
  name: "ShareGroupTargetAssignmentMemberValue",
  key: 13,
  versions: "0",
  flexible: "0+",
  fields: {
    topicPartitions: array("0+", {
      topicId: uuid("0+"),
      partitions: array("0+", int32),
    }),
  },
});
export type ShareGroupTargetAssignmentMemberValue = ValueOf<typeof ShareGroupTargetAssignmentMemberValue>;

export const ShareGroupCurrentMemberAssignmentKey = message({
  name: "ShareGroupCurrentMemberAssignmentKey",
  key: 14,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    memberId: string("0"),
  },
});
export type ShareGroupCurrentMemberAssignmentKey = ValueOf<typeof ShareGroupCurrentMemberAssignmentKey>;

/** What a member owns, with its epochs. */
export const ShareGroupCurrentMemberAssignmentValue = message({
  name: "ShareGroupCurrentMemberAssignmentValue",
  key: 14,
  versions: "0",
  flexible: "0+",
  fields: {
    memberEpoch: int32("0+"),
    previousMemberEpoch: int32("0+"),
    state: int8("0+"),
    assignedPartitions: array("0+", {
      topicId: uuid("0+"),
      partitions: array("0+", int32),
    }),
  },
});
export type ShareGroupCurrentMemberAssignmentValue = ValueOf<typeof ShareGroupCurrentMemberAssignmentValue>;

export const ShareGroupStatePartitionMetadataKey = message({
  name: "ShareGroupStatePartitionMetadataKey",
  key: 15,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
  },
});
export type ShareGroupStatePartitionMetadataKey = ValueOf<typeof ShareGroupStatePartitionMetadataKey>;

/** Which partitions have share state: being initialized, ready, being deleted. */
export const ShareGroupStatePartitionMetadataValue = message({
  name: "ShareGroupStatePartitionMetadataValue",
  key: 15,
  versions: "0",
  flexible: "0+",
  fields: {
    initializingTopics: array("0+", topicPartitionsInfo),
    initializedTopics: array("0+", topicPartitionsInfo),
    deletingTopics: array("0+", {
      topicId: uuid("0+"),
      topicName: string("0+"),
    }),
  },
});
export type ShareGroupStatePartitionMetadataValue = ValueOf<typeof ShareGroupStatePartitionMetadataValue>;
