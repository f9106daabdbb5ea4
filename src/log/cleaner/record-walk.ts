/**
 * Steps over the records of a batch for the cleaner: where each begins and ends, its key, and whether it has a value.
 *
 * Leaner than the records room's cursor, which takes a record apart to the last header; the batch has passed its checksum.
 */
import {
  attributesAt,
  baseOffsetAt,
  batchSizeAt,
  codecOf,
  RECORD_BATCH_OVERHEAD,
  recordCountAt,
} from "../../../protocol/records/batch.ts";
import { CODEC, decompress } from "../../../protocol/records/compression/index.ts";
import { BatchFormatError } from "../../../protocol/records/record.ts";
import { readVarint, readVarlong, varintEnd } from "../../../protocol/records/varint.ts";

/** The batch was accepted into the log under a bound of its own. */
const MAX_DECOMPRESSED_BYTES = 1024 * 1024 * 1024;

export class RecordWalk {
  /** Where the positions point into. */
  bytes: Buffer = Buffer.alloc(0);
  offset = -1;
  timestampDelta = 0;
  /** The record's first byte, that of its length. */
  start = 0;
  offsetDeltaStart = 0;
  end = 0;
  /** -1 without a key. */
  keyStart = -1;
  keyEnd = -1;
  hasValue = false;
  /** Meaningless without a value. */
  valueStart = 0;
  valueEnd = 0;
  #remaining = 0;
  #payloadEnd = 0;
  #baseOffset = 0;

  /**
   * Starts at the batch at `position`.
   * @throws DecompressionError
   */
  open(buffer: Buffer, position: number): void {
    const codec = codecOf(attributesAt(buffer, position));
    this.#remaining = recordCountAt(buffer, position);
    this.#baseOffset = baseOffsetAt(buffer, position);
    const payloadStart = position + RECORD_BATCH_OVERHEAD;
    const payloadEnd = position + batchSizeAt(buffer, position);
    if (codec === CODEC.none || this.#remaining === 0) {
      this.bytes = buffer;
      this.end = payloadStart;
      this.#payloadEnd = payloadEnd;
      return;
    }
    const payload = buffer.subarray(payloadStart, payloadEnd);
    this.bytes = decompress(codec, payload, { maxSizeBytes: MAX_DECOMPRESSED_BYTES });
    this.end = 0;
    this.#payloadEnd = this.bytes.length;
  }

  /**
   * Steps to the next record; false after the last.
   * @throws BatchFormatError
   */
  next(): boolean {
    if (this.#remaining <= 0) return false;
    this.#remaining -= 1;
    const bytes = this.bytes;
    const start = this.end;
    const length = readVarint(bytes, start, this.#payloadEnd);
    const bodyStart = checked();
    const end = bodyStart + length;
    if (length < 0 || end > this.#payloadEnd) throw new BatchFormatError(`a record of ${length} bytes`);
    this.start = start;
    this.end = end;
    this.timestampDelta = readVarlong(bytes, bodyStart + 1, end);
    this.offsetDeltaStart = checked();
    this.offset = this.#baseOffset + readVarint(bytes, this.offsetDeltaStart, end);
    const keyLengthStart = checked();
    const keyLength = readVarint(bytes, keyLengthStart, end);
    const keyStart = checked();
    this.keyStart = keyLength < 0 ? -1 : keyStart;
    this.keyEnd = keyLength < 0 ? -1 : keyStart + keyLength;
    const valueLengthStart = keyLength < 0 ? keyStart : keyStart + keyLength;
    const valueLength = readVarint(bytes, valueLengthStart, end);
    this.hasValue = valueLength >= 0;
    this.valueStart = checked();
    this.valueEnd = this.valueStart + valueLength;
    if (this.valueEnd > end) throw new BatchFormatError(`a value of ${valueLength} bytes`);
    return true;
  }
}

function checked(): number {
  if (varintEnd < 0) throw new BatchFormatError("a malformed integer in a record");
  return varintEnd;
}
