/**
 * One log for a program that wants just that: append-only, durable, readable by offset and by key, in Kafka's files. docs/library.md is its guide.
 *
 * ```ts
 * import { Log } from "samsa/log";
 *
 * const log = await Log.open("/var/lib/app/events", { segmentSizeBytes: 64 * 1024 * 1024 });
 * const offset = await log.append([{ key: "user-1", value: "signed up" }]);      // durable when it resolves
 * for await (const record of log.records(offset)) console.log(record.offset, record.value?.toString());
 * await log.truncate(offset);                                                    // forget what lies below
 * await log.snapshot("/backup/events");                                          // hard links: takes no time and no space
 * await log.close();
 * await Log.restore("/backup/events", "/var/lib/app/events-copy");
 * ```
 */

import { attributesAt, isControl, lastOffsetAt, setBaseOffset, stampTimestamps } from "../../protocol/records/batch.ts";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import { type DecodedRecord, decodeRecords } from "../../protocol/records/record.ts";
import { nullLogger } from "../logging/index.ts";
import { Metrics } from "../metrics/index.ts";
import { joinPath, makeDirectoryDurably } from "../platform/files.ts";
import { createNodePlatform } from "../platform/node.ts";
import type { Platform } from "../platform/platform.ts";
import { partitionDirectoryName } from "./file-names.ts";
import { copyLog } from "./library/copy-log.ts";
import { KeyedReads, type KeyedRecord, type KeyIndexBounds, type KeyIndexState } from "./library/keyed-reads.ts";
import { walkLog } from "./library/walk-log.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "./log-config.ts";
import { LogManager } from "./log-manager.ts";
import { defaultLogManagerOptions } from "./log-manager-options.ts";
import type { PartitionLog } from "./partition-log.ts";

export type { DecodedRecord } from "../../protocol/records/record.ts";
export type { KeyedRecord, KeyIndexBounds, KeyIndexState } from "./library/keyed-reads.ts";
export type { LogConfig } from "./log-config.ts";

const TOPIC = "log";
const NAME = partitionDirectoryName(TOPIC, 0);
const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAbA";
/** As a broker locks its log directories. */
const LOCK_FILE = ".lock";

/** Settings of a log, Kafka's defaults where left out (nothing is deleted by age, though); and the platform, for tests. */
export interface LogOptions extends Partial<LogConfig> {
  /** Whether {@link Log.get} works, and in how much memory. By default it does for a log that `compacts`. */
  readonly keyIndex?: boolean | KeyIndexBounds;
  /** How often a log that `compacts` is looked at for something to compact. Default 15,000. */
  readonly compactionIntervalMs?: number;
  readonly platform?: Platform;
  /** Told of a failure after which the log is of no more use. By default it is thrown by the next call. */
  readonly onFailure?: (error: unknown) => void;
}

/** A record to append. Texts are written as UTF-8. */
export interface LogRecord {
  readonly key?: string | Uint8Array | null;
  /** Null deletes the key of a log that compacts. */
  readonly value?: string | Uint8Array | null;
  /** Milliseconds; the time of the append by default. */
  readonly timestamp?: number;
  readonly headers?: readonly { key: string; value: Uint8Array | null }[];
}

/** What an open log is made of. */
interface LogModules {
  readonly manager: LogManager;
  readonly log: PartitionLog;
  readonly keys: KeyedReads | null;
  readonly platform: Platform;
  readonly unlock: () => void;
}

export class Log {
  readonly #manager: LogManager;
  readonly #log: PartitionLog;
  readonly #keys: KeyedReads | null;
  readonly #platform: Platform;
  readonly #unlock: () => void;
  #failure: unknown = null;
  /** Rejections of the appends that wait to become durable. */
  readonly #waiting = new Set<(error: Error) => void>();

  private constructor({ manager, log, keys, platform, unlock }: LogModules) {
    this.#manager = manager;
    this.#log = log;
    this.#keys = keys;
    this.#platform = platform;
    this.#unlock = unlock;
  }

  /**
   * Opens the log in `directory`, making it if need be, and recovers it after a crash. One process at a time.
   * @throws LogCorruptError, DiskError; Error when another process has it open
   */
  static async open(directory: string, options: LogOptions = {}): Promise<Log> {
    const { platform = createNodePlatform(), onFailure, keyIndex, compactionIntervalMs, ...settings } = options;
    const config: LogConfig = { ...DEFAULT_LOG_CONFIG, retentionMs: -1, deletes: !settings.compacts, ...settings };
    makeDirectoryDurably(platform.disk, directory);
    const unlock = platform.disk.lock(joinPath(directory, LOCK_FILE));
    if (unlock === null) throw new Error(`${directory} is in use by another process`);
    let opened: Log | null = null;
    const onFatal = (error: unknown): void => {
      if (opened !== null) opened.#fail(error);
      onFailure?.(error);
    };
    const defaults = defaultLogManagerOptions(directory);
    const cleaner = config.compacts ? { ...defaults.cleaner!, backoffMs: compactionIntervalMs ?? 15_000 } : null;
    const manager = new LogManager(
      // One log gains nothing from a journal.
      { ...defaults, cleaner, journal: null, configOf: () => config },
      { platform, logger: nullLogger, metrics: new Metrics(), onFatal },
    );
    try {
      await manager.open();
      const log = manager.create(TOPIC, TOPIC_ID, 0, config);
      // Nobody but this process has to have the records: what is durable may be compacted and deleted.
      log.updateHighWatermark(log.flushedOffset);
      log.onFlushed(() => log.updateHighWatermark(log.flushedOffset));
      const bounds = keyIndex === true || keyIndex === undefined ? {} : keyIndex;
      const wantsKeys = keyIndex === undefined ? config.compacts : keyIndex !== false;
      const keys = wantsKeys ? await KeyedReads.open(bounds || {}, { log, random: platform.random }) : null;
      opened = new Log({ manager, log, keys, platform, unlock });
      return opened;
    } catch (error) {
      await manager.close().catch(() => {});
      unlock();
      throw error;
    }
  }

  /** The offset of the first record. */
  get lowestOffset(): number {
    return this.#log.logStartOffset;
  }

  /** The offset that the next record gets. */
  get endOffset(): number {
    return this.#log.logEndOffset;
  }

  /** How the key index is doing; null without one. */
  get keyIndex(): KeyIndexState | null {
    return this.#keys?.state ?? null;
  }

  /**
   * Appends records as one batch. Resolves with the first one's offset once they are durable; all or none of them are.
   * @throws Error when they are refused (too large; without a key in a log that compacts), the disk is full, or the log failed
   */
  async append(records: readonly LogRecord[]): Promise<number> {
    this.#check();
    if (records.length === 0) return this.#log.logEndOffset;
    const nowMs = this.#platform.clock.now();
    const builder = new BatchBuilder();
    for (const { key, value, timestamp, headers } of records)
      builder.append({
        key: bytesOf(key),
        value: bytesOf(value),
        timestamp: timestamp ?? nowMs,
        headers: headers ?? [],
      });
    const batch = builder.build();
    const outcome = this.#log.append(batch, { leaderEpoch: 0, origin: "client", retain: true, nowMs });
    if (!outcome.ok) throw new Error(`the log takes no records: ${outcome.message}`);
    this.#keys?.appended(this.#asAppended(batch, outcome), this.#log.logEndOffset);
    await this.#durable(outcome.baseOffset);
    this.#check();
    return outcome.baseOffset;
  }

  /**
   * The newest durable record of `key`; null when there is none or it was deleted. O(1): one hash and one or two lines of memory, and for a value
   * that is not in memory one read of the file. A promise only where the disk may have to be waited for, so that `await` costs little otherwise.
   * @throws Error when the log has no key index
   */
  get(key: string | Uint8Array): KeyedRecord | null | Promise<KeyedRecord | null> {
    this.#check();
    if (this.#keys === null) throw new Error("the log was opened without a key index; see LogOptions.keyIndex");
    return this.#keys.get(typeof key === "string" ? Buffer.from(key) : key);
  }

  /**
   * The record at `offset`; the next one if it was compacted away, null at the end of the log.
   * @throws RangeError below the log's start or above its end
   */
  async read(offset: number): Promise<DecodedRecord | null> {
    this.#check();
    let next = offset;
    while (next < this.#log.flushedOffset) {
      const outcome = await this.#log.read(next, 1, this.#log.flushedOffset, { minOneBatch: true });
      if (!outcome.ok) throw new RangeError(`offset ${next} cannot be read: ${outcome.message}`);
      const [batch] = outcome.chunks;
      if (batch === undefined) return null;
      const found = isControl(attributesAt(batch, 0)) ? undefined : decodeRecords(batch).find(at => at.offset >= next);
      if (found !== undefined) return found;
      next = lastOffsetAt(batch, 0) + 1;
    }
    if (offset > this.#log.logEndOffset) throw new RangeError(`offset ${offset} is above the end of the log`);
    return null;
  }

  /**
   * All durable records from `offset` on, in order.
   * @throws RangeError below the log's start
   */
  async *records(offset = this.lowestOffset): AsyncIterableIterator<DecodedRecord> {
    this.#check();
    for await (const { buffer, position } of walkLog(this.#log, offset)) {
      if (isControl(attributesAt(buffer, position))) continue;
      for (const record of decodeRecords(buffer, position)) if (record.offset >= offset) yield record;
    }
  }

  /**
   * Forgets all records below `lowestOffset`, durably; whole segments below it leave the disk.
   * @throws RangeError above the end of the log
   */
  async truncate(lowestOffset: number): Promise<void> {
    this.#check();
    this.#log.advanceLogStart(lowestOffset);
    await this.#manager.checkpoint();
    this.#log.deleteSegmentsBelowStart();
  }

  /**
   * Makes `directory`, which must not exist and lies on the same file system, a copy of the log as it is now: full segments as hard links, the
   * small files as copies.
   */
  async snapshot(directory: string): Promise<void> {
    this.#check();
    await this.#manager.flush(this.#log);
    this.#log.roll();
    await this.#manager.checkpoint();
    this.#check();
    copyLog(this.#platform.disk, this.#log.directory.slice(0, -NAME.length - 1), directory, NAME);
  }

  /**
   * Makes `directory`, which must not exist and lies on the same file system, a log with the contents of a snapshot, to be opened with
   * {@link Log.open}. The snapshot stays what it is, whatever becomes of the log.
   */
  static async restore(
    snapshot: string,
    directory: string,
    platform: Pick<Platform, "disk"> = createNodePlatform(),
  ): Promise<void> {
    copyLog(platform.disk, snapshot, directory, NAME);
  }

  /** Makes everything durable and lets go of the files; the next open needs no recovery. */
  async close(): Promise<void> {
    await this.#manager.close();
    this.#unlock();
  }

  /** The batch as it stands in the log, which has one of its own when it chooses the codec. */
  #asAppended(batch: Buffer, { baseOffset, logAppendTimeMs }: { baseOffset: number; logAppendTimeMs: number }): Buffer {
    if (this.#log.config.compressionType === "producer") return batch;
    setBaseOffset(batch, 0, baseOffset);
    if (logAppendTimeMs >= 0) stampTimestamps(batch, 0, "LogAppendTime", logAppendTimeMs);
    return batch;
  }

  /** Resolves once everything appended so far is durable; rejects when what begins at `baseOffset` was taken back, or the disk failed. */
  async #durable(baseOffset: number): Promise<void> {
    let stop = (): void => {};
    const takenBack = new Promise<never>((_resolve, reject) => {
      const stopListening = this.#log.onAppendFailed((_log, endOffset) => {
        if (endOffset <= baseOffset) reject(new Error("the log could not be written"));
      });
      this.#waiting.add(reject);
      stop = () => {
        stopListening();
        this.#waiting.delete(reject);
      };
    });
    try {
      await Promise.race([this.#manager.flush(this.#log), takenBack]);
    } finally {
      stop();
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const reject of this.#waiting) reject(new Error("the log failed", { cause: error }));
  }

  #check(): void {
    if (this.#failure !== null) throw new Error("the log failed", { cause: this.#failure });
    if (this.#log.isClosed) throw new Error("the log is closed");
  }
}

function bytesOf(value: string | Uint8Array | null | undefined): Uint8Array | null {
  return typeof value === "string" ? Buffer.from(value) : (value ?? null);
}
