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
}

const FILES = 6;
const PIECE_BYTES = 1 << 20;
const RECORD_BYTES = 1 << 10;

/** Measures in `directory`, for some `durationMs` in all; removes what it wrote. */
export async function probeDisk(directory: string, durationMs: number): Promise<DiskFigures> {
  const folder = await mkdtemp(join(directory, "probe-"));
  const files: FileHandle[] = [];
  try {
    while (files.length < FILES) files.push(await open(join(folder, String(files.length)), "w"));
    const piece = Buffer.alloc(PIECE_BYTES, "samsa");
    const begun = performance.now();
    const counts = await Promise.all(files.map(file => writeUntil(begun + durationMs / 2, file, piece)));
    const writtenBytes = counts.reduce((sum, count) => sum + count, 0) * PIECE_BYTES;
    const durableMegabytesPerSecond = writtenBytes / 1e3 / (performance.now() - begun);
    const records = new Latencies();
    await writeUntil(performance.now() + durationMs / 2, files[0]!, piece.subarray(0, RECORD_BYTES), records);
    const { p50Ms, p99Ms } = records.summary();
    return { durableMegabytesPerSecond, syncP50Ms: p50Ms, syncP99Ms: p99Ms };
  } finally {
    for (const file of files) await file.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Appends `bytes` again and again, each time durably. Returns how often. */
async function writeUntil(endMs: number, file: FileHandle, bytes: Buffer, latencies?: Latencies): Promise<number> {
  let count = 0;
  for (let before = performance.now(); before < endMs; count += 1) {
    await file.write(bytes);
    await file.datasync();
    const after = performance.now();
    latencies?.add(after - before);
    before = after;
  }
  return count;
}
