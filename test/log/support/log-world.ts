/** A log manager over a disk in memory, and batches to append to it. */

import { batchSizeAt } from "../../../protocol/records/batch.ts";
import type { RecordInput } from "../../../protocol/records/builder.ts";
import { BatchBuilder, type BatchOptions } from "../../../protocol/records/builder.ts";
import { decodeRecords } from "../../../protocol/records/record.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log-config.ts";
import { LogManager } from "../../../src/log/log-manager.ts";
import { defaultLogManagerOptions, type LogManagerOptions } from "../../../src/log/log-manager-options.ts";
import type { PartitionLog } from "../../../src/log/partition-log.ts";
import { nullLogger } from "../../../src/logging/index.ts";
import { Metrics } from "../../../src/metrics/index.ts";
import { createMemoryPlatform, type MemoryDisk, type MemoryPlatform } from "../../../src/platform/memory.ts";
import type { Platform } from "../../../src/platform/platform.ts";

export const TOPIC_ID = "dGVzdC10b3BpYy1pZC0xMg";

export interface LogWorld {
  readonly platform: MemoryPlatform;
  readonly logs: LogManager;
  readonly fatal: unknown[];
}

/** Opens a manager over `/data` of the platform's disk, or of `disk` with the same clock. */
export async function openLogs(
  platform: MemoryPlatform = createMemoryPlatform(),
  options: Partial<LogManagerOptions> = {},
  disk: MemoryDisk = platform.disk,
): Promise<LogWorld> {
  disk.makeDirectory("/data");
  disk.syncDirectory("/");
  const fatal: unknown[] = [];
  const own: Platform = { ...platform, disk, timers: platform.time, clock: platform.time };
  const logs = new LogManager(
    { ...defaultLogManagerOptions("/data"), ...options },
    { platform: own, logger: nullLogger, metrics: new Metrics(), onFatal: error => fatal.push(error) },
  );
  await platform.time.complete(logs.open());
  return { platform, logs, fatal };
}

export function config(overrides: Partial<LogConfig> = {}): LogConfig {
  return { ...DEFAULT_LOG_CONFIG, ...overrides };
}

/** One batch as a producer sends it. */
export function batch(records: readonly (string | RecordInput)[], options: BatchOptions = {}): Buffer {
  const builder = new BatchBuilder(options);
  for (const record of records) {
    builder.append(typeof record === "string" ? { timestamp: 1_000, key: null, value: Buffer.from(record) } : record);
  }
  return builder.build();
}

/** Appends values as a client of leader epoch `leaderEpoch` and expects it to work. Returns the base offset. */
export function append(log: PartitionLog, values: readonly string[], leaderEpoch = 0): number {
  const outcome = log.append(batch(values), { leaderEpoch, origin: "client", retain: false, nowMs: 1_000 });
  if (!outcome.ok) throw new Error(`append refused: ${outcome.errorCode} ${outcome.message}`);
  return outcome.baseOffset;
}

/** All record values of the log from `from` on, by offset. */
export async function readAll(
  log: PartitionLog,
  from = log.logStartOffset,
  maxBytes = 100_000,
): Promise<Map<number, string>> {
  const values = new Map<number, string>();
  let offset = from;
  while (offset < log.logEndOffset) {
    const outcome = await log.read(offset, maxBytes, log.logEndOffset, { minOneBatch: true });
    if (!outcome.ok) throw new Error(`read at ${offset} refused: ${outcome.errorCode} ${outcome.message}`);
    if (outcome.sizeBytes === 0) break;
    for (const record of recordsOf(outcome.chunks)) {
      if (record.offset >= from) values.set(record.offset, record.value?.toString() ?? "");
      offset = Math.max(offset, record.offset + 1);
    }
  }
  return values;
}

export function recordsOf(chunks: readonly Buffer[]): ReturnType<typeof decodeRecords> {
  return chunks.flatMap(chunk => batchesOf(chunk).flatMap(batch => decodeRecords(batch)));
}

export function batchesOf(chunk: Buffer): Buffer[] {
  const batches: Buffer[] = [];
  for (let position = 0; position < chunk.length; ) {
    const sizeBytes = batchSizeAt(chunk, position);
    batches.push(chunk.subarray(position, position + sizeBytes));
    position += sizeBytes;
  }
  return batches;
}
