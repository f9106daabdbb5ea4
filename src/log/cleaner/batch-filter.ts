/**
 * Which records of a batch stay, and the batch with only those: Kafka's rules of compaction, batch by batch.
 *
 * A batch that stays whole is left as it is. One that loses records, or whose tombstones or marker begin their last days, is written anew in its
 * codec: base offset, last offset and producer fields stay, so that offsets and sequences go on as if nothing was gone. The attribute bit 6
 * then says that the base timestamp holds the delete horizon (KIP-534), the time from which tombstones and the marker may go.
 *
 * A batch without records is dropped unless it is the last one of an active producer, whose sequence or epoch would be forgotten, or the last
 * one that this cleaning reads: those stay as a bare header.
 */
import {
  attributesAt,
  BASE_TIMESTAMP_OFFSET,
  baseTimestampAt,
  CODEC_MASK,
  codecOf,
  computeCrc,
  DELETE_HORIZON_FLAG,
  hasDeleteHorizon,
  isControl,
  isTransactional,
  LENGTH_OFFSET,
  LOG_OVERHEAD,
  lastOffsetAt,
  MAX_TIMESTAMP_OFFSET,
  maxTimestampAt,
  NO_TIMESTAMP,
  producerEpochAt,
  producerIdAt,
  RECORD_BATCH_OVERHEAD,
  RECORD_COUNT_OFFSET,
  recordCountAt,
  setAttributes,
  setCrc,
  timestampTypeOf,
  writeInt32,
  writeInt64,
} from "../../../protocol/records/batch.ts";
import { type CodecId, compress } from "../../../protocol/records/compression/index.ts";
import { varintSizeBytes, writeVarint, writeVarlong } from "../../../protocol/records/varint.ts";
import type { CleanedTransactions } from "./cleaned-transactions.ts";
import type { OffsetMap } from "./offset-map.ts";
import { RecordWalk } from "./record-walk.ts";

/** What the log knows of an active producer's last batch. */
export interface LastProducerBatch {
  readonly producerId: number;
  /** Last offset of its last batch of data; -1 when a marker of {@link epoch} came after all of them. */
  readonly lastDataOffset: number;
  readonly epoch: number;
}

export interface BatchFilterOptions {
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  /** The offset after the last one that this cleaning covers. */
  readonly endOffset: number;
  readonly lastProducerBatches: readonly LastProducerBatch[];
}

/** What was read and what stayed. */
export interface FilterCounts {
  batches: number;
  keptBatches: number;
  records: number;
  keptRecords: number;
  /** Records without a key, which have no place in a compacted log. */
  keylessRecords: number;
}

type Retention = "delete" | "delete-when-empty" | "keep-when-empty";

const INITIAL_RECORDS = 1024;

export class BatchFilter {
  readonly counts: FilterCounts = { batches: 0, keptBatches: 0, records: 0, keptRecords: 0, keylessRecords: 0 };
  readonly #options: BatchFilterOptions;
  readonly #offsets: OffsetMap;
  readonly #transactions: CleanedTransactions;
  readonly #lastBatches: ReadonlyMap<number, LastProducerBatch>;
  readonly #walk = new RecordWalk();
  /** Of each kept record: where it starts, where its offset delta starts, where it ends. */
  #places = new Int32Array(INITIAL_RECORDS * 3);
  #timestampDeltas = new Float64Array(INITIAL_RECORDS);
  #keptCount = 0;
  #keptTombstone = false;
  /** Scratch for the records of a batch that is written anew. */
  #payload = Buffer.allocUnsafe(64 * 1024);

  constructor(options: BatchFilterOptions, modules: { offsets: OffsetMap; transactions: CleanedTransactions }) {
    this.#options = options;
    this.#offsets = modules.offsets;
    this.#transactions = modules.transactions;
    this.#lastBatches = new Map(options.lastProducerBatches.map(batch => [batch.producerId, batch]));
  }

  /**
   * The batch at `position` as it is to be: null when it goes, `buffer` itself when it stays as it is, otherwise a new one.
   * Batches must come in the order of the log.
   *
   * @throws BatchFormatError, DecompressionError when the batch is damaged
   */
  filter(buffer: Buffer, position: number): Buffer | null {
    const attributes = attributesAt(buffer, position);
    const lastOffset = lastOffsetAt(buffer, position);
    const horizonMs = hasDeleteHorizon(attributes) ? baseTimestampAt(buffer, position) : null;
    const isMarker = isControl(attributes);
    const canDiscard = isMarker
      ? this.#transactions.onControlBatch(buffer, position, lastOffset)
      : this.#transactions.onBatch(producerIdAt(buffer, position), lastOffset, isTransactional(attributes));
    const discardsRecords = canDiscard && (!isMarker || (horizonMs !== null && horizonMs <= this.#options.nowMs));

    this.counts.batches += 1;
    this.counts.records += recordCountAt(buffer, position);
    const retention = this.#retentionOf(buffer, position, lastOffset, isMarker, discardsRecords);
    if (retention === "delete") return null;
    const keepsAll = this.#select(buffer, position, isMarker, discardsRecords, horizonMs);
    if (this.#keptCount === 0) {
      if (retention === "delete-when-empty") return null;
      this.counts.keptBatches += 1;
      return emptied(buffer, position);
    }
    this.counts.keptBatches += 1;
    this.counts.keptRecords += this.#keptCount;
    const beginsHorizon = horizonMs === null && (this.#keptTombstone || (isMarker && canDiscard));
    if (keepsAll && !beginsHorizon) return buffer;
    const newHorizonMs = beginsHorizon ? this.#options.nowMs + this.#options.deleteRetentionMs : horizonMs;
    return this.#rebuild(buffer, position, newHorizonMs);
  }

  #retentionOf(
    buffer: Buffer,
    position: number,
    lastOffset: number,
    isMarker: boolean,
    discardsRecords: boolean,
  ): Retention {
    const last = this.#lastBatches.get(producerIdAt(buffer, position));
    if (last !== undefined) {
      const isLast =
        last.lastDataOffset >= 0
          ? lastOffset === last.lastDataOffset
          : isMarker && producerEpochAt(buffer, position) === last.epoch;
      if (isLast) return "keep-when-empty";
    }
    // Where the cleaning ended stays visible in the file.
    if (lastOffset + 1 === this.#options.endOffset) return "keep-when-empty";
    return discardsRecords ? "delete" : "delete-when-empty";
  }

  /** Notes which records stay; true when all do. */
  #select(
    buffer: Buffer,
    position: number,
    isMarker: boolean,
    discardsRecords: boolean,
    horizonMs: number | null,
  ): boolean {
    this.#keptCount = 0;
    this.#keptTombstone = false;
    if (discardsRecords) return false;
    const walk = this.#walk;
    const keepsTombstones = horizonMs === null || this.#options.nowMs < horizonMs;
    let keepsAll = true;
    walk.open(buffer, position);
    while (walk.next()) {
      if (!isMarker && !this.#stays(keepsTombstones)) {
        keepsAll = false;
        continue;
      }
      if (this.#keptCount === this.#timestampDeltas.length) this.#grow();
      const at = this.#keptCount * 3;
      this.#places[at] = walk.start;
      this.#places[at + 1] = walk.offsetDeltaStart;
      this.#places[at + 2] = walk.end;
      this.#timestampDeltas[this.#keptCount] = walk.timestampDelta;
      this.#keptCount += 1;
      if (!walk.hasValue) this.#keptTombstone = true;
    }
    return keepsAll;
  }

  /** Whether the record stepped on stays. */
  #stays(keepsTombstones: boolean): boolean {
    const walk = this.#walk;
    if (walk.offset > this.#offsets.latestOffset) return true;
    if (walk.keyStart < 0) {
      this.counts.keylessRecords += 1;
      return false;
    }
    if (!walk.hasValue && !keepsTombstones) return false;
    return walk.offset >= this.#offsets.get(walk.bytes, walk.keyStart, walk.keyEnd);
  }

  /** The batch with the selected records only; `horizonMs` is the delete horizon it has or gets, null without one. */
  #rebuild(buffer: Buffer, position: number, horizonMs: number | null): Buffer {
    const attributes = attributesAt(buffer, position);
    const oldBaseTimestamp = baseTimestampAt(buffer, position);
    const appendTime = timestampTypeOf(attributes) === "LogAppendTime" ? maxTimestampAt(buffer, position) : null;
    const firstTimestamp = appendTime ?? oldBaseTimestamp + this.#timestampDeltas[0]!;
    const baseTimestamp = horizonMs ?? firstTimestamp;
    const bytes = this.#walk.bytes;
    // A timestamp that lies further from its base may take up to nine bytes more, and the length in front of it another.
    this.#reserve(this.#places[this.#keptCount * 3 - 1]! - this.#places[0]! + this.#keptCount * 10);
    const payload = this.#payload;
    let maxTimestamp = NO_TIMESTAMP;
    let payloadEnd = 0;
    for (let index = 0; index < this.#keptCount; index += 1) {
      const start = this.#places[index * 3]!;
      const offsetDeltaStart = this.#places[index * 3 + 1]!;
      const end = this.#places[index * 3 + 2]!;
      const timestamp = appendTime ?? oldBaseTimestamp + this.#timestampDeltas[index]!;
      if (timestamp > maxTimestamp) maxTimestamp = timestamp;
      if (appendTime === null && baseTimestamp === oldBaseTimestamp) {
        bytes.copy(payload, payloadEnd, start, end);
        payloadEnd += end - start;
        continue;
      }
      const timestampDelta = timestamp - baseTimestamp;
      payloadEnd = writeVarint(payload, payloadEnd, 1 + varintSizeBytes(timestampDelta) + end - offsetDeltaStart);
      // Attributes of a record: none are in use.
      payload[payloadEnd++] = 0;
      payloadEnd = writeVarlong(payload, payloadEnd, timestampDelta);
      bytes.copy(payload, payloadEnd, offsetDeltaStart, end);
      payloadEnd += end - offsetDeltaStart;
    }
    const records = compress(codecOf(attributes) as CodecId, payload.subarray(0, payloadEnd));
    const batch = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD + records.length);
    buffer.copy(batch, 0, position, position + RECORD_BATCH_OVERHEAD);
    batch.set(records, RECORD_BATCH_OVERHEAD);
    if (horizonMs !== null) setAttributes(batch, 0, attributes | DELETE_HORIZON_FLAG);
    writeInt64(batch, BASE_TIMESTAMP_OFFSET, baseTimestamp);
    writeInt64(batch, MAX_TIMESTAMP_OFFSET, maxTimestamp);
    writeInt32(batch, RECORD_COUNT_OFFSET, this.#keptCount);
    finish(batch);
    return batch;
  }

  #reserve(sizeBytes: number): void {
    if (this.#payload.length < sizeBytes) this.#payload = Buffer.allocUnsafe(sizeBytes);
  }

  #grow(): void {
    const places = new Int32Array(this.#places.length * 2);
    places.set(this.#places);
    this.#places = places;
    const timestampDeltas = new Float64Array(this.#timestampDeltas.length * 2);
    timestampDeltas.set(this.#timestampDeltas);
    this.#timestampDeltas = timestampDeltas;
  }
}

/** The header of the batch at `position`, as one of a batch without records. */
function emptied(buffer: Buffer, position: number): Buffer {
  const batch = Buffer.from(buffer.subarray(position, position + RECORD_BATCH_OVERHEAD));
  setAttributes(batch, 0, attributesAt(buffer, position) & ~(CODEC_MASK | DELETE_HORIZON_FLAG));
  writeInt64(batch, BASE_TIMESTAMP_OFFSET, NO_TIMESTAMP);
  writeInt32(batch, RECORD_COUNT_OFFSET, 0);
  finish(batch);
  return batch;
}

function finish(batch: Buffer): void {
  writeInt32(batch, LENGTH_OFFSET, batch.length - LOG_OVERHEAD);
  setCrc(batch, 0, computeCrc(batch, 0, batch.length));
}
