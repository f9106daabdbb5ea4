/**
 * The log that a state machine runs on: `raft/replicated-log.ts` for the controller (encoded records are Buffers), a coordinator's partition
 * log later (encoded records are key and value). Declared here, structurally, so that neither room knows the other.
 */

export interface MachineBatch<E> {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly epoch: number;
  readonly appendTimeMs: number;
  /** `records[i]` is at offset `baseOffset + i`; empty for batches that belong to the log itself. */
  readonly records: readonly E[];
  readonly isControl: boolean;
}

export interface MachineSnapshot<E> {
  readonly id: { readonly endOffset: number; readonly epoch: number };
  readonly lastContainedLogTimeMs: number;
  batches(): Iterable<readonly E[]>;
}

/** As `ReplicatedLogListener`: latest snapshot first, then all committed batches, then leadership. */
export interface MachineLogListener<E> {
  loadSnapshot(snapshot: MachineSnapshot<E>): void;
  committed(batch: MachineBatch<E>): void;
  becameLeader(epoch: number): void;
  resigned(epoch: number): void;
  /** The log is about to be appended to by itself: what is kept back for the offsets at its end has to go first. Of no use to logs that never do that. */
  appendNow?(): void;
}

export type MachineAppendOutcome =
  | { readonly ok: true; readonly baseOffset: number; readonly lastOffset: number }
  | { readonly ok: false; readonly errorCode: number; readonly message: string };

export interface MachineLog<E> {
  /** Where the next record goes. */
  readonly logEndOffset: number;
  /** True while this node leads the log, even before subscribers have caught up. */
  isLeader(): boolean;
  /** Appends one atomic batch, synchronously; fails, changing nothing, when a condition does not hold. */
  append(
    epoch: number,
    records: readonly E[],
    options: { readonly expectedBaseOffset: number; readonly appendTimeMs: number },
  ): MachineAppendOutcome;
  /** Tells the listener everything from the start, in later ticks. Returns the end of it. */
  subscribe(listener: MachineLogListener<E>): () => void;
  resign(epoch: number, reason: string): void;
}
