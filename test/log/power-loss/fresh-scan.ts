/** What a log's files say when they are read from the beginning, by the simplest code there is: what loaded and rebuilt state is held against. */
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  batchSizeAt,
  computeCrc,
  crcAt,
  isControl,
  isTransactional,
  lastOffsetAt,
  maxTimestampAt,
  partitionLeaderEpochAt,
  producerEpochAt,
  producerIdAt,
} from "../../../protocol/records/batch.ts";
import { decodeControlRecord } from "../../../protocol/records/control.ts";
import { decodeRecords } from "../../../protocol/records/record.ts";
import type { LeaderEpochEntry } from "../../../src/log/leader-epochs.ts";

export interface ScannedBatch {
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly bytes: Buffer;
}

export interface ScannedProducer {
  epoch: number;
  lastSequence: number;
  lastOffset: number;
  transactionFirstOffset: number;
}

/** The batches of `contents`, all of which must be whole and pass their checksums. */
export function scanBatches(contents: Buffer): ScannedBatch[] {
  const batches: ScannedBatch[] = [];
  for (let position = 0; position < contents.length; ) {
    const sizeBytes = position + 61 <= contents.length ? batchSizeAt(contents, position) : 0;
    if (sizeBytes < 61 || position + sizeBytes > contents.length) throw new Error(`no whole batch at ${position}`);
    if (crcAt(contents, position) !== computeCrc(contents, position, sizeBytes))
      throw new Error(`the batch at ${position} fails its checksum`);
    batches.push({
      baseOffset: baseOffsetAt(contents, position),
      endOffset: lastOffsetAt(contents, position) + 1,
      bytes: contents.subarray(position, position + sizeBytes),
    });
    position += sizeBytes;
  }
  return batches;
}

/** The offset index of a segment: relative last offset and position of each indexed batch. */
export function scanOffsetIndex(batches: readonly ScannedBatch[], baseOffset: number, intervalBytes: number): number[] {
  const words: number[] = [];
  let position = 0;
  let indexedPosition = 0;
  for (const batch of batches) {
    if (position - indexedPosition > intervalBytes) {
      words.push(batch.endOffset - 1 - baseOffset, position);
      indexedPosition = position;
    }
    position += batch.bytes.length;
  }
  return words;
}

/**
 * The time index of a segment as `[timestamp, relative offset]` pairs. `required`: what its batches make; `possible`: any true statement, for a
 * clean stop adds one where it happens.
 */
export function scanTimeIndex(
  batches: readonly ScannedBatch[],
  baseOffset: number,
  intervalBytes: number,
): { required: string[]; possible: Set<string> } {
  const required: string[] = [];
  const possible = new Set<string>();
  let position = 0;
  let indexedPosition = 0;
  let maxTimestamp = -1;
  let entry = "";
  for (const batch of batches) {
    const timestamp = maxTimestampAt(batch.bytes, 0);
    if (timestamp > maxTimestamp) {
      maxTimestamp = timestamp;
      entry = `${timestamp} ${batch.endOffset - 1 - baseOffset}`;
      possible.add(entry);
    }
    if (position - indexedPosition > intervalBytes) {
      if (required.at(-1) !== entry) required.push(entry);
      indexedPosition = position;
    }
    position += batch.bytes.length;
  }
  return { required, possible };
}

/** Leader epochs and where they begin, of a log that begins at `logStartOffset`. */
export function scanEpochs(batches: readonly ScannedBatch[], logStartOffset: number): LeaderEpochEntry[] {
  const entries: LeaderEpochEntry[] = [];
  let latest = -1;
  for (const batch of batches) {
    const epoch = partitionLeaderEpochAt(batch.bytes, 0);
    if (epoch === latest) continue;
    latest = epoch;
    entries.push({ epoch, startOffset: Math.max(batch.baseOffset, logStartOffset) });
  }
  return entries;
}

export interface ScannedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** Producers and aborted transactions. */
export function scanProducers(batches: readonly ScannedBatch[]): {
  producers: Map<number, ScannedProducer>;
  aborted: ScannedTransaction[];
} {
  const producers = new Map<number, ScannedProducer>();
  const aborted: ScannedTransaction[] = [];
  for (const { bytes, baseOffset, endOffset } of batches) {
    const producerId = producerIdAt(bytes, 0);
    if (producerId < 0) continue;
    const epoch = producerEpochAt(bytes, 0);
    const producer = producers.get(producerId) ?? {
      epoch,
      lastSequence: -1,
      lastOffset: -1,
      transactionFirstOffset: -1,
    };
    producers.set(producerId, producer);
    producer.epoch = epoch;
    if (isControl(attributesAt(bytes, 0))) {
      const record = decodeRecords(bytes)[0]!;
      const { type } = decodeControlRecord(record.key, record.value);
      if (type === "abort" && producer.transactionFirstOffset >= 0)
        aborted.push({ producerId, firstOffset: producer.transactionFirstOffset, lastOffset: baseOffset });
      producer.transactionFirstOffset = -1;
      continue;
    }
    // Compaction may have taken records, but not their numbers.
    producer.lastSequence = baseSequenceAt(bytes, 0) + endOffset - 1 - baseOffset;
    producer.lastOffset = endOffset - 1;
    if (isTransactional(attributesAt(bytes, 0)) && producer.transactionFirstOffset < 0)
      producer.transactionFirstOffset = baseOffset;
  }
  return { producers, aborted };
}
