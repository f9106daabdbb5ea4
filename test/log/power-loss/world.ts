/**
 * A scripted program over real logs on a recording disk, which keeps the books about what it was promised.
 *
 * Steps are those of a broker: create and delete, append, flush, roll, cut, delete records, retention, checkpoint, stop, kill, start. Everything is
 * deterministic by the seed.
 */
import { BatchBuilder, type BatchOptions } from "../../../protocol/records/builder.ts";
import { endTransactionBatch } from "../../../protocol/records/control.ts";
import { InlineCleaning } from "../../../src/log/cleaner/cleaning-runner.ts";
import { DEFAULT_CLEANER_OPTIONS, LogCleaner } from "../../../src/log/cleaner/log-cleaner.ts";
import { offsetPrefix } from "../../../src/log/file-names.ts";
import type { JournalOptions } from "../../../src/log/journal/journal-options.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log-config.ts";
import { LogManager } from "../../../src/log/log-manager.ts";
import { defaultLogManagerOptions, type LogManagerOptions } from "../../../src/log/log-manager-options.ts";
import type { PartitionLog } from "../../../src/log/partition-log.ts";
import { nullLogger } from "../../../src/logging/index.ts";
import { Metrics } from "../../../src/metrics/index.ts";
import { createMemoryPlatform, SeededRandom, type SimulatedTime } from "../../../src/platform/memory.ts";
import type { Disk, Platform, Timer, Timers } from "../../../src/platform/platform.ts";
import { diskOf } from "./crash-image.ts";
import { scanBatches } from "./fresh-scan.ts";
import { endOf, type Facts, History } from "./history.ts";
import type { ImageDirectory } from "./journal.ts";
import { RecordingDisk } from "./recording-disk.ts";

export const DIRECTORY = "/data";
const EMPTY_DISK: ImageDirectory = new Map([["data", new Map()]]);

/** Small enough that a few appends roll a segment and make index entries. */
export const CONFIG: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  segmentSizeBytes: 900,
  indexIntervalBytes: 150,
  fileDeleteDelayMs: 3,
  retentionMs: -1,
};

const metrics = new Metrics();

export interface Opened {
  readonly logs: LogManager;
  readonly life: Life;
  readonly fatal: unknown[];
}

/** A manager over `disk`, opened. It shares a clock with whatever else uses `platform`. */
export async function openLogs(
  disk: Disk,
  platform: Platform & { time: SimulatedTime },
  more: Partial<LogManagerOptions> = {},
): Promise<Opened> {
  const opened = newLogs(disk, platform, more);
  await platform.time.complete(opened.logs.open());
  return opened;
}

function newLogs(
  disk: Disk,
  platform: Platform & { time: SimulatedTime },
  more: Partial<LogManagerOptions> = {},
): Opened {
  const fatal: unknown[] = [];
  const options = {
    ...defaultLogManagerOptions(DIRECTORY),
    configOf: () => CONFIG,
    tailCacheSizeBytes: 4096,
    openSegmentsMax: 3,
    recoveryParallelism: 2,
    backgroundFlushMs: 50,
    // The script decides when the background work happens.
    checkpointIntervalMs: 0,
    highWatermarkCheckpointIntervalMs: 0,
    retentionCheckIntervalMs: 0,
    producerExpirationCheckIntervalMs: 0,
    journal: null,
    ...more,
  };
  const life = new Life(platform.time);
  const own = { ...platform, disk, timers: life, clock: platform.time };
  const onFatal = (error: unknown): void => {
    fatal.push(error);
  };
  const logs = new LogManager(options, { platform: own, logger: nullLogger, metrics, onFatal });
  return { logs, life, fatal };
}

/** The timers of one process: with it, they end. */
class Life implements Timers {
  #isOver = false;
  readonly #timers: Timers;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  end(): void {
    this.#isOver = true;
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#timers.after(delayMs, this.#whileAlive(callback));
  }

  every(periodMs: number, callback: () => void): Timer {
    return this.#timers.every(periodMs, this.#whileAlive(callback));
  }

  endOfTick(callback: () => void): void {
    this.#timers.endOfTick(this.#whileAlive(callback));
  }

  #whileAlive(callback: () => void): () => void {
    return () => {
      if (!this.#isOver) callback();
    };
  }
}

export interface AppendStep {
  /** Without one, compaction drops the records. */
  readonly key?: string;
  readonly records?: number;
  readonly sizeBytes?: number;
  readonly epoch?: number;
  readonly batch?: BatchOptions;
}

export class World {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly disk: RecordingDisk;
  readonly history: History;
  readonly initial: ImageDirectory;
  /** The settings of logs unless a step says otherwise. */
  readonly config = CONFIG;
  /** Failed operations that the script survived. */
  readonly refusals: unknown[] = [];
  readonly #platform: ReturnType<typeof createMemoryPlatform>;
  readonly #journal: JournalOptions | null;
  #opened: Opened | null = null;
  #hasFailed = false;
  #recordCount = 0;
  #topicCount = 0;
  readonly #sequences = new Map<string, number>();
  /** The latest leader epoch of each log: later leaders have no smaller one, whatever a log still knows of it. */
  readonly #epochs = new Map<string, number>();

  constructor(options: { seed: number; image?: ImageDirectory; facts?: Facts; journal?: JournalOptions | null }) {
    this.#journal = options.journal ?? null;
    this.seed = options.seed;
    this.random = new SeededRandom(options.seed);
    this.initial = options.image ?? EMPTY_DISK;
    const latencies = this.random.fork("latency");
    this.#platform = createMemoryPlatform({ seed: options.seed });
    const { time } = this.#platform;
    const inner = diskOf(this.initial, { latencyMs: () => latencies.integer(3) }, { timers: time, clock: time });
    this.disk = new RecordingDisk(inner, this.initial);
    this.history = new History(() => this.disk.journal.length, options.facts);
  }

  /** Throws once the process was told to end: no step happens any more. */
  get logs(): LogManager {
    if (this.#opened === null) throw new Error("no manager is open");
    if (this.hasFailed) throw new Error("the process was told to end");
    return this.#opened.logs;
  }

  get isOpenNow(): boolean {
    return this.#opened !== null;
  }

  /** The process was told to end, for a sync failed or its only log directory is offline. */
  get hasFailed(): boolean {
    this.#hasFailed ||= (this.#opened?.fatal.length ?? 0) > 0;
    return this.#hasFailed;
  }

  log(name: string): PartitionLog {
    const facts = this.history.partition(name)!;
    const log = this.logs.get(facts.topic, facts.partition);
    if (log === undefined) throw new Error(`${name} is not open`);
    return log;
  }

  /** Opens the directory. What is served from then on is as good as acknowledged. */
  async start(): Promise<void> {
    if (this.hasFailed) throw new Error("the process was told to end");
    this.#opened = newLogs(this.disk, this.#platform, { journal: this.#journal });
    const { logs } = this.#opened;
    await this.#platform.time.complete(logs.open());
    await this.#platform.time.complete(logs.prepareJournals());
    if (this.hasFailed) return;
    for (const [name, facts] of this.history.current) {
      if (facts.presence === "gone") continue;
      const log = this.logs.get(facts.topic, facts.partition);
      if (log === undefined) continue;
      if (log.logEndOffset < endOf(facts)) this.history.cutting(name, log.logEndOffset, log.logStartOffset);
      this.history.acknowledged(name, log.logEndOffset);
      this.#listen(name, log);
    }
  }

  isOpen(name: string): boolean {
    const facts = this.history.partition(name);
    return (
      facts !== undefined && facts.presence !== "gone" && this.logs.get(facts.topic, facts.partition) !== undefined
    );
  }

  create(name: string, config: LogConfig = CONFIG): PartitionLog {
    this.#topicCount += 1;
    return this.#create(name, `topic-${this.#topicCount}`.padEnd(22, "A"), config);
  }

  #create(name: string, topicId: string, config: LogConfig): PartitionLog {
    const split = name.lastIndexOf("-");
    const topic = name.slice(0, split);
    const partition = Number(name.slice(split + 1));
    this.history.created(name, topic, partition, topicId);
    this.#epochs.delete(name);
    const log = this.logs.create(topic, topicId, partition, config);
    this.#listen(name, log);
    return log;
  }

  /** Deletes the log and makes one of the same name and topic id in the same tick, as when a replica leaves and comes back. */
  async replace(name: string): Promise<void> {
    const { topic, partition, topicId } = this.history.partition(name)!;
    this.history.deleting(name);
    const deleted = this.logs.delete(topic, partition);
    // It failed at once, and the log is as it was.
    if (this.logs.get(topic, partition) !== undefined) return deleted;
    deleted.catch(() => {});
    this.history.recreating(name);
    this.#listen(name, this.logs.create(topic, topicId, partition, this.config));
    // Making it waited for the deletion.
    this.history.created(name, topic, partition, topicId);
    this.#epochs.delete(name);
    await this.#platform.time.complete(deleted);
  }

  async delete(name: string): Promise<void> {
    const { topic, partition } = this.history.partition(name)!;
    this.history.deleting(name);
    await this.#platform.time.complete(this.logs.delete(topic, partition));
    if (this.hasFailed) return;
    this.history.deleted(name);
  }

  append(name: string, step: AppendStep = {}): boolean {
    const builder = new BatchBuilder(step.batch);
    for (let index = 0; index < (step.records ?? 1); index += 1) {
      const value = Buffer.from(`${this.#recordCount++} `.padEnd(step.sizeBytes ?? 20 + this.random.integer(60), "."));
      const key = step.key === undefined ? null : Buffer.from(step.key);
      builder.append({ timestamp: this.#platform.clock.now() + this.random.integer(20), key, value });
    }
    return this.#append(name, builder.build(), step.epoch ?? 0, "client");
  }

  /** Appends a batch of an idempotent or transactional producer, with the sequence that is due. */
  produce(name: string, producerId: number, step: AppendStep = {}): boolean {
    const key = `${name} ${producerId}`;
    const records = step.records ?? 1;
    const baseSequence = this.#sequences.get(key) ?? 0;
    const batch = { producerId, producerEpoch: 0, baseSequence, ...step.batch };
    if (!this.append(name, { ...step, records, batch })) return false;
    this.#sequences.set(key, baseSequence + records);
    return true;
  }

  endTransaction(name: string, producerId: number, type: "commit" | "abort"): boolean {
    const marker = endTransactionBatch(
      { type, coordinatorEpoch: 1 },
      { producerId, producerEpoch: 0 },
      { timestamp: this.#platform.clock.now() },
    );
    return this.#append(name, marker, 0, "coordinator");
  }

  async flush(...names: string[]): Promise<void> {
    await this.#platform.time.complete(Promise.all(names.map(name => this.logs.flush(this.log(name)))));
  }

  /** Begins a flush and goes on. */
  beginFlush(name: string): void {
    this.logs.requestFlush(this.log(name));
  }

  async advance(milliseconds = 1): Promise<void> {
    await this.#platform.time.advance(milliseconds);
  }

  roll(name: string): void {
    this.log(name).roll();
  }

  truncate(name: string, offset: number): void {
    const log = this.log(name);
    if (offset >= log.logEndOffset) return;
    if (offset < log.logStartOffset) {
      this.restart(name, offset);
      return;
    }
    this.#orUndone(name, () => {
      this.history.cutting(name, offset, log.logStartOffset);
      log.truncateTo(offset);
    });
    this.#checkEnd(name);
  }

  /** Cuts the log somewhere, as a new leader has it, and begins that leader's epoch. */
  truncateWithNewEpoch(name: string): void {
    const log = this.log(name);
    // What is compacted was committed: no leader lacks it.
    const begin = Math.max(log.logStartOffset, this.history.partition(name)!.compactedEnd);
    const length = log.logEndOffset - begin;
    if (length <= 0) return;
    const epoch = (this.#epochs.get(name) ?? 0) + 1;
    this.truncate(name, begin + this.random.integer(length));
    this.append(name, { epoch });
  }

  restart(name: string, offset: number): void {
    this.#orUndone(name, () => {
      this.history.restarting(name, offset);
      this.log(name).truncateFullyAndStartAt(offset);
    });
    this.#checkEnd(name);
  }

  /** DeleteRecords, and retention right after. */
  async deleteRecords(name: string, offset: number): Promise<void> {
    const log = this.log(name);
    if (offset > log.flushedOffset) return;
    this.history.startRequested(name, offset);
    log.updateHighWatermark(log.flushedOffset);
    log.advanceLogStart(offset);
    const { failureCount } = this.disk;
    await this.advance(0);
    // On a full disk the log start becomes durable later.
    if (this.hasFailed || this.disk.failureCount !== failureCount) return;
    this.history.startAcknowledged(name, offset);
  }

  /** Applies retention to all logs; `keep` segments worth of bytes stay. */
  retain(name: string, keepBytes: number): void {
    const log = this.log(name);
    this.logs.configure(log, { ...log.config, retentionSizeBytes: keepBytes });
    log.updateHighWatermark(log.flushedOffset);
    this.history.startRequested(name, log.flushedOffset);
    this.logs.deleteOldSegments();
  }

  /** Compacts the log as far as its cleaner would. */
  async compact(name: string): Promise<void> {
    const log = this.log(name);
    const { config } = log;
    this.logs.configure(log, { ...config, compacts: true, minCleanableDirtyRatio: 0 });
    log.updateHighWatermark(log.flushedOffset);
    const swapIn = log.swapIn.bind(log);
    log.swapIn = (cleaned, cutCount) => {
      const path = `${log.directory}/${offsetPrefix(cleaned.baseOffset)}.log.cleaned`;
      const index = log.segments.indexFor(cleaned.baseOffset) + cleaned.replaces.length;
      const endOffset = log.segments.at(index)!.baseOffset;
      const batches = scanBatches(Buffer.from(this.disk.readFile(path)));
      this.history.swapping(name, cleaned.baseOffset, endOffset, batches);
      const isSwapped = swapIn(cleaned, cutCount);
      this.history.swapEnded(name, !isSwapped);
      return isSwapped;
    };
    const { time: clock, random } = this.#platform;
    const timers = this.#opened!.life;
    const cleaner = new LogCleaner(
      { ...DEFAULT_CLEANER_OPTIONS, mapMemoryBytes: 4096 },
      {
        ...{ clock, timers, random, logger: nullLogger, logs: () => [log] },
        newRunner: () => new InlineCleaning({ disk: this.disk, timers, clock }),
      },
    );
    await clock.complete(cleaner.cleanAll());
    log.swapIn = swapIn;
    if (!this.hasFailed) this.logs.configure(log, config);
  }

  async checkpoint(): Promise<void> {
    for (const log of this.logs.all()) log.updateHighWatermark(log.flushedOffset);
    await this.#platform.time.complete(this.logs.checkpoint());
  }

  /** Reads the whole log and compares it with what was appended. */
  async checkReadable(name: string): Promise<void> {
    const log = this.log(name);
    const latest = this.history.partition(name)!.branches.at(-1)!;
    let offset = log.logStartOffset;
    while (offset < log.logEndOffset) {
      const outcome = await this.#platform.time.complete(
        Promise.resolve(log.read(offset, 1, log.logEndOffset, { minOneBatch: true })),
      );
      const batch = latest.batches.find(({ endOffset }) => endOffset > offset);
      if (!outcome.ok || batch === undefined || !Buffer.concat(outcome.chunks).equals(batch.bytes))
        throw new Error(`${name} cannot be read at ${offset}`);
      offset = batch.endOffset;
    }
  }

  /** A clean stop: afterwards nothing may be missing. */
  async stop(): Promise<void> {
    await this.#platform.time.complete(this.logs.close(7));
    // On a full disk the stop is not a clean one, and promises nothing.
    if (this.hasFailed || !this.disk.exists(`${DIRECTORY}/.kafka_cleanshutdown`)) {
      this.#endLife();
      return;
    }
    for (const [name, facts] of this.history.current) {
      if (facts.presence !== "gone") this.history.acknowledged(name, endOf(facts));
    }
    this.#endLife();
  }

  /** `kill -9`: memory is lost, what was written to files is not. */
  kill(): void {
    for (const log of this.#opened?.logs.all() ?? []) log.abandon("killed");
    this.#endLife();
  }

  /** Somebody removes a file that a log can make anew. */
  loseFile(path: string): void {
    this.disk.remove(path);
    this.disk.syncDirectory(path.slice(0, path.lastIndexOf("/")));
  }

  #endLife(): void {
    this.#hasFailed ||= this.hasFailed;
    this.#opened?.life.end();
    this.#opened = null;
  }

  #append(name: string, records: Buffer, epoch: number, origin: "client" | "coordinator"): boolean {
    const log = this.log(name);
    const leaderEpoch = Math.max(epoch, this.#epochs.get(name) ?? 0);
    this.#epochs.set(name, leaderEpoch);
    // A roll inside the append writes what was appended before, so the batch must be known before the call.
    const nowMs = this.#platform.clock.now();
    const outcome = log.append(records, { leaderEpoch, origin, retain: false, nowMs });
    if (!outcome.ok) {
      this.refusals.push(outcome);
      return false;
    }
    this.history.appended(name, {
      baseOffset: outcome.baseOffset,
      endOffset: outcome.lastOffset + 1,
      bytes: Buffer.from(records),
    });
    return true;
  }

  /** A cut that failed may have left everything as it was. */
  #orUndone(name: string, cut: () => void): void {
    const before = this.history.partition(name)!;
    try {
      cut();
    } catch (error) {
      if (!this.hasFailed && this.log(name).logEndOffset === endOf(before)) this.history.cutFailed(name, before);
      throw error;
    }
  }

  #listen(name: string, log: PartitionLog): void {
    log.onFlushed(() => this.history.acknowledged(name, log.flushedOffset));
    log.onAppendFailed((_log, endOffset) => {
      this.history.cutting(name, endOffset, log.logStartOffset);
    });
  }

  #checkEnd(name: string): void {
    const endOffset = endOf(this.history.partition(name)!);
    const { logEndOffset, epochEntries } = this.log(name);
    if (logEndOffset !== endOffset) throw new Error(`${name} ends at ${logEndOffset}, not at ${endOffset}`);
    const cut = epochEntries.find(({ startOffset }) => startOffset >= logEndOffset);
    if (cut !== undefined) throw new Error(`${name} still knows epoch ${cut.epoch}, which was cut off`);
  }
}
