/**
 * How much of one log is durable: up to where batches were flushed, from where recovery would have to read, and who wants to be told.
 *
 * A batch is durable once its file was synced, or once the journal that holds it was (`journal/journal.ts`): the file follows later. The recovery
 * point goes by the files alone.
 *
 * A flush says something about the log only as it was when the flush began: one that a cut overtook is not believed.
 */
import type { Disk } from "../platform/platform.ts";
import type { EpochStore } from "./epoch-store.ts";
import type { LogFiles } from "./log-files.ts";
import type { LoadedLog } from "./log-host.ts";
import type { PartitionLog } from "./partition-log.ts";
import type { Segment } from "./segment.ts";

/** Batches at the end of a log that are not durable yet, for the journal. */
export interface JournalExtent {
  readonly segment: Segment;
  /** Where the bytes begin in the segment's file. */
  readonly position: number;
  readonly sizeBytes: number;
  readonly buffers: readonly Buffer[];
  /** The offset after the last batch. */
  readonly endOffset: number;
  readonly cutCount: number;
}

export interface LogDurabilityModules {
  readonly disk: Disk;
  readonly files: LogFiles;
  readonly epochs: EpochStore;
  /** Makes a lowered recovery point durable before it returns. */
  readonly onRecoveryPointLowered: () => void;
}

export class LogDurability {
  readonly #modules: LogDurabilityModules;
  #flushedOffset: number;
  /** End of what is durable in the files. */
  #syncedOffset: number;
  /** Up to here the bytes of this segment are durable, in the file or in the journal. */
  #durable: { segment: Segment; position: number };
  #recoveryPoint: number;
  #cutCount = 0;
  /** A cut overtook the latest flush: nobody knows what that made durable. */
  #isOvertaken = false;
  readonly #listeners = new Set<(log: PartitionLog) => void>();

  constructor(loaded: LoadedLog, modules: LogDurabilityModules) {
    this.#modules = modules;
    this.#flushedOffset = this.#syncedOffset = loaded.logEndOffset;
    this.#durable = { segment: loaded.segments.active, position: loaded.segments.active.sizeBytes };
    this.#recoveryPoint = loaded.recoveryPoint;
  }

  /** End of what is durable. */
  get flushedOffset(): number {
    return this.#flushedOffset;
  }

  /** End of what is durable without the journal. Never above the end of the log. */
  get syncedOffset(): number {
    return this.#syncedOffset;
  }

  /** What stands in the active segment of `log`, or is to, and is durable nowhere. */
  unflushedBytes(log: PartitionLog): number {
    const { active } = log.segments;
    const position = this.#durable.segment === active ? this.#durable.position : 0;
    return active.sizeBytes - position;
  }

  /** Whether a flush must be repeated although nothing was appended since. */
  get isOvertaken(): boolean {
    return this.#isOvertaken;
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

  /** Calls the listeners: more of `log` may be acknowledged, whether it is durable or not. */
  announce(log: PartitionLog): void {
    for (const listener of this.#listeners) listener(log);
  }

  /** Syncs what `log` has written so far; {@link flushedOffset} moves and listeners are called before the promise resolves. */
  async flush(log: PartitionLog): Promise<void> {
    const { files } = this.#modules;
    const endOffset = log.writtenOffset;
    const cutCount = this.#cutCount;
    const durable = { segment: log.segments.active, position: log.writtenPosition };
    await files.sync();
    // Closed meanwhile, the files may have been let go of as they were.
    if (log.isClosed) return;
    // The log was cut meanwhile: what was synced may not be what it holds now. Another round will tell.
    if (cutCount !== this.#cutCount) {
      this.#isOvertaken = true;
      return;
    }
    this.#isOvertaken = false;
    this.#syncedOffset = Math.max(this.#syncedOffset, endOffset);
    this.#flushed(log, endOffset, durable);
  }

  /** Syncs what `log` has written so far, blocking. {@link flushedOffset} stays: nobody is told of a flush amid whatever needs this. */
  syncNow(log: PartitionLog): void {
    const endOffset = log.writtenOffset;
    if (log.isClosed) return;
    this.#modules.files.syncNow();
    this.#syncedOffset = Math.max(this.#syncedOffset, endOffset);
  }

  /** What of `log` is written and not durable, as it is to stand in the journal; null when it is more than `maxBytes`, or only a flush of the files will do. */
  extent(log: PartitionLog, maxBytes: number): JournalExtent | null {
    if (this.#isOvertaken || !this.#modules.files.lacksOnlyBytes) return null;
    const segment = log.segments.active;
    const position = this.#durable.segment === segment ? this.#durable.position : 0;
    const sizeBytes = log.writtenPosition - position;
    if (sizeBytes <= 0 || sizeBytes > maxBytes) return null;
    const buffers = log.tail.slices(segment, position, log.writtenPosition);
    if (buffers === null) return null;
    return { segment, position, sizeBytes, buffers, endOffset: log.writtenOffset, cutCount: this.#cutCount };
  }

  /** The journal holds `extent`, durably. */
  journaled(log: PartitionLog, extent: JournalExtent): void {
    if (log.isClosed || extent.cutCount !== this.#cutCount) return;
    this.#flushed(log, extent.endOffset, {
      segment: extent.segment,
      position: extent.position + extent.sizeBytes,
    });
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
    // After each wait the log may be closed, and its directory have another name or none.
    if (this.#syncedOffset < endOffset) await this.flush(log);
    if (log.isClosed) return false;
    await files.syncDerived();
    if (log.isClosed) return false;
    await epochs.write(() => log.isClosed);
    if (log.isClosed) return false;
    disk.syncDirectory(files.directory);
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

  /** The log was cut, durably, and ends at `offset`, at `position` of `segment`. */
  cut(offset: number, segment: Segment, position: number): void {
    this.#flushedOffset = Math.min(this.#flushedOffset, offset);
    this.#syncedOffset = Math.min(this.#syncedOffset, offset);
    this.#durable = { segment, position };
    this.#recoveryPoint = Math.min(this.#recoveryPoint, offset);
    this.#cutCount += 1;
  }

  /** The log was emptied and begins again at `offset` with `segment`, durably. */
  restart(offset: number, segment: Segment): void {
    this.#flushedOffset = this.#syncedOffset = this.#recoveryPoint = offset;
    this.#durable = { segment, position: 0 };
    this.#cutCount += 1;
  }

  /** All of the log, which ends at `offset`, was synced for a clean stop. */
  finish(offset: number): void {
    this.#flushedOffset = this.#syncedOffset = this.#recoveryPoint = offset;
  }

  /** The log's directory has another name now. */
  relocate(directory: string): void {
    this.#modules.files.relocate(directory);
    this.#modules.epochs.relocate(directory);
  }

  /** Nobody is told any more. */
  close(): void {
    this.#listeners.clear();
  }

  #flushed(log: PartitionLog, endOffset: number, durable: { segment: Segment; position: number }): void {
    // A segment that was rolled meanwhile is durable whole.
    if (durable.segment === log.segments.active) {
      const before = this.#durable.segment === durable.segment ? this.#durable.position : 0;
      this.#durable = { segment: durable.segment, position: Math.max(before, durable.position) };
    }
    if (endOffset <= this.#flushedOffset) return;
    this.#flushedOffset = endOffset;
    this.announce(log);
  }
}
