/**
 * Group commit for all logs of a broker: one round over all logs that asked for it is in flight at a time, and who asks meanwhile is served by the next
 * round, which starts as soon as this one is done. The cost of a flush is thus shared by everything that arrived during the one before it. How the
 * logs of a round are made durable – each file synced, or all in the journal – is for `plan` to say.
 *
 * Urgent logs have rounds of their own, beside the others: a change of the metadata (who leads after a broker died) is not to wait until all that
 * clients have written is durable, and then once more with what they wrote meanwhile.
 *
 * A failed flush is final. The kernel may have dropped the pages, so trying again could report success for data that is gone; `onFatal` must end
 * the process.
 */
import type { Clock, Timers } from "../platform/platform.ts";

/** What can be flushed; a {@link PartitionLog}. */
export interface Flushable {
  readonly isDirty: boolean;
  readonly isClosed: boolean;
  readonly flushedOffset: number;
  readonly logEndOffset: number;
  writePending(): void;
  flushNow(): Promise<void>;
}

/** Logs of a round that become durable together. */
export interface FlushGroup<L> {
  readonly logs: readonly L[];
  readonly flush: () => Promise<void>;
}

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
}

export interface FlushSchedulerModules<L extends Flushable> {
  readonly timers: Timers;
  readonly clock: Pick<Clock, "monotonic">;
  readonly onFatal: (error: unknown) => void;
  /** Says how dirty logs are made durable. Each is in one group. */
  readonly plan: (logs: readonly L[]) => readonly FlushGroup<L>[];
  /** Whether a log does not wait for the rounds of the others. None is by default. */
  readonly isUrgent?: (log: L) => boolean;
  /** Told of each round that is done: over how many logs it was, and how long it took. */
  readonly onRound?: (logCount: number, durationMs: number) => void;
}

/** Logs whose rounds follow each other. */
interface Lane<L> {
  requested: Set<L>;
  isScheduled: boolean;
  inFlight: boolean;
}

export class FlushScheduler<L extends Flushable> {
  readonly #modules: FlushSchedulerModules<L>;
  readonly #usual: Lane<L> = { requested: new Set(), isScheduled: false, inFlight: false };
  readonly #urgent: Lane<L> = { requested: new Set(), isScheduled: false, inFlight: false };
  readonly #waiters = new Map<L, Waiter[]>();
  #idleWaiters: (() => void)[] = [];
  /** What ended all flushing. */
  #failure: unknown = null;
  #roundCount = 0;

  constructor(modules: FlushSchedulerModules<L>) {
    this.#modules = modules;
  }

  get roundCount(): number {
    return this.#roundCount;
  }

  /** The error of the flush that failed; null while all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Asks for what `log` holds by the end of this tick to become durable. */
  request(log: L): void {
    const lane = this.#laneOf(log);
    lane.requested.add(log);
    if (lane.isScheduled || lane.inFlight || this.#failure !== null) return;
    lane.isScheduled = true;
    this.#modules.timers.endOfTick(() => this.#start(lane));
  }

  /**
   * As {@link request}; resolves once everything appended by now is durable, or the log was cut below it or closed. Never resolves after a failure,
   * which is fatal.
   */
  flush(log: L): Promise<void> {
    if (!log.isDirty || log.isClosed) return Promise.resolve();
    return new Promise(resolve => {
      const waiter = { offset: log.logEndOffset, resolve };
      const waiters = this.#waiters.get(log);
      if (waiters === undefined) this.#waiters.set(log, [waiter]);
      else waiters.push(waiter);
      this.request(log);
    });
  }

  /** Resolves when no round is in flight and none is asked for; never after a failure. */
  settle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise(resolve => this.#idleWaiters.push(resolve));
  }

  /** A sync failed, here or elsewhere: no flush succeeds any more. */
  fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#modules.onFatal(error);
  }

  get #isIdle(): boolean {
    return [this.#usual, this.#urgent].every(lane => !lane.isScheduled && !lane.inFlight);
  }

  #laneOf(log: L): Lane<L> {
    return this.#modules.isUrgent?.(log) === true ? this.#urgent : this.#usual;
  }

  #start(lane: Lane<L>): void {
    lane.isScheduled = false;
    if (lane.inFlight || this.#failure !== null) return;
    if (lane.requested.size === 0) {
      if (this.#isIdle) for (const resolve of this.#idleWaiters.splice(0)) resolve();
      return;
    }
    const logs = lane.requested;
    lane.requested = new Set();
    lane.inFlight = true;
    this.#roundCount += 1;
    const startedMs = this.#modules.clock.monotonic();
    const dirty: L[] = [];
    for (const log of logs) {
      if (log.isClosed || !log.isDirty) this.#release(log);
      else dirty.push(log);
    }
    const groups = this.#modules.plan(dirty);
    let pendingCount = groups.length;
    const done = (group: FlushGroup<L>): void => {
      for (const log of group.logs) this.#release(log);
      pendingCount -= 1;
      if (pendingCount === 0) this.#finish(lane, dirty.length, startedMs);
    };
    if (pendingCount === 0) this.#finish(lane, 0, startedMs);
    for (const group of groups) {
      group.flush().then(
        () => done(group),
        error => {
          if (group.logs.every(log => log.isClosed)) done(group);
          else this.fail(error);
        },
      );
    }
  }

  #finish(lane: Lane<L>, logCount: number, startedMs: number): void {
    lane.inFlight = false;
    this.#modules.onRound?.(logCount, this.#modules.clock.monotonic() - startedMs);
    this.#start(lane);
  }

  /** Resolves who waited for this log; a log that is still short of what they wait for is flushed again. */
  #release(log: L): void {
    const waiters = this.#waiters.get(log);
    if (waiters === undefined) return;
    const waiting: Waiter[] = [];
    for (const waiter of waiters) {
      if (!log.isClosed && log.flushedOffset < Math.min(waiter.offset, log.logEndOffset)) waiting.push(waiter);
      else waiter.resolve();
    }
    if (waiting.length === 0) {
      this.#waiters.delete(log);
      return;
    }
    this.#waiters.set(log, waiting);
    this.#laneOf(log).requested.add(log);
  }
}
