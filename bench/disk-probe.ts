/** What the disk under the brokers gives by itself, beside which their figures stand. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Latencies } from "./load/latencies.ts";

export interface DiskFigures {
  /** Written in pieces of 1 MiB to six files in turn, each made durable before the next: about what a broker does with large batches. */
  readonly durableMegabytesPerSecond: number;
  /** Of a write of 1 KiB at the end of a file together with its sync. */
  readonly syncP50Ms: number;
  readonly syncP99Ms: number;
}

const FILES = 6;
const PIECE_BYTES = 1 << 20;
const RECORD_BYTES = 1 << 10;

/** Measures in `directory`, for some `durationMs` in all, blocking; removes what it wrote. */
export function probeDisk(directory: string, durationMs: number): DiskFigures {
  const folder = mkdtempSync(join(directory, "probe-"));
  const files = Array.from({ length: FILES }, (_, index) => openSync(join(folder, String(index)), "w"));
  try {
    const piece = Buffer.alloc(PIECE_BYTES, "samsa");
    const begun = performance.now();
    let writtenBytes = 0;
    for (let round = 0; performance.now() - begun < durationMs / 2; round += 1) {
      writtenBytes += writeDurably(files[round % FILES]!, piece);
    }
    const durableMegabytesPerSecond = writtenBytes / 1e3 / (performance.now() - begun);
    const record = piece.subarray(0, RECORD_BYTES);
    const latencies = new Latencies();
    for (const end = performance.now() + durationMs / 2; performance.now() < end; ) {
      const before = performance.now();
      writeDurably(files[0]!, record);
      latencies.add(performance.now() - before);
    }
    const { p50Ms, p99Ms } = latencies.summary();
    return { durableMegabytesPerSecond, syncP50Ms: p50Ms, syncP99Ms: p99Ms };
  } finally {
    for (const file of files) closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeDurably(file: number, bytes: Buffer): number {
  const written = writeSync(file, bytes);
  fdatasyncSync(file);
  return written;
}
