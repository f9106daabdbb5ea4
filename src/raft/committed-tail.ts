/** The newest batches of the log in decoded form, kept until those who follow closely have been told: the others read them from the log. */
import type { CommittedBatch } from "./replicated-log.ts";

export class CommittedTail {
  /** Ascending, without gaps. */
  #batches: CommittedBatch[] = [];

  add(batch: CommittedBatch): void {
    this.#batches.push(batch);
  }

  /** Batches from `offset` on, wholly below `highWatermark`; null when the tail does not reach back so far. */
  read(offset: number, highWatermark: number): CommittedBatch[] | null {
    const first = this.#batches[0];
    if (first === undefined || offset < first.baseOffset) return null;
    return this.#batches.filter(batch => batch.baseOffset >= offset && batch.lastOffset < highWatermark);
  }

  dropBelow(offset: number): void {
    let count = 0;
    while (count < this.#batches.length && (this.#batches[count] as CommittedBatch).lastOffset < offset) count += 1;
    if (count > 0) this.#batches.splice(0, count);
  }

  /** The log was cut at `endOffset`. */
  truncateTo(endOffset: number): void {
    this.#batches = this.#batches.filter(batch => batch.lastOffset < endOffset);
  }

  clear(): void {
    this.#batches = [];
  }
}
