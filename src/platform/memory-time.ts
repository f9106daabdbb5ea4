/**
 * Virtual time: a clock that stands still until it is told to go on, and timers that run in its order.
 *
 * ```ts
 * const time = new SimulatedTime({ startMs: 1_700_000_000_000 });
 * time.after(30_000, () => log.push("late"));
 * await time.advance(30_000);   // runs in microseconds
 * ```
 *
 * Every event is one turn of an event loop: its callback runs, then all promises that it settled, then what was handed to `endOfTick`.
 * Nothing else moves, so the same program gives the same order every time; with a `random`, events due at the same instant run in an order
 * that its seed decides.
 */
import { EventQueue, SimulatedEvent } from "./memory-events.ts";
import type { Clock, Random, Timer, Timers } from "./platform.ts";

export interface SimulatedTimeOptions {
  /** Wall time at the beginning. Default 2026-01-01T00:00:00Z. */
  readonly startMs?: number;
  /** Orders events that are due at the same instant; without it they run in the order they were made. */
  readonly random?: Random;
}

const DEFAULT_START_MS = 1_767_225_600_000;
const TURNS_PER_BATCH = 100;

export class SimulatedTime implements Clock, Timers {
  readonly #random: Random | undefined;
  readonly #events = new EventQueue();
  #wallOffsetMs: number;
  #elapsedMs = 0;
  #sequence = 0;
  #endOfTick: (() => void)[] = [];

  constructor(options: SimulatedTimeOptions = {}) {
    this.#wallOffsetMs = options.startMs ?? DEFAULT_START_MS;
    this.#random = options.random;
  }

  now(): number {
    return Math.floor(this.#wallOffsetMs + this.#elapsedMs);
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#push(delayMs, callback);
  }

  every(periodMs: number, callback: () => void): Timer {
    let event: SimulatedEvent;
    let cleared = false;
    const again = (): void => {
      callback();
      if (!cleared) event = this.#push(Math.max(periodMs, 1), again);
    };
    event = this.#push(Math.max(periodMs, 1), again);
    return {
      clear: () => {
        cleared = true;
        event.clear();
      },
    };
  }

  endOfTick(callback: () => void): void {
    this.#endOfTick.push(callback);
  }

  /** Moves the wall clock, not the monotonic one: what an operator or NTP does to a machine. */
  jumpWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** When the next timer is due, on the monotonic clock; null when there is none. */
  nextAtMs(): number | null {
    return this.#events.first()?.atMs ?? null;
  }

  /** Runs one turn: the end-of-tick work if there is any, else the next event, moving the clock to it. False when nothing is left. */
  async step(): Promise<boolean> {
    // What the caller has just begun must reach its timers before they are looked at.
    await settlePromises();
    if (!this.#turn()) return false;
    await settlePromises();
    return true;
  }

  /**
   * Runs one turn after another, as {@link step} does, for as long as `isToGoOn` says so: it is asked before each, when all promises that the one before
   * settled are done with. Many times faster than as many steps.
   */
  run(isToGoOn: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let isDone = false;
      const turn = (): void => {
        if (isDone) return;
        try {
          if (isToGoOn() && this.#turn()) return;
          isDone = true;
          resolve();
        } catch (error) {
          isDone = true;
          reject(error);
        }
      };
      // Node settles promises between two immediates, and asks the system for news only once in a batch of them.
      const batch = (): void => {
        if (isDone) return;
        for (let count = 0; count < TURNS_PER_BATCH; count += 1) setImmediate(turn);
        setImmediate(batch);
      };
      setImmediate(batch);
    });
  }

  /** Runs all that happens in the next `durationMs` and leaves the clock at their end. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#elapsedMs + durationMs;
    await settlePromises();
    while (this.#endOfTick.length > 0 || (this.nextAtMs() ?? Infinity) <= endMs) await this.step();
    this.#elapsedMs = endMs;
  }

  /**
   * Runs until `promise` settles, and settles as it does.
   *
   * @throws Error when it still has not after `limitMs` of virtual time, or when nothing is left that could settle it
   */
  async complete<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    let settled = false;
    promise.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    await this.until(() => settled, limitMs);
    return promise;
  }

  /** Runs until `condition` holds; it is asked after each turn. Throws as {@link complete}. */
  async until(condition: () => boolean, limitMs = 600_000): Promise<void> {
    const endMs = this.#elapsedMs + limitMs;
    await settlePromises();
    while (!condition()) {
      if (this.#endOfTick.length === 0 && (this.nextAtMs() ?? 0) > endMs)
        throw new Error(`nothing came of it in ${limitMs} ms`);
      if (!(await this.step()) && !condition()) throw new Error("no event is left, and the condition does not hold");
    }
  }

  /** False when nothing is left. */
  #turn(): boolean {
    if (this.#endOfTick.length > 0) {
      const callbacks = this.#endOfTick;
      this.#endOfTick = [];
      for (const callback of callbacks) callback();
      return true;
    }
    const event = this.#events.take();
    if (event === undefined) return false;
    this.#elapsedMs = Math.max(this.#elapsedMs, event.atMs);
    event.happen();
    return true;
  }

  #push(delayMs: number, callback: () => void): SimulatedEvent {
    const atMs = this.#elapsedMs + Math.max(delayMs, 0);
    const event = new SimulatedEvent(this.#events, atMs, this.#random?.float() ?? 0, this.#sequence++, callback);
    this.#events.push(event);
    return event;
  }
}

/** Returns once no settled promise has anything left to do. */
function settlePromises(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
