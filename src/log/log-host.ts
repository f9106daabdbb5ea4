/** What a partition's log is made from, and what it asks of whoever manages it. */
import type { Logger } from "../logging/index.ts";
import type { Metrics } from "../metrics/index.ts";
import type { Clock, Disk, Random } from "../platform/platform.ts";
import type { EpochStore } from "./epoch-store.ts";
import type { LogConfig } from "./log-config.ts";
import type { PartitionLog } from "./partition-log.ts";
import type { ProducerStore } from "./producer-store.ts";
import type { SegmentCache } from "./segment-cache.ts";
import type { Segments } from "./segments.ts";
import type { TailCache } from "./tail-cache.ts";
import type { WriteClock } from "./write-recency.ts";

export interface TopicPartition {
  readonly topic: string;
  /** As Kafka prints uuids. */
  readonly topicId: string;
  readonly partition: number;
}

/** What the loader found or made on disk. */
export interface LoadedLog {
  readonly topicPartition: TopicPartition;
  readonly directory: string;
  readonly config: LogConfig;
  readonly segments: Segments;
  readonly producers: ProducerStore;
  readonly epochs: EpochStore;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly recoveryPoint: number;
  /** The directory was just created: its entry in its parent is not durable yet. */
  readonly isNew: boolean;
}

export interface PartitionLogModules {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tailCache: TailCache;
  readonly segmentCache: SegmentCache;
  readonly host: LogHost;
  /** Counts what all logs write. */
  readonly writeClock: WriteClock;
  /** File ranges that end within so many bytes of the end of a log are read synchronously. */
  readonly synchronousReadBytes: number;
  /** Bound on what a client's compressed batch may hold. */
  readonly maxDecompressedBytes: number;
}

/** What a log asks of whoever manages it. */
export interface LogHost {
  /** Call `log.writePending()` at the end of this tick, and see to it that the log is flushed within its `flushMs`. */
  appended(log: PartitionLog): void;
  /** Whether the free space of the log's directory is down to the reserve: clients must not write any more. */
  isFull(log: PartitionLog): boolean;
  /** The log's recovery point went down to `recoveryPoint`: make that durable before returning, then the log may be cut. */
  recoveryPointLowered(log: PartitionLog): void;
  /** The log's files are about to be cut: see to it, before returning, that no journal brings back what was there. */
  rewriting(log: PartitionLog): void;
  /** The log start moved up: make that durable at the end of the tick, then call `log.deleteSegmentsBelowStart()`. */
  logStartOffsetChanged(log: PartitionLog): void;
  /** `cleanedOffset` moved: make that durable. */
  cleanedOffsetChanged(log: PartitionLog): void;
  /** Makes the log start durable before returning. */
  checkpointLogStart(log: PartitionLog): void;
  /** A failure that ends the use of the log's directory. */
  storageFailed(log: PartitionLog, error: unknown): void;
  /** A sync failed: nobody knows what is durable, and the process must end. */
  syncFailed(error: unknown): void;
  /** Removes files once the delay has passed. */
  removeLater(delayMs: number, remove: () => Promise<void>): void;
}
