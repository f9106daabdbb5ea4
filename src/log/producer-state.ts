/**
 * What a log knows of the producers that wrote to it (KIP-98, KIP-360, KIP-890): their epochs, the sequences of their last five batches, and
 * their open transactions. It makes retries idempotent and bounds what a reader of committed records may see.
 *
 * `check` decides about a batch and changes nothing; `update` notes an appended one. The state is rebuilt by replaying batches, so it never
 * has to be durable by itself; snapshots (`producer-snapshot.ts`) shorten the replay.
 */
import { Errors } from "../../protocol/errors.ts";
import { sequenceAfter } from "../../protocol/records/batch.ts";
import type { AbortedTransaction } from "./transaction-index.ts";

/** How many batches of a producer are remembered, and so how many requests it may have in flight. */
export const DEDUPLICATION_WINDOW = 5;
const NO_EPOCH = -1;
const NO_OFFSET = -1;
const MAX_SEQUENCE = 0x7fffffff;

/** The facts of one record batch that matter here. */
export interface ProducerBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly isTransactional: boolean;
}

/** An abort or commit marker. */
export interface EndTransactionMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly isCommit: boolean;
}

export interface RememberedBatch {
  readonly lastSequence: number;
  readonly lastOffset: number;
  readonly offsetDelta: number;
  readonly timestamp: number;
}

export interface ProducerEntry {
  readonly producerId: number;
  epoch: number;
  coordinatorEpoch: number;
  lastTimestamp: number;
  /** First offset of the open transaction, -1 without one. */
  transactionFirstOffset: number;
  /** Oldest first. */
  batches: RememberedBatch[];
  /** A snapshot, which holds but one batch, told of the producer: those before stand in the log alone (`producer-recall.ts`). */
  mayHaveOlder: boolean;
}

export type ProducerCheck =
  | { readonly kind: "new" }
  | { readonly kind: "duplicate"; readonly baseOffset: number; readonly lastOffset: number; readonly timestamp: number }
  | { readonly kind: "refused"; readonly errorCode: number; readonly message: string };

const NEW: ProducerCheck = { kind: "new" };

export class ProducerState {
  readonly #producers = new Map<number, ProducerEntry>();
  /** Open transactions: producer id by first offset, in order of first offset since offsets only grow. */
  readonly #ongoing = new Map<number, number>();
  /** Ended transactions whose marker lies at or above the high watermark: first offset → marker's offset. */
  readonly #unreplicated = new Map<number, number>();

  get size(): number {
    return this.#producers.size;
  }

  get(producerId: number): ProducerEntry | undefined {
    return this.#producers.get(producerId);
  }

  entries(): IterableIterator<ProducerEntry> {
    return this.#producers.values();
  }

  /** The first offset that a reader of committed records must not see; null when there is none. */
  get firstUnstableOffset(): number | null {
    const ongoing = this.#ongoing.keys().next();
    const unreplicated = this.#unreplicated.keys().next();
    if (ongoing.done) return unreplicated.done ? null : unreplicated.value;
    return unreplicated.done ? ongoing.value : Math.min(ongoing.value, unreplicated.value);
  }

  /** Decides about a batch of a client: append it, answer with the offset it already has, or refuse it. */
  check(batch: ProducerBatch): ProducerCheck {
    const entry = this.#producers.get(batch.producerId);
    if (entry === undefined || entry.epoch === NO_EPOCH) return NEW;
    if (batch.producerEpoch < entry.epoch) {
      return {
        kind: "refused",
        errorCode: Errors.INVALID_PRODUCER_EPOCH,
        message: `Epoch ${batch.producerEpoch} of producer ${batch.producerId} is older than its last epoch ${entry.epoch}.`,
      };
    }
    if (batch.baseSequence < 0) return NEW;
    if (batch.producerEpoch !== entry.epoch) {
      return batch.baseSequence === 0 ? NEW : outOfOrder(batch, "a new epoch must begin at 0");
    }
    const lastSequence = sequenceAfter(batch.baseSequence, batch.lastOffset - batch.baseOffset);
    for (const known of entry.batches) {
      if (known.lastSequence !== lastSequence) continue;
      if (((known.lastSequence - known.offsetDelta) & MAX_SEQUENCE) !== batch.baseSequence) continue;
      const baseOffset = known.lastOffset - known.offsetDelta;
      return { kind: "duplicate", baseOffset, lastOffset: known.lastOffset, timestamp: known.timestamp };
    }
    const last = entry.batches.at(-1);
    if (last === undefined) return batch.baseSequence === 0 ? NEW : outOfOrder(batch, "the first must be 0");
    const expected = sequenceAfter(last.lastSequence, 1);
    return batch.baseSequence === expected ? NEW : outOfOrder(batch, `${expected} is next`);
  }

  /** Whether a marker may be written: its coordinator must not be an older one, nor its epoch below the producer's. */
  checkMarker(marker: EndTransactionMarker): ProducerCheck {
    const entry = this.#producers.get(marker.producerId);
    if (entry === undefined) return NEW;
    if (marker.producerEpoch < entry.epoch) {
      const message = `Epoch ${marker.producerEpoch} of producer ${marker.producerId} is older than its last epoch ${entry.epoch}.`;
      return { kind: "refused", errorCode: Errors.INVALID_PRODUCER_EPOCH, message };
    }
    if (marker.coordinatorEpoch < entry.coordinatorEpoch) {
      const message = `Coordinator epoch ${marker.coordinatorEpoch} is older than ${entry.coordinatorEpoch}.`;
      return { kind: "refused", errorCode: Errors.TRANSACTION_COORDINATOR_FENCED, message };
    }
    return NEW;
  }

  /** Notes a batch that was appended. */
  update(batch: ProducerBatch): void {
    const entry = this.#entryFor(batch.producerId, batch.producerEpoch);
    entry.lastTimestamp = batch.maxTimestamp;
    if (entry.batches.length === DEDUPLICATION_WINDOW) {
      entry.batches.shift();
      entry.mayHaveOlder = false;
    }
    entry.batches.push(rememberedBatch(batch));
    if (batch.isTransactional && entry.transactionFirstOffset === NO_OFFSET) {
      entry.transactionFirstOffset = batch.baseOffset;
      this.#ongoing.set(batch.baseOffset, batch.producerId);
    }
  }

  /** Notes a marker that was appended. Returns the transaction's entry for the index when it was an abort of something written here. */
  updateMarker(marker: EndTransactionMarker): AbortedTransaction | null {
    const entry = this.#entryFor(marker.producerId, marker.producerEpoch);
    entry.coordinatorEpoch = marker.coordinatorEpoch;
    entry.lastTimestamp = marker.timestamp;
    const firstOffset = entry.transactionFirstOffset;
    if (firstOffset === NO_OFFSET) return null;
    entry.transactionFirstOffset = NO_OFFSET;
    this.#ongoing.delete(firstOffset);
    this.#unreplicated.set(firstOffset, marker.offset);
    if (marker.isCommit) return null;
    const next = this.#ongoing.keys().next();
    const lastStableOffset = next.done ? marker.offset + 1 : next.value;
    return { producerId: marker.producerId, firstOffset, lastOffset: marker.offset, lastStableOffset };
  }

  /** Markers below `highWatermark` are committed: their transactions no longer hold readers back. */
  highWatermarkMoved(highWatermark: number): void {
    for (const [firstOffset, markerOffset] of this.#unreplicated) {
      if (markerOffset < highWatermark) this.#unreplicated.delete(firstOffset);
    }
  }

  /** Forgets producers that wrote nothing for `expirationMs` and have no open transaction. Returns how many. */
  expire(nowMs: number, expirationMs: number): number {
    let count = 0;
    for (const entry of this.#producers.values()) {
      if (entry.transactionFirstOffset !== NO_OFFSET || nowMs - entry.lastTimestamp < expirationMs) continue;
      this.#producers.delete(entry.producerId);
      count += 1;
    }
    return count;
  }

  /** Replaces all state by the entries of a snapshot. */
  restore(entries: readonly ProducerEntry[]): void {
    this.clear();
    for (const entry of entries) this.#producers.set(entry.producerId, entry);
    const open = entries.filter(entry => entry.transactionFirstOffset !== NO_OFFSET);
    open.sort((a, b) => a.transactionFirstOffset - b.transactionFirstOffset);
    for (const entry of open) this.#ongoing.set(entry.transactionFirstOffset, entry.producerId);
  }

  /** Takes from `other`, the state of a log with the same batches, the producers whose batches are all gone from them. */
  adopt(other: ProducerState): void {
    for (const entry of other.entries()) {
      if (this.#producers.has(entry.producerId)) continue;
      this.#producers.set(entry.producerId, entry);
    }
  }

  clear(): void {
    this.#producers.clear();
    this.#ongoing.clear();
    this.#unreplicated.clear();
  }

  #entryFor(producerId: number, epoch: number): ProducerEntry {
    let entry = this.#producers.get(producerId);
    if (entry === undefined) {
      entry = {
        producerId,
        epoch,
        coordinatorEpoch: -1,
        lastTimestamp: -1,
        transactionFirstOffset: NO_OFFSET,
        batches: [],
        mayHaveOlder: false,
      };
      this.#producers.set(producerId, entry);
    } else if (entry.epoch !== epoch) {
      entry.epoch = epoch;
      entry.batches = [];
      entry.mayHaveOlder = false;
    }
    return entry;
  }
}

/** What is remembered of `batch`. */
export function rememberedBatch(batch: ProducerBatch): RememberedBatch {
  const offsetDelta = batch.lastOffset - batch.baseOffset;
  const lastSequence = batch.baseSequence < 0 ? -1 : sequenceAfter(batch.baseSequence, offsetDelta);
  return { lastSequence, lastOffset: batch.lastOffset, offsetDelta, timestamp: batch.maxTimestamp };
}

function outOfOrder(batch: ProducerBatch, expectation: string): ProducerCheck {
  return {
    kind: "refused",
    errorCode: Errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
    message: `Sequence ${batch.baseSequence} of producer ${batch.producerId}, epoch ${batch.producerEpoch}, is out of order: ${expectation}.`,
  };
}
