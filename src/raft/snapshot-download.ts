/**
 * Fetches a snapshot from the leader by byte position and makes it this replica's newest (KIP-630): written beside its name, checked as a whole,
 * synced, named. The log is left to the caller.
 */
import type { FetchSnapshot } from "../../protocol/apis/59-fetch-snapshot.ts";
import { Errors, errorName } from "../../protocol/errors.ts";
import type { ResponseOf } from "../../protocol/schema.ts";
import { joinPath } from "../platform/files.ts";
import type { Disk, File } from "../platform/platform.ts";
import type { OffsetAndEpoch } from "./messages.ts";
import { parseSnapshot, type SnapshotFile } from "./snapshot-file.ts";
import { partialSnapshotFileName, snapshotFileName } from "./snapshot-id.ts";

export interface SnapshotDownloadOptions {
  readonly directory: string;
  readonly id: OffsetAndEpoch;
}

export interface SnapshotDownloadModules {
  readonly disk: Disk;
  readonly random: { integer(bound: number): number };
  /** Asks for the bytes at `position`. */
  readonly request: (position: number) => Promise<ResponseOf<typeof FetchSnapshot>>;
  readonly onProgress: () => void;
}

/** Larger snapshots are not believed. */
const MAX_SNAPSHOT_BYTES = 4 * 1024 * 1024 * 1024;

export class SnapshotDownload {
  readonly #options: SnapshotDownloadOptions;
  readonly #modules: SnapshotDownloadModules;
  readonly #path: string;
  #file: File | null = null;
  #isCancelled = false;

  constructor(options: SnapshotDownloadOptions, modules: SnapshotDownloadModules) {
    this.#options = options;
    this.#modules = modules;
    this.#path = joinPath(options.directory, partialSnapshotFileName(options.id, modules.random.integer(2 ** 32)));
  }

  /** Resolves with the snapshot, durable under its name; null when cancelled. Rejects when it cannot be had; nothing is left then. */
  async run(): Promise<SnapshotFile | null> {
    const { disk } = this.#modules;
    this.#file = disk.open(this.#path, "create");
    try {
      await this.#receive(this.#file);
      if (this.#isCancelled) return null;
      await this.#file.sync();
      if (this.#isCancelled) return null;
      return this.#publish();
    } finally {
      this.#discard();
    }
  }

  cancel(): void {
    this.#isCancelled = true;
  }

  async #receive(file: File): Promise<void> {
    const { id } = this.#options;
    let position = 0;
    for (;;) {
      const response = await this.#modules.request(position);
      if (this.#isCancelled) return;
      const partition = response.topics[0]?.partitions[0];
      const errorCode = response.errorCode || (partition?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR);
      if (errorCode !== Errors.NONE || partition === undefined) throw new Error(`snapshot: ${errorName(errorCode)}`);
      const { snapshotId, size } = partition;
      const bytes = partition.unalignedRecords as Buffer;
      const isSame = snapshotId.endOffset === id.endOffset && snapshotId.epoch === id.epoch;
      if (!isSame || partition.position !== position || size < 0 || size > MAX_SNAPSHOT_BYTES) {
        throw new Error("snapshot: the leader sent another part than it was asked for");
      }
      if (bytes.length === 0 || position + bytes.length > size) throw new Error("snapshot: a part of a wrong size");
      file.writev([bytes], position);
      position += bytes.length;
      this.#modules.onProgress();
      if (position === size) return;
    }
  }

  #publish(): SnapshotFile {
    const { disk } = this.#modules;
    const { directory, id } = this.#options;
    const name = snapshotFileName(id);
    const snapshot = parseSnapshot(disk.readFile(this.#path), id, name);
    this.#file?.close();
    this.#file = null;
    disk.rename(this.#path, joinPath(directory, name));
    disk.syncDirectory(directory);
    return snapshot;
  }

  #discard(): void {
    if (this.#file === null) return;
    this.#file.close();
    this.#file = null;
    this.#modules.disk.remove(this.#path);
  }
}
