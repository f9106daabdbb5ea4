/**
 * What compaction costs and what it does to the event loop, and how fast the key index answers.
 *
 *     node bench/compaction.ts
 *
 * Cleanings run in a thread over files in the system's temporary directory, or in BENCH_DIR. Look-ups are the best of several rounds, which
 * on a shared machine is the figure least disturbed by others.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { BatchBuilder, CODEC, type CodecName } from "../protocol/records/index.ts";
import { type CleaningJob, KeyIndex, ThreadCleaning } from "../src/log/cleaner/index.ts";
import { OffsetMap } from "../src/log/cleaner/offset-map.ts";
import { createNodePlatform } from "../src/platform/node.ts";

const SEGMENTS = 8;
const BATCHES_PER_SEGMENT = 300;
const RECORDS_PER_BATCH = 100;
const KEYS = 50_000;
const VALUE_SIZE_BYTES = 200;

const INDEX_KEYS = 100_000;
const LOOKUPS = 1_000_000;
const ROUNDS = 5;

const RECORDS = SEGMENTS * BATCHES_PER_SEGMENT * RECORDS_PER_BATCH;

await benchCleaning();
benchOffsetMap();
benchKeyIndex();

/** Cleans a log of which most records have a newer one. */
async function benchCleaning(): Promise<void> {
  console.log(`Compaction of ${RECORDS} records of ${VALUE_SIZE_BYTES} B, ${KEYS} keys, in a thread`);
  const cleaning = new ThreadCleaning({ threads: createNodePlatform().threads! });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  for (const codec of ["none", "lz4", "zstd"] as CodecName[]) {
    const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "samsa-compaction-"));
    try {
      const job = writeLog(directory, codec);
      const sizeBytes = job.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
      delay.enable();
      const startedMs = performance.now();
      const result = await cleaning.run(job, {
        bytesPerSecond: Number.POSITIVE_INFINITY,
        onSegment: () => true,
        isCancelled: () => false,
      });
      const seconds = (performance.now() - startedMs) / 1000;
      delay.disable();
      console.log(
        `  ${codec.padEnd(5)} ${megabytes(sizeBytes)} MB of segments → ${megabytes(result!.writtenBytes)} MB in ${seconds.toFixed(2)} s:`,
        `${megabytes(sizeBytes / seconds)} MB/s, ${Math.round(RECORDS / seconds / 1000)} K records/s;`,
        `longest turn of the event loop ${(delay.max / 1e6).toFixed(1)} ms`,
      );
      delay.reset();
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
  cleaning.rest();
}

function writeLog(directory: string, codec: CodecName): CleaningJob {
  const value = Buffer.alloc(VALUE_SIZE_BYTES, "compaction ");
  let offset = 0;
  const segments = Array.from({ length: SEGMENTS }, () => {
    const baseOffset = offset;
    const batches: Buffer[] = [];
    for (let batch = 0; batch < BATCHES_PER_SEGMENT; batch += 1) {
      const builder = new BatchBuilder({ baseOffset: offset, leaderEpoch: 0, codec: CODEC[codec] });
      for (let index = 0; index < RECORDS_PER_BATCH; index += 1) {
        builder.append({ timestamp: 1_780_000_000_000 + offset, key: keyOf((offset * 7919) % KEYS), value });
        offset += 1;
      }
      batches.push(builder.build());
    }
    const contents = Buffer.concat(batches);
    writeFileSync(join(directory, `${baseOffset.toString().padStart(20, "0")}.log`), contents);
    return { baseOffset, sizeBytes: contents.length, modifiedMs: 0 };
  });
  return {
    ...{ directory, segments, firstDirtyOffset: 0, endOffset: offset },
    nowMs: 1_790_000_000_000,
    deleteRetentionMs: 86_400_000,
    segmentSizeBytes: 1024 ** 3,
    indexSizeBytes: 10 * 1024 ** 2,
    indexIntervalBytes: 4096,
    abortedTransactions: [],
    lastProducerBatches: [],
    mapMemoryBytes: 128 * 1024 ** 2,
    mapLoadFactor: 0.9,
    bufferBytes: 256 * 1024,
    hashSeed: randomBytes(16),
  };
}

function benchOffsetMap(): void {
  console.log(`\nThe cleaner's map, ${LOOKUPS} keys of 20 B`);
  const keys = Buffer.concat(Array.from({ length: LOOKUPS }, (_, number) => keyOf(number)));
  let put = Number.POSITIVE_INFINITY;
  let get = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const map = new OffsetMap({ memoryBytes: 128 * 1024 ** 2, loadFactor: 0.9, seed: randomBytes(16) });
    put = Math.min(
      put,
      nanoseconds(LOOKUPS, number => map.put(keys, number * 20, number * 20 + 20, number)),
    );
    get = Math.min(
      get,
      nanoseconds(LOOKUPS, number => map.get(keys, number * 20, number * 20 + 20)),
    );
  }
  console.log(`  put ${put.toFixed(0)} ns, get ${get.toFixed(0)} ns a key`);
}

function benchKeyIndex(): void {
  console.log(`\nKey look-ups, ${INDEX_KEYS} keys of 20 B, values of ${VALUE_SIZE_BYTES} B`);
  const index = new KeyIndex({ memoryBytes: 256 * 1024 ** 2, valueBytes: 64 * 1024 ** 2, seed: randomBytes(16) });
  const value = Buffer.alloc(VALUE_SIZE_BYTES, "v");
  const batches: Buffer[] = [];
  for (let offset = 0; offset < INDEX_KEYS; ) {
    const builder = new BatchBuilder({ baseOffset: offset });
    for (let record = 0; record < RECORDS_PER_BATCH; record += 1)
      builder.append({ timestamp: offset, key: keyOf(offset++), value });
    batches.push(builder.build());
  }
  const startedMs = performance.now();
  for (const batch of batches) index.note(batch);
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(
    `  building: ${Math.round(INDEX_KEYS / seconds / 1000)} K records/s, ${megabytes(index.memoryBytes)} MB of table`,
  );

  const keys = Array.from({ length: INDEX_KEYS }, (_, number) => keyOf(number));
  const order = Uint32Array.from({ length: LOOKUPS }, (_, number) => (number * 48_271) % INDEX_KEYS);
  let best = Number.POSITIVE_INFINITY;
  let found = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    best = Math.min(
      best,
      nanoseconds(LOOKUPS, number => {
        if (index.find(keys[order[number]!]!).kind === "record") found += 1;
      }),
    );
  }
  if (found !== ROUNDS * LOOKUPS) throw new Error("keys are missing");
  console.log(`  ${(1000 / best).toFixed(2)} M look-ups/s, ${best.toFixed(0)} ns each, value included`);
}

function keyOf(number: number): Buffer {
  return Buffer.from(`key-${number}`.padEnd(20, "."));
}

/** Time of one call. */
function nanoseconds(count: number, work: (number: number) => unknown): number {
  const startedMs = performance.now();
  for (let number = 0; number < count; number += 1) work(number);
  return ((performance.now() - startedMs) * 1e6) / count;
}

function megabytes(sizeBytes: number): string {
  return (sizeBytes / 1e6).toFixed(1);
}
