/**
 * Has a `NoOpRecord` written when nothing else was for `metadata.max.idle.interval.ms` (KIP-835): observers see the high watermark move, and so
 * how far behind they are, also where nothing happens.
 */
import type { Clock, Timer, Timers } from "../../platform/platform.ts";
import { record } from "../records.ts";
import type { Operation } from "./operation.ts";

export interface IdleRecordModules {
  readonly clock: Pick<Clock, "monotonic">;
  readonly timers: Timers;
  /** Has {@link noOp} decided. */
  readonly write: () => void;
}

/** Changes nothing. */
export const noOp: Operation<void> = {
  name: "no-op",
  decide: () => ({ records: [record("NoOpRecord", 0, {})], response: undefined }),
};

export class IdleRecord {
  /** 0 for never. */
  readonly #intervalMs: number;
  readonly #modules: IdleRecordModules;
  #writtenMs = 0;
  #timer: Timer | null = null;

  constructor(intervalMs: number, modules: IdleRecordModules) {
    this.#intervalMs = intervalMs;
    this.#modules = modules;
  }

  /** This node begins to lead. */
  start(): void {
    this.stop();
    if (this.#intervalMs === 0) return;
    this.written();
    this.#await(this.#intervalMs);
  }

  /** Records were written: the time begins anew. No timer moves, for this is called with every decision. */
  written(): void {
    this.#writtenMs = this.#modules.clock.monotonic();
  }

  stop(): void {
    this.#timer?.clear();
    this.#timer = null;
  }

  #await(delayMs: number): void {
    this.#timer = this.#modules.timers.after(delayMs, () => {
      const idleMs = this.#modules.clock.monotonic() - this.#writtenMs;
      // A timer may fire a fraction of a millisecond early.
      const remainingMs = Math.ceil(this.#intervalMs - idleMs);
      if (remainingMs > 1) {
        this.#await(remainingMs);
        return;
      }
      this.#await(this.#intervalMs);
      this.#modules.write();
    });
  }
}
