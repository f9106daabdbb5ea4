/** Makes {@link PartitionLog}s from what a log directory holds, or new ones in it. */
import { joinPath } from "../platform/files.ts";
import type { Platform } from "../platform/platform.ts";
import { partitionDirectoryName } from "./file-names.ts";
import type { LogConfig } from "./log-config.ts";
import type { LogDirectory } from "./log-directory.ts";
import type { PartitionLogModules, TopicPartition } from "./log-host.ts";
import { createLog, loadLog } from "./log-loader.ts";
import { PartitionLog } from "./partition-log.ts";

export class LogOpener {
  readonly #platform: Pick<Platform, "disk" | "clock">;
  readonly #logModules: PartitionLogModules;

  /** `logModules` are what each log is made with. */
  constructor(modules: { platform: Pick<Platform, "disk" | "clock">; logModules: PartitionLogModules }) {
    this.#platform = modules.platform;
    this.#logModules = modules.logModules;
  }

  /**
   * Opens the log in `directory`/`name`, recovering it if the last stop was not clean.
   * @throws LogCorruptError, DiskError, CheckpointError
   */
  async load(
    directory: LogDirectory,
    name: string,
    topicPartition: Omit<TopicPartition, "topicId">,
    config: LogConfig,
  ): Promise<PartitionLog> {
    const { disk, segmentCache: cache, logger } = this.#logModules;
    // The checkpoints know a replica that moves here by its partition, as Kafka's do.
    const known = partitionDirectoryName(topicPartition.topic, topicPartition.partition);
    const { loaded } = await loadLog(
      {
        ...topicPartition,
        directory: joinPath(directory.path, name),
        config,
        isClean: directory.isClean,
        recoveryPoint: directory.recoveryPoints.get(known) ?? 0,
        logStartOffset: directory.logStartOffsets.get(known) ?? 0,
        nowMs: this.#platform.clock.now(),
      },
      { disk, cache, logger },
    );
    const log = new PartitionLog(loaded, this.#logModules);
    directory.logs.add(log);
    log.updateHighWatermark(Math.max(log.logStartOffset, directory.highWatermarks.get(known) ?? 0));
    const cleanedOffset = directory.cleanedOffsets.get(known);
    if (cleanedOffset !== undefined) log.restoreCleanedOffset(cleanedOffset);
    return log;
  }

  /**
   * Makes a new log in `directory`, under its partition's name unless another is given. It is durable with its first flush.
   * @throws DiskError
   */
  create(
    directory: LogDirectory,
    topicPartition: TopicPartition,
    config: LogConfig,
    name = partitionDirectoryName(topicPartition.topic, topicPartition.partition),
  ): PartitionLog {
    const { disk, segmentCache: cache } = this.#logModules;
    const path = joinPath(directory.path, name);
    const nowMs = this.#platform.clock.now();
    const loaded = createLog({ topicPartition, directory: path, config, nowMs }, { disk, cache });
    const log = new PartitionLog(loaded, this.#logModules);
    directory.logs.add(log);
    return log;
  }
}
