/** Deleting logs: the name goes at once and durably, the files later. */
import { joinPath } from "../platform/files.ts";
import type { Platform } from "../platform/platform.ts";
import { deletedDirectoryName } from "./file-names.ts";
import type { LogDirectories } from "./log-directories.ts";
import { type LogDirectory, removeDirectoryAsync } from "./log-directory.ts";
import { isReplicated } from "./log-registry.ts";
import type { PartitionLog } from "./partition-log.ts";
import { TickBatch } from "./tick-batch.ts";

export interface LogDeletionsModules {
  readonly platform: Pick<Platform, "disk" | "random" | "timers">;
  readonly directories: LogDirectories;
  /** Removes files once the delay has passed. */
  readonly removeLater: (delayMs: number, remove: () => Promise<void>) => void;
}

interface Deletion {
  readonly directory: LogDirectory;
  readonly done: () => void;
}

export class LogDeletions {
  readonly #modules: LogDeletionsModules;
  /** Deletions of this tick. */
  readonly #pending: TickBatch<Deletion>;

  constructor(modules: LogDeletionsModules) {
    this.#modules = modules;
    this.#pending = new TickBatch({ handle: deletions => this.#sync(deletions) }, modules.platform);
  }

  /** Ends the use of `log`, renames its directory, and removes the files after `file.delete.delay.ms`. Resolves once the new name is durable. */
  delete(log: PartitionLog, directory: LogDirectory): Promise<void> {
    const { disk, random } = this.#modules.platform;
    const { topic, partition } = log.topicPartition;
    log.abandon("The partition was deleted.");
    const path = joinPath(directory.path, deletedDirectoryName(topic, partition, random.bytes(16).toString("hex")));
    disk.rename(log.directory, path);
    this.#modules.removeLater(log.config.fileDeleteDelayMs, () => removeDirectoryAsync(disk, path));
    return new Promise(done => this.#pending.add({ directory, done }));
  }

  /** Makes deletions durable; a log of the same name that comes later must not inherit offsets. */
  #sync(deletions: readonly Deletion[]): void {
    const { directories, platform } = this.#modules;
    for (const directory of new Set(deletions.map(deletion => deletion.directory))) {
      directories.tryIn(directory, () => {
        platform.disk.syncDirectory(directory.path);
        directory.writeRecoveryPoints();
        directory.writeLogStartOffsets();
        directory.writeHighWatermarks(isReplicated);
        directory.writeCleanedOffsets();
      });
    }
    for (const { done } of deletions) done();
  }
}
