/** The schemas of all records of `__cluster_metadata`, by name and by type number. */
import type { InputOf, Message, ValueOf } from "../schema.ts";
import {
  BrokerRegistrationChangeRecord,
  FenceBrokerRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
} from "./metadata/broker.ts";
import { ClientQuotaRecord, ConfigRecord, FeatureLevelRecord } from "./metadata/config.ts";
import {
  AccessControlEntryRecord,
  DelegationTokenRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from "./metadata/security.ts";
import {
  ClearElrRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RemoveTopicRecord,
  TopicRecord,
} from "./metadata/topic.ts";
import {
  AbortTransactionRecord,
  BeginTransactionRecord,
  EndTransactionRecord,
  NoOpRecord,
  ProducerIdsRecord,
  ZkMigrationStateRecord,
} from "./metadata/transaction.ts";

/** Schemas by name, in the order of their type numbers. */
export const metadataRecordSchemas = {
  RegisterBrokerRecord,
  UnregisterBrokerRecord,
  TopicRecord,
  PartitionRecord,
  ConfigRecord,
  PartitionChangeRecord,
  FenceBrokerRecord,
  UnfenceBrokerRecord,
  RemoveTopicRecord,
  DelegationTokenRecord,
  UserScramCredentialRecord,
  FeatureLevelRecord,
  ClientQuotaRecord,
  ProducerIdsRecord,
  BrokerRegistrationChangeRecord,
  AccessControlEntryRecord,
  RemoveAccessControlEntryRecord,
  NoOpRecord,
  ZkMigrationStateRecord,
  RemoveUserScramCredentialRecord,
  BeginTransactionRecord,
  EndTransactionRecord,
  AbortTransactionRecord,
  RemoveDelegationTokenRecord,
  RegisterControllerRecord,
  ClearElrRecord,
} as const;

type Schemas = typeof metadataRecordSchemas;

/** The name of a type of metadata record. */
export type MetadataRecordType = keyof Schemas;

/** A record of the metadata log; `type` tells which. */
export type MetadataRecord = {
  [T in MetadataRecordType]: { readonly type: T; readonly version: number; readonly value: ValueOf<Schemas[T]> };
}[MetadataRecordType];

/** What is encoded into one: as {@link MetadataRecord}, but fields with a default may be left out. */
export type MetadataRecordInput = {
  [T in MetadataRecordType]: { readonly type: T; readonly version: number; readonly value: InputOf<Schemas[T]> };
}[MetadataRecordType];

const byKey: (Message | undefined)[] = [];
for (const schema of Object.values<Message>(metadataRecordSchemas)) byKey[schema.key] = schema;

/** The schema of a type number, or undefined. */
export function metadataRecordSchema(key: number): Message | undefined {
  return byKey[key];
}
