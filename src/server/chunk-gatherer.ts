/**
 * Makes as few chunks as is cheap out of many: each one costs a socket more than copying a few kilobytes does.
 *
 * Replies that are encoded one after the other mostly lie side by side in one slab of the writers; those become one slice without a copy.
 * Other small chunks are copied together. Large ones (record batches) are passed on as they are.
 */
export class ChunkGatherer {
  readonly #chunks: Buffer[] = [];
  /** Small chunks that are to become one, and their size. */
  #run: Buffer[] = [];
  #runBytes = 0;

  add(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (chunk.length > SMALL_CHUNK_BYTES) {
      this.#endRun();
      this.#chunks.push(chunk);
      return;
    }
    const last = this.#run.length - 1;
    const previous = last >= 0 ? this.#run[last]! : null;
    if (previous !== null && isFollowedBy(previous, chunk)) {
      this.#run[last] = Buffer.from(previous.buffer, previous.byteOffset, previous.length + chunk.length);
    } else {
      this.#run.push(chunk);
    }
    this.#runBytes += chunk.length;
  }

  finish(): Buffer[] {
    this.#endRun();
    return this.#chunks;
  }

  #endRun(): void {
    if (this.#run.length === 0) return;
    this.#chunks.push(this.#run.length === 1 ? this.#run[0]! : Buffer.concat(this.#run, this.#runBytes));
    this.#run = [];
    this.#runBytes = 0;
  }
}

const SMALL_CHUNK_BYTES = 4 * 1024;

function isFollowedBy(first: Buffer, second: Buffer): boolean {
  return first.buffer === second.buffer && first.byteOffset + first.length === second.byteOffset;
}
