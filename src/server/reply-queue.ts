/**
 * The replies that a connection owes, in the order of its requests.
 *
 * Handlers finish in any order; what leaves is always the run of finished replies at the head, as one list of chunks for one write.
 */
import type { ReplyMemory } from "../handlers/handler.ts";
import { ChunkGatherer } from "./chunk-gatherer.ts";

/** One place in the queue. */
export interface Reply {
  /** Null while the handler is at work. */
  chunks: readonly Buffer[] | null;
  sizeBytes: number;
  /** Memory that chunks lie in, to be given back once they are sent or dropped. */
  memory: ReplyMemory | null;
}

/** What is written next: replies put together. */
export interface ReadyReplies {
  readonly chunks: readonly Buffer[];
  /** What is to be released once they are sent. */
  readonly memory: readonly ReplyMemory[];
}

export class ReplyQueue {
  #replies: Reply[] = [];
  #head = 0;
  #heldBytes = 0;

  /** Requests whose reply has not left. */
  get length(): number {
    return this.#replies.length - this.#head;
  }

  /** Bytes of finished replies that wait for one before them. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether {@link takeReady} would return anything. */
  get hasReady(): boolean {
    return this.#head < this.#replies.length && this.#replies[this.#head]!.chunks !== null;
  }

  push(reply: Reply): void {
    this.#replies.push(reply);
  }

  /** Makes `reply`, which was pushed before, ready to leave. */
  complete(reply: Reply, chunks: readonly Buffer[], memory: ReplyMemory | null): void {
    let sizeBytes = 0;
    for (let index = 0; index < chunks.length; index++) sizeBytes += chunks[index]!.length;
    reply.chunks = chunks;
    reply.sizeBytes = sizeBytes;
    reply.memory = memory;
    this.#heldBytes += sizeBytes;
  }

  /** Removes the finished replies at the head and returns their chunks, put together where that is cheap. */
  takeReady(): ReadyReplies {
    const replies = this.#replies;
    let memory: ReplyMemory[] | null = null;
    const gathered = new ChunkGatherer();
    let head = this.#head;
    while (head < replies.length) {
      const reply = replies[head]!;
      if (reply.chunks === null) break;
      this.#heldBytes -= reply.sizeBytes;
      for (let index = 0; index < reply.chunks.length; index++) gathered.add(reply.chunks[index]!);
      if (reply.memory !== null) {
        memory ??= [];
        memory.push(reply.memory);
        reply.memory = null;
      }
      head += 1;
    }
    this.#head = head;
    this.#trim();
    return { chunks: gathered.finish(), memory: memory ?? NO_MEMORY };
  }

  /** Drops everything. */
  clear(): void {
    for (let index = this.#head; index < this.#replies.length; index++) {
      const reply = this.#replies[index]!;
      reply.memory?.release();
      reply.memory = null;
    }
    this.#replies = [];
    this.#head = 0;
    this.#heldBytes = 0;
  }

  #trim(): void {
    if (this.#head === this.#replies.length) {
      this.#replies.length = 0;
      this.#head = 0;
    } else if (this.#head >= TRIM_COUNT) {
      this.#replies = this.#replies.slice(this.#head);
      this.#head = 0;
    }
  }
}

const NO_MEMORY: readonly ReplyMemory[] = [];

const TRIM_COUNT = 256;
