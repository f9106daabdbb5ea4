/**
 * What one partition's log consists of at a moment, shared by the parts that change it: `log-appender.ts` at its end, `log-truncation.ts` back from
 * its end, `log-maintenance.ts` from its start and in its middle. Nobody else writes here; who uses a log sees `partition-log.ts`.
 */
import type { Logger } from "../logging/index.ts";
import type { EpochStore } from "./epoch-store.ts";
import type { LogConfig } from "./log-config.ts";
import { LogDurability } from "./log-durability.ts";
import { LogFiles } from "./log-files.ts";
import type { LoadedLog, PartitionLogModules, TopicPartition } from "./log-host.ts";
import { LogTail } from "./log-tail.ts";
import type { PartitionLog } from "./partition-log.ts";
import type { ProducerStore } from "./producer-store.ts";
import type { Segments } from "./segments.ts";
import { WriteRecency } from "./write-recency.ts";

export class LogState {
  /** The log as everybody else knows it. */
  readonly log: PartitionLog;
  topicPartition: TopicPartition;
  /** As the directory is called: topic and number. */
  readonly name: string;
  readonly modules: PartitionLogModules;
  readonly logger: Logger;
  config: LogConfig;
  readonly segments: Segments;
  readonly tail: LogTail;
  readonly recency: WriteRecency;
  readonly producers: ProducerStore;
  readonly epochs: EpochStore;
  readonly files: LogFiles;
  readonly durability: LogDurability;
  logStartOffset: number;
  logEndOffset: number;
  /** End of what is in the files. */
  writtenOffset: number;
  /** Size of the active segment's file. */
  writtenPosition: number;
  highWatermark: number;
  /** Changes whenever offsets below the end may have got other contents or gone. */
  generation = 0;
  /** How far the log was compacted; null when it never was. */
  cleanedOffset: number | null = null;
  /** Why the log takes no more appends; null while it does. */
  failure: string | null = null;

  constructor(log: PartitionLog, loaded: LoadedLog, modules: PartitionLogModules) {
    this.log = log;
    this.topicPartition = loaded.topicPartition;
    this.name = `${loaded.topicPartition.topic}-${loaded.topicPartition.partition}`;
    this.modules = modules;
    this.logger = modules.logger;
    this.config = loaded.config;
    this.segments = loaded.segments;
    this.tail = new LogTail(modules.tailCache);
    this.recency = new WriteRecency(modules.writeClock);
    this.producers = loaded.producers;
    this.epochs = loaded.epochs;
    this.files = new LogFiles(loaded, {
      disk: modules.disk,
      clock: modules.clock,
      random: modules.random,
      segmentCache: modules.segmentCache,
      removeLater: (delayMs, remove) => modules.host.removeLater(delayMs, remove),
      onSyncFailed: error => modules.host.syncFailed(error),
    });
    this.durability = new LogDurability(loaded, {
      disk: modules.disk,
      files: this.files,
      epochs: loaded.epochs,
      onRecoveryPointLowered: () => modules.host.recoveryPointLowered(log),
    });
    this.logStartOffset = this.highWatermark = loaded.logStartOffset;
    this.logEndOffset = this.writtenOffset = loaded.logEndOffset;
    this.writtenPosition = loaded.segments.active.sizeBytes;
  }

  /** Ends the log at `position` of its active segment, which is `offset`, durably. */
  cut(position: number, offset: number): void {
    this.tail.clear();
    this.files.cut(position, offset);
    this.logEndOffset = this.writtenOffset = offset;
    this.writtenPosition = position;
    this.durability.cut(offset, this.segments.active, position);
    this.highWatermark = Math.min(this.highWatermark, offset);
    this.generation += 1;
    this.lowerCleanedOffset(offset);
    if (this.epochs.epochs.truncateFromEnd(offset)) this.epochs.changed();
    this.producers.truncateTo(offset);
  }

  /** Nothing from `offset` on was compacted. */
  lowerCleanedOffset(offset: number): void {
    if (this.cleanedOffset === null || this.cleanedOffset <= offset) return;
    this.cleanedOffset = offset;
    this.modules.host.cleanedOffsetChanged(this.log);
  }

  /** Ends the use of the log: nobody knows what is in its files. */
  fail(error: unknown): void {
    if (this.failure !== null) return;
    this.failure = `The log cannot be written any more: ${error instanceof Error ? error.message : String(error)}`;
    this.logger.error("log.failed", { partition: this.name, error: this.failure });
    this.modules.host.storageFailed(this.log, error);
  }
}
