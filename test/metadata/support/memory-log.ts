/** A replicated log in memory that commits at the end of the tick, until told otherwise. */
import { Errors } from "../../../protocol/errors.ts";
import type { SimulatedTime } from "../../../src/platform/memory-time.ts";
import type {
  CommittedBatch,
  LeaderAndEpoch,
  LogAppendOptions,
  LogAppendOutcome,
  ReplicatedLog,
  ReplicatedLogListener,
  SnapshotReader,
} from "../../../src/raft/replicated-log.ts";

interface Subscriber {
  readonly listener: ReplicatedLogListener;
  /** Number of batches told. */
  told: number;
  isLeaderTold: boolean;
}

export class MemoryLog implements ReplicatedLog {
  readonly nodeId = 1;
  readonly batches: CommittedBatch[] = [];
  snapshot: SnapshotReader | null = null;
  /** While false, what is appended stays uncommitted. */
  commits = true;
  epoch = 1;
  readonly #time: SimulatedTime;
  #leads = true;
  #committed = 0;
  readonly #subscribers = new Set<Subscriber>();

  constructor(time: SimulatedTime) {
    this.#time = time;
  }

  get leaderAndEpoch(): LeaderAndEpoch {
    return { leaderId: this.#leads ? this.nodeId : -1, epoch: this.epoch };
  }

  get logEndOffset(): number {
    return (this.batches.at(-1)?.lastOffset ?? (this.snapshot?.id.endOffset ?? 0) - 1) + 1;
  }

  get logStartOffset(): number {
    return this.snapshot?.id.endOffset ?? 0;
  }

  get highWatermark(): number {
    return (this.batches[this.#committed - 1]?.lastOffset ?? this.logStartOffset - 1) + 1;
  }

  get isHighWatermarkCurrent(): boolean {
    return true;
  }

  get latestSnapshotId() {
    return this.snapshot?.id ?? null;
  }

  isLeader(): boolean {
    return this.#leads;
  }

  append(epoch: number, records: readonly Buffer[], options: LogAppendOptions = {}): LogAppendOutcome {
    if (!this.#leads || epoch !== this.epoch) return { ok: false, errorCode: Errors.NOT_CONTROLLER, message: "" };
    const baseOffset = this.logEndOffset;
    if (options.expectedBaseOffset !== undefined && options.expectedBaseOffset !== baseOffset) {
      throw new Error(`expected ${options.expectedBaseOffset}, the log ends at ${baseOffset}`);
    }
    const lastOffset = baseOffset + records.length - 1;
    const appendTimeMs = options.appendTimeMs ?? this.#time.now();
    this.batches.push({ baseOffset, lastOffset, epoch, appendTimeMs, sizeBytes: 100, records, isControl: false });
    this.#time.endOfTick(() => this.commit());
    return { ok: true, baseOffset, lastOffset };
  }

  /** Commits everything, unless {@link commits} is off. */
  commit(): void {
    if (!this.commits) return;
    this.#committed = this.batches.length;
    for (const subscriber of this.#subscribers) this.#tell(subscriber);
  }

  subscribe(listener: ReplicatedLogListener): () => void {
    const subscriber: Subscriber = { listener, told: 0, isLeaderTold: false };
    this.#time.endOfTick(() => {
      this.#subscribers.add(subscriber);
      if (this.snapshot !== null) listener.loadSnapshot(this.snapshot);
      this.#tell(subscriber);
    });
    return () => this.#subscribers.delete(subscriber);
  }

  resign(epoch: number): void {
    if (epoch !== this.epoch || !this.#leads) return;
    this.loseLeadership();
    this.#time.endOfTick(() => this.lead());
  }

  /** Drops what is not committed, too. */
  loseLeadership(): void {
    this.#leads = false;
    this.batches.length = this.#committed;
    for (const subscriber of this.#subscribers) {
      subscriber.isLeaderTold = false;
      subscriber.listener.resigned?.(this.epoch);
    }
  }

  lead(): void {
    this.epoch += 1;
    this.#leads = true;
    for (const subscriber of this.#subscribers) this.#tell(subscriber);
  }

  /** Replaces all there was, as a leader's snapshot does to a follower that fell behind. */
  installSnapshot(snapshot: SnapshotReader): void {
    this.snapshot = snapshot;
    this.batches.length = 0;
    this.#committed = 0;
    for (const subscriber of this.#subscribers) {
      subscriber.told = 0;
      subscriber.listener.loadSnapshot(snapshot);
    }
  }

  createSnapshot(): null {
    return null;
  }

  #tell(subscriber: Subscriber): void {
    while (subscriber.told < this.#committed) {
      const batch = this.batches[subscriber.told] as CommittedBatch;
      subscriber.told += 1;
      subscriber.listener.committed(batch);
    }
    if (!this.#leads || subscriber.isLeaderTold) return;
    subscriber.isLeaderTold = true;
    subscriber.listener.becameLeader?.(this.epoch);
  }
}
