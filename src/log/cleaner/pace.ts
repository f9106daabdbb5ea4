/** Keeps work to so many bytes a second: after each piece it says how long to wait. */
import type { Clock } from "../../platform/platform.ts";

/** What was not used up in a pause may be made up for within this time, no longer. */
const BURST_MS = 300;

export class Pace {
  readonly #bytesPerMs: number;
  readonly #clock: Pick<Clock, "monotonic">;
  /** When all that was done so far would be paid for. */
  #paidUntilMs: number;

  constructor(bytesPerSecond: number, clock: Pick<Clock, "monotonic">) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#clock = clock;
    this.#paidUntilMs = clock.monotonic();
  }

  /** Notes `sizeBytes` of work; returns for how many milliseconds to rest before the next. */
  delayAfter(sizeBytes: number): number {
    const nowMs = this.#clock.monotonic();
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs - BURST_MS) + sizeBytes / this.#bytesPerMs;
    return Math.max(0, this.#paidUntilMs - nowMs);
  }
}
