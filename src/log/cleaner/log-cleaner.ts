/**
 * The log cleaner: looks, now and then, for the compacted log that is dirtiest, and has it cleaned; again until none is due.
 *
 * A log that cannot be cleaned – a damaged segment, a disk that fails – is reported, left alone until the next start, and the others go on.
 *
 * ```ts
 * const cleaner = new LogCleaner(cleanerOptions(config), { logs: () => logManager.all(), newRunner, ...modules });
 * cleaner.start();
 * await cleaner.stop();
 * ```
 */
import type { BrokerConfig } from "../../config/index.ts";
import type { Logger } from "../../logging/index.ts";
import { type Clock, DiskError, type Random, type Timer, type Timers } from "../../platform/platform.ts";
import type { LastProducerBatch } from "./batch-filter.ts";
import type { CleaningJob, CleaningResult } from "./clean-log.ts";
import type { CleanableLog } from "./cleanable-log.ts";
import { type CleaningPlan, dirtiest, planCleaning } from "./cleaning-plan.ts";
import type { CleaningRunner } from "./cleaning-runner.ts";
import { HASH_SEED_SIZE_BYTES } from "./key-hash.ts";

/** Settings of the cleaner; memory and bandwidth are those of all its threads together. */
export interface CleanerOptions {
  /** Logs cleaned at the same time. */
  readonly threads: number;
  readonly mapMemoryBytes: number;
  readonly mapLoadFactor: number;
  readonly bufferBytes: number;
  readonly bytesPerSecond: number;
  /** Pause when there is nothing to clean. */
  readonly backoffMs: number;
}

export const DEFAULT_CLEANER_OPTIONS: CleanerOptions = Object.freeze({
  threads: 1,
  mapMemoryBytes: 128 * 1024 * 1024,
  mapLoadFactor: 0.9,
  bufferBytes: 512 * 1024,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  backoffMs: 15_000,
});

/** The settings of a broker; null when `log.cleaner.enable` is off. */
export function cleanerOptions(config: BrokerConfig): CleanerOptions | null {
  if (!config.get("log.cleaner.enable")) return null;
  return {
    threads: config.get("log.cleaner.threads"),
    mapMemoryBytes: config.get("log.cleaner.dedupe.buffer.size"),
    mapLoadFactor: config.get("log.cleaner.io.buffer.load.factor"),
    bufferBytes: config.get("log.cleaner.io.buffer.size"),
    bytesPerSecond: config.get("log.cleaner.io.max.bytes.per.second"),
    backoffMs: config.get("log.cleaner.backoff.ms"),
  };
}

/** Told what happens; the broker makes metrics of it. */
export interface CleanerObserver {
  cleaned(log: CleanableLog, result: CleaningResult, durationMs: number): void;
  /** The largest dirty share among all logs, at each look. */
  dirtiness(ratio: number): void;
  uncleanable(count: number): void;
}

export interface LogCleanerModules {
  /** All logs of which some may be compacted. */
  readonly logs: () => Iterable<CleanableLog>;
  /** Called once for each thread. */
  readonly newRunner: () => CleaningRunner;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer?: CleanerObserver;
}

interface Candidate {
  readonly log: CleanableLog;
  readonly plan: CleaningPlan;
}

export class LogCleaner {
  #options: CleanerOptions;
  readonly #modules: LogCleanerModules;
  readonly #logger: Logger;
  readonly #runners: CleaningRunner[] = [];
  readonly #timers = new Map<CleaningRunner, Timer>();
  readonly #rounds = new Set<Promise<unknown>>();
  readonly #inProgress = new Set<CleanableLog>();
  readonly #uncleanable = new Map<CleanableLog, string>();
  #isStopping = false;

  constructor(options: CleanerOptions, modules: LogCleanerModules) {
    this.#options = options;
    this.#modules = modules;
    this.#logger = modules.logger;
  }

  /** Logs that cannot be cleaned, and why. */
  get uncleanable(): ReadonlyMap<CleanableLog, string> {
    return this.#uncleanable;
  }

  /** Begins to look for dirty logs, first after one pause. */
  start(): void {
    this.#isStopping = false;
    this.#adjustThreads();
  }

  /** Changes the settings; a cleaning under way goes on with the old ones. */
  reconfigure(options: CleanerOptions): void {
    this.#options = options;
    if (this.#runners.length > 0) this.#adjustThreads();
  }

  /** Ends all cleaning; resolves once nothing of it is under way. What is not swapped in yet is thrown away. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers.values()) timer.clear();
    this.#timers.clear();
    while (this.#rounds.size > 0) await Promise.all(this.#rounds);
    for (const runner of this.#runners.splice(0)) runner.rest();
  }

  /** Forgets a log that is deleted or closed. A cleaning of it comes to nothing. */
  forget(log: CleanableLog): void {
    if (this.#uncleanable.delete(log)) this.#modules.observer?.uncleanable(this.#uncleanable.size);
  }

  /** Cleans all logs that are due, one after the other. Returns how many cleanings there were. */
  async cleanAll(runner = this.#modules.newRunner()): Promise<number> {
    let count = 0;
    for (let next = this.#next(); next !== null && !this.#isStopping; next = this.#next()) {
      if (await this.#clean(next, runner)) count += 1;
      else if (!this.#uncleanable.has(next.log)) break;
    }
    return count;
  }

  #adjustThreads(): void {
    while (this.#runners.length < this.#options.threads) {
      const runner = this.#modules.newRunner();
      this.#runners.push(runner);
      this.#plan(runner);
    }
    for (const runner of this.#runners.splice(this.#options.threads)) {
      this.#timers.get(runner)?.clear();
      this.#timers.delete(runner);
      runner.rest();
    }
  }

  #plan(runner: CleaningRunner): void {
    const timer = this.#modules.timers.after(this.#options.backoffMs, () => {
      const round = this.cleanAll(runner)
        .catch(error => this.#logger.error("log-cleaner.failed", { error: String(error) }))
        .finally(() => {
          this.#rounds.delete(round);
          if (this.#isStopping || !this.#runners.includes(runner)) return;
          runner.rest();
          this.#plan(runner);
        });
      this.#rounds.add(round);
    });
    this.#timers.set(runner, timer);
  }

  /** The log to be cleaned next; null when none is due. */
  #next(): Candidate | null {
    const nowMs = this.#modules.clock.now();
    const candidates: Candidate[] = [];
    let dirtyRatio = 0;
    for (const log of this.#modules.logs()) {
      if (!log.config.compacts || log.failure !== null || log.segments.count < 2) continue;
      if (this.#inProgress.has(log) || this.#uncleanable.has(log)) continue;
      try {
        const { minCompactionLagMs, maxCompactionLagMs, minCleanableDirtyRatio } = log.config;
        const { logStartOffset, logEndOffset, lastStableOffset, cleanedOffset } = log;
        const plan = planCleaning(
          {
            segments: log.segments.all(),
            ...{ logStartOffset, logEndOffset, lastStableOffset, cleanedOffset },
            ...{ minCompactionLagMs, maxCompactionLagMs, minCleanableDirtyRatio },
          },
          nowMs,
        );
        if (plan === null) continue;
        dirtyRatio = Math.max(dirtyRatio, plan.dirtyRatio);
        candidates.push({ log, plan });
      } catch (error) {
        this.#giveUp(log, error);
      }
    }
    this.#modules.observer?.dirtiness(dirtyRatio);
    return dirtiest(candidates);
  }

  /** True when the log was cleaned as planned. */
  async #clean({ log, plan }: Candidate, runner: CleaningRunner): Promise<boolean> {
    const { clock } = this.#modules;
    const startedMs = clock.monotonic();
    const { cutCount, logStartOffset } = log;
    const isGone = (): boolean => log.failure !== null || log.cutCount !== cutCount;
    this.#inProgress.add(log);
    try {
      const result = await runner.run(this.#jobFor(log, plan), {
        bytesPerSecond: this.#options.bytesPerSecond / Math.max(this.#options.threads, 1),
        onSegment: segment => log.swapIn(segment, cutCount),
        isCancelled: () => this.#isStopping || isGone(),
      });
      if (result === null || isGone()) {
        this.#logger.debug("log.cleaning-abandoned", { partition: log.name });
        return false;
      }
      log.markCleaned(result.endOffset);
      this.#report(log, plan, result, clock.monotonic() - startedMs);
      return true;
    } catch (error) {
      // Segments that were deleted meanwhile are not there to be read.
      const isMissing = error instanceof DiskError && error.code === "ENOENT" && log.logStartOffset !== logStartOffset;
      if (isGone() || isMissing) return false;
      if (error instanceof DiskError && (error.code === "ENOSPC" || error.code === "EDQUOT")) {
        this.#logger.warn("log.cleaning-postponed", { partition: log.name, error: error.message });
        return false;
      }
      this.#giveUp(log, error);
      return false;
    } finally {
      this.#inProgress.delete(log);
    }
  }

  #jobFor(log: CleanableLog, plan: CleaningPlan): CleaningJob {
    const segments = log.segments.all().slice(0, plan.segmentCount);
    const threads = Math.max(this.#options.threads, 1);
    const { segmentSizeBytes, indexSizeBytes, indexIntervalBytes, deleteRetentionMs } = log.config;
    return {
      directory: log.directory,
      segments: segments.map(({ baseOffset, sizeBytes, modifiedMs }) => ({ baseOffset, sizeBytes, modifiedMs })),
      firstDirtyOffset: plan.firstDirtyOffset,
      endOffset: plan.endOffset,
      nowMs: this.#modules.clock.now(),
      deleteRetentionMs,
      segmentSizeBytes,
      indexSizeBytes,
      indexIntervalBytes,
      abortedTransactions: log.abortedTransactions(segments[0]!.baseOffset, plan.endOffset),
      lastProducerBatches: lastProducerBatches(log),
      mapMemoryBytes: this.#options.mapMemoryBytes / threads,
      mapLoadFactor: this.#options.mapLoadFactor,
      // Half to read, half to write, as the setting's name has it; a batch that is larger gets the room it needs.
      bufferBytes: Math.max(4096, Math.floor(this.#options.bufferBytes / threads / 2)),
      hashSeed: this.#modules.random.bytes(HASH_SEED_SIZE_BYTES),
    };
  }

  #giveUp(log: CleanableLog, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#uncleanable.set(log, reason);
    this.#modules.observer?.uncleanable(this.#uncleanable.size);
    this.#logger.error("log.uncleanable", { partition: log.name, reason });
  }

  #report(log: CleanableLog, plan: CleaningPlan, result: CleaningResult, durationMs: number): void {
    const { counts } = result;
    this.#logger.info("log.cleaned", {
      partition: log.name,
      from: plan.firstDirtyOffset,
      to: result.endOffset,
      keys: result.keys,
      records: counts.records,
      keptRecords: counts.keptRecords,
      readBytes: result.readBytes,
      writtenBytes: result.writtenBytes,
      milliseconds: Math.round(durationMs),
    });
    if (counts.keylessRecords > 0)
      this.#logger.warn("log.keyless-records-dropped", { partition: log.name, records: counts.keylessRecords });
    this.#modules.observer?.cleaned(log, result, durationMs);
  }
}

/** The last batch of every producer that the log remembers. */
function lastProducerBatches(log: CleanableLog): LastProducerBatch[] {
  const batches: LastProducerBatch[] = [];
  for (const { producerId, epoch, batches: remembered } of log.producers.entries()) {
    batches.push({ producerId, epoch, lastDataOffset: remembered.at(-1)?.lastOffset ?? -1 });
  }
  return batches;
}
