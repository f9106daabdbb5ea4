/** A partition in memory whose high watermark rises at the end of each tick, or when told to: for shards alone. */
import { Errors } from "../../../protocol/errors.ts";
import { batchSizeAt, lastOffsetAt, setBaseOffset, setPartitionLeaderEpoch } from "../../../protocol/records/batch.ts";
import type { CoordinatorPartition } from "../../../src/coordinators/runtime/coordinator-state.ts";
import type { AppendOptions, AppendOutcome } from "../../../src/log/append.ts";
import type { ReadOutcome } from "../../../src/log/log-reader.ts";
import type { Timers } from "../../../src/platform/platform.ts";
import type { OffsetWaiter } from "../../../src/replication/offset-waiters.ts";

interface Batch {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly lastOffset: number;
}

export class MemoryPartition implements CoordinatorPartition {
  readonly index: number;
  readonly #timers: Timers;
  isLeader = true;
  leaderEpoch = 0;
  logStartOffset = 0;
  highWatermark = 0;
  /** Commits wait for {@link commit}. */
  holdsCommits = false;
  failNextAppend = false;
  readonly batches: Batch[] = [];
  readonly log = { config: { maxMessageBytes: 1024 * 1024 } };
  #waiters: { readonly offset: number; readonly waiter: OffsetWaiter }[] = [];
  #isCommitScheduled = false;

  constructor(timers: Timers, index = 0) {
    this.#timers = timers;
    this.index = index;
  }

  get logEndOffset(): number {
    return (this.batches.at(-1)?.lastOffset ?? -1) + 1;
  }

  /** Puts in what another broker wrote, offsets as they are. */
  load(log: Buffer): void {
    for (let position = 0; position < log.length; ) {
      const bytes = log.subarray(position, position + batchSizeAt(log, position));
      const lastOffset = lastOffsetAt(bytes, 0);
      this.batches.push({ bytes, baseOffset: Number(bytes.readBigInt64BE(0)), lastOffset });
      position += bytes.length;
    }
    this.highWatermark = this.logEndOffset;
  }

  append(records: Buffer, options: AppendOptions): AppendOutcome {
    if (this.failNextAppend) {
      this.failNextAppend = false;
      return { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: "no space" };
    }
    const baseOffset = this.logEndOffset;
    setBaseOffset(records, 0, baseOffset);
    setPartitionLeaderEpoch(records, 0, options.leaderEpoch);
    const lastOffset = lastOffsetAt(records, 0);
    this.batches.push({ bytes: records, baseOffset, lastOffset });
    return { ok: true, baseOffset, lastOffset, logAppendTimeMs: -1, logStartOffset: 0, duplicate: false };
  }

  awaitHighWatermark(offset: number, waiter: OffsetWaiter): void {
    if (this.highWatermark >= offset) {
      waiter.offsetReached();
      return;
    }
    this.#waiters.push({ offset, waiter });
    if (this.holdsCommits || this.#isCommitScheduled) return;
    this.#isCommitScheduled = true;
    this.#timers.endOfTick(() => {
      this.#isCommitScheduled = false;
      if (!this.holdsCommits) this.commit();
    });
  }

  /** Everything appended so far is on every disk. */
  commit(): void {
    this.highWatermark = this.logEndOffset;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ offset }) => offset > this.highWatermark);
    for (const { offset, waiter } of waiters) if (offset <= this.highWatermark) waiter.offsetReached();
  }

  /** What is not committed is lost, as in a crash or when another broker leads; who waits for it is told. */
  loseUncommitted(errorCode: number): void {
    while (this.batches.length > 0 && this.logEndOffset > this.highWatermark) this.batches.pop();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { waiter } of waiters) waiter.offsetFailed(errorCode);
  }

  read(offset: number): ReadOutcome {
    const chunks = this.batches.filter(batch => batch.lastOffset >= offset).map(({ bytes }) => bytes);
    const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    return { ok: true, chunks, sizeBytes, firstOffset: offset };
  }
}
