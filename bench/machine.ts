/**
 * What else the machine is doing: a measurement that begins while the system still writes back what the one before left in memory, or while another
 * program computes, measures those too.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { delay } from "./load/stopwatch.ts";

/** Waiting for the disk or the processors no more than this. */
const QUIET_DIRTY_BYTES = 32 * 2 ** 20;
const QUIET_CORES = 0.35;
/** Long enough to tell a pause from the end. */
const SAMPLE_MS = 250;
/** How deep below the benchmark's folder partitions lie: those of a cluster's node. */
const DEEPEST = 4;

export interface Stillness {
  readonly isQuiet: boolean;
  /** Written to files and not yet on the disk; 0 where the system does not tell. */
  readonly dirtyBytes: number;
  /** Processor time that anybody used, in cores; 0 where the system does not tell. */
  readonly busyCores: number;
}

/**
 * Waits until deleted topics are gone from below `dataDir`, what is in memory is on the disk, and nobody computes, but no longer than `limitMs`.
 * Resolves with how it was then.
 */
export async function untilQuiet(dataDir: string, limitMs: number): Promise<Stillness> {
  const deadline = performance.now() + limitMs;
  while (holdsDeleted(dataDir) && performance.now() < deadline) await delay(SAMPLE_MS);
  for (;;) {
    await promisify(execFile)("sync").catch(() => {});
    const busyCores = await busyCoresOver(SAMPLE_MS);
    const dirtyBytes = dirtyBytesNow();
    const isQuiet = dirtyBytes < QUIET_DIRTY_BYTES && busyCores < QUIET_CORES;
    if (isQuiet || performance.now() >= deadline) return { isQuiet, dirtyBytes, busyCores };
  }
}

/** Both brokers rename a partition's folder so before they remove what is in it. */
function holdsDeleted(folder: string, depth = 1): boolean {
  for (const entry of directoriesIn(folder)) {
    if (entry.endsWith("-delete")) return true;
    const isPartition = /-\d+$/.test(entry);
    if (depth < DEEPEST && !isPartition && holdsDeleted(join(folder, entry), depth + 1)) return true;
  }
  return false;
}

function directoriesIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter(entry => entry.isDirectory()).map(({ name }) => name);
  } catch {
    // Removed meanwhile.
    return [];
  }
}

/** From Linux's /proc/meminfo. */
function dirtyBytesNow(): number {
  try {
    const text = readFileSync("/proc/meminfo", "utf8");
    const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
    return (kibibytes("Dirty") + kibibytes("Writeback")) * 1024;
  } catch {
    return 0;
  }
}

async function busyCoresOver(durationMs: number): Promise<number> {
  const before = busyMs();
  const startedMs = performance.now();
  await delay(durationMs);
  return Math.max(0, busyMs() - before) / (performance.now() - startedMs);
}

function busyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.sys + times.nice + times.irq, 0);
}
