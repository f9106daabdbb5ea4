/**
 * Message sets of magic 0 and 1, as Kafka wrote them before 0.11: read only, for data directories of that age.
 *
 * A message is offset (8), size (4), CRC-32 (4), magic (1), attributes (1), in magic 1 a timestamp (8), then key and value, each after
 * an int32 length. A message whose attributes name a codec is a wrapper: its value is a compressed message set. Inside a magic 1
 * wrapper offsets count from 0 and the wrapper bears the last one's absolute offset (KIP-31); inside a magic 0 wrapper they are
 * absolute. A wrapper with LogAppendTime gives its timestamp to all inside (KIP-32).
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { baseOffsetAt, LOG_OVERHEAD, readInt32, readInt64, type TimestampType } from "./batch.ts";
import { CODEC, type CodecName, codecName, decompress } from "./compression/index.ts";
import { BatchFormatError } from "./record.ts";

export interface LegacyRecord {
  offset: number;
  /** -1 in magic 0. */
  timestamp: number;
  key: Buffer | null;
  value: Buffer | null;
}

/** One message, or one wrapper with what it holds. */
export interface LegacyBatch {
  magic: 0 | 1;
  baseOffset: number;
  lastOffset: number;
  sizeBytes: number;
  codec: CodecName;
  timestampType: TimestampType | "NoTimestampType";
  /** Of the message itself, -1 in magic 0. */
  maxTimestamp: number;
  crc: number;
  records: LegacyRecord[];
}

const MESSAGE_CRC_OFFSET = 12;
const MESSAGE_MAGIC_OFFSET = 16;
const MESSAGE_ATTRIBUTES_OFFSET = 17;
const MESSAGE_TIMESTAMP_OFFSET = 18;
const TIMESTAMP_TYPE_MASK = 0x08;
const CODEC_MASK = 0x07;
/** The smallest message after its offset and size: without and with a timestamp, empty key and value. */
const SMALLEST_MESSAGE_BYTES = [14, 22] as const;

/** Whether the CRC of the whole message at `position` is that of its bytes. */
export function isLegacyCrcValid(buffer: Buffer, position: number, sizeBytes: number): boolean {
  const stored = readInt32(buffer, position + MESSAGE_CRC_OFFSET) >>> 0;
  return crc32(buffer.subarray(position + MESSAGE_MAGIC_OFFSET, position + sizeBytes)) === stored;
}

/**
 * Reads the message or wrapper of `sizeBytes` at `position` (see `nextBatchSize`), checking every CRC.
 *
 * @throws BatchFormatError, DecompressionError
 */
export function decodeLegacyBatch(
  buffer: Buffer,
  position: number,
  sizeBytes: number,
  maxSizeBytes: number,
): LegacyBatch {
  const outer = readMessage(buffer, position, sizeBytes);
  const codec = codecName(outer.codec);
  if (codec === undefined) throw new BatchFormatError(`unknown codec ${outer.codec}`);
  const offset = outer.record.offset;
  const records = codec === "none" ? [outer.record] : unwrap(outer, maxSizeBytes);
  return {
    magic: outer.magic,
    baseOffset: records[0]!.offset,
    lastOffset: offset,
    sizeBytes,
    codec,
    timestampType: outer.timestampType,
    maxTimestamp: outer.record.timestamp,
    crc: outer.crc,
    records,
  };
}

interface Message {
  magic: 0 | 1;
  codec: number;
  timestampType: TimestampType | "NoTimestampType";
  crc: number;
  record: LegacyRecord;
}

function readMessage(buffer: Buffer, position: number, sizeBytes: number): Message {
  const magic = buffer[position + MESSAGE_MAGIC_OFFSET];
  if (magic !== 0 && magic !== 1) throw new BatchFormatError(`magic ${magic} in a message set`);
  if (sizeBytes - LOG_OVERHEAD < SMALLEST_MESSAGE_BYTES[magic])
    throw new BatchFormatError(`a message of ${sizeBytes} bytes`);
  if (!isLegacyCrcValid(buffer, position, sizeBytes)) throw new BatchFormatError("a message's CRC does not match");

  const attributes = buffer[position + MESSAGE_ATTRIBUTES_OFFSET]!;
  const end = position + sizeBytes;
  let next = position + MESSAGE_TIMESTAMP_OFFSET;
  let timestamp = -1;
  if (magic === 1) {
    timestamp = readInt64(buffer, next);
    next += 8;
  }
  const key = readNullable(buffer, next, end);
  next += 4 + (key?.length ?? 0);
  const value = readNullable(buffer, next, end);
  next += 4 + (value?.length ?? 0);
  if (next !== end) throw new BatchFormatError(`${end - next} bytes after a message's value`);
  const isLogAppendTime = (attributes & TIMESTAMP_TYPE_MASK) !== 0;
  return {
    magic,
    codec: attributes & CODEC_MASK,
    timestampType: magic === 0 ? "NoTimestampType" : isLogAppendTime ? "LogAppendTime" : "CreateTime",
    crc: readInt32(buffer, position + MESSAGE_CRC_OFFSET) >>> 0,
    record: { offset: baseOffsetAt(buffer, position), timestamp, key, value },
  };
}

function unwrap(outer: Message, maxSizeBytes: number): LegacyRecord[] {
  if (outer.record.value === null) throw new BatchFormatError("a wrapper without a value");
  const set = decompress(outer.codec, outer.record.value, {
    maxSizeBytes,
    // Magic 0 producers took the LZ4 header checksum over the wrong bytes (KAFKA-3160).
    verifyLz4HeaderChecksum: outer.magic !== 0,
  });
  const records: LegacyRecord[] = [];
  for (let position = 0; position < set.length; ) {
    if (set.length - position < LOG_OVERHEAD) throw new BatchFormatError("a wrapper is cut");
    const sizeBytes = LOG_OVERHEAD + readInt32(set, position + 8);
    if (sizeBytes < LOG_OVERHEAD + SMALLEST_MESSAGE_BYTES[0] || sizeBytes > set.length - position)
      throw new BatchFormatError(`a message of ${sizeBytes} bytes in a wrapper`);
    const inner = readMessage(set, position, sizeBytes);
    if (inner.magic !== outer.magic) throw new BatchFormatError(`magic ${inner.magic} inside magic ${outer.magic}`);
    if (inner.codec !== CODEC.none) throw new BatchFormatError("a wrapper inside a wrapper");
    if (outer.timestampType === "LogAppendTime") inner.record.timestamp = outer.record.timestamp;
    records.push(inner.record);
    position += sizeBytes;
  }
  if (records.length === 0) throw new BatchFormatError("a wrapper without messages");

  if (outer.magic === 1) {
    const base = outer.record.offset - records.at(-1)!.offset;
    for (const record of records) record.offset += base;
  }
  return records;
}

function readNullable(buffer: Buffer, position: number, end: number): Buffer | null {
  if (end - position < 4) throw new BatchFormatError("a message is cut");
  const length = readInt32(buffer, position);
  if (length < 0) return null;
  if (length > end - position - 4) throw new BatchFormatError(`a key or value of ${length} bytes`);
  return buffer.subarray(position + 4, position + 4 + length);
}
