/** Sends at even distances, counted from the start: what could not be sent in time is sent late and its latency counts from when it was due. */
export class Pacer {
  sent = 0;
  readonly #periodMs: number;
  #startedMs = 0;
  #isStopped = false;

  constructor(perSecond: number) {
    this.#periodMs = 1000 / perSecond;
  }

  start(send: (dueMs: number) => void): void {
    this.#startedMs = performance.now();
    const tick = (): void => {
      if (this.#isStopped) return;
      for (;;) {
        const dueMs = this.#startedMs + this.sent * this.#periodMs;
        const waitMs = dueMs - performance.now();
        if (waitMs > 0) {
          // A timer is coarser than a millisecond; the last stretch is waited out turn by turn.
          if (waitMs > 1.5) setTimeout(tick, 1);
          else setImmediate(tick);
          return;
        }
        send(dueMs);
        this.sent++;
      }
    };
    tick();
  }

  stop(): void {
    this.#isStopped = true;
  }
}
