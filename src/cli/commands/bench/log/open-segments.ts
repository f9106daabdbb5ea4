/** Opening a directory of 1,000 segments, 10 GB in all, after a clean stop. */
import { statfsSync } from "node:fs";
import { DEFAULT_LOG_CONFIG } from "../../../../log/index.ts";
import type { LogBenchmark } from "./measurement.ts";
import { appendBatch, BENCH_TOPIC_ID, endOfTick, openLogs, producedBatch } from "./storage.ts";

const SEGMENTS = 1000;
const SEGMENT_SIZE_BYTES = 10_000_000;
/** The disk is not filled for a benchmark. */
const SPARE_SHARE = 2;

export const openSegments: LogBenchmark = async ({ directory, platform }) => {
  const { bavail, bsize } = statfsSync(directory);
  const neededBytes = SEGMENTS * SEGMENT_SIZE_BYTES;
  if (bavail * bsize < neededBytes * SPARE_SHARE)
    throw new Error(`opening 1,000 segments needs ${(neededBytes * SPARE_SHARE) / 1e9} GB of free disk`);
  const config = { ...DEFAULT_LOG_CONFIG, segmentSizeBytes: SEGMENT_SIZE_BYTES };
  const logs = await openLogs(directory, platform, config);
  const log = logs.create("open", BENCH_TOPIC_ID, 0, config);
  const batch = producedBatch(platform, 1000, 1000);
  for (let count = 0; log.segments.count < SEGMENTS; count++) {
    appendBatch(log, batch, platform);
    if (count % 8 === 0) await endOfTick(platform);
    // Never far ahead of the disk, so that closing has little left to write.
    if (count % 256 === 0) await logs.flush(log);
  }
  const { logEndOffset } = log;
  await logs.close();
  const startedMs = performance.now();
  const again = await openLogs(directory, platform, config);
  const openMs = performance.now() - startedMs;
  const opened = again.get("open", 0)!;
  if (opened.logEndOffset !== logEndOffset || opened.segments.count !== SEGMENTS) throw new Error("not all is there");
  await again.close();
  return [{ name: "open 10 GB in 1,000 segments after a clean stop", value: openMs, unit: "ms", goal: 1000 }];
};
