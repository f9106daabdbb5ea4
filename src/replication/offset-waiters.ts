/**
 * Who waits for an offset of one partition to be reached, in the order of asking.
 *
 * Appends get ascending offsets and are waited for as they are made, so a plain queue is enough. Only a batch that was sent twice may be waited
 * for out of order; it is then told with the one before it.
 */
export interface OffsetWaiter {
  /** The offset waited for was reached. */
  offsetReached(): void;
  /** It will not be reached here, for the reason that `errorCode` names. */
  offsetFailed(errorCode: number): void;
  /** Fewer replicas are in sync than acks=all asks for, and nothing is committed until there are more. Who has this method may give up. */
  isrTooSmall?(): void;
}

export class OffsetWaiters {
  #offsets: number[] = [];
  #waiters: OffsetWaiter[] = [];
  #head = 0;

  get count(): number {
    return this.#waiters.length - this.#head;
  }

  /** Calls `waiter` once when `offset` is reached. */
  add(offset: number, waiter: OffsetWaiter): void {
    this.#offsets.push(offset);
    this.#waiters.push(waiter);
  }

  /** All offsets up to and including `offset` are reached. */
  reached(offset: number): void {
    const waiters = this.#waiters;
    const offsets = this.#offsets;
    let head = this.#head;
    while (head < waiters.length && offsets[head]! <= offset) {
      const waiter = waiters[head]!;
      head += 1;
      this.#head = head;
      waiter.offsetReached();
    }
    this.#trim();
  }

  /** Offsets above `offset` will not be reached: what was appended there was taken back. */
  failAbove(offset: number, errorCode: number): void {
    const waiters = this.#waiters.slice(this.#head);
    const offsets = this.#offsets.slice(this.#head);
    this.#head = 0;
    this.#waiters = waiters.filter((_waiter, index) => offsets[index]! <= offset);
    this.#offsets = offsets.filter(awaited => awaited <= offset);
    waiters.forEach((waiter, index) => {
      if (offsets[index]! > offset) waiter.offsetFailed(errorCode);
    });
  }

  /** Tells all who want to know that the ISR is too small. */
  isrTooSmall(): void {
    for (const waiter of this.#waiters.slice(this.#head)) waiter.isrTooSmall?.();
  }

  #trim(): void {
    if (this.#head === this.#waiters.length) {
      this.#waiters.length = 0;
      this.#offsets.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#waiters.length) {
      this.#waiters = this.#waiters.slice(this.#head);
      this.#offsets = this.#offsets.slice(this.#head);
      this.#head = 0;
    }
  }
}
