/**
 * What a partition log needs to know of its topic's configuration, as plain numbers and booleans.
 *
 * `logConfigOf` derives it from the typed configuration; tests and programs that use the log alone start from {@link DEFAULT_LOG_CONFIG}.
 */

import { TopicConfig } from "../config/index.ts";

/** Settings of one log. Sizes in bytes, durations in milliseconds; -1 for "no limit" where noted. */
export interface LogConfig {
  /** Roll once the active segment would grow beyond this. */
  readonly segmentSizeBytes: number;
  /** Roll once the first record of the active segment is this old. */
  readonly segmentMs: number;
  /** Up to this much is taken off `segmentMs`, at random for each segment, so that logs do not all roll together. */
  readonly segmentJitterMs: number;
  /** A segment is rolled when one of its indexes would outgrow this. */
  readonly indexSizeBytes: number;
  /** An index entry is made each time more than this many bytes were appended. */
  readonly indexIntervalBytes: number;
  /** Largest record batch, after compression. */
  readonly maxMessageBytes: number;
  /** `producer` keeps what the producer chose; another codec's name makes the broker recompress. */
  readonly compressionType: CompressionType;
  readonly compressionLevel: number | null;
  readonly timestampType: "CreateTime" | "LogAppendTime";
  /** How far a record's timestamp may lie before or after the broker's clock (KIP-937). */
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  /** -1: no limit. */
  readonly retentionMs: number;
  /** -1: no limit. */
  readonly retentionSizeBytes: number;
  /** Old segments may be deleted by age and size (`cleanup.policy` holds `delete`). */
  readonly deletes: boolean;
  /** Records need keys, and old ones of a key may go (`cleanup.policy` holds `compact`). */
  readonly compacts: boolean;
  /** A log is due for compaction once this share of it was never compacted. */
  readonly minCleanableDirtyRatio: number;
  /** Records younger than this are not compacted. */
  readonly minCompactionLagMs: number;
  /** A log with an uncompacted record older than this is due for compaction. */
  readonly maxCompactionLagMs: number;
  /** How long compaction leaves tombstones, and markers of transactions without records, for readers to meet. */
  readonly deleteRetentionMs: number;
  /** How long files stay, renamed to `.deleted`, after their segment is gone. */
  readonly fileDeleteDelayMs: number;
  /** Flush once so many records are not durable, even if nobody waits for them. */
  readonly flushMessages: number;
  /** Flush what is not durable after this time at the latest, even if nobody waits for it. */
  readonly flushMs: number;
  /** Batches may be acknowledged before they are durable, where {@link PartitionLog.allowWriteCaching} says so. */
  readonly writeCaching: boolean;
}

export type CompressionType = "producer" | "uncompressed" | "gzip" | "snappy" | "lz4" | "zstd";

/** Kafka's defaults. */
export const DEFAULT_LOG_CONFIG: LogConfig = Object.freeze({
  segmentSizeBytes: 1024 * 1024 * 1024,
  segmentMs: 7 * 24 * 60 * 60 * 1000,
  segmentJitterMs: 0,
  indexSizeBytes: 10 * 1024 * 1024,
  indexIntervalBytes: 4096,
  maxMessageBytes: 1024 * 1024 + 12,
  compressionType: "producer",
  compressionLevel: null,
  timestampType: "CreateTime",
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 60 * 60 * 1000,
  retentionMs: 7 * 24 * 60 * 60 * 1000,
  retentionSizeBytes: -1,
  deletes: true,
  compacts: false,
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  deleteRetentionMs: 86_400_000,
  fileDeleteDelayMs: 60_000,
  flushMessages: Number.MAX_SAFE_INTEGER,
  flushMs: Number.MAX_SAFE_INTEGER,
  writeCaching: false,
});

/** The settings of a topic's logs. Given ones are returned as they are. */
export function logConfigOf(topic: TopicConfig | LogConfig): LogConfig {
  if (!(topic instanceof TopicConfig)) return topic;
  const compressionType = topic.get("compression.type") as CompressionType;
  const cleanupPolicy = topic.get("cleanup.policy");
  const compacts = cleanupPolicy.includes("compact");
  // The active segment is never compacted, so it must not stay active for longer than a record may stay uncompacted (KIP-354).
  const maxCompactionLagMs = topic.get("max.compaction.lag.ms");
  return {
    segmentSizeBytes: topic.get("internal.segment.bytes") ?? topic.get("segment.bytes"),
    segmentMs: compacts ? Math.min(topic.get("segment.ms"), maxCompactionLagMs) : topic.get("segment.ms"),
    segmentJitterMs: topic.get("segment.jitter.ms"),
    indexSizeBytes: topic.get("segment.index.bytes"),
    indexIntervalBytes: topic.get("index.interval.bytes"),
    maxMessageBytes: topic.get("max.message.bytes"),
    compressionType,
    compressionLevel: compressionLevelOf(topic, compressionType),
    timestampType: topic.get("message.timestamp.type") as LogConfig["timestampType"],
    timestampBeforeMaxMs: topic.get("message.timestamp.before.max.ms"),
    timestampAfterMaxMs: topic.get("message.timestamp.after.max.ms"),
    retentionMs: topic.get("retention.ms"),
    retentionSizeBytes: topic.get("retention.bytes"),
    deletes: cleanupPolicy.includes("delete"),
    compacts,
    minCleanableDirtyRatio: topic.get("min.cleanable.dirty.ratio"),
    minCompactionLagMs: topic.get("min.compaction.lag.ms"),
    maxCompactionLagMs,
    deleteRetentionMs: topic.get("delete.retention.ms"),
    fileDeleteDelayMs: topic.get("file.delete.delay.ms"),
    flushMessages: topic.get("flush.messages"),
    flushMs: topic.get("flush.ms"),
    writeCaching: topic.get("write.caching"),
  };
}

function compressionLevelOf(topic: TopicConfig, type: CompressionType): number | null {
  if (type === "lz4") return topic.get("compression.lz4.level");
  if (type === "zstd") return topic.get("compression.zstd.level");
  if (type !== "gzip") return null;
  const level = topic.get("compression.gzip.level");
  // -1 is the codec's own default.
  return level < 0 ? null : level;
}
