/**
 * Building magic 2 batches: for coordinators, the raft log, control records, tools and tests.
 *
 * ```ts
 * const batch = new BatchBuilder({ codec: CODEC.lz4 })
 *   .append({ timestamp: nowMs, key: Buffer.from("k"), value: Buffer.from("v") })
 *   .build();
 * ```
 *
 * @module
 */
import {
  ATTRIBUTES_OFFSET,
  attributesAt,
  BASE_SEQUENCE_OFFSET,
  BASE_TIMESTAMP_OFFSET,
  batchSizeAt,
  CODEC_MASK,
  CONTROL_FLAG,
  codecOf,
  computeCrc,
  DELETE_HORIZON_FLAG,
  LAST_OFFSET_DELTA_OFFSET,
  LENGTH_OFFSET,
  LOG_APPEND_TIME_FLAG,
  LOG_OVERHEAD,
  MAGIC_OFFSET,
  MAX_TIMESTAMP_OFFSET,
  NO_PARTITION_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  PRODUCER_EPOCH_OFFSET,
  PRODUCER_ID_OFFSET,
  RECORD_BATCH_OVERHEAD,
  RECORD_COUNT_OFFSET,
  setAttributes,
  setBaseOffset,
  setCrc,
  setPartitionLeaderEpoch,
  type TimestampType,
  TRANSACTIONAL_FLAG,
  writeInt32,
  writeInt64,
} from "./batch.ts";
import { CODEC, type CodecId, compress, decompress } from "./compression/index.ts";
import { DEFAULT_MAX_DECOMPRESSED_BYTES } from "./validate.ts";
import { varintSizeBytes, writeVarint, writeVarlong } from "./varint.ts";

export interface BatchOptions {
  /** Default `CODEC.none`. */
  codec?: CodecId;
  /** Compression level on the codec's own scale. */
  level?: number;
  /** Default 0, as producers send. */
  baseOffset?: number;
  /** Default -1, as producers send. */
  leaderEpoch?: number;
  producerId?: number;
  producerEpoch?: number;
  baseSequence?: number;
  transactional?: boolean;
  control?: boolean;
  /** Default CreateTime. */
  timestampType?: TimestampType;
  /** Under LogAppendTime the timestamp of all records. */
  logAppendTimeMs?: number;
  /** When tombstones and markers of the batch may be deleted (KIP-534); default unset. */
  deleteHorizonMs?: number;
  /** If the last offset is not that of the last record, as after compaction. */
  lastOffset?: number;
}

export interface RecordInput {
  /** Milliseconds since the epoch. Default -1, none. */
  timestamp?: number;
  key?: Uint8Array | null;
  value?: Uint8Array | null;
  headers?: readonly { key: string | Uint8Array; value: Uint8Array | null }[];
  /** Default: the one after the record before. */
  offset?: number;
}

const INITIAL_CAPACITY_BYTES = 512;
/** Attributes and five integers of at most ten bytes, and the record's length. */
const RECORD_FIXED_BYTES = 61;

/** Collects records and makes one batch of them. */
export class BatchBuilder {
  readonly #options: BatchOptions;
  readonly #baseOffset: number;
  #bytes = Buffer.allocUnsafe(INITIAL_CAPACITY_BYTES);
  #position = RECORD_BATCH_OVERHEAD;
  #recordCount = 0;
  #lastOffset: number;
  #baseTimestamp: number;
  #maxTimestamp = NO_TIMESTAMP;

  constructor(options: BatchOptions = {}) {
    this.#options = options;
    this.#baseOffset = options.baseOffset ?? 0;
    this.#lastOffset = this.#baseOffset - 1;
    this.#baseTimestamp = options.deleteHorizonMs ?? NO_TIMESTAMP;
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  /** Size of the batch so far, before compression. */
  get sizeBytes(): number {
    return this.#position;
  }

  append(record: RecordInput): this {
    const timestamp = record.timestamp ?? NO_TIMESTAMP;
    const offset = record.offset ?? this.#lastOffset + 1;
    if (offset <= this.#lastOffset) throw new RangeError(`offset ${offset} is not after ${this.#lastOffset}`);
    if (this.#recordCount === 0 && this.#options.deleteHorizonMs === undefined) this.#baseTimestamp = timestamp;
    const timestampDelta = timestamp - this.#baseTimestamp;
    const offsetDelta = offset - this.#baseOffset;
    const headers = encodeHeaders(record.headers ?? []);
    const key = record.key ?? null;
    const value = record.value ?? null;
    const bodySizeBytes =
      1 +
      varintSizeBytes(timestampDelta) +
      varintSizeBytes(offsetDelta) +
      nullableSizeBytes(key) +
      nullableSizeBytes(value) +
      headers.length;

    this.#ensureRoom(bodySizeBytes + RECORD_FIXED_BYTES);
    const bytes = this.#bytes;
    let position = writeVarint(bytes, this.#position, bodySizeBytes);
    bytes[position++] = 0;
    position = writeVarlong(bytes, position, timestampDelta);
    position = writeVarint(bytes, position, offsetDelta);
    position = writeNullable(bytes, position, key);
    position = writeNullable(bytes, position, value);
    bytes.set(headers, position);
    this.#position = position + headers.length;

    this.#recordCount++;
    this.#lastOffset = offset;
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    return this;
  }

  /**
   * The batch, in a buffer of its own. The builder may go on and build again.
   *
   * @throws RangeError without records: see {@link emptyBatch}
   */
  build(): Buffer {
    if (this.#recordCount === 0) throw new RangeError("a batch needs a record");
    const codec = this.#options.codec ?? CODEC.none;
    const records = this.#bytes.subarray(RECORD_BATCH_OVERHEAD, this.#position);
    const payload = compress(codec, records, this.#options.level);
    const batch = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD + payload.length);
    batch.set(payload, RECORD_BATCH_OVERHEAD);
    const isLogAppendTime = this.#options.timestampType === "LogAppendTime";
    writeHeader(batch, this.#options, {
      codec,
      baseOffset: this.#baseOffset,
      lastOffset: this.#options.lastOffset ?? this.#lastOffset,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: isLogAppendTime ? (this.#options.logAppendTimeMs ?? NO_TIMESTAMP) : this.#maxTimestamp,
      recordCount: this.#recordCount,
    });
    return batch;
  }

  #ensureRoom(sizeBytes: number): void {
    if (this.#bytes.length - this.#position >= sizeBytes) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#position + sizeBytes));
    this.#bytes.copy(grown, 0, 0, this.#position);
    this.#bytes = grown;
  }
}

/**
 * A batch without records, which the cleaner leaves where a producer's last sequence or epoch must stay known. Takes up the offsets
 * from `baseOffset` to `lastOffset`.
 */
export function emptyBatch(options: BatchOptions & { lastOffset: number; maxTimestamp: number }): Buffer {
  const batch = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD);
  writeHeader(batch, options, {
    codec: options.codec ?? CODEC.none,
    baseOffset: options.baseOffset ?? 0,
    lastOffset: options.lastOffset,
    baseTimestamp: options.deleteHorizonMs ?? NO_TIMESTAMP,
    maxTimestamp: options.maxTimestamp,
    recordCount: 0,
  });
  return batch;
}

/**
 * The magic 2 batch in `batch` with its records under another codec, for topics whose `compression.type` is not `producer`. All
 * header fields but attributes, length and CRC stay as they are. The batch must have been validated.
 *
 * @throws DecompressionError if the records do not decompress within `maxSizeBytes`
 */
export function recompress(
  batch: Buffer,
  codec: CodecId,
  level?: number,
  maxSizeBytes = DEFAULT_MAX_DECOMPRESSED_BYTES,
): Buffer {
  const attributes = attributesAt(batch, 0);
  const payload = batch.subarray(RECORD_BATCH_OVERHEAD, batchSizeAt(batch, 0));
  const records = payload.length === 0 ? payload : decompress(codecOf(attributes), payload, { maxSizeBytes });
  const compressed = records.length === 0 ? records : compress(codec, records, level);
  const result = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD + compressed.length);
  batch.copy(result, 0, 0, RECORD_BATCH_OVERHEAD);
  result.set(compressed, RECORD_BATCH_OVERHEAD);
  writeInt32(result, LENGTH_OFFSET, result.length - LOG_OVERHEAD);
  setAttributes(result, 0, (attributes & ~CODEC_MASK) | codec);
  setCrc(result, 0, computeCrc(result, 0, result.length));
  return result;
}

interface HeaderFields {
  codec: CodecId;
  baseOffset: number;
  lastOffset: number;
  baseTimestamp: number;
  maxTimestamp: number;
  recordCount: number;
}

function writeHeader(batch: Buffer, options: BatchOptions, fields: HeaderFields): void {
  setBaseOffset(batch, 0, fields.baseOffset);
  writeInt32(batch, LENGTH_OFFSET, batch.length - LOG_OVERHEAD);
  setPartitionLeaderEpoch(batch, 0, options.leaderEpoch ?? NO_PARTITION_LEADER_EPOCH);
  batch[MAGIC_OFFSET] = 2;
  batch.writeInt16BE(
    fields.codec |
      (options.timestampType === "LogAppendTime" ? LOG_APPEND_TIME_FLAG : 0) |
      (options.transactional ? TRANSACTIONAL_FLAG : 0) |
      (options.control ? CONTROL_FLAG : 0) |
      (options.deleteHorizonMs === undefined ? 0 : DELETE_HORIZON_FLAG),
    ATTRIBUTES_OFFSET,
  );
  writeInt32(batch, LAST_OFFSET_DELTA_OFFSET, fields.lastOffset - fields.baseOffset);
  writeInt64(batch, BASE_TIMESTAMP_OFFSET, fields.baseTimestamp);
  writeInt64(batch, MAX_TIMESTAMP_OFFSET, fields.maxTimestamp);
  writeInt64(batch, PRODUCER_ID_OFFSET, options.producerId ?? NO_PRODUCER_ID);
  batch.writeInt16BE(options.producerEpoch ?? NO_PRODUCER_EPOCH, PRODUCER_EPOCH_OFFSET);
  writeInt32(batch, BASE_SEQUENCE_OFFSET, options.baseSequence ?? NO_SEQUENCE);
  writeInt32(batch, RECORD_COUNT_OFFSET, fields.recordCount);
  setCrc(batch, 0, computeCrc(batch, 0, batch.length));
}

const NO_HEADERS = Buffer.from([0]);

function encodeHeaders(headers: readonly { key: string | Uint8Array; value: Uint8Array | null }[]): Buffer {
  if (headers.length === 0) return NO_HEADERS;
  const keys = headers.map(({ key }) => (typeof key === "string" ? Buffer.from(key, "utf8") : key));
  let sizeBytes = varintSizeBytes(headers.length);
  for (const [index, { value }] of headers.entries())
    sizeBytes += nullableSizeBytes(keys[index]!) + nullableSizeBytes(value);
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let position = writeVarint(bytes, 0, headers.length);
  for (const [index, { value }] of headers.entries()) {
    position = writeNullable(bytes, position, keys[index]!);
    position = writeNullable(bytes, position, value);
  }
  return bytes;
}

function nullableSizeBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSizeBytes(bytes.length) + bytes.length;
}

function writeNullable(target: Buffer, position: number, bytes: Uint8Array | null): number {
  if (bytes === null) return writeVarint(target, position, -1);
  position = writeVarint(target, position, bytes.length);
  target.set(bytes, position);
  return position + bytes.length;
}
