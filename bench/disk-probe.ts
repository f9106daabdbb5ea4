/** What the disk under the brokers gives by itself, beside which their figures stand. */
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Latencies } from "./load/latencies.ts";

export interface DiskFigures {
  /** Written in pieces of 1 MiB to six files at a time, each made durable before the next: about what brokers do with large batches. */
  readonly durableMegabytesPerSecond: number;
  /** Of a write of 1 KiB at the end of a file together with its sync, one after the other. */
  readonly syncP50Ms: number;
  readonly syncP99Ms: number;
  /** Not in results of earlier versions. */
  readonly batches?: BatchFigures;
}

/**
 * As a producer's large batches come: 250 KiB each, five under way, each to the next of six files and made durable, with nothing received, checked or
 * answered; for as long as the load itself takes, for the first gigabytes may go to memory that is cheaper to have.
 */
export interface BatchFigures {
  readonly megabytesPerSecond: number;
  readonly cpuSecondsPerGigabyte: number;
}

const FILES = 6;
const PIECE_BYTES = 1 << 20;
const RECORD_BYTES = 1 << 10;
const BATCH_BYTES = 250 << 10;
const BATCHES_UNDER_WAY = 5;

/** Measures in `directory`, for some `durationMs` and then `batchesMs` of batches; removes what it wrote. */
export async function probeDisk(directory: string, durationMs: number, batchesMs: number): Promise<DiskFigures> {
  const folder = await mkdtemp(join(directory, "probe-"));
  const files: FileHandle[] = [];
  try {
    while (files.length < FILES) files.push(await open(join(folder, String(files.length)), "w"));
    const piece = Buffer.alloc(PIECE_BYTES, "samsa");
    const begun = performance.now();
    const counts = await Promise.all(files.map(file => writeUntil(begun + durationMs / 2, () => file, piece)));
    const writtenBytes = counts.reduce((sum, count) => sum + count, 0) * PIECE_BYTES;
    const durableMegabytesPerSecond = writtenBytes / 1e3 / (performance.now() - begun);
    const records = new Latencies();
    await writeUntil(performance.now() + durationMs / 2, () => files[0]!, piece.subarray(0, RECORD_BYTES), records);
    const { p50Ms, p99Ms } = records.summary();
    const batches = await writeBatches(files, piece.subarray(0, BATCH_BYTES), batchesMs);
    return { durableMegabytesPerSecond, syncP50Ms: p50Ms, syncP99Ms: p99Ms, batches };
  } finally {
    for (const file of files) await file.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeBatches(files: readonly FileHandle[], batch: Buffer, durationMs: number): Promise<BatchFigures> {
  const begun = performance.now();
  const cpuBegun = process.cpuUsage();
  let turn = 0;
  const next = (): FileHandle => files[turn++ % files.length]!;
  const writers = Array.from({ length: BATCHES_UNDER_WAY }, () => writeUntil(begun + durationMs, next, batch));
  const count = (await Promise.all(writers)).reduce((sum, each) => sum + each, 0);
  const { user, system } = process.cpuUsage(cpuBegun);
  const bytes = count * batch.length;
  return {
    megabytesPerSecond: bytes / 1e3 / (performance.now() - begun),
    cpuSecondsPerGigabyte: (user + system) / 1e6 / (bytes / 1e9),
  };
}

/** Appends `bytes` again and again to the `next` file, each time durably. Returns how often. */
async function writeUntil(
  endMs: number,
  next: () => FileHandle,
  bytes: Buffer,
  latencies?: Latencies,
): Promise<number> {
  let count = 0;
  for (let before = performance.now(); before < endMs; count += 1) {
    const file = next();
    await file.write(bytes);
    await file.datasync();
    const after = performance.now();
    latencies?.add(after - before);
    before = after;
  }
  return count;
}
