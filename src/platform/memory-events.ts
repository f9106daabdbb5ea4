/**
 * What is to happen in simulated time, in its order: a binary heap of events, which are the timers of those who wait for them.
 *
 * Most timers are timeouts that are cleared long before they are due. They stay in the heap until they are most of it, and go all at once then.
 */
import type { Timer } from "./platform.ts";

/** Below, cleared events cost less than their removal. */
const MANY_CLEARED = 64;

export class SimulatedEvent implements Timer {
  readonly atMs: number;
  /** Breaks ties of `atMs`: first this, then `sequence`. */
  readonly priority: number;
  readonly sequence: number;
  readonly #queue: EventQueue;
  #callback: (() => void) | null;

  constructor(queue: EventQueue, atMs: number, priority: number, sequence: number, callback: () => void) {
    this.#queue = queue;
    this.atMs = atMs;
    this.priority = priority;
    this.sequence = sequence;
    this.#callback = callback;
  }

  /** It happened, or was cleared. */
  get isOver(): boolean {
    return this.#callback === null;
  }

  clear(): void {
    if (this.#callback === null) return;
    this.#callback = null;
    this.#queue.cleared();
  }

  happen(): void {
    const callback = this.#callback;
    this.#callback = null;
    callback?.();
  }
}

export class EventQueue {
  #heap: SimulatedEvent[] = [];
  #clearedCount = 0;

  /** Events in the queue, those included that were cleared and are not let go of yet. */
  get size(): number {
    return this.#heap.length;
  }

  /** The event that comes next; undefined when nothing is left. */
  first(): SimulatedEvent | undefined {
    while (this.#heap[0]?.isOver === true) {
      this.#pop();
      this.#clearedCount -= 1;
    }
    return this.#heap[0];
  }

  /** Removes the event that comes next and returns it. */
  take(): SimulatedEvent | undefined {
    const first = this.first();
    if (first !== undefined) this.#pop();
    return first;
  }

  push(event: SimulatedEvent): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  /** One of the events was cleared. */
  cleared(): void {
    this.#clearedCount += 1;
    if (this.#clearedCount < MANY_CLEARED || this.#clearedCount * 2 < this.#heap.length) return;
    this.#heap = this.#heap.filter(event => !event.isOver);
    this.#clearedCount = 0;
    for (let index = (this.#heap.length >>> 1) - 1; index >= 0; index--) this.#sink(this.#heap[index]!, index);
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (this.#heap.length > 0 && last !== undefined) this.#sink(last, 0);
  }

  /** Puts the event at `index` or below, where it belongs. */
  #sink(event: SimulatedEvent, from: number): void {
    const heap = this.#heap;
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, event)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = event;
  }
}

function isBefore(a: SimulatedEvent, b: SimulatedEvent): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  if (a.priority !== b.priority) return a.priority < b.priority;
  return a.sequence < b.sequence;
}
