/**
 * Replicas on their way from one log directory of this broker to another (KIP-113): the copy, its *future log*, grows in
 * `<topic>-<partition>.<uuid>-future` of the other directory until it takes over from the partition's log.
 *
 * Taking over is one renaming, of the copy to the partition's name; everything in it is durable before, and the log that it replaces is renamed away
 * after. Nothing is appended between the two. So a crash, or the failure of either directory, finds the old log, or both with the same contents: a
 * start then goes on with the one that is further ({@link isNewer}), for a directory that failed half way may come back long after the other went on.
 */
import type { Logger } from "../logging/index.ts";
import { joinPath } from "../platform/files.ts";
import { DiskError, type Platform } from "../platform/platform.ts";
import { CheckpointError } from "./checkpoints.ts";
import { futureDirectoryName, partitionDirectoryName } from "./file-names.ts";
import type { LogConfig } from "./log-config.ts";
import type { LogDeletions } from "./log-deletions.ts";
import type { LogDirectories } from "./log-directories.ts";
import type { LogDirectory } from "./log-directory.ts";
import { LogCorruptError } from "./log-loader.ts";
import type { LogOpener } from "./log-opener.ts";
import { isReplicated, LogRegistry } from "./log-registry.ts";
import type { PartitionLog } from "./partition-log.ts";

export interface FutureLogsModules {
  readonly platform: Pick<Platform, "disk" | "random">;
  readonly logger: Logger;
  readonly directories: LogDirectories;
  readonly opener: LogOpener;
  readonly deletions: LogDeletions;
  /** The logs in charge. */
  readonly registry: LogRegistry;
  /** The log is in charge no more: nothing in the background is to work on it. */
  readonly forget: (log: PartitionLog) => void;
}

export class FutureLogs {
  readonly #modules: FutureLogsModules;
  readonly #logs = new LogRegistry();

  constructor(modules: FutureLogsModules) {
    this.#modules = modules;
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(topic, partition);
  }

  all(): IterableIterator<PartitionLog> {
    return this.#logs.all();
  }

  /**
   * Makes an empty copy of `current` in `directory`.
   * @throws DiskError, and the directory is offline unless it is full
   */
  create(current: PartitionLog, directory: LogDirectory): PartitionLog {
    const { platform, directories, opener } = this.#modules;
    const { topicPartition, config } = current;
    const { topic, partition } = topicPartition;
    const name = futureDirectoryName(topic, partition, platform.random.bytes(16).toString("hex"));
    let future: PartitionLog | null = null;
    directories.workIn(directory, () => {
      future = opener.create(directory, topicPartition, config, name);
    });
    if (future === null) throw new DiskError("EIO", "create", directory.path);
    this.#add(future, directory);
    return future;
  }

  /** Opens the copy that an earlier run left in `directory`/`name`. One that is damaged is removed: the log that it was made from is there. */
  async open(
    directory: LogDirectory,
    name: string,
    topicPartition: { readonly topic: string; readonly partition: number },
    config: LogConfig,
  ): Promise<void> {
    const { directories, opener, deletions, platform, logger } = this.#modules;
    if (directory.offline) return;
    const path = joinPath(directory.path, name);
    try {
      const future = await opener.load(directory, name, topicPartition, config);
      if (directory.offline) return future.abandon(`Log directory ${directory.path} is offline: ${directory.failure}`);
      if (this.get(topicPartition.topic, topicPartition.partition) === undefined) this.#add(future, directory);
      else deletions.retire(future, directory);
    } catch (error) {
      if (error instanceof DiskError) return directories.takeOffline(directory, error);
      if (!(error instanceof LogCorruptError || error instanceof CheckpointError)) throw error;
      logger.warn("log.future-discarded", { directory: path, reason: error.message });
      directories.tryIn(directory, () => {
        for (const file of platform.disk.list(path)) platform.disk.remove(joinPath(path, file));
        platform.disk.removeDirectory(path);
      });
    }
  }

  /** Gives the move up: the copy goes, durably. */
  remove(topic: string, partition: number): void {
    const { directories, deletions } = this.#modules;
    const future = this.get(topic, partition);
    if (future === undefined) return;
    const directory = directories.holding(future);
    this.#logs.remove(topic, partition);
    if (directory === undefined || directory.offline) return;
    directory.futureLogs.delete(future);
    deletions.retire(future, directory);
  }

  /**
   * The copy takes over from the partition's log, which it must equal, or of which there is none any more. Durable when it returns.
   * @throws DiskError when the copy's directory fails: the log in charge stays so
   */
  promote(future: PartitionLog): void {
    const { platform, directories, deletions, registry, forget } = this.#modules;
    const { disk } = platform;
    const { topic, partition } = future.topicPartition;
    const current = registry.get(topic, partition);
    const target = directories.holding(future);
    if (target === undefined || target.offline) throw new DiskError("EIO", "rename", future.directory);
    if (current !== undefined) takeOver(future, current);
    const source = current === undefined ? undefined : directories.holding(current);
    future.syncNow();
    // A write that failed has taken back what it could not write, or ended the copy.
    const isWhole = current === undefined || future.logEndOffset === current.logEndOffset;
    if (!isWhole || future.failure !== null || future.syncedOffset < future.logEndOffset)
      throw new DiskError("EIO", "write", future.directory);
    directories.workIn(target, () => {
      // What they say of the copy is what will be true of the log.
      target.writeLogStartOffsets();
      target.writeRecoveryPoints();
      target.writeHighWatermarks(isReplicated);
      const path = joinPath(target.path, partitionDirectoryName(topic, partition));
      disk.rename(future.directory, path);
      future.relocate(path);
      disk.syncDirectory(target.path);
    });
    this.#logs.remove(topic, partition);
    target.futureLogs.delete(future);
    if (current !== undefined) forget(current);
    registry.remove(topic, partition);
    registry.add(future);
    if (current !== undefined && source !== undefined) deletions.retire(current, source);
  }

  #add(future: PartitionLog, directory: LogDirectory): void {
    directory.futureLogs.add(future);
    this.#logs.add(future);
  }
}

/** What a log knows that its batches do not say. */
function takeOver(future: PartitionLog, current: PartitionLog): void {
  current.writePending();
  const { logEndOffset } = future;
  future.writePending();
  if (future.failure !== null || future.logEndOffset !== logEndOffset)
    throw new DiskError(future.failure === null ? "ENOSPC" : "EIO", "write", future.directory);
  if (future.logEndOffset !== current.logEndOffset || future.leaderEpoch > current.leaderEpoch)
    throw new Error(`${future.name} ends at ${future.logEndOffset}, not at ${current.logEndOffset}`);
  if (current.logStartOffset > future.logStartOffset) future.advanceLogStart(current.logStartOffset);
  for (const { epoch, startOffset } of current.epochEntries)
    if (epoch > future.leaderEpoch) future.assignEpochStart(epoch, startOffset);
  future.updateHighWatermark(current.highWatermark);
  future.producers.adopt(current.producers);
  future.updateConfig(current.config);
}

/** Whether `log` is further than `other`, another log of the same partition: what the other one has, it has or had to give up since. */
export function isNewer(log: PartitionLog, other: PartitionLog): boolean {
  if (log.leaderEpoch !== other.leaderEpoch) return log.leaderEpoch > other.leaderEpoch;
  if (log.logEndOffset !== other.logEndOffset) return log.logEndOffset > other.logEndOffset;
  return log.logStartOffset > other.logStartOffset;
}
