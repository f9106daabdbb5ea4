/**
 * Records of `__consumer_offsets` about streams groups (KIP-1071).
 */
import {
  array,
  bigint64,
  int8,
  int16,
  int32,
  int64,
  message,
  string,
  struct,
  uint16,
  type ValueOf,
} from "../../schema.ts";

const taskIds = {
  subtopologyId: string("0+"),
  partitions: array("0+", int32),
};

const taskIdsWithEpochs = {
  subtopologyId: string("0+"),
  partitions: array("0+", int32),
  // The default is empty, though Kafka's schema seems to say null; Kafka's classes write null out.
  assignmentEpochs: array("0+", int32, { nullable: "0+", tag: 0 }),
};

const topicInfo = {
  name: string("0+"),
  partitions: int32("0+"),
  replicationFactor: int16("0+"),
  topicConfigs: array("0+", {
    key: string("0+"),
    value: string("0+"),
  }),
};

export const StreamsGroupMetadataKey = message({
  name: "StreamsGroupMetadataKey",
  key: 17,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
  },
});
export type StreamsGroupMetadataKey = ValueOf<typeof StreamsGroupMetadataKey>;

/** The group and its epoch. */
export const StreamsGroupMetadataValue = message({
  name: "StreamsGroupMetadataValue",
  key: 17,
  versions: "0",
  flexible: "0+",
  fields: {
    epoch: int32("0+"),
    metadataHash: bigint64("0+"),
    validatedTopologyEpoch: int32("0+", { default: -1, tag: 0 }),
    // The default is empty, though Kafka's schema seems to say null; Kafka's classes write null out.
    lastAssignmentConfigs: array(
      "0+",
      {
        key: string("0+"),
        value: string("0+"),
      },
      { nullable: "0+", tag: 1 },
    ),
  },
});
export type StreamsGroupMetadataValue = ValueOf<typeof StreamsGroupMetadataValue>;

export const StreamsGroupMemberMetadataKey = message({
  name: "StreamsGroupMemberMetadataKey",
  key: 19,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    memberId: string("0"),
  },
});
export type StreamsGroupMemberMetadataKey = ValueOf<typeof StreamsGroupMemberMetadataKey>;

/** A member: process, endpoint, tags. */
export const StreamsGroupMemberMetadataValue = message({
  name: "StreamsGroupMemberMetadataValue",
  key: 19,
  versions: "0",
  flexible: "0+",
  fields: {
    instanceId: string("0+", { nullable: "0+" }),
    rackId: string("0+", { nullable: "0+" }),
    clientId: string("0+"),
    clientHost: string("0+"),
    rebalanceTimeoutMs: int32("0+", { default: -1 }),
    topologyEpoch: int32("0+"),
    processId: string("0+"),
    userEndpoint: struct(
      "0+",
      {
        host: string("0+"),
        port: uint16("0+"),
      },
      { nullable: "0+", default: null },
    ),
    clientTags: array("0+", {
      key: string("0+"),
      value: string("0+"),
    }),
  },
});
export type StreamsGroupMemberMetadataValue = ValueOf<typeof StreamsGroupMemberMetadataValue>;

export const StreamsGroupTargetAssignmentMetadataKey = message({
  name: "StreamsGroupTargetAssignmentMetadataKey",
  key: 20,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
  },
});
export type StreamsGroupTargetAssignmentMetadataKey = ValueOf<typeof StreamsGroupTargetAssignmentMetadataKey>;

/** The epoch the target assignment was computed for. */
export const StreamsGroupTargetAssignmentMetadataValue = message({
  name: "StreamsGroupTargetAssignmentMetadataValue",
  key: 20,
  versions: "0",
  flexible: "0+",
  fields: {
    assignmentEpoch: int32("0+"),
    assignmentTimestamp: int64("0+", { default: 0, tag: 0, ignorable: true }),
  },
});
export type StreamsGroupTargetAssignmentMetadataValue = ValueOf<typeof StreamsGroupTargetAssignmentMetadataValue>;

export const StreamsGroupTargetAssignmentMemberKey = message({
  name: "StreamsGroupTargetAssignmentMemberKey",
  key: 21,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    memberId: string("0"),
  },
});
export type StreamsGroupTargetAssignmentMemberKey = ValueOf<typeof StreamsGroupTargetAssignmentMemberKey>;

/** The tasks a member should own. */
export const StreamsGroupTargetAssignmentMemberValue = message({
  name: "StreamsGroupTargetAssignmentMemberValue",
  key: 21,
  versions: "0",
  flexible: "0+",
  fields: {
    activeTasks: array("0+", taskIds),
    standbyTasks: array("0+", taskIds),
    warmupTasks: array("0+", taskIds),
  },
});
export type StreamsGroupTargetAssignmentMemberValue = ValueOf<typeof StreamsGroupTargetAssignmentMemberValue>;

export const StreamsGroupCurrentMemberAssignmentKey = message({
  name: "StreamsGroupCurrentMemberAssignmentKey",
  key: 22,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    memberId: string("0"),
  },
});
export type StreamsGroupCurrentMemberAssignmentKey = ValueOf<typeof StreamsGroupCurrentMemberAssignmentKey>;

/** The tasks a member owns and is giving up, with its epochs. */
export const StreamsGroupCurrentMemberAssignmentValue = message({
  name: "StreamsGroupCurrentMemberAssignmentValue",
  key: 22,
  versions: "0",
  flexible: "0+",
  fields: {
    memberEpoch: int32("0+"),
    previousMemberEpoch: int32("0+"),
    state: int8("0+"),
    activeTasks: array("0+", taskIdsWithEpochs),
    standbyTasks: array("0+", taskIdsWithEpochs),
    warmupTasks: array("0+", taskIdsWithEpochs),
    activeTasksPendingRevocation: array("0+", taskIdsWithEpochs),
    standbyTasksPendingRevocation: array("0+", taskIdsWithEpochs),
    warmupTasksPendingRevocation: array("0+", taskIdsWithEpochs),
  },
});
export type StreamsGroupCurrentMemberAssignmentValue = ValueOf<typeof StreamsGroupCurrentMemberAssignmentValue>;

export const StreamsGroupTopologyKey = message({
  name: "StreamsGroupTopologyKey",
  key: 23,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
  },
});
export type StreamsGroupTopologyKey = ValueOf<typeof StreamsGroupTopologyKey>;

/** The topology of the application: subtopologies, their topics and internal topics. */
export const StreamsGroupTopologyValue = message({
  name: "StreamsGroupTopologyValue",
  key: 23,
  versions: "0",
  flexible: "0+",
  fields: {
    epoch: int32("0+"),
    subtopologies: array("0+", {
      subtopologyId: string("0+"),
      sourceTopics: array("0+", string),
      sourceTopicRegex: array("0+", string),
      stateChangelogTopics: array("0+", topicInfo),
      repartitionSinkTopics: array("0+", string),
      repartitionSourceTopics: array("0+", topicInfo),
      copartitionGroups: array("0+", {
        sourceTopics: array("0+", int16),
        sourceTopicRegex: array("0+", int16),
        repartitionSourceTopics: array("0+", int16),
      }),
    }),
  },
});
export type StreamsGroupTopologyValue = ValueOf<typeof StreamsGroupTopologyValue>;
