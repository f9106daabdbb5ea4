/**
 * Judges record batches before they are appended or trusted.
 *
 * {@link validateProduced} is for the `records` field of a Produce request, {@link validateBatch} for one batch whose place is known,
 * {@link checkBatch} for header and CRC alone, which is all a follower or a recovery scan needs to know.
 *
 * A batch is judged as Apache Kafka's log does, or more strictly where Kafka would store something wrong or answer
 * UNKNOWN_SERVER_ERROR; `docs/stricter-than-kafka.md` lists each case. This is the produce path of every batch: nothing is allocated
 * for a good uncompressed one, and records are walked in place.
 *
 * ```ts
 * const summary = new BatchSummary();
 * const fault = validateProduced(records, options, summary);
 * if (fault !== null) return { errorCode: fault.code, errorMessage: fault.message, recordErrors: fault.recordErrors };
 * setBaseOffset(records, 0, nextOffset);
 * setPartitionLeaderEpoch(records, 0, leaderEpoch);
 * stampTimestamps(records, 0, topicTimestampType, topicTimestampType === "LogAppendTime" ? nowMs : summary.maxTimestamp);
 * ```
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
  computeCrc,
  crcAt,
  isControl,
  isTransactional,
  LOG_OVERHEAD,
  lastOffsetDeltaAt,
  MAGIC_OFFSET,
  magicAt,
  maxTimestampAt,
  NO_TIMESTAMP,
  producerEpochAt,
  producerIdAt,
  RECORD_BATCH_OVERHEAD,
  readInt32,
  recordCountAt,
  type TimestampType,
  timestampTypeOf,
} from "./batch.ts";
import { CODEC, codecName, DecompressionError, decompressTransiently } from "./compression/index.ts";
import { type BatchFault, badTimestamp, corrupt, invalid, MAX_RECORD_ERRORS, type RecordError } from "./faults.ts";
import { RecordCursor } from "./record.ts";
import { type BatchSummary, walkRecords } from "./walk.ts";

/** The caller may keep one of these and change `nowMs` from batch to batch. */
export interface ValidateOptions {
  /**
   * `client`: offsets 0, 1, 2, … without a gap, no control batch, sequences with a producer id. `broker`: what a coordinator, the
   * raft layer or another broker's log may hold as well: control batches, gaps left by compaction, batches emptied by it.
   */
  origin: "client" | "broker";
  /** The topic's `cleanup.policy` contains `compact`: each record must have a key. */
  topicCompacted: boolean;
  /** The topic's `message.timestamp.type`; timestamps are checked against the range below only under CreateTime. */
  timestampType: TimestampType;
  messageTimestampBeforeMaxMs: number;
  messageTimestampAfterMaxMs: number;
  nowMs: number;
  /** Bound on what a compressed batch may hold. Default {@link DEFAULT_MAX_DECOMPRESSED_BYTES}. */
  maxDecompressedBytes?: number;
}

export const DEFAULT_MAX_DECOMPRESSED_BYTES = 64 * 1024 * 1024;

/** Smallest length field that Kafka's reader takes for a batch or message at all. */
const SMALLEST_LENGTH = 14;
const HEADER_UP_TO_MAGIC_BYTES = MAGIC_OFFSET + 1;

/** {@link nextBatchSize} found fewer bytes than a batch needs. */
export const INCOMPLETE = 0;
/** {@link nextBatchSize} found bytes that cannot be a batch. */
export const CORRUPT = -1;

/**
 * The size in bytes of the batch (or, for magic 0 and 1, message) at `position`; {@link INCOMPLETE} if it is not all there before
 * `end`, {@link CORRUPT} if its length or magic is impossible.
 */
export function nextBatchSize(buffer: Uint8Array, position: number, end: number): number {
  const remaining = end - position;
  if (remaining < LOG_OVERHEAD) return INCOMPLETE;
  const length = readInt32(buffer, position + LOG_OVERHEAD - 4);
  if (length < SMALLEST_LENGTH) return CORRUPT;
  if (remaining < HEADER_UP_TO_MAGIC_BYTES) return INCOMPLETE;
  const magic = magicAt(buffer, position);
  if (magic < 0 || magic > 2) return CORRUPT;
  return remaining < LOG_OVERHEAD + length ? INCOMPLETE : LOG_OVERHEAD + length;
}

/**
 * Judges the `records` of one partition of a Produce request (v3 and later): one batch of magic 2. A cut second batch is let pass, as
 * Kafka does; `summary.sizeBytes` says where the good one ends. `summary` holds nothing of use when a fault is returned.
 */
export function validateProduced(records: Buffer, options: ValidateOptions, summary: BatchSummary): BatchFault | null {
  const sizeBytes = nextBatchSize(records, 0, records.length);
  if (sizeBytes === CORRUPT) return corrupt("the batch's length or magic is impossible");
  if (sizeBytes === INCOMPLETE) return invalid("there is no whole record batch");
  if (magicAt(records, 0) !== 2) return invalid(`magic ${magicAt(records, 0)} is no longer taken from producers`);
  const next = nextBatchSize(records, sizeBytes, records.length);
  if (next === CORRUPT) return corrupt("the length or magic of what follows the batch is impossible");
  if (next !== INCOMPLETE) return invalid("there is more than one record batch");
  return validateBatch(records, 0, sizeBytes, options, summary);
}

/**
 * Judges header and CRC of the magic 2 batch at `position`: what a follower checks of fetched batches and recovery of stored ones.
 * Returns null if it is whole and undamaged.
 */
export function checkBatch(buffer: Buffer, position: number, end: number): BatchFault | null {
  const sizeBytes = nextBatchSize(buffer, position, end);
  if (sizeBytes === INCOMPLETE) return corrupt("the batch is cut");
  if (sizeBytes === CORRUPT) return corrupt("the batch's length or magic is impossible");
  if (magicAt(buffer, position) !== 2) return corrupt(`magic ${magicAt(buffer, position)} where 2 is expected`);
  if (sizeBytes < RECORD_BATCH_OVERHEAD) return corrupt(`a batch of ${sizeBytes} bytes has no whole header`);
  const crc = computeCrc(buffer, position, sizeBytes);
  if (crc !== crcAt(buffer, position)) return corrupt(`CRC is ${crcAt(buffer, position)}, computed ${crc}`);
  return null;
}

/**
 * Judges the magic 2 batch at `position`, whole: CRC, header, and each record, decompressed in bounds. Returns null and fills
 * `summary` if it is good. Reads nothing at or past `end`, changes nothing.
 *
 * Codes: CORRUPT_MESSAGE for sizes, magic and CRC, INVALID_TIMESTAMP for timestamps, INVALID_RECORD for all else.
 */
export function validateBatch(
  buffer: Buffer,
  position: number,
  end: number,
  options: ValidateOptions,
  summary: BatchSummary,
): BatchFault | null {
  const isClient = options.origin === "client";
  const sizeBytes = nextBatchSize(buffer, position, end);
  // Kafka looks at the base offset first; whoever retries on CORRUPT_MESSAGE should not do so for a base offset that stays wrong.
  if (isClient && sizeBytes > INCOMPLETE && baseOffsetAt(buffer, position) !== 0)
    return invalid(`a producer's base offset must be 0, not ${baseOffsetAt(buffer, position)}`);
  const damage = checkBatch(buffer, position, end);
  if (damage !== null) return damage;

  const headerFault = checkHeader(buffer, position, isClient);
  if (headerFault !== null) return headerFault;

  const attributes = attributesAt(buffer, position);
  summary.sizeBytes = sizeBytes;
  summary.attributes = attributes;
  summary.recordCount = recordCountAt(buffer, position);
  summary.lastOffsetDelta = lastOffsetDeltaAt(buffer, position);
  const baseTimestamp = baseTimestampAt(buffer, position);

  let payload = buffer;
  let payloadStart = position + RECORD_BATCH_OVERHEAD;
  let payloadEnd = position + sizeBytes;
  const codec = codecOf(attributes);
  if (codec !== CODEC.none && !(summary.recordCount === 0 && payloadStart === payloadEnd)) {
    try {
      payload = decompressTransiently(codec, buffer.subarray(payloadStart, payloadEnd), {
        maxSizeBytes: options.maxDecompressedBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES,
      });
    } catch (error) {
      if (error instanceof DecompressionError) return invalid(error.message);
      throw error;
    }
    payloadStart = 0;
    payloadEnd = payload.length;
  }

  const walkFault = walkRecords(payload, payloadStart, payloadEnd, baseTimestamp, isClient, summary);
  if (walkFault !== null) return walkFault;
  return checkContent(payload, payloadStart, baseTimestamp, position, buffer, options, summary);
}

function checkHeader(buffer: Buffer, position: number, isClient: boolean): BatchFault | null {
  const attributes = attributesAt(buffer, position);
  const recordCount = recordCountAt(buffer, position);
  const lastOffsetDelta = lastOffsetDeltaAt(buffer, position);
  const producerId = producerIdAt(buffer, position);
  const baseOffset = baseOffsetAt(buffer, position);

  if (codecName(codecOf(attributes)) === undefined) return invalid(`unknown codec ${codecOf(attributes)}`);
  if (recordCount < 0) return invalid(`${recordCount} records`);
  if (lastOffsetDelta < 0) return invalid(`last offset delta ${lastOffsetDelta}`);
  if (!Number.isSafeInteger(baseOffset + lastOffsetDelta) || baseOffset < 0)
    return invalid(`base offset ${baseOffset}`);
  if (!Number.isSafeInteger(producerId)) return invalid(`producer id ${producerId} is too large`);
  if (!Number.isSafeInteger(baseTimestampAt(buffer, position)))
    return badTimestamp(`base timestamp ${baseTimestampAt(buffer, position)} is too far off`);

  if (!isClient) {
    if (!Number.isSafeInteger(maxTimestampAt(buffer, position)))
      return badTimestamp(`max timestamp ${maxTimestampAt(buffer, position)} is too far off`);
    if (recordCount > lastOffsetDelta + 1) return invalid(`${recordCount} records in ${lastOffsetDelta + 1} offsets`);
    return null;
  }

  if (recordCount === 0) return invalid("a batch without records");
  if (recordCount !== lastOffsetDelta + 1) return invalid(`${recordCount} records in ${lastOffsetDelta + 1} offsets`);
  if (isControl(attributes)) return invalid("a client may not write control records");
  if (timestampTypeOf(attributes) === "LogAppendTime") return badTimestamp("a client may not set LogAppendTime");
  if (producerId >= 0) {
    if (baseSequenceAt(buffer, position) < 0)
      return invalid(`sequence ${baseSequenceAt(buffer, position)} with a producer id`);
    if (producerEpochAt(buffer, position) < 0)
      return invalid(`epoch ${producerEpochAt(buffer, position)} with a producer id`);
  } else if (isTransactional(attributes)) {
    return invalid("a transactional batch without a producer id");
  }
  return null;
}

/** What the topic asks of records. The summary says whether any breaks it; only then is it worth finding out which. */
function checkContent(
  payload: Buffer,
  payloadStart: number,
  baseTimestamp: number,
  position: number,
  buffer: Buffer,
  options: ValidateOptions,
  summary: BatchSummary,
): BatchFault | null {
  const hasTimestamps = summary.recordCount > 0;
  if (hasTimestamps && !Number.isSafeInteger(summary.maxTimestamp))
    return badTimestamp(`timestamp ${summary.maxTimestamp} is too far off`);
  if (summary.minTimestamp !== Number.POSITIVE_INFINITY && !Number.isSafeInteger(summary.minTimestamp))
    return badTimestamp(`timestamp ${summary.minTimestamp} is too far off`);
  if (timestampTypeOf(summary.attributes) === "LogAppendTime") {
    summary.maxTimestamp = maxTimestampAt(buffer, position);
    summary.minTimestamp = summary.maxTimestamp;
    summary.offsetDeltaOfMaxTimestamp = summary.recordCount > 0 ? 0 : -1;
  } else if (summary.recordCount === 0) {
    // Emptied by compaction: what it held lives on in the header.
    summary.maxTimestamp = maxTimestampAt(buffer, position);
  }
  if (isControl(summary.attributes)) return null;

  const lacksKey = options.topicCompacted && summary.hasNullKey;
  const earliest = options.nowMs - options.messageTimestampBeforeMaxMs;
  const latest = options.nowMs + options.messageTimestampAfterMaxMs;
  const isOutOfRange =
    options.timestampType === "CreateTime" &&
    summary.minTimestamp !== Number.POSITIVE_INFINITY &&
    (summary.minTimestamp < earliest || summary.maxTimestamp > latest);
  if (!lacksKey && !isOutOfRange) return null;
  return recordFaults(payload, payloadStart, baseTimestamp, options, earliest, latest, summary);
}

function recordFaults(
  payload: Buffer,
  payloadStart: number,
  baseTimestamp: number,
  options: ValidateOptions,
  earliest: number,
  latest: number,
  summary: BatchSummary,
): BatchFault {
  const recordErrors: RecordError[] = [];
  let isTimestamp = false;
  const cursor = new RecordCursor();
  cursor.openPayload(payload, payloadStart, payload.length, summary.recordCount, 0, baseTimestamp);
  for (let batchIndex = 0; cursor.next() && recordErrors.length < MAX_RECORD_ERRORS; batchIndex++) {
    if (options.topicCompacted && cursor.keyStart < 0) {
      recordErrors.push({ batchIndex, message: "a record of a compacted topic must have a key" });
    } else if (
      options.timestampType === "CreateTime" &&
      cursor.timestamp !== NO_TIMESTAMP &&
      (cursor.timestamp < earliest || cursor.timestamp > latest)
    ) {
      isTimestamp = true;
      recordErrors.push({
        batchIndex,
        message: `timestamp ${cursor.timestamp} is not within [${earliest}, ${latest}]`,
      });
    }
  }
  return isTimestamp
    ? { code: Errors.INVALID_TIMESTAMP, message: "records were refused for their timestamps", recordErrors }
    : { code: Errors.INVALID_RECORD, message: "records were refused", recordErrors };
}
