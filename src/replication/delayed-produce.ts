/**
 * A Produce request with acks=all whose batches are appended and not yet on every in-sync replica's disk.
 *
 * It is answered when the high watermark of each of its partitions has passed its batch, or when its time is up; partitions that are not there
 * by then get REQUEST_TIMED_OUT, though their batches stay in the log, as in Kafka. When the ISR falls below `min.insync.replicas` meanwhile, the
 * answer is NOT_ENOUGH_REPLICAS_AFTER_APPEND, at once.
 */
import { Errors } from "../../protocol/errors.ts";
import type { OffsetWaiter } from "./offset-waiters.ts";
import type { Partition } from "./partition.ts";
import { TimerTask, type TimerWheel } from "./timer-wheel.ts";

/** What became of batches that were waited for. */
export interface ProduceOutcome<B> {
  /** This batch will not be acknowledged, for the reason that `errorCode` names. */
  failed(batch: B, errorCode: number): void;
  /** No batch is waited for any more. Called once. */
  completed(): void;
}

/** One batch that is waited for. */
class PendingBatch<B> implements OffsetWaiter {
  readonly #operation: DelayedProduce<B>;
  readonly #batch: B;
  #isDone = false;

  constructor(operation: DelayedProduce<B>, batch: B) {
    this.#operation = operation;
    this.#batch = batch;
  }

  offsetReached(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#operation.batchDone();
  }

  offsetFailed(errorCode: number): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#operation.batchFailed(this.#batch, errorCode);
  }

  isrTooSmall(): void {
    this.offsetFailed(Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
  }
}

/** `B` is whatever its owner knows a batch by. */
export class DelayedProduce<B> extends TimerTask {
  /** Null before the first: most requests have one batch, and a list that never grows is small. */
  #pending: PendingBatch<B>[] | null = null;
  readonly #outcome: ProduceOutcome<B>;
  /** One more than batches, until {@link begin}: the first of several must not complete it. */
  #pendingCount = 1;

  constructor(outcome: ProduceOutcome<B>) {
    super();
    this.#outcome = outcome;
  }

  /** Waits for `partition`'s high watermark to reach `offset`. */
  await(partition: Partition, offset: number, batch: B): void {
    const pending = new PendingBatch(this, batch);
    if (this.#pending === null) this.#pending = [pending];
    else this.#pending.push(pending);
    this.#pendingCount += 1;
    partition.awaitHighWatermark(offset, pending);
  }

  /** All batches are named: completes now, if they are all there already, or within `timeoutMs`. */
  begin(timeouts: TimerWheel, timeoutMs: number): void {
    if (this.#pendingCount > 1) timeouts.schedule(this, timeoutMs);
    this.batchDone();
  }

  batchFailed(batch: B, errorCode: number): void {
    this.#outcome.failed(batch, errorCode);
    this.batchDone();
  }

  batchDone(): void {
    this.#pendingCount -= 1;
    if (this.#pendingCount > 0) return;
    this.cancel();
    this.#outcome.completed();
  }

  override expire(): void {
    for (const pending of this.#pending ?? []) pending.offsetFailed(Errors.REQUEST_TIMED_OUT);
  }
}
