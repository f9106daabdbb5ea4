/** Segments and snapshots of the metadata log as lines of text, in the form of Kafka's kafka-dump-log. */
import {
  decoderOf,
  KRaftVersionRecord,
  LeaderChangeMessage,
  type Message,
  Reader,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from "../../../protocol/index.ts";
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  baseTimestampAt,
  CONTROL_TYPE,
  CORRUPT,
  codecName,
  codecOf,
  computeCrc,
  controlTypeOf,
  crcAt,
  type DecodedRecord,
  decodeControlRecord,
  decodeLegacyBatch,
  decodeRecords,
  hasDeleteHorizon,
  INCOMPLETE,
  isControl,
  isTransactional,
  lastOffsetAt,
  lastSequenceAt,
  magicAt,
  maxTimestampAt,
  nextBatchSize,
  partitionLeaderEpochAt,
  producerEpochAt,
  producerIdAt,
  recordCountAt,
  timestampTypeOf,
} from "../../../protocol/records/index.ts";
import { messageJson } from "./message-json.ts";
import type { RecordDecoder } from "./record-decoder.ts";

export interface LogDumpOptions {
  /** Every record, not only the batches. */
  readonly deep: boolean;
  /** With `deep`: keys and values too. */
  readonly printData: boolean;
  /** With `deep`: leave out each record's own line head. */
  readonly skipRecordMetadata: boolean;
  readonly decoder: RecordDecoder;
  /** Stop after so many bytes of the file. */
  readonly maxBytes: number;
}

const MAX_DECOMPRESSED_BYTES = 1024 * 1024 * 1024;

/** Lines for the batches of a file. Damage becomes a line that says so; what cannot be walked any further ends the dump. */
export function* dumpLog(contents: Buffer, options: LogDumpOptions): Generator<string> {
  const end = Math.min(contents.length, options.maxBytes);
  let position = 0;
  while (position < end) {
    const sizeBytes = nextBatchSize(contents, position, contents.length);
    if (sizeBytes === INCOMPLETE || sizeBytes === CORRUPT) {
      const what = sizeBytes === INCOMPLETE ? "a batch that the file does not hold to its end" : "no batch";
      yield `Found ${plainBytes(contents.length - position)} at position ${position} that are ${what}.`;
      return;
    }
    yield* magicAt(contents, position) < 2
      ? legacyLines(contents, position, sizeBytes, options)
      : batchLines(contents, position, sizeBytes, options);
    position += sizeBytes;
  }
}

function* batchLines(
  contents: Buffer,
  position: number,
  sizeBytes: number,
  options: LogDumpOptions,
): Generator<string> {
  const attributes = attributesAt(contents, position);
  const isValid = computeCrc(contents, position, sizeBytes) === crcAt(contents, position);
  const timestampType = timestampTypeOf(attributes);
  const facts: [string, string | number | boolean][] = [
    ["baseOffset", baseOffsetAt(contents, position)],
    ["lastOffset", lastOffsetAt(contents, position)],
    ["count", recordCountAt(contents, position)],
    ["baseSequence", baseSequenceAt(contents, position)],
    ["lastSequence", lastSequenceAt(contents, position)],
    ["producerId", producerIdAt(contents, position)],
    ["producerEpoch", producerEpochAt(contents, position)],
    ["partitionLeaderEpoch", partitionLeaderEpochAt(contents, position)],
    ["isTransactional", isTransactional(attributes)],
    ["isControl", isControl(attributes)],
    ["deleteHorizonMs", optionalLong(hasDeleteHorizon(attributes) ? baseTimestampAt(contents, position) : null)],
    ["position", position],
    [timestampType, maxTimestampAt(contents, position)],
    ["size", sizeBytes],
    ["magic", magicAt(contents, position)],
    ["compresscodec", codecName(codecOf(attributes)) ?? `unknown(${codecOf(attributes)})`],
    ["crc", crcAt(contents, position)],
    ["isvalid", isValid],
  ];
  yield facts.map(([name, value]) => `${name}: ${value}`).join(" ");
  if (!options.deep) return;
  try {
    for (const record of decodeRecords(contents, position, MAX_DECOMPRESSED_BYTES)) {
      yield recordLine(record, timestampType, isControl(attributes), options);
    }
  } catch (error) {
    yield `| records that cannot be read: ${(error as Error).message}`;
  }
}

function recordLine(
  record: DecodedRecord,
  timestampType: string,
  isInControlBatch: boolean,
  options: LogDumpOptions,
): string {
  const { key, value, headers, offset, timestamp, sequence } = record;
  const parts: string[] = [];
  if (!options.skipRecordMetadata) {
    parts.push(
      `offset: ${offset} ${timestampType}: ${timestamp} keySize: ${key?.length ?? -1} valueSize: ${value?.length ?? -1}`,
    );
    parts.push(`sequence: ${sequence ?? -1} headerKeys: [${headers.map(header => header.key).join(",")}]`);
  }
  if (isInControlBatch) {
    parts.push(controlText(key, value));
  } else if (options.printData) {
    const texts = options.decoder(key, value);
    if (texts.key !== null) parts.push(`key: ${texts.key}`);
    if (texts.value !== null) parts.push(`payload: ${texts.value}`);
  }
  return `| ${parts.join(" ")}`;
}

const RAFT_RECORDS: Readonly<Record<number, { title: string; schema: Message }>> = {
  [CONTROL_TYPE.leaderChange]: { title: "LeaderChange:", schema: LeaderChangeMessage },
  [CONTROL_TYPE.snapshotHeader]: { title: "SnapshotHeader", schema: SnapshotHeaderRecord },
  [CONTROL_TYPE.snapshotFooter]: { title: "SnapshotFooter", schema: SnapshotFooterRecord },
  [CONTROL_TYPE.kraftVersion]: { title: "KRaftVersion", schema: KRaftVersionRecord },
  [CONTROL_TYPE.kraftVoters]: { title: "KRaftVoters", schema: VotersRecord },
};

function controlText(key: Buffer | null, value: Buffer | null): string {
  const control = decodeControlRecord(key, value);
  if (control.type === "abort" || control.type === "commit") {
    return `endTxnMarker: ${control.type.toUpperCase()} coordinatorEpoch: ${control.coordinatorEpoch}`;
  }
  const raft = RAFT_RECORDS[controlTypeOf(key)];
  if (!raft || value === null) return `controlType: ${controlTypeOf(key)}`;
  // The version stands first in the value, and a newer one only adds to the end.
  const version = Math.min(value.readInt16BE(0), raft.schema.versions.max);
  return `${raft.title} ${messageJson(raft.schema, version, decoderOf(raft.schema, version)(new Reader(value)))}`;
}

function* legacyLines(
  contents: Buffer,
  position: number,
  sizeBytes: number,
  options: LogDumpOptions,
): Generator<string> {
  try {
    const batch = decodeLegacyBatch(contents, position, sizeBytes, MAX_DECOMPRESSED_BYTES);
    yield `baseOffset: ${batch.baseOffset} position: ${position} size: ${sizeBytes} magic: ${batch.magic} compresscodec: ${batch.codec}`;
    if (!options.deep) return;
    for (const record of batch.records) {
      const texts = options.printData ? options.decoder(record.key, record.value) : { key: null, value: null };
      const data = `${texts.key === null ? "" : ` key: ${texts.key}`}${texts.value === null ? "" : ` payload: ${texts.value}`}`;
      yield `| offset: ${record.offset} keySize: ${record.key?.length ?? -1} valueSize: ${record.value?.length ?? -1}${data}`;
    }
  } catch (error) {
    yield `A message set at position ${position} that cannot be read: ${(error as Error).message}`;
  }
}

/** As Java prints an OptionalLong. */
export function optionalLong(value: number | null): string {
  return value === null ? "OptionalLong.empty" : `OptionalLong[${value}]`;
}

function plainBytes(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}
