/**
 * What runs in the worker thread of `thread-cleaning.ts`: takes jobs, cleans, hands out segments as they become durable. An entry point.
 */
import { threadInside } from "../../platform/node-thread.ts";
import { DiskError } from "../../platform/platform.ts";
import { type CleanedSegment, type CleaningJob, type CleaningResult, cleanLog } from "./clean-log.ts";
import { Pace } from "./pace.ts";

export interface ToThread {
  readonly job: CleaningJob;
  readonly bytesPerSecond: number;
  /** Shared; one word: 1 once the cleaning is to end. */
  readonly cancelled: Int32Array;
}

export type FromThread =
  | { readonly kind: "segment"; readonly segment: CleanedSegment }
  /** Sent now and then: an occasion to cancel. */
  | { readonly kind: "progress" }
  /** Null when the cleaning was cancelled. */
  | { readonly kind: "done"; readonly result: CleaningResult | null }
  | { readonly kind: "failed"; readonly reason: string; readonly disk: DiskFailure | null };

export interface DiskFailure {
  readonly code: string;
  readonly operation: string;
  readonly path: string;
}

const PROGRESS_INTERVAL_MS = 100;

const { clock, disk, post, onMessage } = threadInside();

/** Runs a job to its end; returns what to say of it. */
function run({ job, bytesPerSecond, cancelled }: ToThread, send: (message: FromThread) => void): FromThread {
  const pace = new Pace(bytesPerSecond, clock);
  const work = cleanLog(job, { disk });
  let progressAtMs = clock.monotonic();
  try {
    for (;;) {
      const step = work.next();
      if (step.done) return { kind: "done", result: step.value };
      if (step.value.kind === "segment") send({ kind: "segment", segment: step.value.segment });
      else rest(step.value.sizeBytes);
      if (Atomics.load(cancelled, 0) !== 0) return { kind: "done", result: null };
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (!(error instanceof DiskError)) return { kind: "failed", reason, disk: null };
    const { code, operation, path } = error;
    return { kind: "failed", reason, disk: { code, operation, path } };
  } finally {
    // Closes and removes what is not finished.
    work.return(null as never);
  }

  /** Waits for as long as the rate asks for, looking up now and then. */
  function rest(sizeBytes: number): void {
    for (let endMs = clock.monotonic() + pace.delayAfter(sizeBytes); ; ) {
      const nowMs = clock.monotonic();
      if (nowMs - progressAtMs >= PROGRESS_INTERVAL_MS) {
        send({ kind: "progress" });
        progressAtMs = nowMs;
      }
      const waitMs = Math.min(endMs - nowMs, PROGRESS_INTERVAL_MS);
      if (waitMs <= 0 || Atomics.wait(cancelled, 0, 0, waitMs) === "not-equal") return;
    }
  }
}

onMessage(message => post(run(message as ToThread, post)));
