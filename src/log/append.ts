/**
 * What an append has to be judged by and made into before it touches a log: validation, size limits, timestamps, the topic's codec, and the
 * producer's sequence. Nothing here changes the log.
 */
import { Errors } from "../../protocol/errors.ts";
import {
  attributesAt,
  baseOffsetAt,
  batchSizeAt,
  codecOf,
  isControl,
  lastOffsetAt,
  lastOffsetDeltaAt,
  maxTimestampAt,
  producerIdAt,
  RECORD_BATCH_OVERHEAD,
  stampTimestamps,
} from "../../protocol/records/batch.ts";
import { recompress } from "../../protocol/records/builder.ts";
import { CODEC, type CodecId } from "../../protocol/records/compression/index.ts";
import type { BatchFault, RecordError } from "../../protocol/records/faults.ts";
import { checkBatch, type ValidateOptions, validateProduced } from "../../protocol/records/validate.ts";
import { BatchSummary } from "../../protocol/records/walk.ts";
import { batchSizeWithin } from "./batch-walk.ts";
import type { CompressionType, LogConfig } from "./log-config.ts";
import { markerAt, producerBatchAt } from "./producer-replay.ts";
import type { ProducerCheck, ProducerState } from "./producer-state.ts";
import type { SharedMemory } from "./tail-cache.ts";

export interface AppendOptions {
  /** Written into each batch; a replica's batches keep their own. */
  readonly leaderEpoch: number;
  /**
   * `client`: one batch of unknown quality. `replica`: the leader's batches, offsets and epochs as they are. `coordinator`, `raft`: batches that
   * this process built, control batches among them.
   */
  readonly origin: "client" | "replica" | "coordinator" | "raft";
  /** False: the caller will reuse the buffer, so the log copies it, unless `memory` tells how to keep it. */
  readonly retain: boolean;
  /** Where the records lie. The log retains it for as long as it needs them. */
  readonly memory?: SharedMemory | undefined;
  readonly nowMs: number;
}

export type AppendOutcome =
  | {
      readonly ok: true;
      readonly baseOffset: number;
      readonly lastOffset: number;
      /** -1 unless the topic stamps records itself. */
      readonly logAppendTimeMs: number;
      readonly logStartOffset: number;
      /** The producer sent this batch before; the offsets are those it got then. */
      readonly duplicate: boolean;
    }
  | AppendRefusal;

export interface AppendRefusal {
  readonly ok: false;
  readonly errorCode: number;
  readonly message: string;
  readonly recordErrors?: readonly RecordError[];
}

/** Batches that are fit to be appended. */
export interface Prepared {
  readonly ok: true;
  readonly records: Buffer;
  readonly retain: boolean;
  /** Where they lie, unless that is for the log alone. */
  readonly memory: SharedMemory | null;
  readonly maxTimestamp: number;
  readonly logAppendTimeMs: number;
  /** Of the last batch; for all but replicas set once offsets are assigned, an upper bound of deltas before. */
  lastOffset: number;
}

const CODECS: Record<Exclude<CompressionType, "producer">, CodecId> = {
  uncompressed: CODEC.none,
  gzip: CODEC.gzip,
  snappy: CODEC.snappy,
  lz4: CODEC.lz4,
  zstd: CODEC.zstd,
};

const summary = new BatchSummary();
const validateOptions: ValidateOptions = {
  origin: "client",
  topicCompacted: false,
  timestampType: "CreateTime",
  messageTimestampBeforeMaxMs: 0,
  messageTimestampAfterMaxMs: 0,
  nowMs: 0,
};

/** Judges `records` and brings them into the form in which they are stored, but for offsets and epoch. */
export function prepareAppend(
  records: Buffer,
  options: AppendOptions,
  config: LogConfig,
  maxDecompressedBytes: number,
): Prepared | AppendRefusal {
  const prepared =
    options.origin === "client"
      ? prepareClientBatch(records, options, config, maxDecompressedBytes)
      : prepareTrustedBatches(records, options, options.origin === "replica");
  if (prepared.ok && prepared.records.length > config.segmentSizeBytes) {
    return refuse(
      Errors.RECORD_LIST_TOO_LARGE,
      `${prepared.records.length} bytes of records do not fit into a segment of ${config.segmentSizeBytes} bytes.`,
    );
  }
  return prepared;
}

/**
 * Asks the producer state about each batch that has a producer. Returns null when the batches may be appended, else what to answer: a refusal, or
 * the offsets of the same batch appended before.
 */
export function checkProducers(prepared: Prepared, state: ProducerState, logStartOffset: number): AppendOutcome | null {
  const { records } = prepared;
  for (let position = 0; position < records.length; position += batchSizeAt(records, position)) {
    if (producerIdAt(records, position) < 0) continue;
    const check = isControl(attributesAt(records, position))
      ? checkMarker(records, position, state)
      : state.check(producerBatchAt(records, position));
    if (check.kind === "refused") return refuse(check.errorCode, check.message);
    if (check.kind === "duplicate") {
      const { baseOffset, lastOffset } = check;
      const logAppendTimeMs = prepared.logAppendTimeMs < 0 ? -1 : check.timestamp;
      return { ok: true, baseOffset, lastOffset, logAppendTimeMs, logStartOffset, duplicate: true };
    }
  }
  return null;
}

function prepareClientBatch(
  records: Buffer,
  options: AppendOptions,
  config: LogConfig,
  maxDecompressedBytes: number,
): Prepared | AppendRefusal {
  // Before any other work is put into a batch that is too large anyway. Whether its size is true is for validation to say.
  if (records.length >= RECORD_BATCH_OVERHEAD && records.length > config.maxMessageBytes) {
    const sizeBytes = batchSizeAt(records, 0);
    if (sizeBytes > config.maxMessageBytes && sizeBytes <= records.length) return tooLarge(sizeBytes, config);
  }
  const isLogAppendTime = config.timestampType === "LogAppendTime";
  validateOptions.topicCompacted = config.compacts;
  validateOptions.timestampType = config.timestampType;
  validateOptions.messageTimestampBeforeMaxMs = config.timestampBeforeMaxMs;
  validateOptions.messageTimestampAfterMaxMs = config.timestampAfterMaxMs;
  validateOptions.nowMs = options.nowMs;
  validateOptions.maxDecompressedBytes = maxDecompressedBytes;
  const fault = validateProduced(records, validateOptions, summary);
  if (fault !== null) return refuseFault(fault);
  const maxTimestamp = isLogAppendTime ? options.nowMs : summary.maxTimestamp;
  const lastOffset = summary.lastOffsetDelta;
  let batch = records.length === summary.sizeBytes ? records : records.subarray(0, summary.sizeBytes);
  let { retain, memory = null } = options;
  if (config.compressionType !== "producer") {
    const codec = CODECS[config.compressionType];
    if (codecOf(summary.attributes) !== codec) {
      batch = recompress(batch, codec, config.compressionLevel ?? undefined, maxDecompressedBytes);
      retain = true;
      memory = null;
    }
  }
  if (batch.length > config.maxMessageBytes) return tooLarge(batch.length, config);
  stampTimestamps(batch, 0, config.timestampType, maxTimestamp);
  const logAppendTimeMs = isLogAppendTime ? options.nowMs : -1;
  return { ok: true, records: batch, retain, memory, maxTimestamp, logAppendTimeMs, lastOffset };
}

/** Batches of a leader or of this process: whole, undamaged (a replica's), offsets rising. */
function prepareTrustedBatches(records: Buffer, options: AppendOptions, isReplica: boolean): Prepared | AppendRefusal {
  let maxTimestamp = -1;
  let nextOffset = -1;
  let position = 0;
  let lastOffset = 0;
  while (position < records.length) {
    const fault = isReplica ? checkBatch(records, position, records.length) : null;
    const sizeBytes = batchSizeWithin(records, position, records.length);
    // A fetch response may end with a part of a batch.
    if (isReplica && sizeBytes < 0 && position > 0) break;
    if (fault !== null) return refuseFault(fault);
    if (sizeBytes <= 0 || lastOffsetDeltaAt(records, position) < 0)
      return refuse(Errors.CORRUPT_MESSAGE, "Not a whole record batch.");
    if (isReplica && baseOffsetAt(records, position) < nextOffset) {
      return refuse(Errors.CORRUPT_MESSAGE, `Offset ${baseOffsetAt(records, position)} comes after ${nextOffset - 1}.`);
    }
    nextOffset = lastOffsetAt(records, position) + 1;
    lastOffset = isReplica ? nextOffset - 1 : lastOffset + lastOffsetDeltaAt(records, position) + 1;
    maxTimestamp = Math.max(maxTimestamp, maxTimestampAt(records, position));
    position += sizeBytes;
  }
  if (position === 0) return refuse(Errors.INVALID_RECORD, "There is no record batch.");
  const batches = position === records.length ? records : records.subarray(0, position);
  const { retain, memory = null } = options;
  return { ok: true, records: batches, retain, memory, maxTimestamp, logAppendTimeMs: -1, lastOffset };
}

function checkMarker(records: Buffer, position: number, state: ProducerState): ProducerCheck {
  const marker = markerAt(records, position);
  return marker === null ? { kind: "new" } : state.checkMarker(marker);
}

function tooLarge(sizeBytes: number, config: LogConfig): AppendRefusal {
  const message = `The record batch has ${sizeBytes} bytes; the topic takes ${config.maxMessageBytes}.`;
  return refuse(Errors.MESSAGE_TOO_LARGE, message);
}

function refuse(errorCode: number, message: string): AppendRefusal {
  return { ok: false, errorCode, message };
}

function refuseFault(fault: BatchFault): AppendRefusal {
  return fault.recordErrors === undefined
    ? refuse(fault.code, fault.message)
    : { ok: false, errorCode: fault.code, message: fault.message, recordErrors: fault.recordErrors };
}
