/** The segments of a log in offset order. There is always at least one; the last is the active one. */
import type { Segment } from "./segment.ts";
import type { AbortedTransaction } from "./transaction-index.ts";

export class Segments {
  readonly #segments: Segment[];

  constructor(segments: readonly Segment[]) {
    this.#segments = [...segments];
  }

  get count(): number {
    return this.#segments.length;
  }

  get first(): Segment {
    return this.#segments[0]!;
  }

  get active(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  /** Of all `.log` files together. */
  get sizeBytes(): number {
    let sizeBytes = 0;
    for (const segment of this.#segments) sizeBytes += segment.sizeBytes;
    return sizeBytes;
  }

  all(): readonly Segment[] {
    return this.#segments;
  }

  at(index: number): Segment | undefined {
    return this.#segments[index];
  }

  /** Number of the segment that holds `offset`: the last one whose base offset is not above it; -1 when all are above. */
  indexFor(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    // Most look-ups are for the end of the log.
    if (high > 0 && this.#segments[high - 1]!.baseOffset <= offset) return high - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle]!.baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  push(segment: Segment): void {
    this.#segments.push(segment);
  }

  /** Puts `segment` in the place of `count` others, from number `index` on. */
  replace(index: number, count: number, segment: Segment): void {
    this.#segments.splice(index, count, segment);
  }

  /** Takes `count` segments off the front and returns them. */
  shift(count: number): Segment[] {
    return this.#segments.splice(0, count);
  }

  /** Takes the segments from number `index` on off the end and returns them. */
  pop(index: number): Segment[] {
    return this.#segments.splice(index);
  }

  /** The aborted transactions that overlap [`from`, `to`). */
  abortedTransactions(from: number, to: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = [];
    for (let index = Math.max(0, this.indexFor(from)); index < this.#segments.length; index += 1) {
      if (this.#segments[index]!.collectAbortedTransactions(from, to, found)) break;
    }
    return found;
  }
}
