/** What the keys and values of Kafka's internal topics say, as text. */
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  type CoordinatorRecordSchemas,
  decodeCoordinatorRecord,
  decodeEmbedded,
  decodeMetadataRecord,
  groupRecordSchemas,
  type Message,
  metadataRecordSchemas,
  shareStateRecordSchemas,
  transactionRecordSchemas,
} from "../../../protocol/index.ts";
import { type FieldFormatter, messageJson } from "./message-json.ts";

/** Key and value as text; null for what is not there. */
export interface DecodedTexts {
  readonly key: string | null;
  readonly value: string | null;
}

export type RecordDecoder = (key: Buffer | null, value: Buffer | null) => DecodedTexts;

export type DecoderName = "none" | "metadata" | "offsets" | "transactions" | "share-state";

export const decoderNames: readonly DecoderName[] = ["none", "metadata", "offsets", "transactions", "share-state"];

/** The decoder for records of a topic, by its name. */
export function decoderOfTopic(topic: string): DecoderName {
  switch (topic) {
    case "__cluster_metadata":
      return "metadata";
    case "__consumer_offsets":
      return "offsets";
    case "__transaction_state":
      return "transactions";
    case "__share_group_state":
      return "share-state";
    default:
      return "none";
  }
}

/** Records that cannot be decoded come out as plain text, with a note. */
export function recordDecoder(name: DecoderName): RecordDecoder {
  const decode = DECODERS[name];
  return (key, value) => {
    try {
      return decode(key, value);
    } catch (error) {
      const plain = plainTexts(key, value);
      return { key: plain.key, value: `${plain.value ?? ""} (not decoded: ${(error as Error).message})` };
    }
  };
}

const DECODERS: Readonly<Record<DecoderName, RecordDecoder>> = {
  none: plainTexts,
  metadata: metadataTexts,
  offsets: coordinatorDecoder(groupRecordSchemas),
  transactions: coordinatorDecoder(transactionRecordSchemas),
  "share-state": coordinatorDecoder(shareStateRecordSchemas),
};

function plainTexts(key: Buffer | null, value: Buffer | null): DecodedTexts {
  return { key: key?.toString() ?? null, value: value?.toString() ?? null };
}

function metadataTexts(key: Buffer | null, value: Buffer | null): DecodedTexts {
  if (value === null) return plainTexts(key, value);
  const record = decodeMetadataRecord(value);
  const data = messageJson(metadataRecordSchemas[record.type] as Message, record.version, record.value);
  return {
    key: key?.toString() ?? null,
    value: `{"type":"${upperSnake(record.type)}","version":${record.version},"data":${data}}`,
  };
}

function coordinatorDecoder(schemas: CoordinatorRecordSchemas): RecordDecoder {
  return (key, value) => {
    if (key === null) return plainTexts(key, value);
    const record = decodeCoordinatorRecord(schemas, key, value);
    if (record === null) return plainTexts(key, value);
    const schema = schemas[record.type]!;
    const keyJson = messageJson(schema.key, schema.key.versions.max, record.key);
    const keyText = `{"type":"${schema.key.key}","data":${keyJson}}`;
    if (record.value === null) return { key: keyText, value: "<DELETE>" };
    const data = messageJson(schema.value, record.version, record.value, memberFormatter(record.value));
    return { key: keyText, value: `{"version":"${record.version}","data":${data}}` };
  };
}

/** Opens the opaque bytes of a classic group's members, where they are the consumer protocol's. */
function memberFormatter(value: Record<string, unknown>): FieldFormatter {
  if (value.protocolType !== "consumer") return () => null;
  return (path, bytes) => {
    const schema =
      path === "members.subscription"
        ? ConsumerProtocolSubscription
        : path === "members.assignment"
          ? ConsumerProtocolAssignment
          : null;
    if (schema === null || !(bytes instanceof Uint8Array) || bytes.length === 0) return null;
    try {
      const embedded = decodeEmbedded<Message>(schema, Buffer.from(bytes));
      return messageJson(schema, Math.min(embedded.version, schema.versions.max), embedded.value);
    } catch {
      return null;
    }
  };
}

/** `FeatureLevelRecord` → `FEATURE_LEVEL_RECORD`. */
function upperSnake(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase();
}
