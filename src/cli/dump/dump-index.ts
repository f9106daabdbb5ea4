/** Index files and producer snapshots as lines of text, in the form of Kafka's kafka-dump-log. */
import { decoderOf, ProducerSnapshot, Reader } from "../../../protocol/index.ts";
import {
  baseOffsetAt,
  CORRUPT,
  crc32c,
  INCOMPLETE,
  lastOffsetAt,
  maxTimestampAt,
  nextBatchSize,
  readInt64,
  sequenceAfter,
} from "../../../protocol/records/index.ts";
import { optionalLong } from "./dump-log.ts";

const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;
const TRANSACTION_ENTRY_BYTES = 34;

interface OffsetEntry {
  readonly offset: number;
  readonly position: number;
}

interface TimeEntry {
  readonly timestamp: number;
  readonly offset: number;
}

/** An `.index` file. `path` is what the file is called in a line about an empty one. */
export function* dumpOffsetIndex(contents: Buffer, baseOffset: number, path: string): Generator<string> {
  const entries = offsetEntries(contents, baseOffset);
  if (entries.length === 0) yield `${path} is empty.`;
  for (const { offset, position } of entries) yield `offset: ${offset} position: ${position}`;
}

/** A `.timeindex` file. */
export function* dumpTimeIndex(contents: Buffer, baseOffset: number): Generator<string> {
  for (const { timestamp, offset } of timeEntries(contents, baseOffset))
    yield `timestamp: ${timestamp} offset: ${offset}`;
}

/** A `.txnindex` file. */
export function* dumpTransactionIndex(contents: Buffer): Generator<string> {
  for (let at = 0; at + TRANSACTION_ENTRY_BYTES <= contents.length; at += TRANSACTION_ENTRY_BYTES) {
    const [producerId, firstOffset, lastOffset, lastStableOffset] = [2, 10, 18, 26].map(field =>
      readInt64(contents, at + field),
    );
    yield `version: ${contents.readInt16BE(at)} producerId: ${producerId} firstOffset: ${firstOffset} lastOffset: ${lastOffset} lastStableOffset: ${lastStableOffset}`;
  }
}

const SNAPSHOT_CRC_END = 6;

/** A producer `.snapshot` file. */
export function* dumpProducerSnapshot(contents: Buffer): Generator<string> {
  const reader = new Reader(contents);
  const version = reader.int16();
  const snapshot = decoderOf(ProducerSnapshot, version)(reader);
  if (crc32c(contents, SNAPSHOT_CRC_END, contents.length) !== snapshot.crc)
    yield `The snapshot is damaged: its CRC is not ${snapshot.crc}.`;
  for (const producer of snapshot.producerEntries) {
    const {
      producerId,
      epoch,
      coordinatorEpoch,
      currentTxnFirstOffset,
      timestamp,
      lastSequence,
      lastOffset,
      offsetDelta,
    } = producer;
    const transaction = optionalLong(currentTxnFirstOffset === -1 ? null : currentTxnFirstOffset);
    const head = `producerId: ${producerId} producerEpoch: ${epoch} coordinatorEpoch: ${coordinatorEpoch} currentTxnFirstOffset: ${transaction} lastTimestamp: ${timestamp}`;
    const batch = `firstSequence: ${sequenceAfter(lastSequence, -offsetDelta)} lastSequence: ${lastSequence} lastOffset: ${lastOffset} offsetDelta: ${offsetDelta} timestamp: ${timestamp}`;
    yield lastOffset < 0 ? head : `${head} ${batch}`;
  }
}

/**
 * What is wrong with a segment's indexes, one line each; none when all is well. Offset entries must name the batch that begins at their position
 * by its last offset; time entries must name an offset in the segment up to which no timestamp is larger; both must rise.
 */
export function* verifyIndexes(
  log: Buffer,
  offsetIndex: Buffer | null,
  timeIndex: Buffer | null,
  baseOffset: number,
): Generator<string> {
  const batches = batchFacts(log);
  let previousOffset = -1;
  for (const { offset, position } of offsetEntries(offsetIndex ?? Buffer.alloc(0), baseOffset)) {
    const batch = batches.get(position);
    if (!batch) yield `index: offset ${offset} is said to be at position ${position}, where no batch begins`;
    else if (batch.lastOffset !== offset)
      yield `index: offset ${offset} at position ${position} is the batch up to offset ${batch.lastOffset}`;
    if (offset <= previousOffset) yield `index: offset ${offset} comes after ${previousOffset}`;
    previousOffset = offset;
  }
  let previousTimestamp = -1;
  for (const { timestamp, offset } of timeEntries(timeIndex ?? Buffer.alloc(0), baseOffset)) {
    const upTo = [...batches.values()].filter(batch => batch.baseOffset <= offset);
    const largest = Math.max(-1, ...upTo.map(batch => batch.maxTimestamp));
    if (upTo.length === 0 || offset > [...batches.values()].at(-1)!.lastOffset)
      yield `timeindex: offset ${offset} is not in the segment`;
    else if (largest > timestamp)
      yield `timeindex: timestamp ${timestamp} for offset ${offset}, but the log has ${largest} up to there`;
    if (timestamp <= previousTimestamp) yield `timeindex: timestamp ${timestamp} comes after ${previousTimestamp}`;
    previousTimestamp = timestamp;
  }
}

function batchFacts(log: Buffer): Map<number, { baseOffset: number; lastOffset: number; maxTimestamp: number }> {
  const facts = new Map<number, { baseOffset: number; lastOffset: number; maxTimestamp: number }>();
  for (let position = 0; position < log.length; ) {
    const sizeBytes = nextBatchSize(log, position, log.length);
    if (sizeBytes === INCOMPLETE || sizeBytes === CORRUPT) break;
    facts.set(position, {
      baseOffset: baseOffsetAt(log, position),
      lastOffset: lastOffsetAt(log, position),
      maxTimestamp: maxTimestampAt(log, position),
    });
    position += sizeBytes;
  }
  return facts;
}

/** Entries up to the zeros at the end of a file that was never trimmed to its size. */
function offsetEntries(contents: Buffer, baseOffset: number): OffsetEntry[] {
  const entries: OffsetEntry[] = [];
  for (let at = 0; at + OFFSET_ENTRY_BYTES <= contents.length; at += OFFSET_ENTRY_BYTES) {
    const [relativeOffset, position] = [contents.readInt32BE(at), contents.readInt32BE(at + 4)];
    if (relativeOffset === 0 && position === 0) break;
    entries.push({ offset: baseOffset + relativeOffset, position });
  }
  return entries;
}

function timeEntries(contents: Buffer, baseOffset: number): TimeEntry[] {
  const entries: TimeEntry[] = [];
  for (let at = 0; at + TIME_ENTRY_BYTES <= contents.length; at += TIME_ENTRY_BYTES) {
    const [timestamp, relativeOffset] = [readInt64(contents, at), contents.readInt32BE(at + 8)];
    if (timestamp === 0 && relativeOffset === 0) break;
    entries.push({ timestamp, offset: baseOffset + relativeOffset });
  }
  return entries;
}
