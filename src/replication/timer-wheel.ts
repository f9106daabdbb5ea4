/**
 * Many time limits for few timers: tasks are gathered in buckets of some milliseconds, and only the earliest bucket has a timer.
 *
 * Most parked requests are done before their limit; setting and clearing one costs a few pointers. A task runs up to one bucket late, never early.
 *
 * ```ts
 * class Deadline extends TimerTask { override expire() { … } }
 * const wheel = new TimerWheel({ bucketMs: 5 }, { clock, timers });
 * wheel.schedule(new Deadline(), 500);
 * ```
 */
import type { Clock, Timer, Timers } from "../platform/platform.ts";

/** Something with a time limit. Scheduled at most once at a time. */
export abstract class TimerTask {
  /** Neighbours in the bucket; null while not scheduled. For the wheel alone. */
  previous: TimerTask | null = null;
  next: TimerTask | null = null;

  /** The time is up. The task is not scheduled any more. */
  abstract expire(): void;

  get isScheduled(): boolean {
    return this.previous !== null;
  }

  /** Takes the task off its wheel; harmless when it is on none. */
  cancel(): void {
    const { previous, next } = this;
    if (previous === null) return;
    previous.next = next;
    if (next !== null) next.previous = previous;
    this.previous = null;
    this.next = null;
  }
}

/** The head of a bucket's list. */
class Bucket extends TimerTask {
  override expire(): void {}
}

export interface TimerWheelOptions {
  readonly bucketMs: number;
}

export interface TimerWheelModules {
  readonly clock: Clock;
  readonly timers: Timers;
}

export class TimerWheel {
  readonly #bucketMs: number;
  readonly #modules: TimerWheelModules;
  readonly #buckets = new Map<number, Bucket>();
  /** Numbers of the buckets, a binary heap with the earliest first. */
  readonly #heap: number[] = [];
  #timer: Timer | null = null;
  #timerBucket = Number.POSITIVE_INFINITY;

  constructor(options: TimerWheelOptions, modules: TimerWheelModules) {
    this.#bucketMs = options.bucketMs;
    this.#modules = modules;
  }

  /** Has `task` expire once `delayMs` are over, unless it is cancelled before. */
  schedule(task: TimerTask, delayMs: number): void {
    if (task.isScheduled) throw new Error("the task is scheduled already");
    const number = Math.ceil((this.#modules.clock.monotonic() + Math.max(0, delayMs)) / this.#bucketMs);
    let bucket = this.#buckets.get(number);
    if (bucket === undefined) {
      bucket = new Bucket();
      this.#buckets.set(number, bucket);
      pushHeap(this.#heap, number);
      this.#arm();
    }
    const first = bucket.next;
    task.previous = bucket;
    task.next = first;
    if (first !== null) first.previous = task;
    bucket.next = task;
  }

  /** Forgets all tasks without running them. */
  close(): void {
    this.#timer?.clear();
    this.#timer = null;
    this.#timerBucket = Number.POSITIVE_INFINITY;
    for (const bucket of this.#buckets.values()) while (bucket.next !== null) bucket.next.cancel();
    this.#buckets.clear();
    this.#heap.length = 0;
  }

  #arm(): void {
    const earliest = this.#heap[0];
    if (earliest === undefined || earliest >= this.#timerBucket) return;
    this.#timer?.clear();
    this.#timerBucket = earliest;
    const delayMs = Math.max(0, Math.ceil(earliest * this.#bucketMs - this.#modules.clock.monotonic()));
    this.#timer = this.#modules.timers.after(delayMs, () => this.#expire());
  }

  #expire(): void {
    this.#timer = null;
    this.#timerBucket = Number.POSITIVE_INFINITY;
    const now = this.#modules.clock.monotonic();
    while (this.#heap.length > 0 && this.#heap[0]! * this.#bucketMs <= now) {
      const number = popHeap(this.#heap);
      const bucket = this.#buckets.get(number)!;
      this.#buckets.delete(number);
      while (bucket.next !== null) {
        const task = bucket.next;
        task.cancel();
        task.expire();
      }
    }
    this.#arm();
  }
}

function pushHeap(heap: number[], value: number): void {
  let index = heap.length;
  heap.push(value);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (heap[parent]! <= value) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = value;
}

function popHeap(heap: number[]): number {
  const top = heap[0]!;
  const value = heap.pop()!;
  const count = heap.length;
  if (count === 0) return top;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= count) break;
    if (child + 1 < count && heap[child + 1]! < heap[child]!) child += 1;
    if (heap[child]! >= value) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = value;
  return top;
}
