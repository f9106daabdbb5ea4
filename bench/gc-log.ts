/**
 * Pauses of V8's garbage collector, from what `--trace-gc` prints:
 *
 *     [123:0x1]  456 ms: Scavenge 12.1 (20.0) -> 8.3 (21.0) MB, pooled: 0 MB, 1.10 / 0.00 ms  (average mu = 0.9, …) task;
 *     [123:0x1]  789 ms: Mark-Compact 30.1 (40.0) -> 20.0 (38.0) MB, pooled: 0 MB, 2.00 / 0.00 ms  (+ 9.1 ms in 12 steps since start of marking, biggest step 1.9 ms, …) …
 */

/** The pause that ends a collection. */
const PAUSE = /ms: (?:Scavenge|Mark-Compact|Minor Mark).*?MB, (?:pooled: [\d.]+ MB, )?([\d.]+) \/ [\d.]+ ms/;
/** What of a collection was done in steps before. */
const STEPS = /\(\+ ([\d.]+) ms in \d+ steps since start of marking, biggest step ([\d.]+) ms/;

export class GcLog {
  #rest = "";
  #longestMs = 0;
  #totalMs = 0;
  #count = 0;

  /** Output of the process, in whatever pieces it comes. */
  take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#line(line);
  }

  /** What was since the last call. */
  reset(): { readonly count: number; readonly longestMs: number; readonly totalMs: number } {
    const found = { count: this.#count, longestMs: this.#longestMs, totalMs: this.#totalMs };
    this.#count = 0;
    this.#longestMs = 0;
    this.#totalMs = 0;
    return found;
  }

  #line(line: string): void {
    const pauseMs = Number(PAUSE.exec(line)?.[1] ?? Number.NaN);
    if (Number.isNaN(pauseMs)) return;
    const [, stepsMs = "0", longestStepMs = "0"] = STEPS.exec(line) ?? [];
    this.#count++;
    this.#totalMs += pauseMs + Number(stepsMs);
    this.#longestMs = Math.max(this.#longestMs, pauseMs, Number(longestStepMs));
  }
}
