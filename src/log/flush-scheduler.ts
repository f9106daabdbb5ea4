/**
 * Group commit for all logs of a broker: a round is over all logs that asked for it, and who asks for one of these meanwhile is served by the next
 * round, which starts as soon as this one is done. The cost of a flush is thus shared by everything that arrived during the one before it. How the
 * logs of a round are made durable – each file synced, or all in the journal – is for `plan` to say.
 *
 * A few small rounds over different logs may be in flight at a time: what a broker leads and what it follows of each other broker become dirty at
 * different times, and as one they would wait for each other. A round that something shared may make durable, the journal, goes alone: two syncs of a
 * journal file may not overlap, and all that comes meanwhile shares the next one.
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
  /** So many logs of a round may be made durable by something that they share: it is the only round in flight. Default: none are. */
  readonly sharedFromLogs?: number;
  /** Whether a log is one of those, as it is at the moment. All are by default. */
  readonly mayShare?: (log: L) => boolean;
  /** Whether a log does not wait for the rounds of the others. None is by default. */
  readonly isUrgent?: (log: L) => boolean;
  /** Told of each round that is done: over how many logs it was, and how long it took. */
  readonly onRound?: (logCount: number, durationMs: number) => void;
}

/** Logs whose rounds go by each other. */
interface Lane<L> {
  requested: Set<L>;
  isScheduled: boolean;
  inFlightCount: number;
  /** No other round may begin beside the one in flight. */
  isExclusiveInFlight: boolean;
  /** Logs of the small rounds in flight: none is in two. */
  readonly flushing: Set<L>;
}

/** Rounds of a lane in flight at a time, and over how many logs each is then at most. */
const MOST_ROUNDS = 3;
const SMALL_ROUND_LOGS = 4;

export class FlushScheduler<L extends Flushable> {
  readonly #modules: FlushSchedulerModules<L>;
  readonly #usual: Lane<L> = newLane();
  readonly #urgent: Lane<L> = newLane();
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
    if (lane.isScheduled || lane.inFlightCount === MOST_ROUNDS || this.#failure !== null) return;
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
    return [this.#usual, this.#urgent].every(lane => !lane.isScheduled && lane.inFlightCount === 0);
  }

  #laneOf(log: L): Lane<L> {
    return this.#modules.isUrgent?.(log) === true ? this.#urgent : this.#usual;
  }

  #start(lane: Lane<L>): void {
    lane.isScheduled = false;
    if (this.#failure !== null) return;
    if (lane.requested.size === 0) {
      if (this.#isIdle) for (const resolve of this.#idleWaiters.splice(0)) resolve();
      return;
    }
    const logs = this.#nextRound(lane);
    if (logs === null) return;
    lane.inFlightCount += 1;
    lane.isExclusiveInFlight = this.#isExclusive(logs);
    this.#roundCount += 1;
    const startedMs = this.#modules.clock.monotonic();
    const dirty: L[] = [];
    for (const log of logs) {
      if (log.isClosed || !log.isDirty) this.#release(log);
      else dirty.push(log);
    }
    // Beside an exclusive round there is no other that its logs could be in.
    const flushing = lane.isExclusiveInFlight ? null : lane.flushing;
    if (flushing !== null) for (const log of dirty) flushing.add(log);
    const groups = this.#modules.plan(dirty);
    let pendingCount = groups.length;
    const done = (group: FlushGroup<L>): void => {
      for (const log of group.logs) {
        flushing?.delete(log);
        this.#release(log);
      }
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

  /** Takes what the next round is over out of what was asked for; null when it has to wait for one in flight. */
  #nextRound(lane: Lane<L>): Set<L> | null {
    const { requested, flushing } = lane;
    if (lane.inFlightCount === 0) {
      lane.requested = new Set();
      return requested;
    }
    if (lane.isExclusiveInFlight || lane.inFlightCount === MOST_ROUNDS) return null;
    const logs = new Set<L>();
    for (const log of requested) if (!flushing.has(log)) logs.add(log);
    // They wait until the rounds in flight are done, and no other begins meanwhile.
    if (logs.size === 0 || this.#isExclusive(logs)) return null;
    for (const log of logs) requested.delete(log);
    return logs;
  }

  /** Whether a round over `logs` is to be the only one in flight. */
  #isExclusive(logs: ReadonlySet<L>): boolean {
    if (logs.size > SMALL_ROUND_LOGS) return true;
    const { sharedFromLogs, mayShare } = this.#modules;
    if (sharedFromLogs === undefined || logs.size < sharedFromLogs) return false;
    if (mayShare === undefined) return true;
    let count = 0;
    for (const log of logs) if (mayShare(log)) count += 1;
    return count >= sharedFromLogs;
  }

  #finish(lane: Lane<L>, logCount: number, startedMs: number): void {
    lane.inFlightCount -= 1;
    lane.isExclusiveInFlight = false;
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

function newLane<L>(): Lane<L> {
  return {
    requested: new Set(),
    isScheduled: false,
    inFlightCount: 0,
    isExclusiveInFlight: false,
    flushing: new Set(),
  };
}
