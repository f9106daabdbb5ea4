/**
 * The header of a magic 2 record batch: where its fields lie, and readers and writers by (buffer, position).
 *
 * 64-bit fields are plain numbers. They are exact while they are safe integers; outside of that they are rounded and no longer safe
 * integers, which `validateBatch` refuses, so behind validation every number is exact. Nothing here checks bounds.
 *
 * ```ts
 * for (let position = 0; position < buffer.length; position += batchSizeAt(buffer, position)) {
 *   console.log(baseOffsetAt(buffer, position), recordCountAt(buffer, position));
 * }
 * ```
 *
 * Source: KIP-98, "Message Format"; KIP-534 for the delete horizon.
 *
 * @module
 */
import { crc32c } from "./crc.ts";

/** Base offset and length: what precedes the bytes that the length field counts. */
export const LOG_OVERHEAD = 12;
/** Size of a batch without records. */
export const RECORD_BATCH_OVERHEAD = 61;

export const BASE_OFFSET_OFFSET = 0;
export const LENGTH_OFFSET = 8;
export const PARTITION_LEADER_EPOCH_OFFSET = 12;
export const MAGIC_OFFSET = 16;
export const CRC_OFFSET = 17;
/** Also where the bytes begin that the CRC covers: base offset and leader epoch may change without it. */
export const ATTRIBUTES_OFFSET = 21;
export const LAST_OFFSET_DELTA_OFFSET = 23;
export const BASE_TIMESTAMP_OFFSET = 27;
export const MAX_TIMESTAMP_OFFSET = 35;
export const PRODUCER_ID_OFFSET = 43;
export const PRODUCER_EPOCH_OFFSET = 51;
export const BASE_SEQUENCE_OFFSET = 53;
export const RECORD_COUNT_OFFSET = 57;

export const CODEC_MASK = 0x07;
export const LOG_APPEND_TIME_FLAG = 0x08;
export const TRANSACTIONAL_FLAG = 0x10;
export const CONTROL_FLAG = 0x20;
export const DELETE_HORIZON_FLAG = 0x40;

export const NO_TIMESTAMP = -1;
export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_PARTITION_LEADER_EPOCH = -1;

/** Who sets record timestamps: the producer, or the broker on append. */
export type TimestampType = "CreateTime" | "LogAppendTime";

const TWO_32 = 0x1_0000_0000;

/** The signed 64-bit integer at `position`: exact if it is a safe integer, rounded otherwise. */
export function readInt64(buffer: Uint8Array, position: number): number {
  return readInt32(buffer, position) * TWO_32 + (readInt32(buffer, position + 4) >>> 0);
}

/** Writes a safe integer as a signed 64-bit integer. */
export function writeInt64(buffer: Uint8Array, position: number, value: number): void {
  writeInt32(buffer, position, Math.floor(value / TWO_32));
  writeInt32(buffer, position + 4, value >>> 0);
}

export function readInt32(buffer: Uint8Array, position: number): number {
  return (
    (buffer[position]! << 24) | (buffer[position + 1]! << 16) | (buffer[position + 2]! << 8) | buffer[position + 3]!
  );
}

export function writeInt32(buffer: Uint8Array, position: number, value: number): void {
  buffer[position] = value >>> 24;
  buffer[position + 1] = value >>> 16;
  buffer[position + 2] = value >>> 8;
  buffer[position + 3] = value;
}

function readInt16(buffer: Uint8Array, position: number): number {
  return ((buffer[position]! << 24) | (buffer[position + 1]! << 16)) >> 16;
}

function writeInt16(buffer: Uint8Array, position: number, value: number): void {
  buffer[position] = value >>> 8;
  buffer[position + 1] = value;
}

export function baseOffsetAt(buffer: Uint8Array, position: number): number {
  return readInt64(buffer, position + BASE_OFFSET_OFFSET);
}

/** The CRC does not cover the base offset. */
export function setBaseOffset(buffer: Uint8Array, position: number, baseOffset: number): void {
  writeInt64(buffer, position + BASE_OFFSET_OFFSET, baseOffset);
}

/** Bytes of the whole batch, header included. */
export function batchSizeAt(buffer: Uint8Array, position: number): number {
  return LOG_OVERHEAD + readInt32(buffer, position + LENGTH_OFFSET);
}

export function partitionLeaderEpochAt(buffer: Uint8Array, position: number): number {
  return readInt32(buffer, position + PARTITION_LEADER_EPOCH_OFFSET);
}

/** The CRC does not cover the leader epoch. */
export function setPartitionLeaderEpoch(buffer: Uint8Array, position: number, leaderEpoch: number): void {
  writeInt32(buffer, position + PARTITION_LEADER_EPOCH_OFFSET, leaderEpoch);
}

export function magicAt(buffer: Uint8Array, position: number): number {
  return (buffer[position + MAGIC_OFFSET]! << 24) >> 24;
}

/** The stored CRC, unsigned. */
export function crcAt(buffer: Uint8Array, position: number): number {
  return readInt32(buffer, position + CRC_OFFSET) >>> 0;
}

export function setCrc(buffer: Uint8Array, position: number, crc: number): void {
  writeInt32(buffer, position + CRC_OFFSET, crc);
}

/** The CRC that the batch of `sizeBytes` at `position` should hold, unsigned. */
export function computeCrc(buffer: Uint8Array, position: number, sizeBytes: number): number {
  return crc32c(buffer, position + ATTRIBUTES_OFFSET, position + sizeBytes);
}

export function attributesAt(buffer: Uint8Array, position: number): number {
  return readInt16(buffer, position + ATTRIBUTES_OFFSET);
}

/** The CRC covers the attributes: set it afterwards. */
export function setAttributes(buffer: Uint8Array, position: number, attributes: number): void {
  writeInt16(buffer, position + ATTRIBUTES_OFFSET, attributes);
}

/** Last offset minus base offset; survives compaction, so it may exceed the last record's delta. */
export function lastOffsetDeltaAt(buffer: Uint8Array, position: number): number {
  return readInt32(buffer, position + LAST_OFFSET_DELTA_OFFSET);
}

export function lastOffsetAt(buffer: Uint8Array, position: number): number {
  return baseOffsetAt(buffer, position) + lastOffsetDeltaAt(buffer, position);
}

/** What record timestamps are relative to; with {@link hasDeleteHorizon} it is the delete horizon as well. */
export function baseTimestampAt(buffer: Uint8Array, position: number): number {
  return readInt64(buffer, position + BASE_TIMESTAMP_OFFSET);
}

export function maxTimestampAt(buffer: Uint8Array, position: number): number {
  return readInt64(buffer, position + MAX_TIMESTAMP_OFFSET);
}

export function producerIdAt(buffer: Uint8Array, position: number): number {
  return readInt64(buffer, position + PRODUCER_ID_OFFSET);
}

export function producerEpochAt(buffer: Uint8Array, position: number): number {
  return readInt16(buffer, position + PRODUCER_EPOCH_OFFSET);
}

export function baseSequenceAt(buffer: Uint8Array, position: number): number {
  return readInt32(buffer, position + BASE_SEQUENCE_OFFSET);
}

/** The sequence of the last record, or -1 without sequences. */
export function lastSequenceAt(buffer: Uint8Array, position: number): number {
  const baseSequence = baseSequenceAt(buffer, position);
  return baseSequence < 0 ? NO_SEQUENCE : sequenceAfter(baseSequence, lastOffsetDeltaAt(buffer, position));
}

/** The sequence number `count` records after `sequence`. They wrap from 2^31-1 to 0. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) & 0x7fffffff;
}

/** Records in the batch: stays readable when they are compressed. */
export function recordCountAt(buffer: Uint8Array, position: number): number {
  return readInt32(buffer, position + RECORD_COUNT_OFFSET);
}

/** Codec id, 0–7; names are in `compression/`. */
export function codecOf(attributes: number): number {
  return attributes & CODEC_MASK;
}

export function timestampTypeOf(attributes: number): TimestampType {
  return (attributes & LOG_APPEND_TIME_FLAG) === 0 ? "CreateTime" : "LogAppendTime";
}

export function isTransactional(attributes: number): boolean {
  return (attributes & TRANSACTIONAL_FLAG) !== 0;
}

export function isControl(attributes: number): boolean {
  return (attributes & CONTROL_FLAG) !== 0;
}

/** Whether the cleaner has put the time at which tombstones may go into the base timestamp (KIP-534). */
export function hasDeleteHorizon(attributes: number): boolean {
  return (attributes & DELETE_HORIZON_FLAG) !== 0;
}

/**
 * Gives the batch the timestamp type of its topic and its maximum timestamp, and recomputes the CRC. Under LogAppendTime that
 * timestamp is the one of every record. Nothing is touched, and no CRC taken, when both are right already.
 */
export function stampTimestamps(
  buffer: Uint8Array,
  position: number,
  timestampType: TimestampType,
  maxTimestamp: number,
): void {
  const oldAttributes = attributesAt(buffer, position);
  const attributes =
    timestampType === "LogAppendTime" ? oldAttributes | LOG_APPEND_TIME_FLAG : oldAttributes & ~LOG_APPEND_TIME_FLAG;
  if (attributes === oldAttributes && maxTimestampAt(buffer, position) === maxTimestamp) return;
  setAttributes(buffer, position, attributes);
  writeInt64(buffer, position + MAX_TIMESTAMP_OFFSET, maxTimestamp);
  setCrc(buffer, position, computeCrc(buffer, position, batchSizeAt(buffer, position)));
}
