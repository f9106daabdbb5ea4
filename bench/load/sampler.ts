/** Tells how a load goes while it runs: what was answered in each period. */
import { Latencies } from "./latencies.ts";
import type { Sample } from "./run-load.ts";

export class Sampler {
  readonly #periodMs: number;
  readonly #onSample: (sample: Sample) => void;
  readonly #latencies = new Latencies();
  #requests = 0;
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(periodMs: number, onSample: (sample: Sample) => void) {
    this.#periodMs = periodMs;
    this.#onSample = onSample;
  }

  start(): void {
    this.#startedMs = performance.now();
    this.#timer = setInterval(() => this.#tell(), this.#periodMs);
  }

  add(latencyMs: number): void {
    this.#requests++;
    this.#latencies.add(latencyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    const now = performance.now();
    const seconds = (now - this.#startedMs) / 1000;
    this.#onSample({ seconds, requests: this.#requests, latency: this.#latencies.summary() });
    this.#startedMs = now;
    this.#requests = 0;
    this.#latencies.reset();
  }
}
