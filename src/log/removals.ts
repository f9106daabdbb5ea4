/**
 * Removes what was deleted, later and one thing after the other: retention lets go of segments of many logs in the same moment, and freeing them all at
 * once would hold up everybody's syncs.
 */
import type { Timers } from "../platform/platform.ts";

export interface RemovalsModules {
  readonly timers: Timers;
  readonly onFailed: (error: unknown) => void;
}

export class Removals {
  readonly #modules: RemovalsModules;
  readonly #due: (() => Promise<void>)[] = [];
  #isRemoving = false;

  constructor(modules: RemovalsModules) {
    this.#modules = modules;
  }

  /** Has `remove` called in `delayMs` or, while others are removed then, after them. A failure is reported and keeps nothing else. */
  add(delayMs: number, remove: () => Promise<void>): void {
    this.#modules.timers.after(delayMs, () => {
      this.#due.push(remove);
      if (!this.#isRemoving) void this.#removeAll();
    });
  }

  async #removeAll(): Promise<void> {
    this.#isRemoving = true;
    for (let remove = this.#due.shift(); remove !== undefined; remove = this.#due.shift()) {
      try {
        await remove();
      } catch (error) {
        this.#modules.onFailed(error);
      }
    }
    this.#isRemoving = false;
  }
}
