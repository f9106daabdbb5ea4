/** A log in memory that commits when told to: for tests of the runtime alone. */
import { Errors } from "../../../protocol/errors.ts";
import type {
  MachineAppendOutcome,
  MachineBatch,
  MachineLog,
  MachineLogListener,
} from "../../../src/machine/machine-log.ts";

interface Follower<E> {
  readonly listener: MachineLogListener<E>;
  nextOffset: number;
  leadingEpoch: number;
  isEnded: boolean;
}

export class MemoryLog<E> implements MachineLog<E> {
  epoch = 0;
  highWatermark = 0;
  /** Fails the next append, changing nothing. */
  failNextAppend = false;
  readonly resignations: string[] = [];
  snapshot: { endOffset: number; records: E[] } | null = null;
  batches: MachineBatch<E>[] = [];
  #isLeading = false;
  #epochStart = 0;
  #followers: Follower<E>[] = [];

  get logEndOffset(): number {
    return (this.batches.at(-1)?.lastOffset ?? (this.snapshot?.endOffset ?? 0) - 1) + 1;
  }

  isLeader(): boolean {
    return this.#isLeading;
  }

  append(
    epoch: number,
    records: readonly E[],
    options: { expectedBaseOffset: number; appendTimeMs: number },
  ): MachineAppendOutcome {
    const baseOffset = this.logEndOffset;
    if (this.failNextAppend) {
      this.failNextAppend = false;
      return { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: "no space" };
    }
    if (!this.#isLeading || epoch !== this.epoch || options.expectedBaseOffset !== baseOffset) {
      return { ok: false, errorCode: Errors.NOT_CONTROLLER, message: `epoch ${epoch}, offset ${baseOffset}` };
    }
    const lastOffset = baseOffset + records.length - 1;
    const { appendTimeMs } = options;
    this.batches.push({ baseOffset, lastOffset, epoch, appendTimeMs, records: [...records], isControl: false });
    return { ok: true, baseOffset, lastOffset };
  }

  subscribe(listener: MachineLogListener<E>): () => void {
    const follower = { listener, nextOffset: 0, leadingEpoch: -1, isEnded: false };
    this.#followers.push(follower);
    return () => {
      follower.isEnded = true;
    };
  }

  resign(epoch: number, reason: string): void {
    if (!this.#isLeading || epoch !== this.epoch) return;
    this.resignations.push(reason);
    this.loseLeadership();
  }

  /** Leads a new epoch; its first record is a control record, not committed yet. */
  elect(): void {
    this.epoch += 1;
    this.#isLeading = true;
    this.#epochStart = this.logEndOffset;
    this.appendControl();
  }

  /** Has everybody append what they keep back, as before a record of the log's own. */
  announceControl(): void {
    for (const { listener, isEnded } of this.#followers) if (!isEnded) listener.appendNow?.();
  }

  appendControl(): void {
    const offset = this.logEndOffset;
    this.batches.push({
      baseOffset: offset,
      lastOffset: offset,
      epoch: this.epoch,
      appendTimeMs: 0,
      records: [],
      isControl: true,
    });
  }

  loseLeadership(): void {
    this.#isLeading = false;
    for (const follower of this.#followers) {
      if (!follower.isEnded && follower.leadingEpoch === this.epoch) follower.listener.resigned(this.epoch);
      follower.leadingEpoch = -1;
    }
  }

  /** Drops what is not committed, as a new leader elsewhere would. */
  truncate(): void {
    this.batches = this.batches.filter(batch => batch.lastOffset < this.highWatermark);
  }

  /** Commits up to `endOffset` and tells everybody. */
  commit(endOffset = this.logEndOffset): void {
    this.highWatermark = Math.max(this.highWatermark, endOffset);
    for (const follower of [...this.#followers]) this.#tell(follower);
  }

  #tell(follower: Follower<E>): void {
    const { listener } = follower;
    if (this.snapshot !== null && follower.nextOffset < this.snapshot.endOffset && !follower.isEnded) {
      const { endOffset, records } = this.snapshot;
      listener.loadSnapshot({ id: { endOffset, epoch: 1 }, lastContainedLogTimeMs: 7, batches: () => [records] });
      follower.nextOffset = endOffset;
    }
    for (const batch of this.batches) {
      if (follower.isEnded) return;
      if (batch.baseOffset < follower.nextOffset || batch.lastOffset >= this.highWatermark) continue;
      listener.committed(batch);
      follower.nextOffset = batch.lastOffset + 1;
    }
    const isCaughtUp = this.#isLeading && follower.nextOffset > this.#epochStart;
    if (!follower.isEnded && isCaughtUp && follower.leadingEpoch !== this.epoch) {
      follower.leadingEpoch = this.epoch;
      listener.becameLeader(this.epoch);
    }
  }
}
