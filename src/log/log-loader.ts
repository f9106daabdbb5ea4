/**
 * Opening the directory of one partition: list, plan, execute.
 *
 * After a clean stop only the end of the last segment is read. After an unclean one everything from the recovery point on is read and checked, what
 * never became durable is cut off, and what is kept is made durable before anybody may read it. Doing so again, or again after a crash on the way,
 * gives the same log.
 */
import { lastOffsetAt } from "../../protocol/records/batch.ts";
import type { Logger } from "../logging/index.ts";
import { joinPath, parentOf, readFileIfExists } from "../platform/files.ts";
import type { Disk } from "../platform/platform.ts";
import { forEachBatch } from "./batch-walk.ts";
import { encodePartitionMetadata } from "./checkpoints.ts";
import { EpochStore } from "./epoch-store.ts";
import { DELETED_SUFFIX, LOG_SUFFIX, PARTITION_METADATA, QUARANTINE_MARKER, SWAP_SUFFIX } from "./file-names.ts";
import { type FoundFile, type LoadPlan, planLoad } from "./load-plan.ts";
import type { LogConfig } from "./log-config.ts";
import type { LoadedLog, TopicPartition } from "./log-host.ts";
import { readTopicId, syncPartitionMetadata } from "./partition-metadata.ts";
import { ProducerStore } from "./producer-store.ts";
import { scanSegment } from "./recovery.ts";
import { SEGMENT_SUFFIXES, Segment } from "./segment.ts";
import type { SegmentCache } from "./segment-cache.ts";
import { Segments } from "./segments.ts";

/** A log whose durable part is damaged. Nothing of it was changed: it is for an operator, or a replica, to repair. */
export class LogCorruptError extends Error {
  override name = "LogCorruptError";
}

export interface LoadOptions {
  readonly topic: string;
  readonly partition: number;
  readonly directory: string;
  readonly config: LogConfig;
  readonly isClean: boolean;
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
  readonly nowMs: number;
}

export interface LoadModules {
  readonly disk: Disk;
  readonly cache: SegmentCache;
  readonly logger: Logger;
}

export interface LoadResult {
  readonly loaded: LoadedLog;
  /** Segments were checked: the recovery point moved. */
  readonly recovered: boolean;
  /** Bytes cut off because they never became durable. */
  readonly truncatedBytes: number;
}

/**
 * Opens an existing directory.
 * @throws LogCorruptError, DiskError, CheckpointError
 */
export async function loadLog(options: LoadOptions, modules: LoadModules): Promise<LoadResult> {
  const { directory, config } = options;
  const { indexIntervalBytes } = config;
  const { disk, cache } = modules;
  const quarantine = readFileIfExists(disk, joinPath(directory, QUARANTINE_MARKER));
  if (quarantine !== null) throw new LogCorruptError(quarantine.toString("utf8").trim());
  const plan = planLoad(listFiles(disk, directory), options);
  for (const name of plan.remove) disk.remove(joinPath(directory, name));
  if (plan.remove.length > 0 && plan.removeLast.length + plan.rename.length > 0) disk.syncDirectory(directory);
  for (const name of plan.removeLast) disk.remove(joinPath(directory, name));
  for (const { from, to } of plan.rename) disk.rename(joinPath(directory, from), joinPath(directory, to));
  if (plan.removeLast.length + plan.rename.length > 0) disk.syncDirectory(directory);

  const epochs = new EpochStore({ directory }, { disk });
  const producers = new ProducerStore({ directory, snapshots: plan.snapshots }, { disk });
  const found = plan.segments.map(
    planned => new Segment({ ...planned, directory, indexIntervalBytes }, { disk, cache }),
  );
  const planned = new Map(plan.segments.map(segment => [segment.baseOffset, segment]));
  for (const segment of found) {
    if (planned.get(segment.baseOffset)!.rebuildIndexes && !planned.get(segment.baseOffset)!.recover) {
      segment.rebuildIndexes();
    }
  }
  const recovery = await recoverSegments(options, modules, plan, found, { epochs, producers });
  const segments = new Segments(found);
  const created = found.length === 0;
  if (created) segments.push(newSegment(options, modules));
  let logEndOffset = created ? options.logStartOffset : segments.active.becomeActive();
  if (logEndOffset < options.logStartOffset) {
    // All records were deleted, and a crash lost the empty segment behind them. Offsets must not be given out twice.
    for (const segment of segments.pop(0).reverse()) removeSegmentFiles(disk, segment);
    segments.push(newSegment(options, modules));
    logEndOffset = options.logStartOffset;
  }
  const logStartOffset = Math.min(Math.max(options.logStartOffset, segments.first.baseOffset), logEndOffset);

  // In this order, so that doing it again changes nothing: the first may leave an entry at the very end.
  if (epochs.epochs.truncateFromStart(logStartOffset)) epochs.changed();
  if (epochs.epochs.truncateFromEnd(logEndOffset)) epochs.changed();
  producers.truncateTo(logEndOffset);
  producers.removeStray(new Set(segments.all().map(segment => segment.baseOffset)));
  if (!recovery.producersComplete) producers.rebuild(segments, logStartOffset, logEndOffset);
  if (recovery.recovered || created) {
    // A process that was killed may have left all of it to the page cache, the directory's own entry included.
    await syncPartitionMetadata(disk, directory);
    epochs.writeNow();
    disk.syncDirectory(directory);
    disk.syncDirectory(parentOf(directory));
  }
  const loaded: LoadedLog = {
    topicPartition: {
      topic: options.topic,
      // A recovery point above 0 says that there was a flush.
      topicId: readTopicId(disk, directory, options.isClean || options.recoveryPoint > 0),
      partition: options.partition,
    },
    directory,
    config,
    segments,
    producers,
    epochs,
    logStartOffset,
    logEndOffset,
    recoveryPoint: recovery.recovered || options.isClean ? logEndOffset : Math.min(options.recoveryPoint, logEndOffset),
    isNew: false,
  };
  return { loaded, recovered: recovery.recovered, truncatedBytes: recovery.truncatedBytes };
}

/** Makes the directory of a new log. Its entries become durable with the first flush. */
export function createLog(
  options: { topicPartition: TopicPartition; directory: string; config: LogConfig; nowMs: number },
  modules: { disk: Disk; cache: SegmentCache },
): LoadedLog {
  const { directory, config, topicPartition } = options;
  const { indexIntervalBytes } = config;
  const { disk, cache } = modules;
  disk.makeDirectory(directory);
  disk.writeFile(joinPath(directory, PARTITION_METADATA), Buffer.from(encodePartitionMetadata(topicPartition.topicId)));
  const segment = Segment.create(
    { directory, baseOffset: 0, modifiedMs: options.nowMs, indexIntervalBytes },
    { disk, cache },
  );
  return {
    topicPartition,
    directory,
    config,
    segments: new Segments([segment]),
    producers: new ProducerStore({ directory, snapshots: [] }, { disk }),
    epochs: new EpochStore({ directory }, { disk }),
    logStartOffset: 0,
    logEndOffset: 0,
    recoveryPoint: 0,
    isNew: true,
  };
}

interface Recovery {
  readonly recovered: boolean;
  readonly truncatedBytes: number;
  /** The producer state is that of the end of the log. */
  readonly producersComplete: boolean;
}

/** Checks the segments that the plan names, in order. */
async function recoverSegments(
  options: LoadOptions,
  modules: LoadModules,
  plan: LoadPlan,
  found: Segment[],
  stores: { epochs: EpochStore; producers: ProducerStore },
): Promise<Recovery> {
  const first = plan.segments.findIndex(segment => segment.recover);
  if (first < 0) return { recovered: false, truncatedBytes: 0, producersComplete: false };
  const { disk, logger } = modules;
  const partition = `${options.topic}-${options.partition}`;
  const begin = found[first]!.baseOffset;
  stores.producers.rebuild(new Segments(found.slice(0, first)), options.logStartOffset, begin);
  let truncatedBytes = 0;
  let nextOffset = begin;
  for (let index = first; index < found.length; index += 1) {
    const segment = found[index]!;
    if (index > first && segment.baseOffset < nextOffset)
      throw corrupt(partition, segment.baseOffset, "segments overlap");
    const file = disk.open(segment.path(LOG_SUFFIX), "write");
    try {
      const scan = await scanSegment(
        file,
        {
          baseOffset: segment.baseOffset,
          sizeBytes: segment.sizeBytes,
          indexIntervalBytes: options.config.indexIntervalBytes,
        },
        { producers: stores.producers.state, epochs: stores.epochs.epochs },
      );
      if (scan.foundEpoch) stores.epochs.changed();
      nextOffset = scan.endOffset;
      if (scan.fault !== null) {
        // A segment is begun only when all before it is durable: what others follow was so too.
        const isLast = index === found.length - 1;
        if (nextOffset < options.recoveryPoint || !isLast) throw corrupt(partition, nextOffset, scan.fault);
        truncatedBytes += segment.sizeBytes - scan.validBytes;
        logger.warn("log.truncated-at-recovery", {
          partition,
          offset: nextOffset,
          bytes: segment.sizeBytes - scan.validBytes,
          reason: scan.fault,
        });
        file.truncate(scan.validBytes);
        segment.sizeBytes = scan.validBytes;
      }
      segment.replaceIndexes(scan.indexes, scan.transactionIndex);
      file.syncNow();
      segment.syncIndexesNow();
    } finally {
      file.close();
    }
  }
  stores.producers.truncateTo(nextOffset);
  logger.info("log.recovered", { partition, from: begin, logEndOffset: nextOffset, truncatedBytes });
  return { recovered: true, truncatedBytes, producersComplete: true };
}

/** An empty log begins where its records ended. */
function newSegment(options: LoadOptions, modules: LoadModules): Segment {
  const { directory, logStartOffset, nowMs, config } = options;
  return Segment.create(
    { directory, baseOffset: logStartOffset, modifiedMs: nowMs, indexIntervalBytes: config.indexIntervalBytes },
    modules,
  );
}

function removeSegmentFiles(disk: Disk, segment: Segment): void {
  segment.close();
  const log = segment.path(LOG_SUFFIX);
  disk.rename(log, log + DELETED_SUFFIX);
  for (const suffix of SEGMENT_SUFFIXES) disk.remove(segment.path(suffix));
  disk.remove(log + DELETED_SUFFIX);
}

function listFiles(disk: Disk, directory: string): FoundFile[] {
  const files: FoundFile[] = [];
  for (const name of disk.list(directory)) {
    const { sizeBytes, modifiedMs, isDirectory } = disk.status(joinPath(directory, name));
    if (isDirectory) continue;
    const isSwapped = name.endsWith(LOG_SUFFIX + SWAP_SUFFIX);
    const endOffset = isSwapped ? { endOffset: endOffsetOf(disk, joinPath(directory, name), sizeBytes) } : {};
    files.push({ name, sizeBytes, modifiedMs, ...endOffset });
  }
  return files;
}

/** The offset after the last batch of a segment file; 0 without one. */
function endOffsetOf(disk: Disk, path: string, sizeBytes: number): number {
  const file = disk.open(path, "read");
  try {
    let endOffset = 0;
    forEachBatch(file, 0, sizeBytes, (buffer, position) => {
      endOffset = lastOffsetAt(buffer, position) + 1;
      return true;
    });
    return endOffset;
  } finally {
    file.close();
  }
}

function corrupt(partition: string, offset: number, reason: string): LogCorruptError {
  return new LogCorruptError(`${partition} is damaged below its recovery point, at offset ${offset}: ${reason}`);
}
