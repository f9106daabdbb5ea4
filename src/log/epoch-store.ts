/**
 * The leader epochs of one log together with their `leader-epoch-checkpoint` file.
 *
 * The file is written before the recovery point passes a change, not at each change: whatever is lost with a crash stands in the batches that
 * recovery reads again.
 */
import { atomicWrite, joinPath, readFileIfExists, TEMPORARY_SUFFIX } from "../platform/files.ts";
import type { Disk } from "../platform/platform.ts";
import { CheckpointError, decodeLeaderEpochs, encodeLeaderEpochs } from "./checkpoints.ts";
import { LEADER_EPOCH_CHECKPOINT } from "./file-names.ts";
import { LeaderEpochs } from "./leader-epochs.ts";

export class EpochStore {
  readonly epochs: LeaderEpochs;
  #path: string;
  readonly #disk: Disk;
  #changes = 0;
  #written = 0;

  constructor(options: { directory: string }, modules: { disk: Disk }) {
    this.#path = joinPath(options.directory, LEADER_EPOCH_CHECKPOINT);
    this.#disk = modules.disk;
    const contents = readFileIfExists(this.#disk, this.#path);
    this.epochs = new LeaderEpochs(contents === null ? [] : this.#decode(contents));
  }

  get isDirty(): boolean {
    return this.#changes !== this.#written;
  }

  /** The log's directory has another name now. */
  relocate(directory: string): void {
    this.#path = joinPath(directory, LEADER_EPOCH_CHECKPOINT);
  }

  changed(): void {
    this.#changes += 1;
  }

  /** Makes the file say what memory says; durable when it returns. */
  writeNow(): void {
    if (!this.isDirty) return;
    atomicWrite(this.#disk, this.#path, encodeLeaderEpochs(this.epochs.entries));
    this.#written = this.#changes;
  }

  /**
   * As {@link writeNow}, off the event loop, but for the directory entry, which the caller syncs. Ends halfway once `isClosed`: the log's directory may
   * have another name then.
   */
  async write(isClosed: () => boolean): Promise<void> {
    if (!this.isDirty) return;
    const changes = this.#changes;
    const file = this.#disk.open(this.#path + TEMPORARY_SUFFIX, "write");
    try {
      file.truncate(0);
      file.writev([Buffer.from(encodeLeaderEpochs(this.epochs.entries))], 0);
      await file.sync();
    } finally {
      file.close();
    }
    // Something newer was written at once meanwhile.
    if (this.#written >= changes || isClosed()) return;
    this.#disk.rename(this.#path + TEMPORARY_SUFFIX, this.#path);
    this.#written = changes;
  }

  #decode(contents: Buffer): ReturnType<typeof decodeLeaderEpochs> {
    try {
      return decodeLeaderEpochs(contents.toString("latin1"));
    } catch (error) {
      // A file torn by a crash is rebuilt from the batches, as far as they are read again.
      if (error instanceof CheckpointError) {
        this.#changes = 1;
        return [];
      }
      throw error;
    }
  }
}
