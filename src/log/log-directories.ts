/**
 * The log directories of a broker, and what becomes of one that fails: it goes offline with all its logs, and the others go on. A log that cannot be
 * opened is offline alone.
 */
import type { Logger } from "../logging/index.ts";
import type { Metrics } from "../metrics/index.ts";
import { atomicWrite, joinPath } from "../platform/files.ts";
import { type Disk, DiskError } from "../platform/platform.ts";
import { CheckpointError } from "./checkpoints.ts";
import { isDiskFull } from "./disk-full.ts";
import { QUARANTINE_MARKER } from "./file-names.ts";
import { LogDirectory } from "./log-directory.ts";
import { LogCorruptError } from "./log-loader.ts";
import type { PartitionLog } from "./partition-log.ts";

export interface LogDirectoriesOptions {
  readonly paths: readonly string[];
  /** Those that are offline from the start, and why. */
  readonly unusable?: ReadonlyMap<string, string> | undefined;
  /** What a log that is damaged below its recovery point takes offline. */
  readonly corruptionTakes: "partition" | "directory";
}

export interface LogDirectoriesModules {
  readonly disk: Disk;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** No directory is left, or one is gone that `isEssential`: the process must end. */
  readonly onFatal: (error: unknown) => void;
  readonly isEssential: (directory: LogDirectory) => boolean;
  readonly onDirectoryOffline?: ((directory: LogDirectory) => void) | undefined;
}

export class LogDirectories {
  /** Logs that could not be opened or whose directory failed: why, by directory name. */
  readonly offlineLogs = new Map<string, string>();
  readonly #options: LogDirectoriesOptions;
  readonly #modules: LogDirectoriesModules;
  /** Null until the first {@link open}. */
  #directories: readonly LogDirectory[] | null = null;

  constructor(options: LogDirectoriesOptions, modules: LogDirectoriesModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** All of them, offline ones too; empty before the first {@link open}. */
  get all(): readonly LogDirectory[] {
    return this.#directories ?? [];
  }

  /**
   * Reads their small files, the first time.
   * @throws what kept the last directory from being opened when none can be
   */
  open(): readonly LogDirectory[] {
    if (this.#directories !== null) return this.#directories;
    const directories = this.#options.paths.map(path => new LogDirectory(path, { disk: this.#modules.disk }));
    const failures = directories.flatMap(({ failureAtStart }) => failureAtStart ?? []);
    if (failures.length === directories.length) throw failures.at(-1);
    this.#directories = directories;
    for (const directory of directories) {
      const reason = this.#options.unusable?.get(directory.path);
      if (reason !== undefined) directory.goOffline(reason);
    }
    for (const directory of directories.filter(({ offline }) => offline)) this.#reportOffline(directory);
    return directories;
  }

  /**
   * Where a new log is to be: in the directory of that path or id if it is given and in use, otherwise in the one with the fewest logs. One that is cordoned
   * is passed over as long as another is not: when all are, the controller gives the broker no new replicas, and one that it gave before it heard of that has
   * to be somewhere (in Kafka it is offline).
   * @throws DiskError when none is left
   */
  forNew(name: string, wanted: string | null): LogDirectory {
    const online = this.open().filter(directory => !directory.offline);
    const chosen = wanted === null ? undefined : online.find(({ path, id }) => path === wanted || id === wanted);
    if (chosen !== undefined) return chosen;
    if (online.length === 0) throw new DiskError("EIO", "create", name);
    const open = online.filter(({ isCordoned }) => !isCordoned);
    const candidates = open.length === 0 ? online : open;
    return candidates.reduce((least, other) => (other.logs.size < least.logs.size ? other : least));
  }

  /** The directory that a log in use is in. */
  holding(log: PartitionLog): LogDirectory | undefined {
    for (const directory of this.all) if (directory.logs.has(log)) return directory;
    return undefined;
  }

  /** What is in a directory; nothing when it cannot be read. */
  list(directory: LogDirectory): string[] {
    let names: string[] = [];
    this.tryIn(directory, () => {
      names = directory.list();
    });
    return names;
  }

  /** Works on the files of a directory in use. A failure other than a full disk takes the directory offline before it is thrown on. */
  workIn(directory: LogDirectory | undefined, work: (directory: LogDirectory) => void): void {
    if (directory === undefined || directory.offline) return;
    try {
      work(directory);
    } catch (error) {
      this.failed(directory, error);
      throw error;
    }
  }

  /** As {@link workIn}, and the failure is only reported: the other directories go on. */
  tryIn(directory: LogDirectory | undefined, work: (directory: LogDirectory) => void): void {
    try {
      this.workIn(directory, work);
    } catch {}
  }

  /** Work on a directory's files failed. */
  failed(directory: LogDirectory, error: unknown): void {
    this.#modules.logger.error("log.background-failed", { error: String(error) });
    if (error instanceof DiskError && !isDiskFull(error)) this.takeOffline(directory, error);
  }

  /** Nobody knows what a failed write left: the whole directory goes, for its disk is not to be trusted. */
  takeOffline(directory: LogDirectory | undefined, error: unknown): void {
    if (directory === undefined || directory.offline) return;
    const reason = error instanceof Error ? error.message : String(error);
    directory.goOffline(reason);
    for (const log of directory.logs) {
      // The replica that was moving here is where it was.
      if (!directory.futureLogs.has(log)) this.offlineLogs.set(log.name, reason);
      log.abandon(`Log directory ${directory.path} is offline: ${reason}`);
    }
    this.#reportOffline(directory);
    const isLast = this.all.every(({ offline }) => offline);
    if (isLast || this.#modules.isEssential(directory)) this.#modules.onFatal(error);
  }

  /** Looks at the free space of all volumes: below the reserve, clients' appends are refused. */
  checkSpace(reserve: { readonly reserveBytes: number; readonly reserveRatio: number }): void {
    for (const directory of this.all) {
      this.tryIn(directory, () => {
        if (!directory.checkSpace(reserve)) return;
        const event = directory.isFull ? "disk.reserve-reached" : "disk.space-returned";
        this.#modules.logger.warn(event, { directory: directory.path });
      });
    }
  }

  /** The log in `directory`/`name` is not served, for its directory went offline before it could be; nobody may make a new one in its place. */
  leaveClosed(directory: LogDirectory, name: string, log?: PartitionLog): void {
    const reason = `Log directory ${directory.path} is offline: ${directory.failure}`;
    this.offlineLogs.set(name, reason);
    log?.abandon(reason);
  }

  /** The log in `directory`/`name` could not be opened. */
  openFailed(directory: LogDirectory, name: string, error: unknown): void {
    if (error instanceof DiskError) {
      this.takeOffline(directory, error);
      return;
    }
    const reason = error instanceof Error ? error.message : String(error);
    this.offlineLogs.set(name, reason);
    directory.offlineLogs.add(name);
    this.#modules.logger.error("log.offline", { partition: name, directory: directory.path, reason });
    if (!(error instanceof LogCorruptError || error instanceof CheckpointError)) return;
    this.#quarantine(directory, name, reason);
    if (this.#options.corruptionTakes === "directory") this.takeOffline(directory, error);
  }

  /** A damaged log is left as it is, and not opened again before somebody has removed the marker. */
  #quarantine(directory: LogDirectory, name: string, reason: string): void {
    const { disk, metrics } = this.#modules;
    metrics.counter("samsa_log_corruptions_total").increment();
    const path = joinPath(directory.path, name, QUARANTINE_MARKER);
    this.tryIn(directory, () => {
      if (!disk.exists(path)) atomicWrite(disk, path, `${reason}\n`);
    });
  }

  #reportOffline(directory: LogDirectory): void {
    this.#modules.logger.error("log.directory-offline", { directory: directory.path, reason: directory.failure });
    this.#modules.onDirectoryOffline?.(directory);
  }
}
