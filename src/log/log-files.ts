/**
 * The segment files of one log: making and removing them, and the order in which they become durable.
 *
 * The order is what recovery relies on. A segment's files exist only once all of the segment before is durable, so a crash leaves no hole behind
 * which batches could survive. Segments go from the end, one durable removal after the other, when the log is cut, and from the front, once the new
 * log start is durable, when they grow old.
 */
import { parentOf } from "../platform/files.ts";
import type { Clock, Disk, Random } from "../platform/platform.ts";
import type { CleanedSegment } from "./cleaner/clean-log.ts";
import { swapSegmentFiles } from "./cleaner/segment-swap.ts";
import type { LogConfig } from "./log-config.ts";
import { syncPartitionMetadata, syncPartitionMetadataNow } from "./partition-metadata.ts";
import type { ProducerStore } from "./producer-store.ts";
import { Segment } from "./segment.ts";
import type { SegmentCache } from "./segment-cache.ts";
import type { Segments } from "./segments.ts";

export interface LogFilesOptions {
  readonly directory: string;
  readonly segments: Segments;
  readonly producers: ProducerStore;
  /** Nothing is durable yet, not even the directory. */
  readonly isNew: boolean;
}

export interface LogFilesModules {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly segmentCache: SegmentCache;
  /** Removes files once the delay has passed. */
  readonly removeLater: (delayMs: number, remove: () => Promise<void>) => void;
  /** A sync failed: nobody knows what is durable, and the process must end. */
  readonly onSyncFailed: (error: unknown) => void;
}

export class LogFiles {
  readonly segments: Segments;
  #directory: string;
  readonly #producers: ProducerStore;
  readonly #modules: LogFilesModules;
  readonly #disk: Disk;
  /** Segments whose files hold bytes that are not durable, each with the number of its latest change: a sync covers what came before it. */
  readonly #unsynced = new Map<Segment, number>();
  #changeCount = 0;
  /** Rolled segments whose indexes are not durable. */
  #unsyncedIndexes: Segment[] = [];
  #directoryDirty: boolean;
  /** The sync under way, or the one that failed. */
  #syncing: Promise<void> | null = null;
  /** A sync failed: another one that was under way and succeeds is not believed. */
  #failure: unknown = null;
  /** Base offset of the oldest segment whose removal is not durable; null when there is none. */
  #oldestRemoved: number | null = null;
  #isNew: boolean;
  #isClosed = false;

  constructor(options: LogFilesOptions, modules: LogFilesModules) {
    this.segments = options.segments;
    this.#directory = options.directory;
    this.#producers = options.producers;
    this.#directoryDirty = options.isNew;
    this.#isNew = options.isNew;
    this.#modules = modules;
    this.#disk = modules.disk;
  }

  /** Whether the bytes of the active segment are all that is not durable: every file is there for good. */
  get lacksOnlyBytes(): boolean {
    return (
      !this.#isNew && !this.#directoryDirty && this.#unsynced.size === 1 && this.#unsynced.has(this.segments.active)
    );
  }

  get directory(): string {
    return this.#directory;
  }

  /** The directory has another name now; open files stay as they are. */
  relocate(directory: string): void {
    this.#directory = directory;
    this.#producers.relocate(directory);
    for (const segment of this.segments.all()) segment.relocate(directory);
  }

  /** Base offset of the oldest segment that a crash might leave on disk. */
  get oldestBaseOffset(): number {
    return this.#oldestRemoved ?? this.segments.first.baseOffset;
  }

  /** Bytes were written to the active segment, or it was cut. */
  written(): void {
    this.#changeCount += 1;
    this.#unsynced.set(this.segments.active, this.#changeCount);
  }

  /** Ends the active segment and begins the next at `baseOffset`. Throws having changed nothing. */
  roll(baseOffset: number, config: LogConfig): void {
    const old = this.segments.active;
    this.syncNow();
    const isSnapshotNew = this.#producers.takeSnapshot(baseOffset);
    let segment: Segment;
    try {
      old.completeIndexes();
      // The new log file is the last thing made: one that was left behind would be a hole.
      segment = this.#create(baseOffset, config);
    } catch (error) {
      if (isSnapshotNew) this.#producers.truncateTo(baseOffset - 1);
      throw error;
    }
    old.becomeInactive();
    this.#unsyncedIndexes.push(old);
    this.segments.push(segment);
  }

  /** Removes all segments from number `index` on, durably. */
  removeFromEnd(index: number, config: LogConfig): void {
    for (let last = this.segments.count - 1; last >= index; last -= 1) {
      this.#remove(this.segments.pop(last)[0]!, config);
      this.#disk.syncDirectory(this.#directory);
    }
  }

  /** Removes the first `count` segments. The log start must be durable before. */
  removeFromStart(count: number, config: LogConfig): void {
    this.#oldestRemoved ??= this.segments.first.baseOffset;
    for (const segment of this.segments.shift(count)) this.#remove(segment, config);
    this.#directoryDirty = true;
  }

  /** Puts what the cleaner wrote, durable under its `.cleaned` names, in the place of the segments from number `index` on that it replaces. */
  replace(index: number, cleaned: CleanedSegment, config: LogConfig): void {
    const { baseOffset, sizeBytes, modifiedMs, hasTransactionIndex } = cleaned;
    const old = this.segments.all().slice(index, index + cleaned.replaces.length);
    swapSegmentFiles(this.#directory, old, cleaned, { disk: this.#disk });
    const segment = new Segment(
      {
        ...{ directory: this.#directory, baseOffset, sizeBytes, modifiedMs, hasTransactionIndex },
        indexIntervalBytes: config.indexIntervalBytes,
      },
      { disk: this.#disk, cache: this.#modules.segmentCache },
    );
    this.segments.replace(index, old.length, segment);
    this.#directoryDirty = true;
    // The producer snapshot of the first one is that of the new one.
    for (const replaced of old) this.#forget(replaced, config, replaced.baseOffset !== baseOffset);
  }

  /** Begins again with one empty segment, durably. */
  restart(baseOffset: number, config: LogConfig): void {
    this.removeFromEnd(0, config);
    this.segments.push(this.#create(baseOffset, config));
    this.syncNow();
  }

  /**
   * Makes all that was written so far durable, off the event loop, but for directory entries. One sync at a time: the system tells of a failure but
   * once, so of two at the same time one might succeed although the bytes are lost.
   */
  sync(): Promise<void> {
    const done = this.#syncing === null ? this.#sync() : this.#syncing.then(() => this.#sync());
    const settled = (): void => {
      if (this.#syncing === done) this.#syncing = null;
    };
    // A failed one stays: it is final.
    done.then(settled, () => {});
    this.#syncing = done;
    return done;
  }

  async #sync(): Promise<void> {
    let segments: (readonly [Segment, number])[] = [];
    try {
      if (this.#isNew) await syncPartitionMetadata(this.#disk, this.#directory);
      this.#syncDirectories();
      segments = [...this.#unsynced];
      await Promise.all(segments.map(([segment]) => segment.file.sync()));
    } catch (error) {
      this.#failed(error);
    }
    if (this.#failure !== null) throw this.#failure;
    // What was written meanwhile is for the next one.
    for (const [segment, change] of segments) {
      if (this.#unsynced.get(segment) === change) this.#unsynced.delete(segment);
    }
  }

  /** As {@link sync}, blocking. */
  syncNow(): void {
    try {
      if (this.#isNew) syncPartitionMetadataNow(this.#disk, this.#directory);
      for (const segment of this.#unsynced.keys()) segment.file.syncNow();
      this.#unsynced.clear();
      this.#syncDirectories();
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  /** Cuts the active segment at `position`, where `offset` begins, durably: what was cut must not come back behind what is appended next. */
  cut(position: number, offset: number): void {
    this.segments.active.truncateTo(position, offset);
    this.written();
    this.syncNow();
  }

  /** Makes durable what recovery would otherwise rebuild from batches below the recovery point: indexes of rolled segments, producer snapshots. */
  async syncDerived(): Promise<void> {
    const segments = this.#unsyncedIndexes;
    this.#unsyncedIndexes = [];
    for (const segment of segments) if (!segment.deleted) await segment.syncIndexes();
    await this.#producers.sync();
  }

  /** Writes and syncs everything, so that the log can be opened again without recovery. */
  finish(logEndOffset: number): void {
    this.syncNow();
    this.segments.active.completeIndexes();
    let isChanged = false;
    for (const segment of [...this.#unsyncedIndexes, this.segments.active])
      if (segment.syncIndexesNow()) isChanged = true;
    this.#unsyncedIndexes = [];
    if (this.#producers.takeSnapshot(logEndOffset)) isChanged = true;
    this.#producers.syncNow();
    if (isChanged) this.#disk.syncDirectory(this.#directory);
  }

  /** Closes all files as they are. */
  close(): void {
    this.#isClosed = true;
    this.#unsynced.clear();
    for (const segment of this.segments.all()) segment.close();
  }

  #create(baseOffset: number, config: LogConfig): Segment {
    const { clock, random, segmentCache: cache } = this.#modules;
    const { indexIntervalBytes } = config;
    const options = { directory: this.#directory, baseOffset, modifiedMs: clock.now(), indexIntervalBytes };
    const segment = Segment.create(options, { disk: this.#disk, cache });
    const jitterMs = Math.min(config.segmentJitterMs, config.segmentMs);
    segment.rollJitterMs = jitterMs > 0 ? Math.floor(random.float() * jitterMs) : 0;
    this.#directoryDirty = true;
    return segment;
  }

  #remove(segment: Segment, config: LogConfig): void {
    segment.markDeleted();
    this.#forget(segment, config, true);
  }

  /** Has the files of a segment, which are marked as deleted, removed later; and its producer snapshot if `withSnapshot`. */
  #forget(segment: Segment, config: LogConfig, withSnapshot: boolean): void {
    this.#unsyncedIndexes = this.#unsyncedIndexes.filter(other => other !== segment);
    this.#unsynced.delete(segment);
    const snapshotPath = withSnapshot ? this.#producers.markDeleted(segment.baseOffset) : null;
    this.#modules.removeLater(config.fileDeleteDelayMs, async () => {
      await segment.removeFiles();
      if (snapshotPath !== null) await this.#disk.removeAsync(snapshotPath);
    });
  }

  #failed(error: unknown): void {
    this.#failure = error;
    // Files that were let go of meanwhile may be gone: nothing of them is needed, and nobody is told that it is durable.
    if (!this.#isClosed) this.#modules.onSyncFailed(error);
  }

  #syncDirectories(): void {
    if (this.#isNew) {
      this.#disk.syncDirectory(parentOf(this.#directory));
      this.#isNew = false;
    }
    if (this.#directoryDirty) {
      this.#disk.syncDirectory(this.#directory);
      this.#directoryDirty = false;
      this.#oldestRemoved = null;
    }
  }
}
