/**
 * The snapshots in a metadata log's directory: finds, checks and retires them.
 *
 * A snapshot that does not check out is set aside under the name `<name>.corrupt`, never deleted: it may be all there is to mend from
 * (nats-server #7549, #7556). An older one and the log then have to do, or the node does not start.
 */

import type { Logger } from "../logging/logger.ts";
import { joinPath } from "../platform/files.ts";
import type { Disk } from "../platform/platform.ts";
import type { SnapshotId } from "./replicated-log.ts";
import { CorruptSnapshotError, readSnapshotFile, readSnapshotTimeMs, type SnapshotFile } from "./snapshot-file.ts";
import { compareSnapshotIds, isSnapshotLeftover, parseSnapshotFileName, snapshotFileName } from "./snapshot-id.ts";

/** Ends the name of a snapshot that was found corrupt. */
export const CORRUPT_SUFFIX = ".corrupt";

export interface SnapshotRetention {
  /** `metadata.max.retention.bytes`: log and snapshots together; −1 for no limit. */
  readonly maxBytes: number;
  /** `metadata.max.retention.ms`; −1 for no limit. */
  readonly maxAgeMs: number;
}

interface KnownSnapshot {
  readonly id: SnapshotId;
  readonly sizeBytes: number;
  /** Append time of the last record covered; null when the header cannot be read. */
  readonly timeMs: number | null;
}

export class Snapshots {
  readonly #directory: string;
  readonly #disk: Disk;
  readonly #logger: Logger;
  /** Ascending. */
  #known: KnownSnapshot[] = [];

  constructor(options: { directory: string }, modules: { disk: Disk; logger: Logger }) {
    this.#directory = options.directory;
    this.#disk = modules.disk;
    this.#logger = modules.logger;
  }

  get ids(): readonly SnapshotId[] {
    return this.#known.map(snapshot => snapshot.id);
  }

  get latestId(): SnapshotId | null {
    return this.#known.at(-1)?.id ?? null;
  }

  /** Lists the directory anew and removes what crashes left behind. */
  recover(): void {
    const names = this.#disk.list(this.#directory);
    const leftovers = names.filter(isSnapshotLeftover);
    for (const name of leftovers) this.#disk.remove(joinPath(this.#directory, name));
    if (leftovers.length > 0) this.#disk.syncDirectory(this.#directory);
    this.#known = names
      .map(parseSnapshotFileName)
      .filter(id => id !== null)
      .sort(compareSnapshotIds)
      .map(id => this.#factsOf(id));
  }

  /** The newest snapshot that is whole; corrupt ones newer than it are set aside. */
  loadLatest(): SnapshotFile | null {
    while (this.latestId !== null) {
      const id = this.latestId;
      try {
        return readSnapshotFile(this.#disk, this.#directory, id);
      } catch (error) {
        if (!(error instanceof CorruptSnapshotError)) throw error;
        this.#setAside(id, error);
      }
    }
    return null;
  }

  /** Takes note of a snapshot just written. */
  add(id: SnapshotId): void {
    this.#known = this.#known.filter(snapshot => compareSnapshotIds(snapshot.id, id) !== 0);
    this.#known.push(this.#factsOf(id));
    this.#known.sort((a, b) => compareSnapshotIds(a.id, b.id));
  }

  /**
   * The offset that the log may start at, so that log and snapshots keep within `retention`: that of the oldest snapshot to stay. The newest
   * always stays (KIP-630, "When to delete snapshots").
   */
  retainedFrom(retention: SnapshotRetention, logSizeBytes: number, nowMs: number): SnapshotId | null {
    let oldest = 0;
    let sizeBytes = this.#known.reduce((sum, snapshot) => sum + snapshot.sizeBytes, logSizeBytes);
    while (oldest < this.#known.length - 1) {
      const { sizeBytes: itsSizeBytes, timeMs } = this.#known[oldest] as KnownSnapshot;
      const isTooMuch = retention.maxBytes >= 0 && sizeBytes > retention.maxBytes;
      const isTooOld = retention.maxAgeMs >= 0 && timeMs !== null && nowMs - timeMs > retention.maxAgeMs;
      if (!isTooMuch && !isTooOld) break;
      sizeBytes -= itsSizeBytes;
      oldest += 1;
    }
    return oldest === 0 ? null : (this.#known[oldest] as KnownSnapshot).id;
  }

  /** Removes all snapshots older than `id`. The log must not need them any more. */
  removeBefore(id: SnapshotId): void {
    const removed = this.#known.filter(snapshot => compareSnapshotIds(snapshot.id, id) < 0);
    for (const snapshot of removed) this.#disk.remove(joinPath(this.#directory, snapshotFileName(snapshot.id)));
    this.#known = this.#known.filter(snapshot => !removed.includes(snapshot));
    if (removed.length > 0) this.#logger.info("snapshot.removed", { before: id, count: removed.length });
  }

  #factsOf(id: SnapshotId): KnownSnapshot {
    const { sizeBytes } = this.#disk.status(joinPath(this.#directory, snapshotFileName(id)));
    return { id, sizeBytes, timeMs: readSnapshotTimeMs(this.#disk, this.#directory, id) };
  }

  #setAside(id: SnapshotId, error: Error): void {
    const path = joinPath(this.#directory, snapshotFileName(id));
    this.#logger.error("snapshot.corrupt", { path, error: error.message, keptAs: path + CORRUPT_SUFFIX });
    this.#disk.rename(path, path + CORRUPT_SUFFIX);
    this.#disk.syncDirectory(this.#directory);
    this.#known.pop();
  }
}
