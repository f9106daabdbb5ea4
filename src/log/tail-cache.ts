/**
 * The bound on what all logs of a broker keep of their ends in memory: when it is exceeded, the oldest chunk of any log goes first.
 *
 * Chunks that have not been written to their file yet stay, whatever the bound says: memory is the only place that has them.
 */
import type { Segment } from "./segment.ts";

/** Memory that somebody else looks after, such as what a response was received into: it stays as it is until whoever retained it has released it. */
export interface SharedMemory {
  retain(): void;
  release(): void;
}

/** Contiguous batches of one segment in memory. `buffer[0, usedBytes)` never changes; more may be appended behind it. */
export interface TailChunk {
  readonly owner: TailOwner;
  readonly cache: TailCache;
  readonly segment: Segment;
  readonly buffer: Buffer;
  /** Position of `buffer[0]` in the segment's file. */
  readonly position: number;
  /** Offset of the first batch. */
  readonly baseOffset: number;
  /** Offset after the last batch. */
  endOffset: number;
  usedBytes: number;
  /** No longer in its log's tail. The memory of a reusable one goes back to whose it is once the last reader lets go. */
  dropped: boolean;
  /** Nothing of the buffer was handed out for good, so that it may hold something else when the chunk is of no more use. */
  reusable: boolean;
  /** Whose the buffer is: null for the cache's own. */
  readonly memory: SharedMemory | null;
  /** Leases that hold slices of it. */
  readers: number;
}

export interface TailOwner {
  /** Lets go of its oldest chunk, which is `chunk`; false when it has not been written yet. */
  evict(chunk: TailChunk): boolean;
}

export class TailCache {
  readonly limitBytes: number;
  #sizeBytes = 0;
  /** In order of creation, from `#head` on. */
  #queue: TailChunk[] = [];
  #head = 0;
  /** Dropped chunks in the queue. */
  #droppedCount = 0;
  /** Buffers of evicted chunks, by size, for the chunks to come; the size taken last comes last. */
  readonly #spare = new Map<number, Buffer[]>();
  #spareBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** A buffer for a chunk: an evicted one's if there is one of that size. Fresh memory costs page faults and garbage collections. */
  takeBuffer(sizeBytes: number): Buffer {
    const spares = this.#spare.get(sizeBytes);
    if (spares === undefined) return Buffer.allocUnsafeSlow(sizeBytes);
    const spare = spares.pop()!;
    // Behind the others: it is the last to make room.
    this.#spare.delete(sizeBytes);
    if (spares.length > 0) this.#spare.set(sizeBytes, spares);
    this.#spareBytes -= sizeBytes;
    return spare;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Chunks known here, those included that were dropped and are not forgotten yet. */
  get chunkCount(): number {
    return this.#queue.length - this.#head;
  }

  add(chunk: TailChunk): void {
    this.#queue.push(chunk);
    this.#sizeBytes += chunk.buffer.length;
    while (this.#sizeBytes > this.limitBytes && this.#evictOldest());
  }

  /** The chunk's log dropped it by itself. */
  drop(chunk: TailChunk): void {
    if (chunk.dropped) return;
    this.#leave(chunk);
    this.#droppedCount += 1;
    if (this.#droppedCount > 64 && this.#droppedCount * 2 > this.#queue.length - this.#head) {
      this.#queue = this.#queue.slice(this.#head).filter(({ dropped }) => !dropped);
      this.#head = 0;
      this.#droppedCount = 0;
    }
  }

  /** A reader that held the chunk has no more use for it. */
  letGo(chunk: TailChunk): void {
    chunk.readers -= 1;
    if (chunk.dropped && chunk.readers === 0) this.#recycle(chunk);
  }

  #leave(chunk: TailChunk): void {
    chunk.dropped = true;
    this.#sizeBytes -= chunk.buffer.length;
    if (chunk.readers === 0) this.#recycle(chunk);
  }

  #evictOldest(): boolean {
    const chunk = this.#queue[this.#head];
    // The newest chunk is being appended to.
    if (chunk === undefined || this.#head === this.#queue.length - 1) return false;
    if (chunk.dropped) {
      this.#droppedCount -= 1;
    } else {
      if (!chunk.owner.evict(chunk)) return false;
      this.#leave(chunk);
    }
    this.#queue[this.#head] = undefined as never;
    this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return true;
  }

  #recycle({ reusable, memory, buffer }: TailChunk): void {
    if (!reusable) return;
    if (memory === null) this.#keepSpare(buffer);
    else memory.release();
  }

  #keepSpare(buffer: Buffer): void {
    if (buffer.length > LARGEST_SPARE_BYTES) return;
    // Logs that grow take larger and larger buffers: the sizes that nobody asked for lately must not keep out those that are in use.
    while (this.#spareBytes + buffer.length > LARGEST_SPARE_BYTES) this.#dropSpare();
    const spares = this.#spare.get(buffer.length);
    if (spares === undefined) this.#spare.set(buffer.length, [buffer]);
    else spares.push(buffer);
    this.#spareBytes += buffer.length;
  }

  /** Lets go of a spare of the size that was not taken for longest. */
  #dropSpare(): void {
    for (const [sizeBytes, spares] of this.#spare) {
      spares.pop();
      if (spares.length === 0) this.#spare.delete(sizeBytes);
      this.#spareBytes -= sizeBytes;
      return;
    }
  }
}

/** In steady state one is evicted for each that is taken, so few are enough. */
const LARGEST_SPARE_BYTES = 4 * 1024 * 1024;
