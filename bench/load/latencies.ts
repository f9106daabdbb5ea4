/** Latencies of requests, as percentiles of a high dynamic range histogram. */
import { build, type Histogram } from "hdr-histogram-js";

export interface LatencySummary {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

const MICROSECONDS_PER_MS = 1000;

export class Latencies {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });

  add(latencyMs: number): void {
    this.#histogram.recordValue(Math.max(1, Math.round(latencyMs * MICROSECONDS_PER_MS)));
  }

  /** Forgets all. */
  reset(): void {
    this.#histogram.reset();
  }

  summary(): LatencySummary {
    const at = (percentile: number): number => this.#histogram.getValueAtPercentile(percentile) / MICROSECONDS_PER_MS;
    return { p50Ms: at(50), p99Ms: at(99), p999Ms: at(99.9), maxMs: this.#histogram.maxValue / MICROSECONDS_PER_MS };
  }
}
