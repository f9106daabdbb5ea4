/** The append path of 64 KiB batches: CRC and every record checked, offsets assigned, written to the page cache. */
import { DEFAULT_LOG_CONFIG } from "../../../../log/index.ts";
import type { LogBenchmark } from "./measurement.ts";
import { appendBatch, BENCH_TOPIC_ID, endOfTick, openLogs, producedBatch } from "./storage.ts";

const PARTITIONS = 6;
/** 64 records of 1,000 bytes: about 64 KiB. */
const RECORDS = 64;
const RECORD_SIZE_BYTES = 1000;
/** What a tick of a busy broker brings in. */
const BATCHES_PER_TICK = 16;
const ROUND_BYTES = 512 * 1024 * 1024;
const ROUNDS = 3;
const SEGMENT_SIZE_BYTES = 64 * 1024 * 1024;

export const appendPath: LogBenchmark = async ({ directory, platform }) => {
  const config = { ...DEFAULT_LOG_CONFIG, segmentSizeBytes: SEGMENT_SIZE_BYTES, fileDeleteDelayMs: 0 };
  const logs = await openLogs(directory, platform, config);
  const partitions = Array.from({ length: PARTITIONS }, (_, number) =>
    logs.create("append", BENCH_TOPIC_ID, number, config),
  );
  // Stands for the receive buffer: the log must copy, for it is used again.
  const batch = producedBatch(platform, RECORDS, RECORD_SIZE_BYTES);
  const count = Math.ceil(ROUND_BYTES / batch.length);
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now();
    for (let number = 0; number < count; number++) {
      appendBatch(partitions[number % PARTITIONS]!, batch, platform);
      if (number % BATCHES_PER_TICK === 0) await endOfTick(platform);
    }
    best = Math.max(best, (count * batch.length) / (performance.now() - startedMs) / 1e6);
    // Not counted: what was written is made durable and makes room.
    await Promise.all(partitions.map(log => logs.flush(log)));
    for (const log of partitions) {
      log.updateHighWatermark(log.flushedOffset);
      log.advanceLogStart(log.flushedOffset);
    }
    await logs.checkpoint();
    for (const log of partitions) log.deleteSegmentsBelowStart();
  }
  await logs.close();
  return [{ name: "append 64 KiB batches, checked, to the page cache", value: best, unit: "GB/s", goal: 1 }];
};
