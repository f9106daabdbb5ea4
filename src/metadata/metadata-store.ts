/**
 * The committed metadata of this node: follows the replicated log and tells everybody who cares what changed.
 *
 * ```ts
 * const store = new MetadataStore({ log, logger });
 * store.subscribe((image, delta) => { for (const change of delta.topics.values()) … });
 * store.start();
 * ```
 */
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { Logger } from "../logging/logger.ts";
import type { CommittedBatch, ReplicatedLog, SnapshotReader } from "../raft/replicated-log.ts";
import type { SnapshotImage } from "../raft/snapshot-generator.ts";
import { ImageEditor } from "./apply.ts";
import { diffImages, type MetadataDelta } from "./delta.ts";
import { emptyImage, type MetadataImage } from "./image.ts";
import { type MetadataRecord, metadataRecordCodec } from "./records.ts";
import { snapshotRecords } from "./snapshot.ts";
import { isTransactionBound } from "./transactions.ts";

export interface MetadataStoreModules {
  readonly log: ReplicatedLog;
  readonly logger: Logger;
}

/**
 * Told of every new image, synchronously, in the order of subscription. Must not throw: a broker that missed a change is broken. The first call
 * comes once the store has caught up with what was committed at its start, so topics that came and went before are never seen.
 */
export type MetadataListener = (image: MetadataImage, delta: MetadataDelta) => void;

interface Waiting {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class MetadataStore {
  readonly #modules: MetadataStoreModules;
  readonly #listeners: MetadataListener[] = [];
  #image: MetadataImage = emptyImage;
  /** What is committed of a metadata transaction that has not ended; nobody sees it before (KIP-868). */
  #transaction: ImageEditor | null = null;
  #isCaughtUp = false;
  #logTimeMs = -1;
  #waiting: Waiting[] = [];
  #unsubscribe: (() => void) | null = null;

  constructor(modules: MetadataStoreModules) {
    this.#modules = modules;
  }

  /** The latest committed image. Immutable: hold on to it for a consistent view. */
  get image(): MetadataImage {
    return this.#image;
  }

  /** Whether all that the quorum had committed, by its leader's word, is in the image, and listeners are told of changes. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  /** Append time of the last committed record, in ms; -1 before the first. */
  get lastContainedLogTimeMs(): number {
    return this.#logTimeMs;
  }

  /** What a snapshot taken now would hold; null when there is nothing yet, or a transaction is open. For the `SnapshotGenerator`. */
  snapshotImage(): SnapshotImage | null {
    const image = this.#image;
    if (image.offset < 0 || this.#transaction !== null) return null;
    return {
      id: { endOffset: image.offset + 1, epoch: image.epoch },
      lastContainedLogTimeMs: this.#logTimeMs,
      batches: () => encodedBatches(image),
    };
  }

  /** Begins to follow the log. */
  start(): void {
    this.#unsubscribe = this.#modules.log.subscribe({
      loadSnapshot: snapshot => this.#loadSnapshot(snapshot),
      committed: batch => this.#committed(batch),
      current: () => {
        if (!this.#isCaughtUp && this.#image.offset >= 0)
          this.#publish(this.#image, diffImages(this.#image, this.#image));
      },
    });
  }

  /** Stops following; all who wait are rejected with `ApiError` NOT_CONTROLLER. */
  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    const error = new ApiError(Errors.NOT_CONTROLLER, "this node stops");
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }

  /** Calls `listener` for every later image. A late subscriber reads {@link image} first. */
  subscribe(listener: MetadataListener): () => void {
    this.#listeners.push(listener);
    return () => {
      const index = this.#listeners.indexOf(listener);
      if (index >= 0) this.#listeners.splice(index, 1);
    };
  }

  /** Resolves once the image holds `offset` and all listeners were told. */
  waitFor(offset: number): Promise<void> {
    if (this.#isCaughtUp && this.#image.offset >= offset) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ offset, resolve, reject }));
  }

  #loadSnapshot(snapshot: SnapshotReader): void {
    const editor = new ImageEditor(emptyImage);
    for (const batch of snapshot.batches()) {
      for (const value of batch) editor.apply(metadataRecordCodec.decode(value));
    }
    const { endOffset, epoch } = snapshot.id;
    const { image } = editor.finish(endOffset - 1, epoch);
    this.#transaction = null;
    this.#logTimeMs = snapshot.lastContainedLogTimeMs;
    this.#publish(image, diffImages(this.#image, image));
    this.#modules.logger.info("metadata.snapshot-loaded", { endOffset, epoch, topics: image.topics.size });
  }

  /** Applies a committed batch; what it changed is published once, at its end. */
  #committed(batch: CommittedBatch): void {
    this.#logTimeMs = batch.appendTimeMs;
    let editor = this.#transaction ?? new ImageEditor(this.#image);
    for (const [index, value] of batch.records.entries()) {
      const record = metadataRecordCodec.decode(value);
      if (isTransactionBound(record))
        editor = this.#applyBound(record, editor, batch.baseOffset + index - 1, batch.epoch);
      else editor.apply(record);
    }
    if (this.#transaction !== null) return;
    const { image, delta } = editor.finish(batch.lastOffset, batch.epoch);
    this.#publish(image, delta);
  }

  /** Returns the editor that takes the records after a transaction's bound. */
  #applyBound(record: MetadataRecord, editor: ImageEditor, offsetBefore: number, epoch: number): ImageEditor {
    if (record.type === "EndTransactionRecord") {
      this.#transaction = null;
      return editor;
    }
    if (record.type === "AbortTransactionRecord") {
      this.#transaction = null;
      return new ImageEditor(this.#image);
    }
    // What stood before the transaction is complete, even within the same batch.
    if (this.#transaction === null) {
      const { image, delta } = editor.finish(offsetBefore, epoch);
      if (image.offset > this.#image.offset) this.#publish(image, delta);
    }
    this.#transaction = new ImageEditor(this.#image);
    return this.#transaction;
  }

  #publish(image: MetadataImage, delta: MetadataDelta): void {
    this.#image = image;
    if (!this.#tellListeners(image, delta)) return;
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter(({ offset }) => offset <= image.offset);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter(({ offset }) => offset > image.offset);
    for (const { resolve } of due) resolve();
  }

  /** Returns false while nobody is told anything yet. */
  #tellListeners(image: MetadataImage, delta: MetadataDelta): boolean {
    let told = delta;
    if (!this.#isCaughtUp) {
      const { log } = this.#modules;
      // Who acts on old news leads partitions in epochs that are over.
      if (image.offset + 1 < log.highWatermark || !log.isHighWatermarkCurrent) return false;
      this.#isCaughtUp = true;
      told = diffImages(emptyImage, image);
    }
    for (const listener of [...this.#listeners]) listener(image, told);
    return true;
  }
}

/** Records a slice of a snapshot holds: about a millisecond of encoding. */
const RECORDS_PER_SLICE = 500;

function* encodedBatches(image: MetadataImage): Generator<readonly Buffer[]> {
  let batch: Buffer[] = [];
  for (const record of snapshotRecords(image)) {
    batch.push(metadataRecordCodec.encode(record));
    if (batch.length < RECORDS_PER_SLICE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
