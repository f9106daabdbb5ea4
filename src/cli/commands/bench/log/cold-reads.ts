/** Reads of 64 KiB: from the end of the log, which is in memory, and from files that are not even in the page cache. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_LOG_CONFIG, type PartitionLog } from "../../../../log/index.ts";
import { LatencyList, type LogBenchmark } from "./measurement.ts";
import { appendBatch, BENCH_TOPIC_ID, endOfTick, openLogs, producedBatch } from "./storage.ts";

const RECORDS = 64;
const RECORD_SIZE_BYTES = 1000;
const READ_SIZE_BYTES = 64 * 1024;
const LOG_SIZE_BYTES = 512 * 1024 * 1024;
const TAIL_SIZE_BYTES = 32 * 1024 * 1024;
const TAIL_READS = 20_000;
const COLD_READS = 500;

export const coldReads: LogBenchmark = async ({ directory, platform }) => {
  const config = { ...DEFAULT_LOG_CONFIG, segmentSizeBytes: 128 * 1024 * 1024 };
  const logs = await openLogs(directory, platform, config);
  const log = logs.create("reads", BENCH_TOPIC_ID, 0, config);
  const batch = producedBatch(platform, RECORDS, RECORD_SIZE_BYTES);
  for (let count = 0; count * batch.length < LOG_SIZE_BYTES; count++) {
    appendBatch(log, batch, platform);
    if (count % 64 === 0) await endOfTick(platform);
  }
  await logs.flush(log);
  const tailOffset = log.logEndOffset - Math.floor(TAIL_SIZE_BYTES / batch.length) * RECORDS;
  const tail = await readAtRandom(log, TAIL_READS, tailOffset, log.logEndOffset);
  if (!dropFromPageCache(log.directory)) {
    await logs.close();
    return [{ name: "read 64 KiB from the tail (no dd here that could make files cold)", goal: null, ...tail }];
  }
  const cold = await readAtRandom(log, COLD_READS, 0, tailOffset - 1024 * RECORDS);
  await logs.close();
  return [
    { name: "read 64 KiB from the tail", goal: null, ...tail },
    { name: "read 64 KiB from a cold file", goal: null, ...cold },
    { name: "tail read against a cold read", value: tail.value / cold.value, unit: "×", goal: 5 },
  ];
};

async function readAtRandom(log: PartitionLog, count: number, from: number, to: number) {
  const latencies = new LatencyList(count);
  const startedMs = performance.now();
  for (let number = 0; number < count; number++) {
    // A stride that is prime to the range visits it all in no order that a file system reads ahead.
    const offset = from + ((number * 7_654_321 * RECORDS) % (to - from));
    const beforeMs = performance.now();
    const reading = log.read(offset, READ_SIZE_BYTES, log.flushedOffset, { minOneBatch: true });
    const outcome = reading instanceof Promise ? await reading : reading;
    latencies.add(performance.now() - beforeMs);
    if (!outcome.ok || outcome.sizeBytes === 0) throw new Error(`nothing could be read at ${offset}`);
  }
  return { value: (count * 1000) / (performance.now() - startedMs), unit: "/s" as const, ...latencies.summary() };
}

/** Lets go of the files' pages, as any user may (`posix_fadvise`, for which Node has no call). False where that cannot be done. */
function dropFromPageCache(directory: string): boolean {
  return readdirSync(directory)
    .filter(name => name.endsWith(".log"))
    .every(name => {
      const path = join(directory, name);
      return spawnSync("dd", [`if=${path}`, "iflag=nocache", "count=0"], { stdio: "ignore" }).status === 0;
    });
}
