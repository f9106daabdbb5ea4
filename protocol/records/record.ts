/**
 * Reading the records of magic 2 batches.
 *
 * {@link RecordCursor} and {@link forEachRecord} walk without an allocation per record, for internal use on validated batches.
 * {@link decodeRecords} makes objects, for tools and tests.
 *
 * ```ts
 * forEachRecord(batch, 0, record => index.set(record.key()!, record.offset));
 * ```
 *
 * @module
 */
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  baseTimestampAt,
  batchSizeAt,
  codecOf,
  maxTimestampAt,
  NO_SEQUENCE,
  RECORD_BATCH_OVERHEAD,
  recordCountAt,
  sequenceAfter,
  timestampTypeOf,
} from "./batch.ts";
import { CODEC, decompress } from "./compression/index.ts";
import { readVarint, readVarlong, varintEnd } from "./varint.ts";

/** Bytes that are not the batch or record they should be. Code that reads what has not been validated must expect it. */
export class BatchFormatError extends Error {
  override readonly name = "BatchFormatError";
}

export interface RecordHeader {
  /** UTF-8; bytes that are not are replaced. */
  key: string;
  value: Buffer | null;
}

export interface DecodedRecord {
  offset: number;
  /** Milliseconds since the epoch, -1 for none. */
  timestamp: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: RecordHeader[];
  /** Present if the batch has sequences. */
  sequence?: number;
}

/** Bound on decompression where the batch was validated, and so bounded, before. */
const TRUSTED_MAX_SIZE_BYTES = 1024 * 1024 * 1024;

/**
 * Steps over the records of one batch; its fields are those of the record stepped on. May be opened again and again.
 *
 * Starts are positions in {@link bytes}, and -1 for null.
 */
export class RecordCursor {
  /** Where the positions point into: the batch's buffer, or its decompressed records. */
  bytes: Buffer = Buffer.alloc(0);
  offset = -1;
  timestamp = -1;
  /** Differs from `timestamp - baseTimestamp` under LogAppendTime. */
  timestampDelta = 0;
  sequence = NO_SEQUENCE;
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  headerCount = 0;
  /** Position of the first header's key length. */
  headersStart = 0;

  #position = 0;
  #end = 0;
  #remaining = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  #baseSequence = NO_SEQUENCE;
  #isLogAppendTime = false;
  #logAppendTime = -1;

  /**
   * Starts at the batch at `position`, decompressing it if need be.
   *
   * @throws DecompressionError
   */
  open(buffer: Buffer, position: number, maxSizeBytes = TRUSTED_MAX_SIZE_BYTES): this {
    const attributes = attributesAt(buffer, position);
    const recordCount = recordCountAt(buffer, position);
    let bytes = buffer;
    let start = position + RECORD_BATCH_OVERHEAD;
    let end = position + batchSizeAt(buffer, position);
    if (codecOf(attributes) !== CODEC.none && !(recordCount === 0 && start === end)) {
      bytes = decompress(codecOf(attributes), buffer.subarray(start, end), { maxSizeBytes });
      start = 0;
      end = bytes.length;
    }
    const baseOffset = baseOffsetAt(buffer, position);
    this.openPayload(bytes, start, end, recordCount, baseOffset, baseTimestampAt(buffer, position));
    this.#baseSequence = baseSequenceAt(buffer, position);
    this.#isLogAppendTime = timestampTypeOf(attributes) === "LogAppendTime";
    this.#logAppendTime = maxTimestampAt(buffer, position);
    return this;
  }

  /** Starts at the uncompressed records in `bytes[start, end)`. */
  openPayload(
    bytes: Buffer,
    start: number,
    end: number,
    recordCount: number,
    baseOffset: number,
    baseTimestamp: number,
  ): void {
    if (recordCount < 0) throw new BatchFormatError(`${recordCount} records`);
    this.bytes = bytes;
    this.#position = start;
    this.#end = end;
    this.#remaining = recordCount;
    this.#baseOffset = baseOffset;
    this.#baseTimestamp = baseTimestamp;
    this.#baseSequence = NO_SEQUENCE;
    this.#isLogAppendTime = false;
  }

  /**
   * Steps to the next record, or returns false after the last.
   *
   * @throws BatchFormatError if a record is malformed or the batch holds more or fewer bytes than its records
   */
  next(): boolean {
    if (this.#remaining === 0) return false;
    this.#remaining--;
    const bytes = this.bytes;
    const length = readVarint(bytes, this.#position, this.#end);
    let position = checked();
    if (length < 0 || length > this.#end - position) throw new BatchFormatError(`a record of ${length} bytes`);
    const end = position + length;
    position++;

    this.timestampDelta = readVarlong(bytes, position, end);
    this.timestamp = this.#isLogAppendTime ? this.#logAppendTime : this.#baseTimestamp + this.timestampDelta;
    const offsetDelta = readVarint(bytes, checked(), end);
    this.offset = this.#baseOffset + offsetDelta;
    this.sequence = this.#baseSequence < 0 ? NO_SEQUENCE : sequenceAfter(this.#baseSequence, offsetDelta);

    const keyLength = readVarint(bytes, checked(), end);
    position = checked();
    this.keyStart = keyLength < 0 ? -1 : position;
    if (keyLength > 0) position += keyLength;
    this.keyEnd = keyLength < 0 ? -1 : position;

    const valueLength = readVarint(bytes, position, end);
    position = checked();
    this.valueStart = valueLength < 0 ? -1 : position;
    if (valueLength > 0) position += valueLength;
    this.valueEnd = valueLength < 0 ? -1 : position;

    this.headerCount = readVarint(bytes, position, end);
    this.headersStart = checked();
    if (this.headerCount < 0 || this.headerCount > end - this.headersStart)
      throw new BatchFormatError(`${this.headerCount} headers`);
    position = this.headersStart;
    for (let index = 0; index < this.headerCount; index++) position = skipHeader(bytes, position, end);
    if (position !== end) throw new BatchFormatError("a record's length is not that of its content");
    this.#position = end;
    if (this.#remaining === 0 && end !== this.#end) throw new BatchFormatError("bytes after the last record");
    return true;
  }

  /** The key, a slice of {@link bytes}. */
  key(): Buffer | null {
    return this.keyStart < 0 ? null : this.bytes.subarray(this.keyStart, this.keyEnd);
  }

  /** The value, a slice of {@link bytes}. */
  value(): Buffer | null {
    return this.valueStart < 0 ? null : this.bytes.subarray(this.valueStart, this.valueEnd);
  }

  headers(): RecordHeader[] {
    const headers: RecordHeader[] = [];
    let position = this.headersStart;
    for (let index = 0; index < this.headerCount; index++) {
      const keyLength = readVarint(this.bytes, position, this.#end);
      const keyEnd = varintEnd + keyLength;
      const key = this.bytes.toString("utf8", varintEnd, keyEnd);
      const valueLength = readVarint(this.bytes, keyEnd, this.#end);
      position = valueLength > 0 ? varintEnd + valueLength : varintEnd;
      headers.push({ key, value: valueLength < 0 ? null : this.bytes.subarray(varintEnd, position) });
    }
    return headers;
  }
}

function checked(): number {
  if (varintEnd < 0) throw new BatchFormatError("a malformed integer in a record");
  return varintEnd;
}

function skipHeader(bytes: Buffer, position: number, end: number): number {
  const keyLength = readVarint(bytes, position, end);
  const keyStart = checked();
  if (keyLength < 0 || keyLength > end - keyStart) throw new BatchFormatError(`a header key of ${keyLength} bytes`);
  const valueLength = readVarint(bytes, keyStart + keyLength, end);
  const valueStart = checked();
  if (valueLength > end - valueStart) throw new BatchFormatError(`a header value of ${valueLength} bytes`);
  return valueLength > 0 ? valueStart + valueLength : valueStart;
}

/**
 * Calls `visit` for each record of the batch at `position`. The cursor is the same object each time: take from it what is to stay.
 *
 * @throws BatchFormatError, DecompressionError if the batch is not valid
 */
export function forEachRecord(buffer: Buffer, position: number, visit: (record: RecordCursor) => void): void {
  // Not shared: a visitor may itself walk another batch.
  const cursor = new RecordCursor().open(buffer, position);
  while (cursor.next()) visit(cursor);
}

/**
 * All records of the magic 2 batch at `position` as objects; keys and values are slices.
 *
 * @throws BatchFormatError, DecompressionError if the batch is not valid, or larger than `maxSizeBytes` once decompressed
 */
export function decodeRecords(batch: Buffer, position = 0, maxSizeBytes = TRUSTED_MAX_SIZE_BYTES): DecodedRecord[] {
  const records: DecodedRecord[] = [];
  const cursor = new RecordCursor().open(batch, position, maxSizeBytes);
  while (cursor.next()) {
    const record: DecodedRecord = {
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: cursor.key(),
      value: cursor.value(),
      headers: cursor.headers(),
    };
    if (cursor.sequence !== NO_SEQUENCE) record.sequence = cursor.sequence;
    records.push(record);
  }
  return records;
}
