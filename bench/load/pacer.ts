/**
 * Sends at even distances, counted from the start: what could not be sent in time is sent late and its latency counts from when it was due.
 *
 * Node's timers are coarser than a millisecond, and a loop that spins until the time has come takes a core away from the broker, which hurts one of
 * many threads more than one of few. So a thread sleeps instead, and wakes the loop a moment early; only that moment is spun through. Above some
 * thousand a second there is no time to sleep between two: as many as a millisecond has are due at a time, as clients with an event loop send them.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** A thread's waking, and its message. */
const EARLY_MS = 0.15;
/** Below this distance, those of {@link BURST_MS} are due at a time. */
const SHORTEST_SLEEP_MS = 0.4;
const BURST_MS = 1;

export interface PacerThreadData {
  readonly periodMs: number;
}

/** Sent to the thread once it is there: its first waking, by `performance.timeOrigin + performance.now()`. */
export type PacerThreadStart = number;

export class Pacer {
  sent = 0;
  /** How many are due at a time, and the distance to the next. */
  readonly #burst: number;
  readonly #periodMs: number;
  #bursts = 0;
  #startedMs = 0;
  #isStopped = false;
  #isSpinning = false;
  #thread: Worker | null = null;

  constructor(perSecond: number) {
    this.#burst = 1000 / perSecond < SHORTEST_SLEEP_MS ? Math.ceil((perSecond * BURST_MS) / 1000) : 1;
    this.#periodMs = (1000 * this.#burst) / perSecond;
  }

  /** Resolves when it begins; a thread takes a while to start on a busy machine. */
  async start(send: (dueMs: number) => void): Promise<void> {
    const tick = (): void => {
      this.#isSpinning = false;
      if (this.#isStopped) return;
      for (;;) {
        const dueMs = this.#startedMs + this.#bursts * this.#periodMs;
        const waitMs = dueMs - performance.now();
        if (waitMs > 0) {
          // The thread may have been a little earlier still; the next waking would be too late.
          if (waitMs <= 2 * EARLY_MS) this.#spin(tick);
          return;
        }
        this.#bursts++;
        for (let count = 0; count < this.#burst; count++) {
          send(dueMs);
          this.sent++;
        }
      }
    };
    const thread = await this.#startThread();
    this.#startedMs = performance.now() + this.#periodMs;
    thread.on("message", tick);
    const first: PacerThreadStart = performance.timeOrigin + this.#startedMs - EARLY_MS;
    thread.postMessage(first);
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
