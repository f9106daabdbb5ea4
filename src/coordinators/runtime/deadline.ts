/**
 * A time limit that is moved far more often than it is reached: a member's session, extended by each heartbeat.
 *
 * Moving it later costs one number. The timer stays where it is, and when it runs too early it is set again for what remains.
 */
import type { Clock } from "../../platform/platform.ts";
import { TimerTask, type TimerWheel } from "../../replication/timer-wheel.ts";

export interface DeadlineModules {
  readonly wheel: TimerWheel;
  readonly clock: Clock;
}

export class Deadline extends TimerTask {
  readonly #modules: DeadlineModules;
  readonly #onDue: () => void;
  /** On the monotonic clock; infinite while not set. */
  #dueMs = Number.POSITIVE_INFINITY;
  #scheduledMs = 0;

  /** `onDue` is called once each time the limit is reached, never early. */
  constructor(modules: DeadlineModules, onDue: () => void) {
    super();
    this.#modules = modules;
    this.#onDue = onDue;
  }

  get isSet(): boolean {
    return this.#dueMs !== Number.POSITIVE_INFINITY;
  }

  /** Sets the limit, or moves it. */
  set(delayMs: number): void {
    const nowMs = this.#modules.clock.monotonic();
    this.#dueMs = nowMs + delayMs;
    if (this.isScheduled && this.#scheduledMs <= this.#dueMs) return;
    this.cancel();
    this.#schedule(delayMs);
  }

  clear(): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.cancel();
  }

  override expire(): void {
    const remainingMs = this.#dueMs - this.#modules.clock.monotonic();
    if (remainingMs > 0) {
      this.#schedule(remainingMs);
      return;
    }
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#onDue();
  }

  #schedule(delayMs: number): void {
    this.#scheduledMs = this.#dueMs;
    this.#modules.wheel.schedule(this, delayMs);
  }
}
