/** The log manager's settings, as plain values derived from the broker's configuration. */
import { type BrokerConfig, TopicConfig } from "../config/index.ts";
import { type CleanerOptions, cleanerOptions, DEFAULT_CLEANER_OPTIONS } from "./cleaner/index.ts";
import { DEFAULT_JOURNAL_OPTIONS, type JournalOptions, journalOptions } from "./journal/journal-options.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig, logConfigOf } from "./log-config.ts";

export interface LogManagerOptions {
  /** `log.dirs`. */
  readonly directories: readonly string[];
  /** Those of {@link directories} that are offline from the start, and why. */
  readonly unusableDirectories?: ReadonlyMap<string, string>;
  /** The one of them that holds the metadata log. */
  readonly metadataDirectory: string;
  readonly metadataConfig: LogConfig;
  /** The configuration with which a topic's logs are opened at start. `PartitionLog.updateConfig` sets the final one. */
  readonly configOf: (topic: string) => LogConfig;
  readonly tailCacheSizeBytes: number;
  /** Inactive segments with an open file. */
  readonly openSegmentsMax: number;
  /** Reads of file ranges that end within so many bytes of a log's end do not leave the event loop: they are in the page cache. */
  readonly synchronousReadBytes: number;
  /** Logs opened at the same time. */
  readonly recoveryParallelism: number;
  /** What a log that is damaged below its recovery point takes offline: its partition, or all of its log directory as in Kafka. */
  readonly corruptionTakes: "partition" | "directory";
  readonly maxDecompressedBytes: number;
  /** Longest time until an append that nobody waits for is flushed. */
  readonly backgroundFlushMs: number;
  /** Of the journals that make many logs durable at once; null turns them off. */
  readonly journal: JournalOptions | null;
  /** Periods of the background work; 0 turns it off. */
  readonly checkpointIntervalMs: number;
  readonly highWatermarkCheckpointIntervalMs: number;
  readonly retentionCheckIntervalMs: number;
  readonly producerExpirationCheckIntervalMs: number;
  readonly producerExpirationMs: number;
  /** Of compaction; null turns it off. */
  readonly cleaner: CleanerOptions | null;
  /** Free space kept for metadata: the larger of the two, but at most a tenth of the volume. Clients' appends are refused below it. */
  readonly reserveBytes: number;
  readonly reserveRatio: number;
}

/** Kafka's and Samsa's defaults over one directory, for tests and programs that use the log alone. */
export function defaultLogManagerOptions(directory: string): LogManagerOptions {
  return {
    directories: [directory],
    metadataDirectory: directory,
    metadataConfig: METADATA_LOG_CONFIG,
    configOf: () => DEFAULT_LOG_CONFIG,
    tailCacheSizeBytes: 32 * 1024 * 1024,
    openSegmentsMax: 4096,
    synchronousReadBytes: SYNCHRONOUS_READ_BYTES,
    recoveryParallelism: 4,
    corruptionTakes: "partition",
    maxDecompressedBytes: 64 * 1024 * 1024,
    backgroundFlushMs: 1000,
    journal: DEFAULT_JOURNAL_OPTIONS,
    checkpointIntervalMs: 60_000,
    highWatermarkCheckpointIntervalMs: 5000,
    retentionCheckIntervalMs: 300_000,
    producerExpirationCheckIntervalMs: 600_000,
    producerExpirationMs: 86_400_000,
    cleaner: DEFAULT_CLEANER_OPTIONS,
    reserveBytes: 0,
    reserveRatio: 0,
  };
}

/** The settings of a broker. `directories` are the formatted log directories. */
export function logManagerOptions(
  config: BrokerConfig,
  directories: readonly string[],
  metadataDirectory = directories[0]!,
): LogManagerOptions {
  return {
    directories,
    metadataDirectory,
    metadataConfig: { ...METADATA_LOG_CONFIG, segmentSizeBytes: config.get("metadata.log.segment.bytes") },
    configOf: () => logConfigOf(TopicConfig.resolve(new Map(), config)),
    tailCacheSizeBytes: config.get("samsa.log.tail.cache.bytes"),
    openSegmentsMax: config.get("samsa.log.open.segments.max"),
    synchronousReadBytes: SYNCHRONOUS_READ_BYTES,
    recoveryParallelism: Math.max(config.get("num.recovery.threads.per.data.dir"), 4),
    corruptionTakes: config.get("samsa.log.corruption.takes") as "partition" | "directory",
    maxDecompressedBytes: config.get("samsa.batch.decompressed.max.bytes"),
    backgroundFlushMs: config.get("samsa.log.flush.background.interval.ms"),
    journal: journalOptions(config),
    checkpointIntervalMs: config.get("log.flush.offset.checkpoint.interval.ms"),
    highWatermarkCheckpointIntervalMs: config.get("replica.high.watermark.checkpoint.interval.ms"),
    retentionCheckIntervalMs: config.get("log.retention.check.interval.ms"),
    producerExpirationCheckIntervalMs: config.get("producer.id.expiration.check.interval.ms"),
    producerExpirationMs: config.get("producer.id.expiration.ms"),
    cleaner: cleanerOptions(config),
    reserveBytes: config.get("samsa.log.disk.reserve.bytes"),
    reserveRatio: config.get("samsa.log.disk.reserve.ratio"),
  };
}

/** What was written this recently is in the page cache, unless the machine is short of memory. */
const SYNCHRONOUS_READ_BYTES = 64 * 1024 * 1024;

const METADATA_LOG_CONFIG: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  maxMessageBytes: 8 * 1024 * 1024,
  // Only snapshots decide what of the metadata log may go.
  deletes: false,
  retentionMs: -1,
};
