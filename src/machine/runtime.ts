/**
 * Runs a {@link StateMachine} over a log: decide → encode → apply → append → (commit) → release the response.
 *
 * ```ts
 * const runtime = new MachineRuntime(options, { machine, codec, log, clock, timers, logger });
 * runtime.start();
 * const response = await runtime.submit(request); // rejects with ApiError
 * ```
 *
 * Requests are decided one after another, the moment they are submitted, against a state that already holds all earlier decisions, committed
 * or not. The records of all requests of one tick become one append. A response is released only once its records, and with them everything
 * its decision had seen, are committed.
 *
 * **Undoing.** State runs ahead of the log, so what was applied may turn out never to be committed: the append fails, or leadership is lost.
 * Nothing is rolled back record by record. All waiting requests are rejected with the configured code, the state is thrown away, and a new
 * subscription replays it from the latest snapshot and the committed log. A failed append also gives up leadership: earlier batches of the
 * same leader may still commit, and the first record of the next epoch is behind them, so `becameLeader` comes only after they were replayed.
 * Losing leadership costs a replay and happens rarely; the common path pays nothing for it (Kafka pays with timeline collections).
 */
import { ApiError, Errors, errorName } from "../../protocol/errors.ts";
import type { Logger } from "../logging/logger.ts";
import type { Clock, Timer, Timers } from "../platform/platform.ts";
import type { MachineBatch, MachineLog, MachineSnapshot } from "./machine-log.ts";
import type { DecideContext, Decision, RecordCodec, StateMachine, TimerChange } from "./state-machine.ts";

export interface MachineRuntimeOptions {
  /** Names the machine in log lines. */
  readonly name: string;
  /** Given to requests while this node does not lead, or ceased to before their commit: NOT_CONTROLLER, NOT_COORDINATOR. */
  readonly notLeaderErrorCode: number;
  /** Given while this node leads but has not replayed its log yet; {@link notLeaderErrorCode} by default. */
  readonly loadingErrorCode?: number;
  /** Given when {@link maxUncommittedRequests} wait already; REQUEST_TIMED_OUT by default. */
  readonly busyErrorCode?: number;
  /** Most requests that wait for their commit. */
  readonly maxUncommittedRequests: number;
  /** Most bytes of one append, by {@link RecordCodec.sizeBytes}. A single decision must fit. */
  readonly maxBatchSizeBytes: number;
}

export interface MachineRuntimeModules<S, Q, R, Rec, E> {
  readonly machine: StateMachine<S, Q, R, Rec>;
  readonly codec: RecordCodec<Rec, E>;
  readonly log: MachineLog<E>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** A decided request whose response waits until everything below `endOffset` is committed. */
interface Waiting<R> {
  readonly endOffset: number;
  readonly response: R;
  readonly resolve: (response: R) => void;
  readonly reject: (error: Error) => void;
}

/** The part of an {@link ApplyContext} that changes from record to record. */
interface MutableApplyContext {
  offset: number;
  epoch: number;
  appendTimeMs: number;
}

export class MachineRuntime<S, Q, R, Rec, E> {
  readonly #options: MachineRuntimeOptions;
  readonly #modules: MachineRuntimeModules<S, Q, R, Rec, E>;
  #state: S;
  #started = false;
  #unsubscribe: (() => void) | null = null;
  /** The epoch in which this runtime decides, or -1. */
  #epoch = -1;
  /** End of what {@link #state} holds; at least {@link #committedEndOffset}. */
  #appliedEndOffset = 0;
  #committedEndOffset = 0;
  /** Records decided and applied, not appended yet; the first is to get offset `#appliedEndOffset - #buffer.length`. */
  #buffer: E[] = [];
  #bufferSizeBytes = 0;
  /** Wall time of all decisions since the last append: the batch carries it, so that live and replayed contexts are the same. */
  #tickTimeMs = 0;
  #flushScheduled = false;
  /** In the order decided, hence by end offset; entries before {@link #waitingHead} are gone. */
  #waiting: (Waiting<R> | undefined)[] = [];
  #waitingHead = 0;
  readonly #timers = new Map<string, Timer>();
  readonly #applyContext: MutableApplyContext = { offset: 0, epoch: 0, appendTimeMs: 0 };

  constructor(options: MachineRuntimeOptions, modules: MachineRuntimeModules<S, Q, R, Rec, E>) {
    this.#options = options;
    this.#modules = modules;
    this.#state = modules.machine.initialState();
  }

  /** True when requests are decided here: this node leads and its state is complete. */
  get isActive(): boolean {
    return this.#epoch >= 0;
  }

  /** The epoch in which this runtime decides, or -1. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The state with all decisions in it, committed or not: for metrics and tests. Answers to clients go through {@link submit}. */
  get state(): S {
    return this.#state;
  }

  get uncommittedRequests(): number {
    return this.#waiting.length - this.#waitingHead;
  }

  /** Begins to follow the log. */
  start(): void {
    if (this.#started) throw new Error(`${this.#options.name}: started twice`);
    this.#started = true;
    this.#follow();
  }

  /** Stops following the log; waiting requests are rejected as on loss of leadership. */
  stop(): void {
    if (!this.#started) return;
    this.#started = false;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#standDown("stopped");
  }

  /**
   * Decides `request` now; resolves once its records are committed.
   *
   * Rejects with `ApiError`: what the machine threw (nothing changed), the not-leader, loading or busy code of the options (nothing changed),
   * RECORD_LIST_TOO_LARGE (nothing changed), or the not-leader code after the fact, when leadership ended before the commit was seen: the
   * records may then survive or not. Anything else that `decide` throws is passed on as it is; nothing changed.
   */
  submit(request: Q): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const refusal = this.#refusal();
      if (refusal === null) this.#decide(request, resolve, reject);
      else reject(refusal);
    });
  }

  #refusal(): ApiError | null {
    const { name, notLeaderErrorCode, loadingErrorCode, busyErrorCode, maxUncommittedRequests } = this.#options;
    if (!this.isActive) {
      const isLoading = this.#started && this.#modules.log.isLeader();
      return new ApiError(isLoading ? (loadingErrorCode ?? notLeaderErrorCode) : notLeaderErrorCode);
    }
    if (this.uncommittedRequests >= maxUncommittedRequests) {
      return new ApiError(
        busyErrorCode ?? Errors.REQUEST_TIMED_OUT,
        `${name}: ${maxUncommittedRequests} requests wait for their commit already`,
      );
    }
    return null;
  }

  #decide(request: Q, resolve: (response: R) => void, reject: (error: Error) => void): void {
    const { machine } = this.#modules;
    let decision: Decision<R, Rec, Q>;
    let encoded: E[];
    let sizeBytes: number;
    try {
      decision = machine.decide(this.#state, request, this.#decideContext());
      encoded = decision.records.map(record => this.#modules.codec.encode(record));
      sizeBytes = this.#sizeOf(encoded);
    } catch (error) {
      reject(error as Error);
      return;
    }
    if (sizeBytes > this.#options.maxBatchSizeBytes) {
      reject(new ApiError(Errors.RECORD_LIST_TOO_LARGE, `the decision's records take ${sizeBytes} bytes`));
      return;
    }
    // Appending what is buffered moves no offset, so the decision stands; unless that append fails, and with it the state decided upon.
    if (this.#bufferSizeBytes + sizeBytes > this.#options.maxBatchSizeBytes && !this.#flush()) {
      reject(new ApiError(this.#options.notLeaderErrorCode));
      return;
    }
    try {
      this.#applyDecided(decision.records);
    } catch (error) {
      reject(error as Error);
      this.#abandon(`apply failed after decide: ${String(error)}`);
      return;
    }
    for (const item of encoded) this.#buffer.push(item);
    this.#bufferSizeBytes += sizeBytes;
    if (this.#buffer.length > 0) this.#scheduleFlush();
    if (this.#appliedEndOffset <= this.#committedEndOffset) resolve(decision.response);
    else this.#waiting.push({ endOffset: this.#appliedEndOffset, response: decision.response, resolve, reject });
    if (decision.timers !== undefined) this.#changeTimers(decision.timers);
  }

  #decideContext(): DecideContext {
    if (this.#buffer.length === 0) {
      // The log may have put records of its own (voters) behind ours.
      this.#appliedEndOffset = Math.max(this.#appliedEndOffset, this.#modules.log.logEndOffset);
      this.#tickTimeMs = this.#modules.clock.now();
    }
    return { nowMs: this.#tickTimeMs, nextOffset: this.#appliedEndOffset, epoch: this.#epoch };
  }

  #sizeOf(encoded: readonly E[]): number {
    let sizeBytes = 0;
    for (const item of encoded) sizeBytes += this.#modules.codec.sizeBytes(item);
    return sizeBytes;
  }

  #applyDecided(records: readonly Rec[]): void {
    const context = this.#applyContext;
    context.epoch = this.#epoch;
    context.appendTimeMs = this.#tickTimeMs;
    for (const record of records) {
      context.offset = this.#appliedEndOffset;
      this.#modules.machine.apply(this.#state, record, context);
      this.#appliedEndOffset += 1;
    }
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#modules.timers.endOfTick(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  /** Appends what is buffered. False when that failed and the state was abandoned. */
  #flush(): boolean {
    if (this.#buffer.length === 0) return true;
    const records = this.#buffer;
    const expectedBaseOffset = this.#appliedEndOffset - records.length;
    this.#buffer = [];
    this.#bufferSizeBytes = 0;
    const outcome = this.#modules.log.append(this.#epoch, records, {
      expectedBaseOffset,
      appendTimeMs: this.#tickTimeMs,
    });
    if (outcome.ok) return true;
    this.#abandon(`append failed: ${errorName(outcome.errorCode)} ${outcome.message}`);
    return false;
  }

  /** Gives up leadership and all that is not known to be committed. */
  #abandon(reason: string): void {
    const epoch = this.#epoch;
    if (epoch < 0) return;
    this.#modules.logger.error("machine.abandoned", { machine: this.#options.name, epoch, reason });
    this.#standDown(reason);
    this.#refollow();
    this.#modules.log.resign(epoch, reason);
  }

  #changeTimers(changes: readonly TimerChange<Q>[]): void {
    for (const change of changes) {
      this.#timers.get(change.key)?.clear();
      this.#timers.delete(change.key);
      if ("cancel" in change) continue;
      const { key, delayMs, request } = change;
      const timer = this.#modules.timers.after(delayMs, () => {
        this.#timers.delete(key);
        this.#decideOwn(request);
      });
      this.#timers.set(key, timer);
    }
  }

  /** Decides a request of the machine's own. It is not subject to the bound: refused, it would never be made again. */
  #decideOwn(request: Q): void {
    if (!this.isActive) return;
    this.#decide(
      request,
      () => {},
      error =>
        this.#modules.logger.warn("machine.own-request-failed", { machine: this.#options.name, error: String(error) }),
    );
  }

  #follow(): void {
    this.#unsubscribe = this.#modules.log.subscribe({
      loadSnapshot: snapshot => this.#loadSnapshot(snapshot),
      committed: batch => this.#committed(batch),
      becameLeader: epoch => this.#becomeLeader(epoch),
      resigned: epoch => this.#resigned(epoch),
      appendNow: () => void this.#flush(),
    });
  }

  /** Throws the state away and replays it from the log. */
  #refollow(): void {
    this.#unsubscribe?.();
    this.#reset(0);
    this.#follow();
  }

  #reset(endOffset: number): void {
    this.#state = this.#modules.machine.initialState();
    this.#appliedEndOffset = endOffset;
    this.#committedEndOffset = endOffset;
  }

  #loadSnapshot(snapshot: MachineSnapshot<E>): void {
    const { machine, codec } = this.#modules;
    const context = this.#applyContext;
    this.#reset(snapshot.id.endOffset);
    context.offset = snapshot.id.endOffset - 1;
    context.epoch = snapshot.id.epoch;
    context.appendTimeMs = snapshot.lastContainedLogTimeMs;
    for (const records of snapshot.batches()) {
      for (const record of records) machine.apply(this.#state, codec.decode(record), context);
    }
  }

  #committed(batch: MachineBatch<E>): void {
    const isApplied = batch.baseOffset < this.#appliedEndOffset;
    if (!isApplied) this.#applyCommitted(batch);
    else if (batch.lastOffset >= this.#appliedEndOffset) {
      throw new Error(
        `${this.#options.name}: batch ${batch.baseOffset}–${batch.lastOffset} straddles ${this.#appliedEndOffset}`,
      );
    }
    this.#committedEndOffset = batch.lastOffset + 1;
    this.#release();
  }

  #applyCommitted(batch: MachineBatch<E>): void {
    if (this.isActive && !batch.isControl) {
      throw new Error(
        `${this.#options.name}: batch at ${batch.baseOffset} was appended by somebody else in epoch ${this.#epoch}`,
      );
    }
    const { machine, codec } = this.#modules;
    const context = this.#applyContext;
    context.epoch = batch.epoch;
    context.appendTimeMs = batch.appendTimeMs;
    for (let index = 0; index < batch.records.length; index++) {
      context.offset = batch.baseOffset + index;
      machine.apply(this.#state, codec.decode(batch.records[index] as E), context);
    }
    this.#appliedEndOffset = batch.lastOffset + 1;
  }

  /** Answers all whose records, and what they had read, are committed by now. */
  #release(): void {
    while (this.#waitingHead < this.#waiting.length) {
      const waiting = this.#waiting[this.#waitingHead] as Waiting<R>;
      if (waiting.endOffset > this.#committedEndOffset) return;
      this.#waiting[this.#waitingHead] = undefined;
      this.#waitingHead += 1;
      waiting.resolve(waiting.response);
      if (this.#waitingHead >= 1024) {
        this.#waiting = this.#waiting.slice(this.#waitingHead);
        this.#waitingHead = 0;
      }
    }
    this.#waiting = [];
    this.#waitingHead = 0;
  }

  #becomeLeader(epoch: number): void {
    this.#epoch = epoch;
    this.#modules.logger.info("machine.active", {
      machine: this.#options.name,
      epoch,
      endOffset: this.#appliedEndOffset,
    });
    const first = this.#modules.machine.loaded?.(this.#state, this.#decideContext());
    for (const request of first?.requests ?? []) this.#decideOwn(request);
    if (first?.timers !== undefined) this.#changeTimers(first.timers);
  }

  #resigned(epoch: number): void {
    if (this.#epoch !== epoch) return;
    const isAhead = this.#appliedEndOffset > this.#committedEndOffset;
    this.#standDown("leadership lost");
    if (isAhead && this.#started) this.#refollow();
  }

  /** Ends deciding: drops timers and buffered records, rejects all who wait. */
  #standDown(reason: string): void {
    const waiting = this.#waiting;
    const head = this.#waitingHead;
    this.#epoch = -1;
    this.#buffer = [];
    this.#bufferSizeBytes = 0;
    this.#waiting = [];
    this.#waitingHead = 0;
    for (const timer of this.#timers.values()) timer.clear();
    this.#timers.clear();
    for (let index = head; index < waiting.length; index++) {
      waiting[index]?.reject(new ApiError(this.#options.notLeaderErrorCode, `${this.#options.name}: ${reason}`));
    }
  }
}
