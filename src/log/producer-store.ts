/**
 * The producer state of one log together with its `.snapshot` files.
 *
 * A snapshot is taken at every roll and at a clean stop, as Kafka does: the state after the batch before the offset in its name. To rebuild the
 * state at some offset, the newest sound snapshot at or below it is loaded and the log replayed from there.
 */
import { joinPath } from "../platform/files.ts";
import { type Disk, DiskError } from "../platform/platform.ts";
import { DELETED_SUFFIX, offsetPrefix, SNAPSHOT_SUFFIX } from "./file-names.ts";
import { replayProducers } from "./producer-replay.ts";
import { decodeProducerSnapshot, encodeProducerSnapshot } from "./producer-snapshot.ts";
import { ProducerState } from "./producer-state.ts";
import type { Segments } from "./segments.ts";

export class ProducerStore {
  readonly state = new ProducerState();
  #directory: string;
  readonly #disk: Disk;
  /** Offsets of the snapshot files, rising. */
  #snapshots: number[];
  /** Those that are not known to be durable. */
  readonly #unsynced = new Set<number>();

  constructor(options: { directory: string; snapshots: readonly number[] }, modules: { disk: Disk }) {
    this.#directory = options.directory;
    this.#snapshots = [...options.snapshots].sort((a, b) => a - b);
    this.#disk = modules.disk;
  }

  get snapshots(): readonly number[] {
    return this.#snapshots;
  }

  /** The log's directory has another name now. */
  relocate(directory: string): void {
    this.#directory = directory;
  }

  /** Writes a snapshot of the state at `offset`, the end of the log, unless there is one for it or a newer. Returns whether it did. */
  takeSnapshot(offset: number): boolean {
    const last = this.#snapshots.at(-1);
    if (offset === 0 || (last !== undefined && last >= offset)) return false;
    this.#disk.writeFile(this.#path(offset), encodeProducerSnapshot(this.state));
    this.#snapshots.push(offset);
    this.#unsynced.add(offset);
    return true;
  }

  /** Makes the state that of the log's first `offset` offsets, from the newest snapshot at or below it and the batches behind it. */
  rebuild(segments: Segments, logStartOffset: number, offset: number): void {
    let from = logStartOffset;
    this.state.clear();
    for (const snapshot of [...this.#snapshots].reverse()) {
      if (snapshot > offset || snapshot < logStartOffset) continue;
      const entries = this.#read(snapshot);
      if (entries === null) {
        this.#forget(snapshot);
        this.#disk.remove(this.#path(snapshot));
        continue;
      }
      this.state.restore(entries);
      from = snapshot;
      break;
    }
    replayProducers(this.state, segments, from, offset);
  }

  /** Removes the snapshots above `offset`: the log was cut there. */
  truncateTo(offset: number): void {
    for (const snapshot of this.#snapshots.filter(snapshot => snapshot > offset)) {
      this.#forget(snapshot);
      this.#disk.remove(this.#path(snapshot));
    }
  }

  /** Renames the snapshot at `offset`, whose segment goes, to `.deleted`. Returns the new path; null when there is none. */
  markDeleted(offset: number): string | null {
    if (!this.#snapshots.includes(offset)) return null;
    this.#forget(offset);
    const path = this.#path(offset);
    this.#disk.rename(path, path + DELETED_SUFFIX);
    return path + DELETED_SUFFIX;
  }

  /** Removes snapshots that belong to no segment, but for the newest. */
  removeStray(segmentBaseOffsets: ReadonlySet<number>): void {
    for (const snapshot of this.#snapshots.slice(0, -1)) {
      if (segmentBaseOffsets.has(snapshot)) continue;
      this.#forget(snapshot);
      this.#disk.remove(this.#path(snapshot));
    }
  }

  /** Makes the snapshots durable, but for the directory entries. */
  async sync(): Promise<void> {
    for (const snapshot of [...this.#unsynced]) {
      try {
        const file = this.#disk.open(this.#path(snapshot), "read");
        try {
          await file.sync();
        } finally {
          file.close();
        }
      } catch (error) {
        // Removed meanwhile by a truncation.
        if (!(error instanceof DiskError && error.code === "ENOENT")) throw error;
      }
      this.#unsynced.delete(snapshot);
    }
  }

  syncNow(): void {
    for (const snapshot of this.#unsynced) {
      const file = this.#disk.open(this.#path(snapshot), "read");
      try {
        file.syncNow();
      } finally {
        file.close();
      }
    }
    this.#unsynced.clear();
  }

  #forget(snapshot: number): void {
    this.#snapshots = this.#snapshots.filter(other => other !== snapshot);
    this.#unsynced.delete(snapshot);
  }

  #read(snapshot: number): ReturnType<typeof decodeProducerSnapshot> {
    try {
      return decodeProducerSnapshot(this.#disk.readFile(this.#path(snapshot)));
    } catch (error) {
      if (error instanceof DiskError && error.code === "ENOENT") return null;
      throw error;
    }
  }

  #path(offset: number): string {
    return joinPath(this.#directory, offsetPrefix(offset) + SNAPSHOT_SUFFIX);
  }
}
