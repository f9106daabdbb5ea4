/** Collects what comes in one tick and handles it at once at the tick's end, each item once. */
import type { Timers } from "../platform/platform.ts";

export class TickBatch<T> {
  readonly #handle: (items: readonly T[]) => void;
  readonly #timers: Timers;
  #items = new Set<T>();

  constructor(options: { handle: (items: readonly T[]) => void }, modules: { timers: Timers }) {
    this.#handle = options.handle;
    this.#timers = modules.timers;
  }

  add(item: T): void {
    this.#items.add(item);
    if (this.#items.size === 1) this.#timers.endOfTick(this.#flush);
  }

  /** Handles what came so far, now. */
  flush(): void {
    if (this.#items.size > 0) this.#flush();
  }

  readonly #flush = (): void => {
    if (this.#items.size === 0) return;
    const items = [...this.#items];
    this.#items.clear();
    this.#handle(items);
  };
}
