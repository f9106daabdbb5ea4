/**
 * One subscriber of a replicated log: how far it has been told, and what comes next. Tells it the latest snapshot, then committed batches in
 * order, then leadership; never two calls at once.
 */
import type { CommittedBatch, LeaderAndEpoch, ReplicatedLogListener, SnapshotReader } from "./replicated-log.ts";

/** What a subscription asks of its log. */
export interface SubscriptionSource {
  /** Committed batches from `offset` on, at least one; a promise when they have to come from the disk. */
  read(offset: number): readonly CommittedBatch[] | Promise<readonly CommittedBatch[]>;
  latestSnapshot(): SnapshotReader | null;
  /** Whether the high watermark is what the quorum last had. */
  isCurrent(): boolean;
  position(): { readonly highWatermark: number; readonly logStartOffset: number };
  /** The epoch that this node leads and its first offset; null when it does not. */
  leadership(): { readonly epoch: number; readonly startOffset: number } | null;
  onFault(error: Error): void;
}

export class Subscription {
  readonly #listener: ReplicatedLogListener;
  readonly #source: SubscriptionSource;
  /** Everything below was told. */
  #nextOffset = 0;
  #hasStarted = false;
  #isEnded = false;
  #isToldCurrent = false;
  #isPumping = false;
  /** The epoch of the last `becameLeader` without a `resigned`, or −1. */
  #leadingEpoch = -1;
  #toldLeader: LeaderAndEpoch | null = null;

  constructor(listener: ReplicatedLogListener, source: SubscriptionSource) {
    this.#listener = listener;
    this.#source = source;
  }

  /** Tells all that may be told now; goes on by itself when that takes reading from the disk. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#advance();
  }

  leaderChanged(leader: LeaderAndEpoch): void {
    const told = this.#toldLeader;
    if (this.#isEnded || (told?.leaderId === leader.leaderId && told.epoch === leader.epoch)) return;
    this.#toldLeader = leader;
    this.#call(() => this.#listener.leaderChanged?.(leader));
  }

  resigned(epoch: number): void {
    if (this.#leadingEpoch !== epoch) return;
    this.#leadingEpoch = -1;
    this.#call(() => this.#listener.resigned?.(epoch));
  }

  appendNow(): void {
    this.#call(() => this.#listener.appendNow?.());
  }

  end(): void {
    this.#isEnded = true;
  }

  #tellCurrent(): void {
    if (this.#isToldCurrent || !this.#source.isCurrent()) return;
    this.#isToldCurrent = true;
    this.#listener.current?.();
  }

  /** Entered with {@link #isPumping} set; clears it when there is nothing left to tell, or leaves it to the read under way. */
  #advance(): void {
    try {
      while (!this.#isEnded) {
        const { highWatermark, logStartOffset } = this.#source.position();
        if (highWatermark > 0 && (!this.#hasStarted || this.#nextOffset < logStartOffset)) this.#loadSnapshot();
        if (this.#nextOffset >= highWatermark) {
          this.#tellCurrent();
          if (!this.#tellLeadership()) break;
          continue;
        }
        const batches = this.#source.read(this.#nextOffset);
        if (batches instanceof Promise) {
          batches.then(
            read => {
              this.#call(() => this.#deliver(read));
              this.#advance();
            },
            error => {
              // A snapshot made meanwhile may have let the log go that was to be read; it stands in for it.
              if (this.#nextOffset >= this.#source.position().logStartOffset) this.#fault(error);
              this.#advance();
            },
          );
          return;
        }
        this.#deliver(batches);
      }
    } catch (error) {
      this.#fault(error);
    }
    this.#isPumping = false;
  }

  #loadSnapshot(): void {
    this.#hasStarted = true;
    const snapshot = this.#source.latestSnapshot();
    if (snapshot === null || snapshot.id.endOffset <= this.#nextOffset) return;
    this.#listener.loadSnapshot(snapshot);
    this.#nextOffset = snapshot.id.endOffset;
  }

  #deliver(batches: readonly CommittedBatch[]): void {
    for (const batch of batches) {
      if (this.#isEnded) return;
      if (batch.lastOffset < this.#nextOffset) continue;
      this.#listener.committed(fromOffset(batch, this.#nextOffset));
      this.#nextOffset = batch.lastOffset + 1;
    }
  }

  /** Returns whether the listener was told. */
  #tellLeadership(): boolean {
    const leadership = this.#source.leadership();
    if (leadership === null || leadership.epoch === this.#leadingEpoch || this.#nextOffset <= leadership.startOffset) {
      return false;
    }
    this.#leadingEpoch = leadership.epoch;
    this.#listener.becameLeader?.(leadership.epoch);
    return true;
  }

  #call(tell: () => void): void {
    try {
      if (!this.#isEnded) tell();
    } catch (error) {
      this.#fault(error);
    }
  }

  #fault(error: unknown): void {
    this.#isEnded = true;
    this.#source.onFault(error instanceof Error ? error : new Error(String(error)));
  }
}

/** The part of a batch at and above `offset`: a snapshot of Kafka's may end within one. */
function fromOffset(batch: CommittedBatch, offset: number): CommittedBatch {
  if (offset <= batch.baseOffset) return batch;
  return { ...batch, baseOffset: offset, records: batch.records.slice(offset - batch.baseOffset) };
}
