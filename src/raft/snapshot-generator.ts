/**
 * Has a snapshot of the metadata written when enough was appended or enough time went by since the last (KIP-630,
 * `metadata.log.max.record.bytes.between.snapshots`, `metadata.log.max.snapshot.interval.ms`).
 *
 * It knows when; the owner of the image knows what: {@link SnapshotSource}. An image is written in slices, one a tick, so that requests are
 * served in between.
 */
import type { Logger } from "../logging/logger.ts";
import { DiskError, type Timer, type Timers } from "../platform/platform.ts";
import type { CommittedBatch, ReplicatedLog, SnapshotId, SnapshotWriter } from "./replicated-log.ts";

/** A state to write, fixed while it is written. */
export interface SnapshotImage {
  /** Everything below `endOffset` is in it, nothing else. */
  readonly id: SnapshotId;
  /** Append time of the last record in it, in ms. */
  readonly lastContainedLogTimeMs: number;
  /** Its records, encoded, in slices that take a few milliseconds each to make. */
  batches(): Iterable<readonly Buffer[]>;
}

/** The newest image of the committed metadata; null when there is none yet. */
export type SnapshotSource = () => SnapshotImage | null;

export interface SnapshotGeneratorOptions {
  readonly maxBytesBetweenSnapshots: number;
  /** 0 for no limit. Nothing is written when nothing was appended. */
  readonly maxIntervalMs: number;
}

export interface SnapshotGeneratorModules {
  readonly log: ReplicatedLog;
  readonly source: SnapshotSource;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Told when a snapshot failed for another reason than a full disk. */
  readonly onFatal: (error: Error) => void;
}

export class SnapshotGenerator {
  readonly #options: SnapshotGeneratorOptions;
  readonly #modules: SnapshotGeneratorModules;
  #unsubscribe: (() => void) | null = null;
  #intervalTimer: Timer | null = null;
  /** Batches committed since the last snapshot, and their size. Control batches do not count: a snapshot of nothing new is no use. */
  #bytesSince = 0;
  #writer: SnapshotWriter | null = null;
  #isScheduled = false;

  constructor(options: SnapshotGeneratorOptions, modules: SnapshotGeneratorModules) {
    this.#options = options;
    this.#modules = modules;
  }

  start(): void {
    const { log, timers } = this.#modules;
    this.#unsubscribe = log.subscribe({
      loadSnapshot: () => {
        this.#bytesSince = 0;
      },
      committed: batch => this.#committed(batch),
    });
    const { maxIntervalMs } = this.#options;
    if (maxIntervalMs > 0) {
      this.#intervalTimer = timers.every(maxIntervalMs, () => {
        if (this.#bytesSince > 0) this.#schedule("interval");
      });
    }
  }

  /** Drops a snapshot that is being written. */
  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#intervalTimer?.clear();
    this.#writer?.abort();
    this.#writer = null;
  }

  #committed(batch: CommittedBatch): void {
    if (batch.isControl) return;
    this.#bytesSince += batch.sizeBytes;
    if (this.#bytesSince >= this.#options.maxBytesBetweenSnapshots) this.#schedule("size");
  }

  /** In a later tick: the image's owner may not have been told of the batch yet. */
  #schedule(reason: string): void {
    if (this.#isScheduled || this.#writer !== null) return;
    this.#isScheduled = true;
    this.#modules.timers.endOfTick(() => {
      this.#isScheduled = false;
      if (this.#unsubscribe !== null && this.#writer === null) this.#begin(reason);
    });
  }

  #begin(reason: string): void {
    const image = this.#modules.source();
    if (image === null) return;
    try {
      this.#writer = this.#modules.log.createSnapshot(image.id, image.lastContainedLogTimeMs);
    } catch (error) {
      this.#failed(error as Error);
    }
    // Counted from here even when it fails: the next attempt is to wait for as much again, or for the interval.
    this.#bytesSince = 0;
    if (this.#writer === null) return;
    this.#modules.logger.info("snapshot.started", { ...image.id, reason });
    this.#write(this.#writer, image.batches()[Symbol.iterator]());
  }

  #write(writer: SnapshotWriter, batches: Iterator<readonly Buffer[]>): void {
    if (this.#writer !== writer) return;
    try {
      const next = batches.next();
      if (next.done !== true) {
        writer.append(next.value);
        this.#modules.timers.endOfTick(() => this.#write(writer, batches));
        return;
      }
    } catch (error) {
      this.#failed(error as Error);
      return;
    }
    writer.freeze().then(
      () => {
        if (this.#writer === writer) this.#writer = null;
      },
      error => {
        if (this.#writer === writer) this.#failed(error as Error);
      },
    );
  }

  #failed(error: Error): void {
    this.#modules.logger.error("snapshot.failed", { error: error.message });
    this.#writer?.abort();
    this.#writer = null;
    if (!(error instanceof DiskError && error.code === "ENOSPC")) this.#modules.onFatal(error);
  }
}
