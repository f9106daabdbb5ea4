/**
 * The walk over the records of a batch that validates them: the hottest loop of a produce.
 *
 * @module
 */
import { NO_TIMESTAMP } from "./batch.ts";
import { type BatchFault, badTimestamp, invalid, recordFault } from "./faults.ts";
import { readVarint, readVarlong, varintEnd } from "./varint.ts";

/** What validation learns in passing, for the append that follows. Made once by the caller and filled anew for each batch. */
export class BatchSummary {
  /** Bytes of the batch, header included. What follows it in a Produce request is a cut second batch, to be dropped. */
  sizeBytes = 0;
  attributes = 0;
  recordCount = 0;
  lastOffsetDelta = 0;
  /** The largest record timestamp, -1 if no record has one. The header may say otherwise: see `stampTimestamps`. */
  maxTimestamp = NO_TIMESTAMP;
  /** Of the first record that has it, -1 if none. */
  offsetDeltaOfMaxTimestamp = -1;
  /** The smallest record timestamp other than -1; Infinity if there is none. */
  minTimestamp = Number.POSITIVE_INFINITY;
  hasNullKey = false;
}

/** Attributes, timestamp delta, offset delta, key length, value length, header count: one byte each at least. */
const SMALLEST_RECORD_BODY_BYTES = 6;

/**
 * Walks all records in `bytes[start, end)`, which must be as many as `summary.recordCount`, and fills the timestamps of `summary`.
 *
 * One-byte integers, which is most of them, are read in place; so are two-byte lengths. Each read is behind a check that its
 * position is inside the record.
 */
export function walkRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  baseTimestamp: number,
  isClient: boolean,
  summary: BatchSummary,
): BatchFault | null {
  const count = summary.recordCount;
  const lastOffsetDelta = summary.lastOffsetDelta;
  const noTimestampDelta = NO_TIMESTAMP - baseTimestamp;
  let maxDelta = noTimestampDelta;
  let minDelta = Number.POSITIVE_INFINITY;
  let offsetDeltaOfMax = -1;
  let previousOffsetDelta = -1;
  let hasNullKey = false;
  let position = start;

  for (let index = 0; index < count; index++) {
    if (position >= end) return invalid(`${count} records announced, ${index} found`);

    let byte = bytes[position]!;
    let length: number;
    if (byte < 0x80) {
      length = (byte >>> 1) ^ -(byte & 1);
      position++;
    } else {
      const second = position + 1 < end ? bytes[position + 1]! : 0x80;
      if (second < 0x80) {
        byte = (byte & 0x7f) | (second << 7);
        length = (byte >>> 1) ^ -(byte & 1);
        position += 2;
      } else {
        length = readVarint(bytes, position, end);
        position = varintEnd;
        if (position < 0) return recordFault(index, "its length is malformed");
      }
    }
    if (length < SMALLEST_RECORD_BODY_BYTES || length > end - position)
      return recordFault(index, `its length is ${length}, with ${end - position} bytes left`);
    const recordEnd = position + length;

    // Attributes carry no meaning in magic 2.
    position++;

    byte = bytes[position]!;
    let timestampDelta: number;
    if (byte < 0x80) {
      timestampDelta = (byte >>> 1) ^ -(byte & 1);
      position++;
    } else {
      timestampDelta = readVarlong(bytes, position, recordEnd);
      position = varintEnd;
      if (position < 0) return recordFault(index, "its timestamp is malformed");
    }
    if (position >= recordEnd) return recordFault(index, "it ends in its offset");

    byte = bytes[position]!;
    let offsetDelta: number;
    if (byte < 0x80) {
      offsetDelta = (byte >>> 1) ^ -(byte & 1);
      position++;
    } else {
      const second = position + 1 < recordEnd ? bytes[position + 1]! : 0x80;
      if (second < 0x80) {
        byte = (byte & 0x7f) | (second << 7);
        offsetDelta = (byte >>> 1) ^ -(byte & 1);
        position += 2;
      } else {
        offsetDelta = readVarint(bytes, position, recordEnd);
        position = varintEnd;
        if (position < 0) return recordFault(index, "its offset is malformed");
      }
    }
    if (offsetDelta !== previousOffsetDelta + 1) {
      if (isClient) return recordFault(index, `its offset delta is ${offsetDelta}`);
      if (offsetDelta <= previousOffsetDelta)
        return recordFault(index, `its offset delta ${offsetDelta} does not rise`);
    }
    if (offsetDelta > lastOffsetDelta) return recordFault(index, `its offset delta ${offsetDelta} is after the last`);
    previousOffsetDelta = offsetDelta;
    if (position >= recordEnd) return recordFault(index, "it ends in its key");

    byte = bytes[position]!;
    let keyLength: number;
    if (byte < 0x80) {
      keyLength = (byte >>> 1) ^ -(byte & 1);
      position++;
    } else {
      keyLength = readVarint(bytes, position, recordEnd);
      position = varintEnd;
      if (position < 0) return recordFault(index, "its key's length is malformed");
    }
    if (keyLength < 0) hasNullKey = true;
    else position += keyLength;
    if (position >= recordEnd) return recordFault(index, `its key of ${keyLength} bytes ends after it`);

    byte = bytes[position]!;
    let valueLength: number;
    if (byte < 0x80) {
      valueLength = (byte >>> 1) ^ -(byte & 1);
      position++;
    } else {
      const second = position + 1 < recordEnd ? bytes[position + 1]! : 0x80;
      if (second < 0x80) {
        byte = (byte & 0x7f) | (second << 7);
        valueLength = (byte >>> 1) ^ -(byte & 1);
        position += 2;
      } else {
        valueLength = readVarint(bytes, position, recordEnd);
        position = varintEnd;
        if (position < 0) return recordFault(index, "its value's length is malformed");
      }
    }
    if (valueLength > 0) position += valueLength;
    if (position >= recordEnd) return recordFault(index, `its value of ${valueLength} bytes ends after it`);

    if (bytes[position] === 0) {
      position++;
    } else {
      position = walkHeaders(bytes, position, recordEnd);
      if (position < 0) return recordFault(index, "its headers are malformed");
    }
    if (position !== recordEnd) return recordFault(index, `it has ${recordEnd - position} bytes after its content`);

    if (timestampDelta > maxDelta) {
      maxDelta = timestampDelta;
      offsetDeltaOfMax = offsetDelta;
    }
    if (timestampDelta < minDelta && timestampDelta !== noTimestampDelta) minDelta = timestampDelta;
  }
  if (position !== end) return invalid(`${end - position} bytes after the ${count} records announced`);

  // Past the safe integers deltas are rounded, and their sums might by chance look exact.
  if (maxDelta > Number.MAX_SAFE_INTEGER || minDelta < Number.MIN_SAFE_INTEGER)
    return badTimestamp("a timestamp is too far from the base timestamp");
  summary.maxTimestamp = baseTimestamp + maxDelta;
  summary.minTimestamp = baseTimestamp + minDelta;
  summary.offsetDeltaOfMaxTimestamp = offsetDeltaOfMax;
  summary.hasNullKey = hasNullKey;
  return null;
}

/** Walks a record's headers from their count on; returns the position after them, or -1. */
function walkHeaders(bytes: Uint8Array, start: number, end: number): number {
  const count = readVarint(bytes, start, end);
  let position = varintEnd;
  if (position < 0 || count < 0 || count > end - position) return -1;
  for (let index = 0; index < count; index++) {
    const keyLength = readVarint(bytes, position, end);
    if (varintEnd < 0 || keyLength < 0 || keyLength > end - varintEnd) return -1;
    position = varintEnd + keyLength;
    const valueLength = readVarint(bytes, position, end);
    if (varintEnd < 0 || valueLength > end - varintEnd) return -1;
    position = valueLength > 0 ? varintEnd + valueLength : varintEnd;
  }
  return position;
}
