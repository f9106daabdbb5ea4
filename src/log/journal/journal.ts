/**
 * The write-ahead journal of one log directory: makes what many logs have appended durable with one sequential write and one sync.
 *
 * Segment files are written as ever, at the end of the tick; only their syncs come later, in the background, and before the journal's space is used
 * again. After a crash the journal is replayed into the files before anything else looks at the directory (`replay.ts`); at a clean stop it is gone.
 *
 * The journal is a ring of files (`journal-format.ts`). Frames go into the active one. A full one is sealed; once the files of all logs in the oldest
 * sealed one are synced, it is retired, durably and in order, and can be used again. Without room a round syncs files instead, which is what makes
 * room.
 *
 * What a log's frames say must not come back once the log was cut, deleted or renamed: {@link forget} comes before that, durably.
 *
 * ```ts
 * if (await journal.commit(entries)) for (const { log, extent } of entries) log.journaled(extent);
 * else await Promise.all(entries.map(({ log }) => log.flushNow()));
 * ```
 */
import type { Logger } from "../../logging/index.ts";
import { joinPath, nameOf } from "../../platform/files.ts";
import type { Clock, Disk, Random, Timers } from "../../platform/platform.ts";
import { isDiskFull } from "../disk-full.ts";
import { forEachParallel } from "../parallel.ts";
import { flushOpen, identityOf, type JournalEntry, type JournalLog } from "./journal-entry.ts";
import { JournalFile, type NewFrame, newFrame } from "./journal-file.ts";
import { journalFileName, removeJournal } from "./journal-files.ts";
import { FRAMES_START } from "./journal-format.ts";
import type { JournalOptions } from "./journal-options.ts";

/** A journal that could not be made, or lost its space, is made again no sooner than this. */
const RETRY_AFTER_MS = 60_000;
/** Files beyond the limit, for cuts that cannot wait until one is let go of. */
const MOST_EXTRA_FILES = 4;
/** The header of a file not in use, which is all that a new one has: it grows with its first use. */
const UNUSED = Buffer.alloc(FRAMES_START);

export interface JournalModules {
  readonly disk: Disk;
  readonly clock: Pick<Clock, "monotonic">;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** A sync failed: nobody knows what is durable, and the process must end. */
  readonly onSyncFailed: (error: unknown) => void;
  /** Whether that has happened, here or elsewhere. */
  readonly hasFailed: () => boolean;
  /** A write failed, though the disk is not full. */
  readonly onFailed: (error: unknown) => void;
}

export class Journal {
  readonly directory: string;
  readonly #options: JournalOptions;
  readonly #modules: JournalModules;
  #active: JournalFile<JournalLog> | null = null;
  /** Full, the oldest first. */
  #sealed: JournalFile<JournalLog>[] = [];
  #unused: JournalFile<JournalLog>[] = [];
  #fileCount = 0;
  #generation: number;
  #lastFrameCount = 0;
  /** Rounds that would have used a journal. */
  #wantedCount = 0;
  #notBeforeMs = 0;
  #making: Promise<void> | null = null;
  /** Of the file that is being made. */
  #makingName: string | null = null;
  #releasing: Promise<void> | null = null;
  #isStopped = false;

  constructor(options: JournalOptions & { readonly directory: string }, modules: JournalModules) {
    this.directory = options.directory;
    this.#options = options;
    this.#modules = modules;
    // A journal of before that somebody puts back must not look like a part of this one.
    this.#generation = 1 + modules.random.integer(0x7fff_ffff);
  }

  get isReady(): boolean {
    return this.#active !== null || this.#unused.length > 0;
  }

  /** The most that {@link commit} can take at once. */
  get capacityBytes(): number {
    return this.#options.fileSizeBytes - FRAMES_START;
  }

  /** A round would have used the journal. Once that happened often enough it is made, in the background. */
  want(): void {
    this.#wantedCount += 1;
    if (this.#wantedCount >= this.#options.roundsBefore) this.#grow();
  }

  /** Makes the journal's first file now. Resolves when that is done, or cannot be. */
  async prepare(): Promise<void> {
    this.#grow();
    await this.#making;
  }

  /**
   * Makes entries durable. False when there is no room, or no space on the disk, and nothing is promised.
   * @throws DiskError: the directory is not to be used any more, or a sync failed
   */
  async commit(entries: readonly JournalEntry[]): Promise<boolean> {
    if (entries.length === 0) return true;
    const file = this.#write(entries.map(({ frame }) => frame));
    if (file === null) return false;
    for (const { log, extent } of entries) file.logs.set(log, extent.endOffset);
    await file.sync();
    return true;
  }

  /** Whether anything of `log` stands in the journal, durable in its files by now or not. */
  holds(log: JournalLog): boolean {
    return this.#inUse().some(file => file.logs.has(log));
  }

  /**
   * From here on nothing of what the journal holds of `log` is replayed: durable after {@link syncNow}. What of it is to survive must be durable in
   * the log's files before.
   * @throws DiskError: the directory is not to be used any more
   */
  forget(log: JournalLog): void {
    if (!this.holds(log)) return;
    for (const used of this.#inUse()) used.logs.delete(log);
    const content = { kind: "void", ...identityOf(log), baseOffset: 0, position: 0 } as const;
    const frame = newFrame(content, [], 0);
    let file = this.#write([frame]);
    if (file === null && this.#makeNow()) file = this.#write([frame]);
    if (file === null && this.#fileCount > 0) {
      this.#releaseNow();
      file = this.#write([frame]);
    }
    if (file === null && this.#fileCount > 0) this.removeNow();
  }

  /** Makes what {@link forget} wrote durable. */
  syncNow(): void {
    this.#orFatal(() => this.#active?.syncNow());
  }

  /** Ends the background work; the journal stays as it is. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#making;
    await this.#releasing;
  }

  /** Syncs what only the journal holds and removes it, durably; leaves it for the next start if a log that needs it was given up. */
  removeNow(): void {
    const files = [...this.#unused, ...this.#inUse()];
    if (files.length === 0) return;
    const isNeeded = this.#inUse().some(file => [...file.logs.keys()].some(log => log.isClosed && needs(file, log)));
    if (!isNeeded) for (const file of this.#inUse()) this.#syncLogsNow(file);
    for (const file of files) file.close();
    this.#active = null;
    this.#sealed = [];
    this.#unused = [];
    this.#fileCount = 0;
    this.#wantedCount = 0;
    this.#notBeforeMs = this.#modules.clock.monotonic() + RETRY_AFTER_MS;
    if (isNeeded) return;
    removeJournal(
      this.#modules.disk,
      this.directory,
      files.map(({ path }) => nameOf(path)),
    );
  }

  /** After a failed sync, here or elsewhere, no later one may be believed: nothing is let go of any more. */
  get #isOver(): boolean {
    return this.#isStopped || this.#modules.hasFailed();
  }

  /** In the order of their generations. */
  #inUse(): JournalFile<JournalLog>[] {
    return this.#active === null ? this.#sealed : [...this.#sealed, this.#active];
  }

  /** Writes frames into one file; null when there is no room, or the disk is full. */
  #write(frames: readonly NewFrame[]): JournalFile<JournalLog> | null {
    let sizeBytes = 0;
    for (const frame of frames) sizeBytes += frame.sizeBytes;
    if (sizeBytes > this.capacityBytes) return null;
    const file = this.#fileFor(sizeBytes);
    if (file === null) return null;
    try {
      file.write(frames);
    } catch (error) {
      if (isDiskFull(error)) {
        this.#modules.logger.warn("journal.disk-full", { directory: this.directory });
        this.removeNow();
        return null;
      }
      this.#modules.onFailed(error);
      throw error;
    }
    return file;
  }

  #fileFor(sizeBytes: number): JournalFile<JournalLog> | null {
    if (this.#active?.hasRoomFor(sizeBytes)) return this.#active;
    const full = this.#active;
    const next = this.#unused[0];
    if (next === undefined) {
      this.#grow();
      if (full === null) return null;
    }
    if (full !== null) {
      // A frame of the next generation says that all of this one are durable.
      this.#orFatal(() => full.syncNow());
      this.#lastFrameCount = full.frameCount;
      this.#active = null;
      this.#sealed.push(full);
      if (this.#mustRelease) this.#release();
    }
    if (next === undefined) return null;
    this.#unused.shift();
    this.#generation += 1;
    next.begin(this.#generation, this.#lastFrameCount);
    this.#active = next;
    // Another is made while this one fills.
    if (this.#unused.length === 0) this.#grow();
    return next;
  }

  /**
   * Whether the oldest sealed file is to be let go of. The later that is, the more of a log's appends does the one sync cover that it takes. But once that
   * is enough for a sync not to matter, waiting only makes the journal larger; and with half of the room left there is the time to sync one log after
   * the other.
   */
  get #mustRelease(): boolean {
    const oldest = this.#sealed[0];
    if (oldest === undefined) return false;
    const { fileSizeBytes, fileCount, bytesPerSync } = this.#options;
    const enoughBytes = Math.min(oldest.logs.size * bytesPerSync, (fileCount * fileSizeBytes) / 2);
    return this.#isShort || this.#sealed.length * fileSizeBytes >= enoughBytes;
  }

  /** Whether there will be no room soon. */
  get #isShort(): boolean {
    const { fileCount } = this.#options;
    return this.#unused.length + fileCount - this.#fileCount <= Math.max(1, fileCount >> 2);
  }

  /** Makes another file in the background, if there may be one. */
  #grow(): void {
    const { clock } = this.#modules;
    if (this.#making !== null || this.#isOver || this.#fileCount >= this.#options.fileCount) return;
    if (clock.monotonic() < this.#notBeforeMs) return;
    this.#making = this.#make().finally(() => {
      this.#making = null;
    });
  }

  async #make(): Promise<void> {
    const { disk, logger, clock } = this.#modules;
    const name = journalFileName(this.#freeNumber());
    const path = joinPath(this.directory, name);
    this.#makingName = name;
    try {
      const file = disk.open(path, "write");
      try {
        file.writev([UNUSED], 0);
        await file.sync();
        disk.syncDirectory(this.directory);
      } catch (error) {
        file.close();
        throw error;
      }
      this.#fileCount += 1;
      this.#unused.push(new JournalFile(file, this.#options.fileSizeBytes));
      logger.info("journal.file-made", { path });
    } catch (error) {
      if (!isDiskFull(error)) {
        this.#modules.onFailed(error);
        return;
      }
      logger.warn("journal.unavailable", { path, reason: String(error) });
      this.#notBeforeMs = clock.monotonic() + RETRY_AFTER_MS;
      disk.remove(path);
    } finally {
      this.#makingName = null;
    }
  }

  /**
   * Makes another file at once, beyond what there may be. To let go of one instead would take a sync that blocks, and that is not to be believed while
   * another of the same file is under way: the system tells only one of them of a failure. False when that was done too often, or the disk is full.
   */
  #makeNow(): boolean {
    if (this.#fileCount === 0 || this.#isOver) return false;
    if (this.#fileCount >= this.#options.fileCount + MOST_EXTRA_FILES) return false;
    const { disk, logger } = this.#modules;
    const path = joinPath(this.directory, journalFileName(this.#freeNumber()));
    try {
      const file = disk.open(path, "write");
      file.writev([UNUSED], 0);
      file.syncNow();
      disk.syncDirectory(this.directory);
      this.#fileCount += 1;
      this.#unused.push(new JournalFile(file, this.#options.fileSizeBytes));
      return true;
    } catch (error) {
      if (isDiskFull(error)) return false;
      logger.error("journal.unavailable", { path, reason: String(error) });
      this.#modules.onSyncFailed(error);
      throw error;
    }
  }

  #freeNumber(): number {
    const taken = new Set([...this.#inUse(), ...this.#unused].map(({ path }) => nameOf(path)));
    if (this.#makingName !== null) taken.add(this.#makingName);
    let number = 0;
    while (taken.has(journalFileName(number))) number += 1;
    return number;
  }

  /** Syncs the logs in sealed files, the oldest first, so that those files can be used again. */
  #release(): void {
    this.#releasing ??= this.#releaseAll().finally(() => {
      this.#releasing = null;
    });
  }

  async #releaseAll(): Promise<void> {
    for (let file = this.#sealed[0]; file !== undefined && !this.#isOver; file = this.#sealed[0]) {
      const current = file;
      const isNeeded = [...current.logs.keys()].some(log => needs(current, log));
      if (isNeeded && !this.#mustRelease) return;
      try {
        const parallelism = this.#isShort ? this.#options.syncParallelism : 1;
        await forEachParallel([...current.logs.keys()], parallelism, async log => {
          while (needs(current, log) && !this.#isOver) {
            await flushOpen(log);
            // Its directory is offline: the next start finds here what its file lacks.
            if (log.isClosed && needs(current, log)) this.#isStopped = true;
          }
        });
        if (this.#isOver) return;
        if (this.#sealed[0] !== current) continue;
        current.retire();
        await current.sync();
      } catch (error) {
        this.#modules.onSyncFailed(error);
        return;
      }
      if (this.#sealed[0] !== current) continue;
      this.#sealed.shift();
      this.#unused.push(current);
    }
  }

  /** As {@link #releaseAll}, blocking. */
  #releaseNow(): void {
    for (let file = this.#sealed[0]; file !== undefined; file = this.#sealed[0]) {
      const current = file;
      this.#syncLogsNow(current);
      current.retire();
      this.#orFatal(() => current.syncNow());
      this.#sealed.shift();
      this.#unused.push(current);
    }
  }

  #syncLogsNow(file: JournalFile<JournalLog>): void {
    for (const log of file.logs.keys()) if (needs(file, log)) log.syncNow();
  }

  #orFatal(sync: () => void): void {
    try {
      sync();
    } catch (error) {
      this.#modules.onSyncFailed(error);
      throw error;
    }
  }
}

/** Whether `file` holds what the files of `log` may not hold yet. */
function needs(file: JournalFile<JournalLog>, log: JournalLog): boolean {
  const endOffset = file.logs.get(log);
  return endOffset !== undefined && log.syncedOffset < endOffset;
}
