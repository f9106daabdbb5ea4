/** What the benchmarks of the log share: what they are given, what they find, and how latencies are counted. */
import type { Platform } from "../../../../platform/platform.ts";

export interface LogBenchmarkOptions {
  /** An empty directory on the disk to be measured, removed afterwards. */
  readonly directory: string;
  /** Operations on single records. */
  readonly operations: number;
  readonly platform: Platform;
}

export type LogBenchmark = (options: LogBenchmarkOptions) => Promise<readonly LogFigure[]>;

/** One line of the report. */
export interface LogFigure {
  readonly name: string;
  readonly value: number;
  /** `/s`, `GB/s`, `×` (a ratio) or `ms`. */
  readonly unit: "/s" | "GB/s" | "×" | "ms";
  /** At least this much (at most, of milliseconds); null for a figure that only explains another. */
  readonly goal: number | null;
  readonly medianMs?: number;
  /** Of the median, at most. */
  readonly medianGoalMs?: number;
  readonly p99Ms?: number;
}

/** Whether a figure reaches its goals; null when it has none. */
export function isMet({ value, unit, goal, medianMs = 0, medianGoalMs = Number.POSITIVE_INFINITY }: LogFigure) {
  if (goal === null) return null;
  return (unit === "ms" ? value <= goal : value >= goal) && medianMs <= medianGoalMs;
}

/** Latencies of a known number of operations, in milliseconds. */
export class LatencyList {
  readonly #values: Float64Array;
  #count = 0;

  constructor(limit: number) {
    this.#values = new Float64Array(limit);
  }

  add(latencyMs: number): void {
    this.#values[this.#count++] = latencyMs;
  }

  /** Median and 99th percentile of those added. */
  summary(): { medianMs: number; p99Ms: number } {
    const sorted = this.#values.subarray(0, this.#count).sort();
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    return { medianMs: at(0.5), p99Ms: at(0.99) };
  }
}

/** Best time of one of `count` calls in nanoseconds, over a few rounds: on a shared machine the figure least disturbed by others. */
export function bestNanoseconds(count: number, call: (number: number) => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now();
    for (let number = 0; number < count; number++) call(number);
    best = Math.min(best, ((performance.now() - startedMs) * 1e6) / count);
  }
  return best;
}

const ROUNDS = 5;
