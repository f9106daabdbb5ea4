/**
 * The records of `__consumer_offsets` as the group coordinator makes them: one function for each kind it writes, in the versions that Kafka 4.3
 * writes, and the codec between them and the log's keys and values.
 */
import {
  type CoordinatorRecordSchemas,
  decodeCoordinatorRecord,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
  type GroupRecord,
  groupRecordSchemas,
} from "../../../protocol/internal/coordinator-record.ts";
import type { GroupMetadataValue } from "../../../protocol/internal/group/classic-group.ts";
import type {
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupTargetAssignmentMemberValue,
} from "../../../protocol/internal/group/consumer-group.ts";
import type { OffsetCommitValue } from "../../../protocol/internal/group/offset.ts";
import type { Message } from "../../../protocol/schema.ts";
import type { CoordinatorCodec } from "../runtime/coordinator-state.ts";

export type { GroupRecord };

/** A record of one kind. */
export type RecordOf<T extends GroupRecord["type"]> = Extract<GroupRecord, { readonly type: T }>;

const TOMBSTONE_VERSION = -1;
const GROUP_METADATA_VERSION = 3;
const OFFSET_COMMIT_VERSION = 4;
/** The only version of an offset that can say when it expires. */
const OFFSET_COMMIT_EXPIRING_VERSION = 1;

export const groupRecordCodec: CoordinatorCodec<GroupRecord> = {
  encode(record) {
    const schema: { key: Message; value: Message } = groupRecordSchemas[record.type];
    return {
      key: encodeCoordinatorKey(schema, record.key),
      value: record.value === null ? null : encodeCoordinatorValue(schema, record.version, record.value),
    };
  },
  decode(key, value) {
    // Only the schema that fits is handed on, rather than all to search: loads decode millions.
    const schemas = key.length >= 2 ? schemasByType.get(key.readInt16BE(0)) : groupRecordSchemas;
    return schemas === undefined ? null : (decodeCoordinatorRecord(schemas, key, value) as GroupRecord | null);
  },
};

const schemasByType: ReadonlyMap<number, CoordinatorRecordSchemas> = new Map(
  Object.entries(groupRecordSchemas).map(([type, schema]) => [schema.key.key, { [type]: schema }]),
);

// --- Offsets

export function offsetCommitRecord(
  group: string,
  topic: string,
  partition: number,
  value: OffsetCommitValue,
): GroupRecord {
  const version = value.expireTimestamp === -1 ? OFFSET_COMMIT_VERSION : OFFSET_COMMIT_EXPIRING_VERSION;
  return { type: "OffsetCommit", key: { group, topic, partition }, value, version };
}

export function offsetTombstone(group: string, topic: string, partition: number): GroupRecord {
  return { type: "OffsetCommit", key: { group, topic, partition }, value: null, version: TOMBSTONE_VERSION };
}

// --- Classic groups

export function groupMetadataRecord(group: string, value: GroupMetadataValue): GroupRecord {
  return { type: "GroupMetadata", key: { group }, value, version: GROUP_METADATA_VERSION };
}

export function groupMetadataTombstone(group: string): GroupRecord {
  return { type: "GroupMetadata", key: { group }, value: null, version: TOMBSTONE_VERSION };
}

// --- Consumer groups

export function groupEpochRecord(groupId: string, epoch: number, metadataHash: bigint): GroupRecord {
  return { type: "ConsumerGroupMetadata", key: { groupId }, value: { epoch, metadataHash }, version: 0 };
}

export function groupEpochTombstone(groupId: string): GroupRecord {
  return { type: "ConsumerGroupMetadata", key: { groupId }, value: null, version: TOMBSTONE_VERSION };
}

/** Removes what brokers before 4.1 wrote. */
export function partitionMetadataTombstone(groupId: string): GroupRecord {
  return { type: "ConsumerGroupPartitionMetadata", key: { groupId }, value: null, version: TOMBSTONE_VERSION };
}

export function memberRecord(groupId: string, memberId: string, value: ConsumerGroupMemberMetadataValue): GroupRecord {
  return { type: "ConsumerGroupMemberMetadata", key: { groupId, memberId }, value, version: 0 };
}

export function memberTombstone(groupId: string, memberId: string): GroupRecord {
  return {
    type: "ConsumerGroupMemberMetadata",
    key: { groupId, memberId },
    value: null,
    version: TOMBSTONE_VERSION,
  };
}

export function targetEpochRecord(groupId: string, assignmentEpoch: number, assignmentTimestamp: number): GroupRecord {
  return {
    type: "ConsumerGroupTargetAssignmentMetadata",
    key: { groupId },
    value: { assignmentEpoch, assignmentTimestamp },
    version: 0,
  };
}

export function targetEpochTombstone(groupId: string): GroupRecord {
  return { type: "ConsumerGroupTargetAssignmentMetadata", key: { groupId }, value: null, version: TOMBSTONE_VERSION };
}

export function targetRecord(
  groupId: string,
  memberId: string,
  topicPartitions: ConsumerGroupTargetAssignmentMemberValue["topicPartitions"],
): GroupRecord {
  return {
    type: "ConsumerGroupTargetAssignmentMember",
    key: { groupId, memberId },
    value: { topicPartitions },
    version: 0,
  };
}

export function targetTombstone(groupId: string, memberId: string): GroupRecord {
  return {
    type: "ConsumerGroupTargetAssignmentMember",
    key: { groupId, memberId },
    value: null,
    version: TOMBSTONE_VERSION,
  };
}

export function currentAssignmentRecord(
  groupId: string,
  memberId: string,
  value: ConsumerGroupCurrentMemberAssignmentValue,
): GroupRecord {
  return { type: "ConsumerGroupCurrentMemberAssignment", key: { groupId, memberId }, value, version: 0 };
}

export function currentAssignmentTombstone(groupId: string, memberId: string): GroupRecord {
  return {
    type: "ConsumerGroupCurrentMemberAssignment",
    key: { groupId, memberId },
    value: null,
    version: TOMBSTONE_VERSION,
  };
}

export function regularExpressionRecord(
  groupId: string,
  regularExpression: string,
  value: { topics: string[]; version: number; timestamp: number },
): GroupRecord {
  return { type: "ConsumerGroupRegularExpression", key: { groupId, regularExpression }, value, version: 0 };
}

export function regularExpressionTombstone(groupId: string, regularExpression: string): GroupRecord {
  return {
    type: "ConsumerGroupRegularExpression",
    key: { groupId, regularExpression },
    value: null,
    version: TOMBSTONE_VERSION,
  };
}
