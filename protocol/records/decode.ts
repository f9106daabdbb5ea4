/**
 * Whole record sets as objects, of every magic: what log dumps, protocol traces and tests look at.
 *
 * @module
 */
import { Errors } from "../errors.ts";
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  baseTimestampAt,
  codecOf,
  crcAt,
  hasDeleteHorizon,
  isControl,
  isTransactional,
  lastOffsetAt,
  lastSequenceAt,
  magicAt,
  maxTimestampAt,
  partitionLeaderEpochAt,
  producerEpochAt,
  producerIdAt,
  recordCountAt,
  type TimestampType,
  timestampTypeOf,
} from "./batch.ts";
import { type CodecName, codecName } from "./compression/index.ts";
import { decodeLegacyBatch, type LegacyBatch } from "./legacy.ts";
import { BatchFormatError, type DecodedRecord, decodeRecords } from "./record.ts";
import {
  CORRUPT,
  DEFAULT_MAX_DECOMPRESSED_BYTES,
  INCOMPLETE,
  nextBatchSize,
  type ValidateOptions,
  validateBatch,
} from "./validate.ts";
import { BatchSummary } from "./walk.ts";

export interface DecodedBatch {
  magic: 2;
  baseOffset: number;
  lastOffset: number;
  sizeBytes: number;
  codec: CodecName;
  timestampType: TimestampType;
  maxTimestamp: number;
  crc: number;
  baseTimestamp: number;
  partitionLeaderEpoch: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  lastSequence: number;
  transactional: boolean;
  control: boolean;
  recordCount: number;
  /** Only where the cleaner has set it. */
  deleteHorizonMs?: number;
  records: DecodedRecord[];
}

export interface DecodedSet {
  batches: (DecodedBatch | LegacyBatch)[];
  /** Bytes of a cut batch at the end: usual in a Fetch response, and after a crash in a log. */
  leftOverBytes: number;
}

/**
 * Decodes all whole batches of `buffer`, checking them as `validateBatch` does for batches of brokers.
 *
 * @throws BatchFormatError, DecompressionError at the first batch that is not valid
 */
export function decodeBatches(buffer: Buffer, maxDecompressedBytes = DEFAULT_MAX_DECOMPRESSED_BYTES): DecodedSet {
  const options: ValidateOptions = {
    origin: "broker",
    topicCompacted: false,
    timestampType: "LogAppendTime",
    messageTimestampBeforeMaxMs: 0,
    messageTimestampAfterMaxMs: 0,
    nowMs: 0,
    maxDecompressedBytes,
  };
  const summary = new BatchSummary();
  const batches: (DecodedBatch | LegacyBatch)[] = [];
  let position = 0;
  for (;;) {
    const sizeBytes = nextBatchSize(buffer, position, buffer.length);
    if (sizeBytes === INCOMPLETE) return { batches, leftOverBytes: buffer.length - position };
    if (sizeBytes === CORRUPT) throw new BatchFormatError(`no batch at ${position}`);
    if (magicAt(buffer, position) < 2) {
      batches.push(decodeLegacyBatch(buffer, position, sizeBytes, maxDecompressedBytes));
    } else {
      const fault = validateBatch(buffer, position, buffer.length, options, summary);
      if (fault !== null) {
        const kind = fault.code === Errors.CORRUPT_MESSAGE ? "damaged" : "invalid";
        throw new BatchFormatError(`${kind} batch at ${position}: ${fault.message}`);
      }
      batches.push(decodeBatch(buffer, position, sizeBytes, maxDecompressedBytes));
    }
    position += sizeBytes;
  }
}

function decodeBatch(buffer: Buffer, position: number, sizeBytes: number, maxSizeBytes: number): DecodedBatch {
  const attributes = attributesAt(buffer, position);
  const batch: DecodedBatch = {
    magic: 2,
    baseOffset: baseOffsetAt(buffer, position),
    lastOffset: lastOffsetAt(buffer, position),
    sizeBytes,
    codec: codecName(codecOf(attributes))!,
    timestampType: timestampTypeOf(attributes),
    maxTimestamp: maxTimestampAt(buffer, position),
    crc: crcAt(buffer, position),
    baseTimestamp: baseTimestampAt(buffer, position),
    partitionLeaderEpoch: partitionLeaderEpochAt(buffer, position),
    producerId: producerIdAt(buffer, position),
    producerEpoch: producerEpochAt(buffer, position),
    baseSequence: baseSequenceAt(buffer, position),
    lastSequence: lastSequenceAt(buffer, position),
    transactional: isTransactional(attributes),
    control: isControl(attributes),
    recordCount: recordCountAt(buffer, position),
    records: decodeRecords(buffer, position, maxSizeBytes),
  };
  if (hasDeleteHorizon(attributes)) batch.deleteHorizonMs = batch.baseTimestamp;
  return batch;
}
