/** Work done again and again until it is stopped. A failure of it is reported, not thrown at the event loop. */
import type { Timer, Timers } from "../platform/platform.ts";

export interface PeriodicWorkModules {
  readonly timers: Timers;
  readonly onFailed: (error: unknown) => void;
}

export class PeriodicWork {
  readonly #modules: PeriodicWorkModules;
  #timers: Timer[] = [];

  constructor(modules: PeriodicWorkModules) {
    this.#modules = modules;
  }

  /** Does `work` every `periodMs`; never with a period of 0. */
  every(periodMs: number, work: () => void | Promise<void>): void {
    if (periodMs > 0) this.#timers.push(this.#modules.timers.every(periodMs, () => this.now(work)));
  }

  /** Does `work` once. */
  now(work: () => void | Promise<void>): void {
    try {
      const done = work();
      if (done instanceof Promise) done.catch(this.#modules.onFailed);
    } catch (error) {
      this.#modules.onFailed(error);
    }
  }

  stop(): void {
    for (const timer of this.#timers) timer.clear();
    this.#timers = [];
  }
}
