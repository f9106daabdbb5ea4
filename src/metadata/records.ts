/**
 * Metadata records as values: how the controller makes them, and the codec that the machine runtime and the store read them with.
 */
import { decodeMetadataRecord, encodeMetadataRecord } from "../../protocol/internal/metadata-record.ts";
import type { MetadataRecord, MetadataRecordType } from "../../protocol/internal/metadata-record-schemas.ts";
import type { RecordCodec } from "../machine/state-machine.ts";

export type { MetadataRecord };

type ValueOfType<T extends MetadataRecordType> = Extract<MetadataRecord, { readonly type: T }>["value"];

/** Makes a record. Every field must be given: what the controller applies at once has to equal what others decode later. */
export function record<T extends MetadataRecordType>(type: T, version: number, value: ValueOfType<T>): MetadataRecord {
  return { type, version, value } as MetadataRecord;
}

/** A record's share of its batch besides the value: length, attributes, timestamp and offset deltas, key, header count. */
const RECORD_OVERHEAD_BYTES = 30;

/** Record values as they stand in the metadata log. */
export const metadataRecordCodec: RecordCodec<MetadataRecord, Buffer> = {
  encode: encodeMetadataRecord,
  decode: decodeMetadataRecord,
  sizeBytes: encoded => encoded.length + RECORD_OVERHEAD_BYTES,
};
