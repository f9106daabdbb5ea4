/**
 * How much memory requests that are being received or worked on may take, over all connections (`queued.max.request.bytes`).
 *
 * Like Kafka's memory pool it is not strict: who comes while anything is left gets all it asks for, so one frame may exceed the limit. Small
 * frames that are handled inside the receive window take nothing. A connection that finds no room stops reading and waits here.
 */
export interface BudgetWaiter {
  /** There is room again: try once more. */
  budgetAvailable(): void;
}

export class RequestBudget {
  readonly limitBytes: number;
  #usedBytes = 0;
  #releasedSinceSweep = false;
  readonly #waiters = new Set<BudgetWaiter>();

  constructor(options: { readonly limitBytes: number }) {
    this.limitBytes = options.limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get waitingCount(): number {
    return this.#waiters.size;
  }

  /** Whether anything is left. */
  get hasRoom(): boolean {
    return this.#usedBytes < this.limitBytes;
  }

  /** Whether so much is in use that a connection may only be closed: reads that were under way when room ran out have added up. */
  get isOverdrawn(): boolean {
    return this.#usedBytes > this.limitBytes * 1.25;
  }

  charge(sizeBytes: number): void {
    this.#usedBytes += sizeBytes;
  }

  release(sizeBytes: number): void {
    if (sizeBytes === 0) return;
    this.#usedBytes -= sizeBytes;
    this.#releasedSinceSweep = true;
    if (this.#waiters.size > 0 && this.hasRoom) this.#admit();
  }

  wait(waiter: BudgetWaiter): void {
    this.#waiters.add(waiter);
  }

  cancel(waiter: BudgetWaiter): void {
    this.#waiters.delete(waiter);
  }

  /**
   * Called by the periodic sweep. When nothing was given back since the last one, all that is used may belong to frames that wait for more
   * themselves: the first of them is then let through, over the limit.
   */
  sweep(): void {
    const isStuck = !this.#releasedSinceSweep && this.#waiters.size > 0;
    this.#releasedSinceSweep = false;
    if (!isStuck) return;
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      waiter.budgetAvailable();
      return;
    }
  }

  #admit(): void {
    for (const waiter of this.#waiters) {
      if (!this.hasRoom) return;
      this.#waiters.delete(waiter);
      waiter.budgetAvailable();
    }
  }
}
