/**
 * One log for a program that wants just that: append-only, durable, readable by offset, in Kafka's files.
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

import { batchSizeAt } from "../../protocol/records/batch.ts";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import { type DecodedRecord, decodeRecords } from "../../protocol/records/record.ts";
import { nullLogger } from "../logging/index.ts";
import { Metrics } from "../metrics/index.ts";
import { joinPath, makeDirectoryDurably } from "../platform/files.ts";
import { createNodePlatform } from "../platform/node.ts";
import type { Disk, Platform } from "../platform/platform.ts";
import { LOG_SUFFIX, partitionDirectoryName } from "./file-names.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "./log-config.ts";
import { LogManager } from "./log-manager.ts";
import { defaultLogManagerOptions } from "./log-manager-options.ts";
import type { PartitionLog } from "./partition-log.ts";

const TOPIC = "log";
const NAME = partitionDirectoryName(TOPIC, 0);
const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAbA";
const READ_SIZE_BYTES = 1024 * 1024;

/** Settings of a log, Kafka's defaults where left out; and the platform, for tests. */
export interface LogOptions extends Partial<LogConfig> {
  readonly platform?: Platform;
  /** Told of a failure after which the log is of no more use. By default it is thrown by the next call. */
  readonly onFailure?: (error: unknown) => void;
}

/** A record to append. Texts are written as UTF-8. */
export interface LogRecord {
  readonly key?: string | Uint8Array | null;
  readonly value?: string | Uint8Array | null;
  /** Milliseconds; the time of the append by default. */
  readonly timestamp?: number;
  readonly headers?: readonly { key: string; value: Uint8Array | null }[];
}

export class Log {
  readonly #manager: LogManager;
  readonly #log: PartitionLog;
  readonly #platform: Platform;
  #failure: unknown = null;
  /** Rejections of the appends that wait to become durable. */
  readonly #waiting = new Set<(error: Error) => void>();

  private constructor(manager: LogManager, log: PartitionLog, platform: Platform) {
    this.#manager = manager;
    this.#log = log;
    this.#platform = platform;
  }

  /**
   * Opens the log in `directory`, making it if need be, and recovers it after a crash. One process at a time.
   * @throws LogCorruptError, DiskError
   */
  static async open(directory: string, options: LogOptions = {}): Promise<Log> {
    const { platform = createNodePlatform(), onFailure, ...settings } = options;
    const config: LogConfig = { ...DEFAULT_LOG_CONFIG, retentionMs: -1, ...settings };
    makeDirectoryDurably(platform.disk, directory);
    let log: Log | null = null;
    const onFatal = (error: unknown): void => {
      if (log !== null) log.#fail(error);
      onFailure?.(error);
    };
    const manager = new LogManager(
      { ...defaultLogManagerOptions(directory), configOf: () => config },
      { platform, logger: nullLogger, metrics: new Metrics(), onFatal },
    );
    await manager.open();
    log = new Log(manager, manager.create(TOPIC, TOPIC_ID, 0, config), platform);
    return log;
  }

  /** The offset of the first record. */
  get lowestOffset(): number {
    return this.#log.logStartOffset;
  }

  /** The offset that the next record gets. */
  get endOffset(): number {
    return this.#log.logEndOffset;
  }

  /** Appends records as one batch. Resolves with the first one's offset once they are durable. */
  async append(records: readonly LogRecord[]): Promise<number> {
    this.#check();
    const nowMs = this.#platform.clock.now();
    const builder = new BatchBuilder();
    for (const { key, value, timestamp, headers } of records)
      builder.append({
        key: bytesOf(key),
        value: bytesOf(value),
        timestamp: timestamp ?? nowMs,
        headers: headers ?? [],
      });
    const options = { leaderEpoch: 0, origin: "client", retain: true, nowMs } as const;
    const outcome = this.#log.append(builder.build(), options);
    if (!outcome.ok) throw new Error(`the log takes no records: ${outcome.message}`);
    await this.#durable(outcome.baseOffset);
    this.#check();
    return outcome.baseOffset;
  }

  /** The record at `offset`; the next one if it was compacted away, null at the end of the log. */
  async read(offset: number): Promise<DecodedRecord | null> {
    for await (const record of this.records(offset)) return record;
    return null;
  }

  /** All durable records from `offset` on, in order. */
  async *records(offset = this.lowestOffset): AsyncIterableIterator<DecodedRecord> {
    let next = offset;
    while (next < this.#log.flushedOffset) {
      const outcome = await this.#log.read(next, READ_SIZE_BYTES, this.#log.flushedOffset, { minOneBatch: true });
      if (!outcome.ok) throw new RangeError(`offset ${next} cannot be read: ${outcome.message}`);
      const from = next;
      for (const chunk of outcome.chunks) {
        for (let position = 0; position < chunk.length; position += batchSizeAt(chunk, position)) {
          const batch = chunk.subarray(position, position + batchSizeAt(chunk, position));
          for (const record of decodeRecords(batch)) {
            if (record.offset < next) continue;
            next = record.offset + 1;
            yield record;
          }
        }
      }
      if (next === from) return;
    }
  }

  /** Forgets all records below `lowestOffset`; whole segments below it leave the disk. */
  async truncate(lowestOffset: number): Promise<void> {
    this.#check();
    this.#log.updateHighWatermark(this.#log.flushedOffset);
    this.#log.advanceLogStart(lowestOffset);
    await this.#manager.checkpoint();
    this.#log.deleteSegmentsBelowStart();
  }

  /** Makes `directory`, which must not exist, a copy of the log as it is now: full segments as hard links, the small files as copies. */
  async snapshot(directory: string): Promise<void> {
    this.#check();
    await this.#manager.flush(this.#log);
    this.#log.roll();
    await this.#manager.checkpoint();
    const { disk } = this.#platform;
    if (disk.exists(directory)) throw new Error(`${directory} exists`);
    copyLog(disk, this.#log.directory.slice(0, -NAME.length - 1), directory);
  }

  /** Makes `directory`, which must not exist, a log with the contents of a snapshot, to be opened with {@link Log.open}. */
  static async restore(snapshot: string, directory: string, platform = createNodePlatform()): Promise<void> {
    if (platform.disk.exists(directory)) throw new Error(`${directory} exists`);
    copyLog(platform.disk, snapshot, directory);
  }

  /** Makes everything durable and lets go of the files; the next open needs no recovery. */
  close(): Promise<void> {
    return this.#manager.close();
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

/** Links the files of full segments, which never change again, and copies the others. The last segment is empty. */
function copyLog(disk: Disk, from: string, to: string): void {
  makeDirectoryDurably(disk, joinPath(to, NAME));
  const names = disk.list(joinPath(from, NAME));
  const active = names.filter(name => name.endsWith(LOG_SUFFIX)).at(-1);
  for (const name of names) {
    if (name.endsWith(LOG_SUFFIX) && name !== active) disk.link(joinPath(from, NAME, name), joinPath(to, NAME, name));
    else if (!/\.(deleted|tmp|cleaned|swap)$/.test(name))
      copyFile(disk, joinPath(from, NAME, name), joinPath(to, NAME, name));
  }
  for (const name of disk.list(from))
    if (name.endsWith("-checkpoint")) copyFile(disk, joinPath(from, name), joinPath(to, name));
  disk.syncDirectory(joinPath(to, NAME));
  disk.syncDirectory(to);
}

function copyFile(disk: Disk, from: string, to: string): void {
  const file = disk.open(to, "create");
  try {
    file.writev([disk.readFile(from)], 0);
    file.syncNow();
  } finally {
    file.close();
  }
}

function bytesOf(value: string | Uint8Array | null | undefined): Uint8Array | null {
  return typeof value === "string" ? Buffer.from(value) : (value ?? null);
}
