/**
 * The buffer that a large answer was received into, so that it can be used again: fresh memory of this size costs page faults and garbage collections.
 *
 * Who sends a request with one holds it when the answer is there. Everybody else who keeps slices of the answer retains it as well, and the buffer goes
 * back to where it came from when the last of them has released it. Of small answers there is nothing to give back.
 *
 * ```ts
 * const memory = new AnswerMemory();
 * const response = await client.request(Fetch, body, { memory });
 * use(response);
 * memory.release(); // slices of the response are of no more use
 * ```
 */

/** Where buffers for large answers come from. */
export interface AnswerBuffers {
  /** A buffer of at least `sizeBytes`, whatever is in it. */
  take(sizeBytes: number): Buffer;
  /** Takes back a buffer that nobody looks at any more. */
  give(buffer: Buffer): void;
}

export class AnswerMemory {
  #buffer: Buffer | null = null;
  #source: AnswerBuffers | null = null;
  #holderCount = 1;

  /** The answer lies in `buffer`, which is of `source`. */
  hold(buffer: Buffer, source: AnswerBuffers): void {
    this.#buffer = buffer;
    this.#source = source;
  }

  retain(): void {
    this.#holderCount += 1;
  }

  release(): void {
    this.#holderCount -= 1;
    if (this.#holderCount < 0) throw new Error("the memory of an answer was released more often than retained");
    if (this.#holderCount > 0 || this.#buffer === null) return;
    this.#source!.give(this.#buffer);
    this.#buffer = null;
  }
}

/** Buffers that nobody takes back. */
export const FRESH_MEMORY: AnswerBuffers = { take: sizeBytes => Buffer.allocUnsafeSlow(sizeBytes), give: () => {} };
