/**
 * All logs of a broker: finds and opens them, makes and deletes them, and does what they need in the background – writing at the end of each tick,
 * group commit, checkpoints, retention, removal of files.
 *
 * ```ts
 * const logs = new LogManager(logManagerOptions(config), { platform, logger, metrics, onFatal });
 * const metadataLog = await logs.openMetadataLog();
 * await logs.open();
 * const log = logs.create("orders", topicId, 0, logConfigOf(topicConfig));
 * log.append(records, { leaderEpoch: 0, origin: "client", retain: true, nowMs: platform.clock.now() });
 * await logs.flush(log);
 * await logs.close(brokerEpoch);
 * ```
 */
import type { TopicConfig } from "../config/index.ts";
import type { Logger } from "../logging/index.ts";
import type { Metrics } from "../metrics/index.ts";
import { joinPath } from "../platform/files.ts";
import type { Platform } from "../platform/platform.ts";
import { Checkpointer } from "./checkpointer.ts";
import { createCleaner, type LogCleaner } from "./cleaner/index.ts";
import { METADATA_DIRECTORY, METADATA_TOPIC, METADATA_TOPIC_ID, partitionDirectoryName } from "./file-names.ts";
import { FlushScheduler } from "./flush-scheduler.ts";
import { FutureLogs } from "./future-logs.ts";
import { Journals } from "./journal/journals.ts";
import { type LogConfig, logConfigOf } from "./log-config.ts";
import { LogDeletions } from "./log-deletions.ts";
import { LogDirectories } from "./log-directories.ts";
import type { LogDirectory } from "./log-directory.ts";
import type { LogHost } from "./log-host.ts";
import { LogCorruptError } from "./log-loader.ts";
import type { LogManagerOptions } from "./log-manager-options.ts";
import { LogOpener } from "./log-opener.ts";
import { isReplicated, LogRegistry } from "./log-registry.ts";
import { closeDirectory, syncSideBySide } from "./log-shutdown.ts";
import { openLogs } from "./log-start.ts";
import type { PartitionLog } from "./partition-log.ts";
import { ZERO_UUID } from "./partition-metadata.ts";
import { PendingWrites } from "./pending-writes.ts";
import { PeriodicWork } from "./periodic-work.ts";
import { Removals } from "./removals.ts";
import { SegmentCache } from "./segment-cache.ts";
import { TailCache } from "./tail-cache.ts";
import { WriteClock } from "./write-recency.ts";

const DISK_SPACE_INTERVAL_MS = 1000;

export interface LogManagerModules {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** A flush failed or no log directory is left: the process must end without another write. */
  readonly onFatal: (error: unknown) => void;
  /** A directory failed; its logs take no more appends. */
  readonly onDirectoryOffline?: (directory: LogDirectory) => void;
}

export class LogManager {
  readonly flushScheduler: FlushScheduler<PartitionLog>;
  /** Compacts logs in the background; null when that is turned off. */
  readonly cleaner: LogCleaner | null;
  readonly tailCache: TailCache;
  /** Copies of logs that are moving to another directory. */
  readonly futures: FutureLogs;
  readonly #options: LogManagerOptions;
  #producerExpirationMs: number;
  readonly #platform: Platform;
  readonly #logger: Logger;
  readonly #directories: LogDirectories;
  readonly #journals: Journals<PartitionLog>;
  readonly #opener: LogOpener;
  readonly #writes: PendingWrites;
  readonly #deletions: LogDeletions;
  readonly #removals: Removals;
  readonly #registry = new LogRegistry();
  #metadataLog: PartitionLog | null = null;
  #prepared: Promise<readonly LogDirectory[]> | null = null;
  readonly #periodicWork: PeriodicWork;
  #isClosing = false;
  readonly #checkpointer: Checkpointer;

  constructor(options: LogManagerOptions, modules: LogManagerModules) {
    this.#options = options;
    this.#producerExpirationMs = options.producerExpirationMs;
    this.#platform = modules.platform;
    this.#logger = modules.logger;
    this.tailCache = new TailCache(options.tailCacheSizeBytes);
    const flushFiles = modules.metrics.histogram("samsa_log_flush_files");
    const flushDuration = modules.metrics.histogram("samsa_log_flush_duration_seconds");
    const { journal } = options;
    this.flushScheduler = new FlushScheduler<PartitionLog>({
      timers: this.#platform.timers,
      clock: this.#platform.clock,
      plan: dirty => this.#journals.plan(dirty),
      ...(journal === null
        ? null
        : { sharedFromLogs: journal.minLogs, mayShare: log => log.unflushedBytes <= journal.extentMaxBytes }),
      isUrgent: log => log === this.#metadataLog,
      onFatal: error => {
        this.#logger.error("log.flush-failed", { error: String(error) });
        modules.onFatal(error);
      },
      onRound: (logCount, durationMs) => {
        flushFiles.observe(logCount);
        flushDuration.observe(durationMs / 1000);
      },
    });
    modules.metrics.gauge("samsa_log_cache_bytes").source(() => this.tailCache.sizeBytes);
    modules.metrics.gauge("samsa_log_segments").source(() => this.#registry.segmentCount);
    this.#directories = new LogDirectories(
      {
        paths: options.directories,
        unusable: options.unusableDirectories,
        corruptionTakes: options.corruptionTakes,
      },
      {
        ...modules,
        disk: this.#platform.disk,
        // A node without its metadata log cannot go on.
        isEssential: ({ logs }) => this.#metadataLog !== null && logs.has(this.#metadataLog),
      },
    );
    this.#periodicWork = new PeriodicWork({
      timers: this.#platform.timers,
      onFailed: error => this.#backgroundFailed(error),
    });
    this.#checkpointer = new Checkpointer({ directories: this.#directories, timers: this.#platform.timers });
    this.#journals = new Journals(options.journal, {
      ...this.#platform,
      logger: modules.logger,
      directoryOf: log => this.#directories.holding(log),
      isJournaled: log => log !== this.#metadataLog,
      onSyncFailed: error => this.flushScheduler.fail(error),
      hasFailed: () => this.flushScheduler.failure !== null,
      onFailed: (directory, error) => this.#directories.takeOffline(directory, error),
    });
    this.#writes = new PendingWrites(options, { timers: this.#platform.timers, flushScheduler: this.flushScheduler });
    this.#removals = new Removals({ timers: this.#platform.timers, onFailed: error => this.#backgroundFailed(error) });
    this.#deletions = new LogDeletions({
      platform: this.#platform,
      directories: this.#directories,
      journals: this.#journals,
      removeLater: (delayMs, remove) => this.#removals.add(delayMs, remove),
    });
    const { disk, clock, random } = this.#platform;
    this.#opener = new LogOpener({
      platform: this.#platform,
      logModules: {
        ...{ disk, clock, random, logger: modules.logger, metrics: modules.metrics },
        tailCache: this.tailCache,
        segmentCache: new SegmentCache(options.openSegmentsMax),
        writeClock: new WriteClock(disk.cachedBytes),
        host: this.#host(),
        synchronousReadBytes: options.synchronousReadBytes,
        maxDecompressedBytes: options.maxDecompressedBytes,
      },
    });
    this.futures = new FutureLogs({
      ...{ platform: this.#platform, logger: modules.logger, directories: this.#directories, opener: this.#opener },
      ...{ deletions: this.#deletions, registry: this.#registry, forget: log => this.#forget(log) },
    });
    this.cleaner = createCleaner(options.cleaner, { ...modules, logs: () => this.all() });
  }

  /** The log directories. Empty before the first of {@link open} and {@link openMetadataLog}. */
  get directories(): readonly LogDirectory[] {
    return this.#directories.all;
  }

  /** The broker epoch of the last stop, if that was clean in all directories; null otherwise, -1 when it is not known. */
  get cleanShutdownEpoch(): number | null {
    const epochs = this.directories.map(directory => directory.cleanShutdownEpoch);
    if (epochs.length === 0 || epochs.includes(null)) return null;
    return Math.min(...(epochs as number[]));
  }

  /** Logs that could not be opened: directory name and reason. Their partitions are offline until an operator looks at them. */
  get offlineLogs(): ReadonlyMap<string, string> {
    return this.#directories.offlineLogs;
  }

  /** Opens the metadata log, creating it if need be. It is none of the logs of {@link all} and {@link get}. */
  async openMetadataLog(): Promise<PartitionLog> {
    if (this.#metadataLog !== null) return this.#metadataLog;
    const directories = await this.#prepareDirectories();
    const directory = directories.find(({ path }) => path === this.#options.metadataDirectory) ?? directories[0]!;
    if (directory.failure !== null) throw new Error(`${directory.path} is offline: ${directory.failure}`);
    const path = joinPath(directory.path, METADATA_DIRECTORY);
    const { disk } = this.#platform;
    // The directory may hold snapshots from formatting, and no log yet.
    const log = disk.exists(path)
      ? await this.#opener.load(
          directory,
          METADATA_DIRECTORY,
          { topic: METADATA_TOPIC, partition: 0 },
          this.#options.metadataConfig,
        )
      : this.#opener.create(
          directory,
          { topic: METADATA_TOPIC, topicId: METADATA_TOPIC_ID, partition: 0 },
          this.#options.metadataConfig,
        );
    if (log.topicPartition.topicId === ZERO_UUID) log.assignTopicId(METADATA_TOPIC_ID);
    this.#metadataLog = log;
    return log;
  }

  /** Opens the logs of all directories, recovering those that were not closed cleanly, and starts the background work. */
  async open(): Promise<void> {
    const startedMs = this.#platform.clock.monotonic();
    const directories = await this.#prepareDirectories();
    const { recoveryParallelism: parallelism, configOf } = this.#options;
    const count = await openLogs(
      { parallelism, configOf },
      {
        ...{ disk: this.#platform.disk, logger: this.#logger, directories: this.#directories, opener: this.#opener },
        ...{ registry: this.#registry, futures: this.futures, deletions: this.#deletions },
        removeLater: (delayMs, remove) => this.#removals.add(delayMs, remove),
      },
    );
    for (const directory of directories) {
      this.#directories.tryIn(directory, () => {
        directory.writeRecoveryPoints();
        directory.writeLogStartOffsets();
      });
    }
    this.#startPeriodicWork();
    this.cleaner?.start();
    this.#logger.info("logs.opened", {
      logs: count - this.offlineLogs.size,
      offline: this.offlineLogs.size,
      clean: directories.every(directory => directory.isClean),
      milliseconds: Math.round(this.#platform.clock.monotonic() - startedMs),
    });
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#registry.get(topic, partition);
  }

  /** All logs but the metadata log. */
  all(): IterableIterator<PartitionLog> {
    return this.#registry.all();
  }

  /**
   * Makes the log of a partition, in the directory of path or id `wanted` or else in the one with the fewest logs; returns the one that is there already. One of another topic id is what a
   * deleted topic of the same name left behind: it is deleted.
   * @throws DiskError; LogCorruptError when a damaged log of that name is in the way
   */
  create(
    topic: string,
    topicId: string,
    partition: number,
    config: TopicConfig | LogConfig,
    wanted: string | null = null,
  ): PartitionLog {
    const existing = this.get(topic, partition);
    if (existing !== undefined) {
      if (existing.topicPartition.topicId === ZERO_UUID) existing.assignTopicId(topicId);
      if (existing.topicPartition.topicId === topicId) return existing;
      this.delete(topic, partition).catch(error => this.#backgroundFailed(error));
    }
    const name = partitionDirectoryName(topic, partition);
    this.#deletions.settle(name);
    const reason = this.offlineLogs.get(name);
    if (reason !== undefined) throw new LogCorruptError(reason);
    const directory = this.#directories.forNew(name, wanted);
    const log = this.#opener.create(directory, { topic, topicId, partition }, logConfigOf(config));
    this.#registry.add(log);
    return log;
  }

  /** Forgets the log at once, renames its directory, durably, and removes the files after `file.delete.delay.ms`. */
  async delete(topic: string, partition: number): Promise<void> {
    // First: a copy without the log that it is made from would be taken for that.
    this.futures.remove(topic, partition);
    const log = this.get(topic, partition);
    if (log === undefined) return;
    const directory = this.#directories.holding(log)!;
    const deleted = this.#deletions.delete(log, directory);
    this.#registry.remove(topic, partition);
    this.#forget(log);
    directory.logs.delete(log);
    await deleted;
  }

  /** Takes over what may change while running: how long producers are remembered, and what the cleaner may use. */
  reconfigure({ producerExpirationMs, cleaner }: Pick<LogManagerOptions, "producerExpirationMs" | "cleaner">): void {
    this.#producerExpirationMs = producerExpirationMs;
    if (cleaner !== null) this.cleaner?.reconfigure(cleaner);
  }

  /** Gives a log its topic's settings of now. */
  configure(log: PartitionLog, config: TopicConfig | LogConfig): void {
    log.updateConfig(logConfigOf(config));
  }

  /** Lets what `log` holds at the end of this tick become durable soon, in the group commit; `log.onFlushed` tells when. */
  requestFlush(log: PartitionLog): void {
    this.flushScheduler.request(log);
  }

  /** Resolves once everything appended to `log` so far is durable. */
  flush(log: PartitionLog): Promise<void> {
    return this.flushScheduler.flush(log);
  }

  /** Makes the journals' files now; otherwise that is done once they pay. */
  prepareJournals(): Promise<void> {
    return this.#journals.prepare();
  }

  /** Makes the recovery points, log starts and high watermarks of now durable. */
  checkpoint(): Promise<void> {
    return this.#checkpointer.checkpoint();
  }

  /** Applies retention to all logs: their starts move at once, the segments below go at the end of the tick. */
  deleteOldSegments(): void {
    const nowMs = this.#platform.clock.now();
    for (const log of this.all()) log.applyRetention(nowMs);
  }

  /**
   * Closes all logs and leaves the marker that spares the next start all recovery. A directory that failed gets none.
   * `brokerEpoch` is -1 when the broker never registered.
   */
  async close(brokerEpoch = -1): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#writes.stop();
    this.#periodicWork.stop();
    await this.cleaner?.stop();
    if (this.flushScheduler.failure === null) await this.flushScheduler.settle();
    await this.#journals.stop();
    const unsynced = await syncSideBySide(this.directories);
    const modules = { logger: this.#logger, flushScheduler: this.flushScheduler, journals: this.#journals };
    for (const directory of this.directories) closeDirectory(directory, brokerEpoch, unsynced, modules);
  }

  /** Reads the directories' small files and replays their journals, the first time. Nothing may look at the logs before. */
  #prepareDirectories(): Promise<readonly LogDirectory[]> {
    this.#prepared ??= this.#recoverJournals();
    return this.#prepared;
  }

  async #recoverJournals(): Promise<readonly LogDirectory[]> {
    const directories = this.#directories.open();
    for (const directory of directories) await this.#journals.recover(directory, this.#options.recoveryParallelism);
    if (directories.every(({ offline }) => offline))
      throw new Error(`No log directory is left: ${directories[0]!.failure}`);
    return directories;
  }

  /** Nothing in the background is to work on `log` any more. */
  #forget(log: PartitionLog): void {
    this.cleaner?.forget(log);
    this.#writes.forget(log);
  }

  /** What the logs ask of their manager. */
  #host(): LogHost {
    const directories = this.#directories;
    return {
      appended: log => this.#writes.add(log),
      isFull: log => directories.holding(log)?.isFull ?? false,
      recoveryPointLowered: log => directories.workIn(directories.holding(log), held => held.writeRecoveryPoints()),
      rewriting: log => directories.workIn(directories.holding(log), () => this.#journals.release(log)),
      logStartOffsetChanged: log => this.#checkpointer.logStartMoved(log),
      checkpointLogStart: log => directories.workIn(directories.holding(log), held => held.writeLogStartOffsets()),
      cleanedOffsetChanged: log => directories.tryIn(directories.holding(log), held => held.writeCleanedOffsets()),
      syncFailed: error => this.flushScheduler.fail(error),
      storageFailed: (log, error) => directories.takeOffline(directories.holding(log), error),
      removeLater: (delayMs, remove) => this.#removals.add(delayMs, remove),
    };
  }

  #startPeriodicWork(): void {
    const work = this.#periodicWork;
    const options = this.#options;
    work.every(options.checkpointIntervalMs, () => this.checkpoint());
    work.every(options.highWatermarkCheckpointIntervalMs, () => {
      for (const directory of this.directories) {
        this.#directories.tryIn(directory, () => directory.writeHighWatermarks(isReplicated));
      }
    });
    work.every(options.retentionCheckIntervalMs, () => this.deleteOldSegments());
    work.every(options.producerExpirationCheckIntervalMs, () => {
      const nowMs = this.#platform.clock.now();
      for (const log of this.all()) log.expireProducers(nowMs, this.#producerExpirationMs);
    });
    work.every(DISK_SPACE_INTERVAL_MS, () => this.#directories.checkSpace(options));
    work.now(() => this.#directories.checkSpace(options));
  }

  #backgroundFailed(error: unknown): void {
    this.#logger.error("log.background-failed", { error: String(error) });
  }
}
