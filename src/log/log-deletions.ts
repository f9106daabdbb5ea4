/** Deleting logs: the name goes at once and durably, the files later. */
import { joinPath } from "../platform/files.ts";
import type { Platform } from "../platform/platform.ts";
import { deletedDirectoryName } from "./file-names.ts";
import type { Journals } from "./journal/journals.ts";
import type { LogDirectories } from "./log-directories.ts";
import { type LogDirectory, removeDirectoryAsync } from "./log-directory.ts";
import { isReplicated } from "./log-registry.ts";
import type { PartitionLog } from "./partition-log.ts";
import { TickBatch } from "./tick-batch.ts";

export interface LogDeletionsModules {
  readonly platform: Pick<Platform, "disk" | "random" | "timers">;
  readonly directories: LogDirectories;
  readonly journals: Journals<PartitionLog>;
  /** Removes files once the delay has passed. */
  readonly removeLater: (delayMs: number, remove: () => Promise<void>) => void;
}

interface Deletion {
  readonly name: string;
  readonly directory: LogDirectory;
  readonly done: () => void;
}

export class LogDeletions {
  readonly #modules: LogDeletionsModules;
  readonly #names = new Set<string>();
  /** Deletions of this tick. */
  readonly #pending: TickBatch<Deletion>;

  constructor(modules: LogDeletionsModules) {
    this.#modules = modules;
    this.#pending = new TickBatch({ handle: deletions => this.#settled(deletions) }, modules.platform);
  }

  /**
   * Ends the use of `log`, renames its directory, and removes the files after `file.delete.delay.ms`. Resolves once the new name is durable.
   * @throws DiskError, at once, and the directory has its name still
   */
  delete(log: PartitionLog, directory: LogDirectory): Promise<void> {
    const { platform, directories, journals } = this.#modules;
    const { disk } = platform;
    const path = this.#deletedPath(log, directory);
    directories.workIn(directory, () => {
      disk.rename(log.directory, path);
      journals.of(directory)?.forget(log);
      log.abandon("The partition was deleted.");
    });
    this.#modules.removeLater(log.config.fileDeleteDelayMs, () => removeDirectoryAsync(disk, path));
    this.#names.add(log.name);
    return new Promise(done => this.#pending.add({ name: log.name, directory, done }));
  }

  /**
   * Ends the use of `log`, whose replica lives in another directory from now on; durable when this returns, unless the directory fails. Reads in flight
   * go on until the files are removed after `file.delete.delay.ms`.
   */
  retire(log: PartitionLog, directory: LogDirectory): void {
    const { platform, directories } = this.#modules;
    const { disk } = platform;
    const path = this.#deletedPath(log, directory);
    directory.logs.delete(log);
    // Before anything can fail: nothing is to be appended here any more.
    log.relocate(log.directory, "The replica was moved to another log directory.");
    directories.tryIn(directory, () => {
      disk.rename(log.directory, path);
      log.relocate(path);
      this.#modules.journals.of(directory)?.forget(log);
    });
    this.#modules.removeLater(log.config.fileDeleteDelayMs, () => {
      log.abandon("The replica was moved to another log directory.");
      return directory.offline ? Promise.resolve() : removeDirectoryAsync(disk, path);
    });
    this.#sync([{ name: log.name, directory, done: () => {} }]);
  }

  /** Makes the deletions of this tick durable now if one of them is of a log of this name, which is about to be made anew. */
  settle(name: string): void {
    if (this.#names.has(name)) this.#pending.flush();
  }

  #settled(deletions: readonly Deletion[]): void {
    this.#names.clear();
    this.#sync(deletions);
  }

  #deletedPath(log: PartitionLog, directory: LogDirectory): string {
    const { topic, partition } = log.topicPartition;
    const uuidHex = this.#modules.platform.random.bytes(16).toString("hex");
    return joinPath(directory.path, deletedDirectoryName(topic, partition, uuidHex));
  }

  /** Makes deletions durable; a log of the same name that comes later must not inherit offsets. */
  #sync(deletions: readonly Deletion[]): void {
    const { directories, journals, platform } = this.#modules;
    for (const directory of new Set(deletions.map(deletion => deletion.directory))) {
      directories.tryIn(directory, () => {
        // First, or a crash would have the journal lay what was deleted over a new log of that name.
        journals.of(directory)?.syncNow();
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
