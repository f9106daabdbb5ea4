/**
 * How much of one log is durable: up to where batches were flushed, from where recovery would have to read, and who wants to be told.
 *
 * A flush says something about the log only as it was when the flush began: one that a cut overtook is not believed.
 */
import type { Disk } from "../platform/platform.ts";
import type { EpochStore } from "./epoch-store.ts";
import type { LogFiles } from "./log-files.ts";
import type { LoadedLog } from "./log-host.ts";
import type { PartitionLog } from "./partition-log.ts";

export interface LogDurabilityModules {
  readonly disk: Disk;
  readonly files: LogFiles;
  readonly epochs: EpochStore;
  /** Makes a lowered recovery point durable before it returns. */
  readonly onRecoveryPointLowered: () => void;
}

export class LogDurability {
  readonly #modules: LogDurabilityModules;
  readonly #directory: string;
  #flushedOffset: number;
  #recoveryPoint: number;
  #cutCount = 0;
  readonly #listeners = new Set<(log: PartitionLog) => void>();

  constructor(loaded: Pick<LoadedLog, "directory" | "logEndOffset" | "recoveryPoint">, modules: LogDurabilityModules) {
    this.#modules = modules;
    this.#directory = loaded.directory;
    this.#flushedOffset = loaded.logEndOffset;
    this.#recoveryPoint = loaded.recoveryPoint;
  }

  /** End of what is durable. */
  get flushedOffset(): number {
    return this.#flushedOffset;
  }

  /** Recovery after a crash reads from here; all below is durable, indexes and checkpoints included. */
  get recoveryPoint(): number {
    return this.#recoveryPoint;
  }

  /** Counts truncations: a flush that one overtook says nothing about what is there now. */
  get cutCount(): number {
    return this.#cutCount;
  }

  /** Calls `listener` after each flush that moved {@link flushedOffset}. Returns the way to stop that. */
  onFlushed(listener: (log: PartitionLog) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes what `log` has written so far durable; {@link flushedOffset} moves and listeners are called before the promise resolves. */
  async flush(log: PartitionLog): Promise<void> {
    const { files } = this.#modules;
    const endOffset = log.writtenOffset;
    const cutCount = this.#cutCount;
    await files.sync();
    // The log was cut meanwhile: what was synced may not be what it holds now. Another round will tell.
    if (cutCount !== this.#cutCount) {
      files.written();
      return;
    }
    if (endOffset <= this.#flushedOffset) return;
    this.#flushedOffset = endOffset;
    for (const listener of this.#listeners) listener(log);
  }

  /**
   * Moves the recovery point up to what is flushed, making durable first whatever recovery would have rebuilt from the batches below it. Returns
   * whether it moved; the manager then writes the checkpoint file.
   */
  async advanceRecoveryPoint(log: PartitionLog): Promise<boolean> {
    const { files, epochs, disk } = this.#modules;
    const endOffset = this.#flushedOffset;
    const cutCount = this.#cutCount;
    if (endOffset === this.#recoveryPoint && !epochs.isDirty) return false;
    await files.syncDerived();
    await epochs.write();
    if (log.isClosed) return false;
    disk.syncDirectory(this.#directory);
    if (cutCount !== this.#cutCount) return false;
    this.#recoveryPoint = endOffset;
    return true;
  }

  /** The log is about to be cut at `offset`: recovery must begin there. Throws having changed nothing. */
  lowerRecoveryPoint(offset: number): void {
    const before = this.#recoveryPoint;
    if (before <= offset) return;
    this.#recoveryPoint = offset;
    try {
      this.#modules.onRecoveryPointLowered();
    } catch (error) {
      this.#recoveryPoint = before;
      throw error;
    }
  }

  /** The log was cut, durably, and ends at `offset`. */
  cut(offset: number): void {
    this.#flushedOffset = Math.min(this.#flushedOffset, offset);
    this.#recoveryPoint = Math.min(this.#recoveryPoint, offset);
    this.#cutCount += 1;
  }

  /** The log was emptied and begins again at `offset`, durably. */
  restart(offset: number): void {
    this.#flushedOffset = this.#recoveryPoint = offset;
    this.#cutCount += 1;
  }

  /** All of the log, which ends at `offset`, was synced for a clean stop. */
  finish(offset: number): void {
    this.#flushedOffset = this.#recoveryPoint = offset;
  }

  /** Nobody is told any more. */
  close(): void {
    this.#listeners.clear();
  }
}
