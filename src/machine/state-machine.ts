/**
 * The contract between a replicated state and what runs it: `decide` says what a request does, `apply` does it.
 *
 * ```ts
 * const counter: StateMachine<{ total: number }, { add: number }, { total: number }, number> = {
 *   initialState: () => ({ total: 0 }),
 *   decide: (state, request) => ({ records: [request.add], response: { total: state.total + request.add } }),
 *   apply: (state, record) => { state.total += record; },
 * };
 * ```
 *
 * Rules that make the state after a crash the replay of the log:
 * - `decide` changes nothing. It reads the state, which includes all earlier decisions, committed or not, and throws `ApiError` to refuse.
 * - `apply` is the only place where state changes, and depends on nothing but state, record and context.
 * - Both are synchronous, without time, chance or I/O of their own.
 */

/** What a decision may know besides state and request. */
export interface DecideContext {
  /** Wall time in ms. */
  readonly nowMs: number;
  /** The offset that the decision's first record will have, should it return any. */
  readonly nextOffset: number;
  /** Leader epoch in which the decision is made. */
  readonly epoch: number;
}

/** Where an applied record stands. One object is reused for all calls: copy what is to be kept. */
export interface ApplyContext {
  readonly offset: number;
  /** Leader epoch of the record's batch. */
  readonly epoch: number;
  /** Wall time of the append, in ms; the same on replay. */
  readonly appendTimeMs: number;
}

/**
 * A change to the machine's timers. A timer has a key; setting it again moves it. When it is due its request is decided like one from outside,
 * and its response dropped. Timers live in memory only: they vanish with leadership, and {@link StateMachine.loaded} makes them anew.
 */
export type TimerChange<Q> =
  | { readonly key: string; readonly delayMs: number; readonly request: Q }
  | { readonly key: string; readonly cancel: true };

/** What a request does, and what its sender is told once that is committed. */
export interface Decision<R, Rec, Q = unknown> {
  /** Appended as one atomic unit; may be empty: the response then waits for what the decision had read to be committed. */
  readonly records: readonly Rec[];
  readonly response: R;
  readonly timers?: readonly TimerChange<Q>[];
}

/** State `S`, request `Q`, response `R`, record `Rec`. */
export interface StateMachine<S, Q, R, Rec> {
  /** The state of an empty log. */
  initialState(): S;
  /** Decides one request. Throws `ApiError` to refuse it. */
  decide(state: S, request: Q, context: DecideContext): Decision<R, Rec, Q>;
  /** Applies one record, in place. Throws only when the log contradicts the state, which is fatal. */
  apply(state: S, record: Rec, context: ApplyContext): void;
  /** Called when this node begins to lead, its state complete: gives the first requests to decide (e.g. bootstrap) and timers to set. */
  loaded?(
    state: S,
    context: DecideContext,
  ): { readonly requests?: readonly Q[]; readonly timers?: readonly TimerChange<Q>[] };
}

/** Turns records into what the log takes, and back. */
export interface RecordCodec<Rec, E> {
  encode(record: Rec): E;
  decode(encoded: E): Rec;
  /** Upper bound of the record's share of a batch, in bytes. */
  sizeBytes(encoded: E): number;
}
