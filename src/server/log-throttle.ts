/**
 * Keeps a flood of like events out of the log: so many in a period are let through, the rest are counted.
 *
 * What a client can cause at will must not fill the disk, nor drown what matters.
 */
export class LogThrottle {
  readonly #maxPerPeriod: number;
  readonly #periodMs: number;
  #periodStartMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(options: { readonly maxPerPeriod: number; readonly periodMs: number }) {
    this.#maxPerPeriod = options.maxPerPeriod;
    this.#periodMs = options.periodMs;
  }

  /**
   * Whether to log now, and then how many were left out in the period before, if this is the first event of a new one. `nowMs` is monotonic.
   */
  admit(nowMs: number): { readonly admitted: boolean; readonly suppressed: number } {
    let suppressed = 0;
    if (nowMs - this.#periodStartMs >= this.#periodMs) {
      suppressed = Math.max(0, this.#count - this.#maxPerPeriod);
      this.#periodStartMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    return { admitted: this.#count <= this.#maxPerPeriod, suppressed };
  }
}
