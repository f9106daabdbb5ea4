/**
 * Records of coordinators: a key that begins with its type as two bytes, and a value that begins with its version as two bytes, or none.
 *
 * A record without a value is a tombstone: it removes what its key names.
 */
import { decoderOf, encoderOf } from "../compile.ts";
import { Reader } from "../reader.ts";
import type { InputOf, Message, ValueOf } from "../schema.ts";
import { Writer } from "../writer.ts";
import { GroupMetadataKey, GroupMetadataValue } from "./group/classic-group.ts";
import {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataValue,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
} from "./group/consumer-group.ts";
import { LegacyOffsetCommitKey, LegacyOffsetCommitValue, OffsetCommitKey, OffsetCommitValue } from "./group/offset.ts";
import {
  ShareGroupCurrentMemberAssignmentKey,
  ShareGroupCurrentMemberAssignmentValue,
  ShareGroupMemberMetadataKey,
  ShareGroupMemberMetadataValue,
  ShareGroupMetadataKey,
  ShareGroupMetadataValue,
  ShareGroupStatePartitionMetadataKey,
  ShareGroupStatePartitionMetadataValue,
  ShareGroupTargetAssignmentMemberKey,
  ShareGroupTargetAssignmentMemberValue,
  ShareGroupTargetAssignmentMetadataKey,
  ShareGroupTargetAssignmentMetadataValue,
} from "./group/share-group.ts";
import {
  StreamsGroupCurrentMemberAssignmentKey,
  StreamsGroupCurrentMemberAssignmentValue,
  StreamsGroupMemberMetadataKey,
  StreamsGroupMemberMetadataValue,
  StreamsGroupMetadataKey,
  StreamsGroupMetadataValue,
  StreamsGroupTargetAssignmentMemberKey,
  StreamsGroupTargetAssignmentMemberValue,
  StreamsGroupTargetAssignmentMetadataKey,
  StreamsGroupTargetAssignmentMetadataValue,
  StreamsGroupTopologyKey,
  StreamsGroupTopologyValue,
} from "./group/streams-group.ts";
import { ShareSnapshotKey, ShareSnapshotValue, ShareUpdateKey, ShareUpdateValue } from "./share-state.ts";
import { TransactionLogKey, TransactionLogValue } from "./transaction.ts";
import { decodeVersioned, encodeVersioned } from "./versioned.ts";

/** Key and value of one type of record; the key's number is the type. */
export interface CoordinatorRecordSchema<Key extends Message = Message, Value extends Message = Message> {
  readonly key: Key;
  readonly value: Value;
}

/** The types of records in one topic, by name. */
export interface CoordinatorRecordSchemas {
  readonly [type: string]: CoordinatorRecordSchema;
}

/** Types of records in `__consumer_offsets`. */
export const groupRecordSchemas = {
  LegacyOffsetCommit: { key: LegacyOffsetCommitKey, value: LegacyOffsetCommitValue },
  OffsetCommit: { key: OffsetCommitKey, value: OffsetCommitValue },
  GroupMetadata: { key: GroupMetadataKey, value: GroupMetadataValue },
  ConsumerGroupMetadata: { key: ConsumerGroupMetadataKey, value: ConsumerGroupMetadataValue },
  ConsumerGroupPartitionMetadata: {
    key: ConsumerGroupPartitionMetadataKey,
    value: ConsumerGroupPartitionMetadataValue,
  },
  ConsumerGroupMemberMetadata: { key: ConsumerGroupMemberMetadataKey, value: ConsumerGroupMemberMetadataValue },
  ConsumerGroupTargetAssignmentMetadata: {
    key: ConsumerGroupTargetAssignmentMetadataKey,
    value: ConsumerGroupTargetAssignmentMetadataValue,
  },
  ConsumerGroupTargetAssignmentMember: {
    key: ConsumerGroupTargetAssignmentMemberKey,
    value: ConsumerGroupTargetAssignmentMemberValue,
  },
  ConsumerGroupCurrentMemberAssignment: {
    key: ConsumerGroupCurrentMemberAssignmentKey,
    value: ConsumerGroupCurrentMemberAssignmentValue,
  },
  ShareGroupMemberMetadata: { key: ShareGroupMemberMetadataKey, value: ShareGroupMemberMetadataValue },
  ShareGroupMetadata: { key: ShareGroupMetadataKey, value: ShareGroupMetadataValue },
  ShareGroupTargetAssignmentMetadata: {
    key: ShareGroupTargetAssignmentMetadataKey,
    value: ShareGroupTargetAssignmentMetadataValue,
  },
  ShareGroupTargetAssignmentMember: {
    key: ShareGroupTargetAssignmentMemberKey,
    value: ShareGroupTargetAssignmentMemberValue,
  },
  ShareGroupCurrentMemberAssignment: {
    key: ShareGroupCurrentMemberAssignmentKey,
    value: ShareGroupCurrentMemberAssignmentValue,
  },
  ShareGroupStatePartitionMetadata: {
    key: ShareGroupStatePartitionMetadataKey,
    value: ShareGroupStatePartitionMetadataValue,
  },
  ConsumerGroupRegularExpression: {
    key: ConsumerGroupRegularExpressionKey,
    value: ConsumerGroupRegularExpressionValue,
  },
  StreamsGroupMetadata: { key: StreamsGroupMetadataKey, value: StreamsGroupMetadataValue },
  StreamsGroupMemberMetadata: { key: StreamsGroupMemberMetadataKey, value: StreamsGroupMemberMetadataValue },
  StreamsGroupTargetAssignmentMetadata: {
    key: StreamsGroupTargetAssignmentMetadataKey,
    value: StreamsGroupTargetAssignmentMetadataValue,
  },
  StreamsGroupTargetAssignmentMember: {
    key: StreamsGroupTargetAssignmentMemberKey,
    value: StreamsGroupTargetAssignmentMemberValue,
  },
  StreamsGroupCurrentMemberAssignment: {
    key: StreamsGroupCurrentMemberAssignmentKey,
    value: StreamsGroupCurrentMemberAssignmentValue,
  },
  StreamsGroupTopology: { key: StreamsGroupTopologyKey, value: StreamsGroupTopologyValue },
} as const satisfies CoordinatorRecordSchemas;

/** Types of records in `__transaction_state`. */
export const transactionRecordSchemas = {
  TransactionLog: { key: TransactionLogKey, value: TransactionLogValue },
} as const satisfies CoordinatorRecordSchemas;

/** Types of records in `__share_group_state`. */
export const shareStateRecordSchemas = {
  ShareSnapshot: { key: ShareSnapshotKey, value: ShareSnapshotValue },
  ShareUpdate: { key: ShareUpdateKey, value: ShareUpdateValue },
} as const satisfies CoordinatorRecordSchemas;

/** A decoded record of one of the types of `Schemas`; `type` tells which. */
export type CoordinatorRecord<Schemas extends CoordinatorRecordSchemas> = {
  [T in keyof Schemas]: {
    readonly type: T;
    readonly key: ValueOf<Schemas[T]["key"]>;
    /** Null for a tombstone. */
    readonly value: ValueOf<Schemas[T]["value"]> | null;
    /** The version the value was written in; -1 for a tombstone. */
    readonly version: number;
  };
}[keyof Schemas];

export type GroupRecord = CoordinatorRecord<typeof groupRecordSchemas>;
export type TransactionRecord = CoordinatorRecord<typeof transactionRecordSchemas>;
export type ShareStateRecord = CoordinatorRecord<typeof shareStateRecordSchemas>;

/** The key of a record. Throws as encoders do. */
export function encodeCoordinatorKey<S extends CoordinatorRecordSchema>(schema: S, key: InputOf<S["key"]>): Buffer {
  const writer = new Writer();
  writer.int16(schema.key.key);
  encoderOf<Message>(schema.key, schema.key.versions.max)(writer, key as InputOf<Message>);
  return Buffer.concat(writer.finish());
}

/** The value of a record. Throws as encoders do. */
export function encodeCoordinatorValue<S extends CoordinatorRecordSchema>(
  schema: S,
  version: number,
  value: InputOf<S["value"]>,
): Buffer {
  return encodeVersioned<Message>(schema.value, version, value as InputOf<Message>);
}

/**
 * Reads a record.
 *
 * @param schemas the types of the record's topic
 * @param value null for a tombstone
 * @returns null when the type is not one of them: a newer broker wrote it, and Kafka passes over it
 * @throws MalformedError, UnsupportedVersionError
 */
export function decodeCoordinatorRecord<Schemas extends CoordinatorRecordSchemas>(
  schemas: Schemas,
  key: Buffer,
  value: Buffer | null,
): CoordinatorRecord<Schemas> | null {
  const reader = new Reader(key);
  const number = reader.int16();
  const found = Object.entries(schemas).find(([, schema]) => schema.key.key === number);
  if (found === undefined) return null;
  const [type, schema] = found;
  const decodedKey = decoderOf(schema.key, schema.key.versions.max)(reader);
  reader.expectEnd();
  const decodedValue = value === null ? { version: -1, value: null } : decodeVersioned(schema.value, value);
  return { type, key: decodedKey, ...decodedValue } as CoordinatorRecord<Schemas>;
}
