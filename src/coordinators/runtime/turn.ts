/**
 * One decision of a coordinator: what it has to write, and whom it answers once that is committed.
 *
 * Rules for the functions that take a turn:
 * - They are synchronous, and refuse by throwing `ApiError` before they have changed anything.
 * - What they {@link Turn.append} is written as one unit, unless they set {@link Turn.isAtomic} to false.
 * - Records change the state when the turn is over, by the state's own `apply`. A decision that has changed the state itself, ahead of its records
 *   (classic groups, whose members are not in the log while they rebalance), says so by {@link Turn.isApplied}.
 */
import type { ParkedReply } from "./parked-reply.ts";

export class Turn<Rec> {
  /** Wall time of the decision, in ms. */
  readonly nowMs: number;
  readonly records: Rec[] = [];
  /** What to call when the records, and all that the decision has seen, are committed. */
  readonly answers: (() => void)[] = [];
  /** What to do once the records have changed the state, committed or not: timers. */
  readonly effects: (() => void)[] = [];
  isApplied = false;
  isAtomic = true;
  /** Producer of a transaction that the records belong to. */
  producer: TransactionalProducer | null = null;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  append(record: Rec): void {
    this.records.push(record);
  }

  /** Gives `reply` its value once this turn is committed. */
  answer<T>(reply: ParkedReply<T>, value: T): void {
    this.answers.push(() => reply.resolve(value));
  }
}

export interface TransactionalProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
}
