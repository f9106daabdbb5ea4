/** Where a cleaning runs: on the event loop, between other work, or in a thread of its own (`thread-cleaning.ts`). */
import type { Clock, Disk, Timers } from "../../platform/platform.ts";
import { type CleanedSegment, type CleaningJob, type CleaningResult, cleanLog } from "./clean-log.ts";
import { Pace } from "./pace.ts";

export interface CleaningHooks {
  /** Reading and writing together; Infinity for no limit. */
  readonly bytesPerSecond: number;
  /** Takes a new segment, which is durable; false ends the cleaning. */
  readonly onSegment: (segment: CleanedSegment) => boolean;
  /** Asked now and then; true ends the cleaning. */
  readonly isCancelled: () => boolean;
}

/** Runs one cleaning at a time. */
export interface CleaningRunner {
  /**
   * Runs `job`. Null when it was ended early.
   * Rejects with what {@link cleanLog} throws.
   */
  run(job: CleaningJob, hooks: CleaningHooks): Promise<CleaningResult | null>;
  /** There is nothing to do for a while: lets go of memory and threads. They come back with the next job. */
  rest(): void;
}

/** Runs cleanings on the event loop, a window of the log at a time. For simulations, tests, and small logs. */
export class InlineCleaning implements CleaningRunner {
  readonly #modules: { readonly disk: Disk; readonly timers: Timers; readonly clock: Pick<Clock, "monotonic"> };

  constructor(modules: { disk: Disk; timers: Timers; clock: Pick<Clock, "monotonic"> }) {
    this.#modules = modules;
  }

  async run(job: CleaningJob, hooks: CleaningHooks): Promise<CleaningResult | null> {
    const { clock, timers } = this.#modules;
    const pace = new Pace(hooks.bytesPerSecond, clock);
    const work = cleanLog(job, this.#modules);
    try {
      for (;;) {
        const step = work.next();
        if (step.done) return step.value;
        if (step.value.kind === "segment") {
          if (!hooks.onSegment(step.value.segment)) return null;
          continue;
        }
        const delayMs = pace.delayAfter(step.value.sizeBytes);
        await new Promise<void>(resolve => {
          if (delayMs >= 1) timers.after(delayMs, resolve);
          else timers.endOfTick(resolve);
        });
        if (hooks.isCancelled()) return null;
      }
    } finally {
      // Closes and removes what is not finished.
      work.return(null as never);
    }
  }

  rest(): void {}
}
