/**
 * Waits for all live replicas of a partition to let go of what is below an offset (DeleteRecords), for a limited time.
 */
import { Errors } from "../../protocol/errors.ts";
import type { Partition } from "./partition.ts";
import { TimerTask, type TimerWheel } from "./timer-wheel.ts";

class LowWatermarkWait extends TimerTask {
  readonly offset: number;
  readonly #done: (errorCode: number) => void;

  constructor(offset: number, done: (errorCode: number) => void) {
    super();
    this.offset = offset;
    this.#done = done;
  }

  offsetReached(): void {
    this.cancel();
    this.#done(Errors.NONE);
  }

  offsetFailed(errorCode: number): void {
    this.cancel();
    this.#done(errorCode);
  }

  override expire(): void {
    this.#done(Errors.REQUEST_TIMED_OUT);
  }
}

/** Resolves with an error code: NONE once the low watermark of `partition` is at `offset`, REQUEST_TIMED_OUT, or why it will never be here. */
export function lowWatermarkAt(
  partition: Partition,
  offset: number,
  timeouts: TimerWheel,
  timeoutMs: number,
): Promise<number> {
  return new Promise(resolve => {
    const wait = new LowWatermarkWait(offset, resolve);
    timeouts.schedule(wait, timeoutMs);
    partition.awaitLowWatermark(offset, wait);
  });
}
