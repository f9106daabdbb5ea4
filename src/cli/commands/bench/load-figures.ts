/** What a benchmark of a cluster counts, and how it tells: throughput, and latencies as percentiles. */
import { build, type Histogram } from "hdr-histogram-js";
import type { Clock } from "../../../platform/platform.ts";
import { formatCount, writeJson } from "../../output.ts";
import type { Terminal } from "../../terminal.ts";

const MICROSECONDS_PER_MS = 1000;
const LONGEST_MICROSECONDS = 3_600_000_000;
const PERCENTILES = [50, 90, 99, 99.9, 99.99] as const;

/** Counts from its making on. */
export class LoadFigures {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_MICROSECONDS,
    numberOfSignificantValueDigits: 3,
  });
  #endedMs: number;
  #hasLatencies = false;
  records = 0;
  bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonic();
    this.#endedMs = this.#startedMs;
  }

  /** So many records have arrived now. */
  add(records: number, bytes: number): void {
    this.records += records;
    this.bytes += bytes;
    this.#endedMs = this.#clock.monotonic();
  }

  addLatency(latencyMs: number): void {
    this.#hasLatencies = true;
    const microseconds = Math.max(1, Math.round(latencyMs * MICROSECONDS_PER_MS));
    this.#histogram.recordValue(Math.min(microseconds, LONGEST_MICROSECONDS));
  }

  /** Prints `label 1,000 records …`, or JSON. Latencies are in ms, sizes are those of values. */
  async write(terminal: Terminal, label: string, asJson: boolean): Promise<void> {
    const seconds = Math.max((this.#endedMs - this.#startedMs) / 1000, 0.001);
    const latencyMs: Record<string, number> = {};
    if (this.#hasLatencies) {
      const { mean, maxValue } = this.#histogram;
      latencyMs.mean = mean / MICROSECONDS_PER_MS;
      for (const percentile of PERCENTILES) {
        latencyMs[`p${percentile}`] = this.#histogram.getValueAtPercentile(percentile) / MICROSECONDS_PER_MS;
      }
      latencyMs.max = maxValue / MICROSECONDS_PER_MS;
    }
    const perSecond = { records: this.records / seconds, megabytes: this.bytes / 1e6 / seconds };
    if (asJson) {
      const { records, bytes } = this;
      return writeJson(terminal, {
        records,
        bytes,
        seconds,
        perSecond,
        ...(this.#hasLatencies ? { latencyMs } : null),
      });
    }
    const lines = [
      `${label} ${formatCount(this.records)} records in ${seconds.toFixed(2)} s: ${formatCount(perSecond.records)} records/s, ${perSecond.megabytes.toFixed(2)} MB/s`,
    ];
    if (this.#hasLatencies) {
      const parts = Object.entries(latencyMs).map(([name, value]) => `${name} ${value.toFixed(2)}`);
      lines.push(`latency in ms: ${parts.join(", ")}`);
    }
    await terminal.write(`${lines.join("\n")}\n`);
  }
}
