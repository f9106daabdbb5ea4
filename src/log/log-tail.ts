/**
 * The end of one log in memory: what was appended lately, and what of it still has to be written to the file.
 *
 * Small batches are copied side by side into slabs, so that a tick's appends leave as few slices as possible and a read of the tail is one;
 * a large batch whose buffer nobody else will touch is kept as it is.
 */
import { capacityFor } from "./read-buffers.ts";
import type { Segment } from "./segment.ts";
import type { SharedMemory, TailCache, TailChunk, TailOwner } from "./tail-cache.ts";

const FIRST_SLAB_SIZE_BYTES = 4096;
const LARGEST_SLAB_SIZE_BYTES = 256 * 1024;
/** Below this a copy is cheaper than a chunk of its own. */
const SMALLEST_RETAINED_SIZE_BYTES = 8192;

export class LogTail implements TailOwner {
  readonly #cache: TailCache;
  /** In offset order, from `#head` on. */
  #chunks: TailChunk[] = [];
  #head = 0;
  /** The chunk that small batches are copied into; its end is free. */
  #slab: TailChunk | null = null;
  #slabSizeBytes = FIRST_SLAB_SIZE_BYTES;
  /** Number of the first chunk with bytes that are not in the file yet, and how many of its bytes are. */
  #unwrittenChunk = 0;
  #unwrittenStart = 0;

  constructor(cache: TailCache) {
    this.#cache = cache;
  }

  /** The first offset that is in memory; Infinity when nothing is. */
  get firstOffset(): number {
    const chunk = this.#chunks[this.#head];
    return chunk === undefined || chunk.usedBytes === 0 ? Number.POSITIVE_INFINITY : chunk.baseOffset;
  }

  /**
   * Adds `records`, which stand at `position` of `segment` and hold the offsets [`baseOffset`, `endOffset`). They are kept as they are where `retain`
   * says that nobody else will touch them, or `memory` can be retained until they are dropped.
   */
  append(
    records: Buffer,
    segment: Segment,
    position: number,
    baseOffset: number,
    endOffset: number,
    retain: boolean,
    memory: SharedMemory | null = null,
  ): void {
    if ((retain || memory !== null) && records.length >= SMALLEST_RETAINED_SIZE_BYTES) {
      this.#slab = null;
      memory?.retain();
      this.#push({
        owner: this,
        segment,
        buffer: records,
        position,
        baseOffset,
        endOffset,
        usedBytes: records.length,
        cache: this.#cache,
        dropped: false,
        reusable: memory !== null,
        memory,
        readers: 0,
      });
      return;
    }
    let slab = this.#slab;
    if (
      slab === null ||
      slab.segment !== segment ||
      slab.dropped ||
      slab.buffer.length - slab.usedBytes < records.length
    ) {
      slab = this.#newSlab(records.length, segment, position, baseOffset);
    }
    slab.buffer.set(records, slab.usedBytes);
    slab.usedBytes += records.length;
    slab.endOffset = endOffset;
  }

  /** The first chunk that ends above `offset`, as an index for {@link chunk}; -1 when there is none. */
  find(offset: number): number {
    let low = this.#head;
    let high = this.#chunks.length;
    // Readers mostly want the newest chunk.
    if (high > low && this.#chunks[high - 1]!.baseOffset <= offset) low = high - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.endOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low === this.#chunks.length ? -1 : low;
  }

  chunk(index: number): TailChunk | undefined {
    return this.#chunks[index];
  }

  /** What stands in [`from`, `to`) of the file of `segment`; null when not all of it is in memory any more. */
  slices(segment: Segment, from: number, to: number): Buffer[] | null {
    let index = this.#chunks.length - 1;
    while (index >= this.#head && this.#chunks[index]!.segment === segment && this.#chunks[index]!.position > from)
      index -= 1;
    const buffers: Buffer[] = [];
    for (let position = from; position < to; index += 1) {
      const chunk = this.#chunks[index];
      if (chunk === undefined || chunk.segment !== segment || chunk.position > position) return null;
      const endPosition = Math.min(chunk.position + chunk.usedBytes, to);
      if (endPosition <= position) return null;
      buffers.push(chunk.buffer.subarray(position - chunk.position, endPosition - chunk.position));
      position = endPosition;
    }
    return buffers;
  }

  /** The slices that are not in the file yet, in order, all of one segment. */
  unwritten(): Buffer[] {
    const buffers: Buffer[] = [];
    let start = this.#unwrittenStart;
    for (let index = this.#unwrittenChunk; index < this.#chunks.length; index += 1) {
      const chunk = this.#chunks[index]!;
      if (chunk.usedBytes > start) buffers.push(chunk.buffer.subarray(start, chunk.usedBytes));
      start = 0;
    }
    return buffers;
  }

  /** All that was appended is in the file now. */
  markWritten(): void {
    this.#unwrittenChunk = Math.max(this.#head, this.#chunks.length - 1);
    this.#unwrittenStart = this.#chunks.at(-1)?.usedBytes ?? 0;
  }

  /** Ends the slab, at a roll or when the log goes idle. */
  seal(): void {
    this.#slab = null;
  }

  /** Lets go of the chunks that end at or below `offset` and are written: nobody is going to read them here. */
  dropBelow(offset: number): void {
    for (let chunk = this.#chunks[this.#head]; chunk !== undefined && chunk.endOffset <= offset; ) {
      if (!this.evict(chunk)) return;
      this.#cache.drop(chunk);
      chunk = this.#chunks[this.#head];
    }
  }

  /** Forgets everything: the log was cut. Slices handed out stay valid as long as their lease. */
  clear(): void {
    for (let index = this.#head; index < this.#chunks.length; index += 1) this.#cache.drop(this.#chunks[index]!);
    this.#chunks = [];
    this.#head = 0;
    this.#slab = null;
    this.#unwrittenChunk = 0;
    this.#unwrittenStart = 0;
  }

  evict(chunk: TailChunk): boolean {
    const isLast = this.#head === this.#chunks.length - 1;
    const isWritten =
      this.#head < this.#unwrittenChunk ||
      (this.#head === this.#unwrittenChunk && this.#unwrittenStart === chunk.usedBytes);
    if (!isWritten) return false;
    if (this.#slab === chunk) this.#slab = null;
    if (isLast) {
      this.#chunks = [];
      this.#head = 0;
      this.#unwrittenChunk = 0;
      this.#unwrittenStart = 0;
      this.#slabSizeBytes = FIRST_SLAB_SIZE_BYTES;
      return true;
    }
    if (this.#head === this.#unwrittenChunk) {
      this.#unwrittenChunk += 1;
      this.#unwrittenStart = 0;
    }
    this.#chunks[this.#head] = undefined as never;
    this.#head += 1;
    if (this.#head > 64 && this.#head * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#unwrittenChunk -= this.#head;
      this.#head = 0;
    }
    return true;
  }

  #newSlab(leastBytes: number, segment: Segment, position: number, baseOffset: number): TailChunk {
    // In few sizes, so that evicted slabs fit what comes next.
    const sizeBytes = capacityFor(Math.max(leastBytes, this.#slabSizeBytes));
    this.#slabSizeBytes = Math.min(this.#slabSizeBytes * 2, LARGEST_SLAB_SIZE_BYTES);
    const slab: TailChunk = {
      owner: this,
      segment,
      buffer: this.#cache.takeBuffer(sizeBytes),
      position,
      baseOffset,
      endOffset: baseOffset,
      usedBytes: 0,
      cache: this.#cache,
      dropped: false,
      reusable: true,
      memory: null,
      readers: 0,
    };
    this.#slab = slab;
    this.#push(slab);
    return slab;
  }

  #push(chunk: TailChunk): void {
    this.#chunks.push(chunk);
    this.#cache.add(chunk);
  }
}
