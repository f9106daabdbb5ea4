/** Records of `__cluster_metadata` to and from bytes. */
import type { InputOf, Message } from "../schema.ts";
import { decodeFramedRecord, encodeFramedRecord } from "./framed-record.ts";
import {
  type MetadataRecord,
  type MetadataRecordInput,
  metadataRecordSchema,
  metadataRecordSchemas,
} from "./metadata-record-schemas.ts";

/** The value of a record in the metadata log. Throws as encoders do. */
export function encodeMetadataRecord({ type, version, value }: MetadataRecordInput): Buffer {
  return encodeFramedRecord<Message>(metadataRecordSchemas[type], version, value as InputOf<Message>);
}

/** Reads the value of a record in the metadata log. Throws MalformedError, UnsupportedVersionError. */
export function decodeMetadataRecord(bytes: Buffer): MetadataRecord {
  const { schema, version, value } = decodeFramedRecord(bytes, metadataRecordSchema);
  return { type: schema.name, version, value } as MetadataRecord;
}
