/** Fetches of replicas that found nothing new: held until something comes, their time is up, or leadership changes. */
import type { Timer, Timers } from "../platform/platform.ts";

export interface ParkedFetch {
  /** Answers if there is something to say by now; with `isLast`, in any case. Returns whether it did. */
  tryAnswer(isLast: boolean): boolean;
}

/** One replica has one fetch waiting; this bounds what strangers can park. */
const MAX_PARKED = 1_000;

export class ParkedFetches {
  readonly #timers: Pick<Timers, "after">;
  readonly #parked = new Map<ParkedFetch, Timer>();

  constructor(modules: { timers: Pick<Timers, "after"> }) {
    this.#timers = modules.timers;
  }

  get isFull(): boolean {
    return this.#parked.size >= MAX_PARKED;
  }

  add(fetch: ParkedFetch, waitMs: number): void {
    const timer = this.#timers.after(waitMs, () => {
      if (this.#parked.delete(fetch)) fetch.tryAnswer(true);
    });
    this.#parked.set(fetch, timer);
  }

  /** Answers those that have something to be told; with `isLast`, all. */
  wake(isLast = false): void {
    for (const [fetch, timer] of [...this.#parked]) {
      if (!this.#parked.has(fetch) || !fetch.tryAnswer(isLast)) continue;
      timer.clear();
      this.#parked.delete(fetch);
    }
  }
}
