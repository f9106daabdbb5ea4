/** Wakes a quorum member when it has something to do, and tells how late: what it slept through must not count as the silence of others. */
import type { Clock, Timer, Timers } from "../platform/platform.ts";

export interface AlarmModules {
  readonly clock: Pick<Clock, "monotonic">;
  readonly timers: Timers;
}

/** A timer is never set further ahead: its lateness tells how long this process slept. */
const MAX_TIMER_MS = 100;
const MIN_DELAY_MS = 0.001;
/** What a busy event loop may be late. */
const TOLERATED_LATENESS_MS = 20;

export class Alarm {
  readonly #modules: AlarmModules;
  readonly #onDue: (lateMs: number) => void;
  #timer: Timer | null = null;
  #timerAtMs = Infinity;

  /** `onDue` is to set the alarm again; `lateMs` is 0 unless it is worth to be counted. */
  constructor(onDue: (lateMs: number) => void, modules: AlarmModules) {
    this.#onDue = onDue;
    this.#modules = modules;
  }

  /** Rings at `deadlineMs`, monotonic time, or before. */
  set(deadlineMs: number): void {
    const { clock, timers } = this.#modules;
    const nowMs = clock.monotonic();
    const atMs = Math.min(deadlineMs, nowMs + MAX_TIMER_MS);
    if (deadlineMs === Infinity || atMs >= this.#timerAtMs) return;
    this.#timer?.clear();
    this.#timerAtMs = atMs;
    // What rounding leaves of a wait would be waited for again and again.
    const delayMs = atMs > nowMs ? Math.max(MIN_DELAY_MS, atMs - nowMs) : 0;
    this.#timer = timers.after(delayMs, () => this.#fired());
  }

  clear(): void {
    this.#timer?.clear();
  }

  #fired(): void {
    const lateMs = this.#modules.clock.monotonic() - this.#timerAtMs;
    this.#timer = null;
    // Whatever has arrived meanwhile is heard first.
    this.#modules.timers.endOfTick(() => {
      this.#timerAtMs = Infinity;
      this.#onDue(lateMs > TOLERATED_LATENESS_MS ? lateMs : 0);
    });
  }
}
