/**
 * Records of `__consumer_offsets` about groups of the consumer protocol (KIP-848).
 */
import {
  array,
  bigint64,
  bytes,
  int8,
  int32,
  int64,
  message,
  string,
  struct,
  uuid,
  type ValueOf,
} from "../../schema.ts";

const topicPartitions = {
  topicId: uuid("0+"),
  partitions: array("0+", int32),
  // The default is empty, though Kafka's schema seems to say null; Kafka's classes write null out.
  assignmentEpochs: array("0+", int32, { nullable: "0+", tag: 0 }),
};

export const ConsumerGroupMetadataKey = message({
  name: "ConsumerGroupMetadataKey",
  key: 3,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
  },
});
export type ConsumerGroupMetadataKey = ValueOf<typeof ConsumerGroupMetadataKey>;

/** The group and its epoch. */
export const ConsumerGroupMetadataValue = message({
  name: "ConsumerGroupMetadataValue",
  key: 3,
  versions: "0",
  flexible: "0+",
  fields: {
    epoch: int32("0+"),
    metadataHash: bigint64("0+", { default: 0n, tag: 0 }),
  },
});
export type ConsumerGroupMetadataValue = ValueOf<typeof ConsumerGroupMetadataValue>;

export const ConsumerGroupPartitionMetadataKey = message({
  name: "ConsumerGroupPartitionMetadataKey",
  key: 4,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
  },
});
export type ConsumerGroupPartitionMetadataKey = ValueOf<typeof ConsumerGroupPartitionMetadataKey>;

/** Topics the group had seen; no longer written, a tombstone removes it. */
export const ConsumerGroupPartitionMetadataValue = message({
  name: "ConsumerGroupPartitionMetadataValue",
  key: 4,
  versions: "0",
  flexible: "0+",
  fields: {
    topics: array("0+", {
      topicId: uuid("0+"),
      topicName: string("0+"),
      numPartitions: int32("0+"),
      partitionMetadata: array("0+", {
        partition: int32("0+"),
        racks: array("0+", string),
      }),
    }),
  },
});
export type ConsumerGroupPartitionMetadataValue = ValueOf<typeof ConsumerGroupPartitionMetadataValue>;

export const ConsumerGroupMemberMetadataKey = message({
  name: "ConsumerGroupMemberMetadataKey",
  key: 5,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    memberId: string("0"),
  },
});
export type ConsumerGroupMemberMetadataKey = ValueOf<typeof ConsumerGroupMemberMetadataKey>;

/** A member: its subscription and, for a classic member, its protocols. */
export const ConsumerGroupMemberMetadataValue = message({
  name: "ConsumerGroupMemberMetadataValue",
  key: 5,
  versions: "0",
  flexible: "0+",
  fields: {
    instanceId: string("0+", { nullable: "0+" }),
    rackId: string("0+", { nullable: "0+" }),
    clientId: string("0+"),
    clientHost: string("0+"),
    subscribedTopicNames: array("0+", string),
    subscribedTopicRegex: string("0+", { nullable: "0+" }),
    rebalanceTimeoutMs: int32("0+", { default: -1 }),
    serverAssignor: string("0+", { nullable: "0+" }),
    // Null for a member that speaks the consumer protocol. Set it: the default is an empty struct, though Kafka's schema seems to say null,
    // and Kafka's classes write null out.
    classicMemberMetadata: struct(
      "0+",
      {
        sessionTimeoutMs: int32("0+"),
        supportedProtocols: array("0+", {
          name: string("0+"),
          metadata: bytes("0+"),
        }),
      },
      { nullable: "0+", tag: 0 },
    ),
  },
});
export type ConsumerGroupMemberMetadataValue = ValueOf<typeof ConsumerGroupMemberMetadataValue>;

export const ConsumerGroupTargetAssignmentMetadataKey = message({
  name: "ConsumerGroupTargetAssignmentMetadataKey",
  key: 6,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
  },
});
export type ConsumerGroupTargetAssignmentMetadataKey = ValueOf<typeof ConsumerGroupTargetAssignmentMetadataKey>;

/** The epoch the target assignment was computed for. */
export const ConsumerGroupTargetAssignmentMetadataValue = message({
  name: "ConsumerGroupTargetAssignmentMetadataValue",
  key: 6,
  versions: "0",
  flexible: "0+",
  fields: {
    assignmentEpoch: int32("0+"),
    assignmentTimestamp: int64("0+", { default: 0, tag: 0, ignorable: true }),
  },
});
export type ConsumerGroupTargetAssignmentMetadataValue = ValueOf<typeof ConsumerGroupTargetAssignmentMetadataValue>;

export const ConsumerGroupTargetAssignmentMemberKey = message({
  name: "ConsumerGroupTargetAssignmentMemberKey",
  key: 7,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    memberId: string("0"),
  },
});
export type ConsumerGroupTargetAssignmentMemberKey = ValueOf<typeof ConsumerGroupTargetAssignmentMemberKey>;

/** What a member should own. */
export const ConsumerGroupTargetAssignmentMemberValue = message({
  name: "ConsumerGroupTargetAssignmentMemberValue",
  key: 7,
  versions: "0",
  flexible: "0+",
  fields: {
    topicPartitions: array("0+", {
      topicId: uuid("0+"),
      partitions: array("0+", int32),
    }),
  },
});
export type ConsumerGroupTargetAssignmentMemberValue = ValueOf<typeof ConsumerGroupTargetAssignmentMemberValue>;

export const ConsumerGroupCurrentMemberAssignmentKey = message({
  name: "ConsumerGroupCurrentMemberAssignmentKey",
  key: 8,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    memberId: string("0"),
  },
});
export type ConsumerGroupCurrentMemberAssignmentKey = ValueOf<typeof ConsumerGroupCurrentMemberAssignmentKey>;

/** What a member owns and is giving up, with its epochs. */
export const ConsumerGroupCurrentMemberAssignmentValue = message({
  name: "ConsumerGroupCurrentMemberAssignmentValue",
  key: 8,
  versions: "0",
  flexible: "0+",
  fields: {
    memberEpoch: int32("0+"),
    previousMemberEpoch: int32("0+"),
    state: int8("0+"),
    assignedPartitions: array("0+", topicPartitions),
    partitionsPendingRevocation: array("0+", topicPartitions),
  },
});
export type ConsumerGroupCurrentMemberAssignmentValue = ValueOf<typeof ConsumerGroupCurrentMemberAssignmentValue>;

export const ConsumerGroupRegularExpressionKey = message({
  name: "ConsumerGroupRegularExpressionKey",
  key: 16,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    regularExpression: string("0"),
  },
});
export type ConsumerGroupRegularExpressionKey = ValueOf<typeof ConsumerGroupRegularExpressionKey>;

/** The topics a subscribed pattern resolved to. */
export const ConsumerGroupRegularExpressionValue = message({
  name: "ConsumerGroupRegularExpressionValue",
  key: 16,
  versions: "0",
  flexible: "0+",
  fields: {
    topics: array("0+", string),
    version: int64("0+"),
    timestamp: int64("0+"),
  },
});
export type ConsumerGroupRegularExpressionValue = ValueOf<typeof ConsumerGroupRegularExpressionValue>;
