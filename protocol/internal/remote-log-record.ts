/** Records of `__remote_log_metadata` to and from bytes. */
import type { InputOf, Message, ValueOf } from "../schema.ts";
import { decodeFramedRecord, encodeFramedRecord } from "./framed-record.ts";
import {
  RemoteLogSegmentMetadataRecord,
  RemoteLogSegmentMetadataSnapshotRecord,
  RemoteLogSegmentMetadataUpdateRecord,
  RemotePartitionDeleteMetadataRecord,
} from "./remote-storage.ts";

const schemas = {
  RemoteLogSegmentMetadataRecord,
  RemoteLogSegmentMetadataUpdateRecord,
  RemotePartitionDeleteMetadataRecord,
  RemoteLogSegmentMetadataSnapshotRecord,
} as const;

type Schemas = typeof schemas;

/** A record about remote segments; `type` tells which. */
export type RemoteLogRecord = {
  [T in keyof Schemas]: { readonly type: T; readonly version: number; readonly value: ValueOf<Schemas[T]> };
}[keyof Schemas];

/** The value of a record. Throws as encoders do. */
export function encodeRemoteLogRecord({ type, version, value }: RemoteLogRecord): Buffer {
  return encodeFramedRecord<Message>(schemas[type], version, value as InputOf<Message>);
}

/** Reads the value of a record. Throws MalformedError, UnsupportedVersionError. */
export function decodeRemoteLogRecord(bytes: Buffer): RemoteLogRecord {
  const find = (key: number) => Object.values<Message>(schemas).find(schema => schema.key === key);
  const { schema, version, value } = decodeFramedRecord(bytes, find);
  return { type: schema.name, version, value } as RemoteLogRecord;
}
