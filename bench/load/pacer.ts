/**
 * Sends at even distances, counted from the start: what could not be sent in time is sent late and its latency counts from when it was due.
 *
 * Node's timers are coarser than a millisecond, and a loop that spins until the time has come takes a core away from the broker, which hurts one of
 * many threads more than one of few. So a thread sleeps instead, and wakes the loop a moment early; only that moment is spun through. Above some
 * thousand a second there is no time to sleep.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** A thread's waking, and its message. */
const EARLY_MS = 0.15;
/** Below this distance the loop spins. */
const SHORTEST_SLEEP_MS = 0.4;

export interface PacerThreadData {
  readonly periodMs: number;
}

/** Sent to the thread once it is there: its first waking, by `performance.timeOrigin + performance.now()`. */
export type PacerThreadStart = number;

export class Pacer {
  sent = 0;
  readonly #periodMs: number;
  #startedMs = 0;
  #isStopped = false;
  #isSpinning = false;
  #thread: Worker | null = null;

  constructor(perSecond: number) {
    this.#periodMs = 1000 / perSecond;
  }

  /** Resolves when it begins; a thread takes a while to start on a busy machine. */
  async start(send: (dueMs: number) => void): Promise<void> {
    const sleeps = this.#periodMs >= SHORTEST_SLEEP_MS;
    const tick = (): void => {
      this.#isSpinning = false;
      if (this.#isStopped) return;
      for (;;) {
        const dueMs = this.#startedMs + this.sent * this.#periodMs;
        const waitMs = dueMs - performance.now();
        if (waitMs > 0) {
          // The thread may have been a little earlier still; the next waking would be too late.
          if (!sleeps || waitMs <= 2 * EARLY_MS) this.#spin(tick);
          return;
        }
        send(dueMs);
        this.sent++;
      }
    };
    const thread = sleeps ? await this.#startThread() : null;
    this.#startedMs = performance.now() + this.#periodMs;
    if (thread === null) tick();
    else {
      thread.on("message", tick);
      const first: PacerThreadStart = performance.timeOrigin + this.#startedMs - EARLY_MS;
      thread.postMessage(first);
    }
  }

  stop(): void {
    this.#isStopped = true;
    void this.#thread?.terminate();
  }

  #spin(tick: () => void): void {
    if (this.#isSpinning) return;
    this.#isSpinning = true;
    setImmediate(tick);
  }

  async #startThread(): Promise<Worker> {
    const workerData: PacerThreadData = { periodMs: this.#periodMs };
    const thread = new Worker(new URL("./pacer-thread.ts", import.meta.url), { workerData });
    this.#thread = thread;
    await once(thread, "online");
    thread.unref();
    return thread;
  }
}
