/**
 * A log of one file over a Disk, with group commit and recovery: as much of a partition log as the raft room asks for. Lets tests of that
 * room crash and restart without the log room.
 */
import type { Disk, File } from "../../../src/platform/platform.ts";
import { decodeBatches, type LoggedBatch } from "../../../src/raft/batches.ts";
import type { RaftAppendOutcome, RaftLog, RaftReadOutcome } from "../../../src/raft/raft-log.ts";

interface StoredBatch {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly epoch: number;
}

export class FileLog implements RaftLog {
  readonly isClosed = false;
  logStartOffset = 0;
  flushedOffset = 0;
  sizeBytes = 0;
  /** Makes reads asynchronous. */
  readsLater = false;
  /** The next append's outcome, for tests of failures. */
  nextOutcome: RaftAppendOutcome | null = null;
  readonly #file: File;
  #batches: StoredBatch[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #failureListeners = new Set<(log: unknown, endOffset: number) => void>();
  #flushing: Promise<void> | null = null;

  /** Recovers what is whole and cuts the rest. */
  constructor(disk: Disk, path: string) {
    const isNew = !disk.exists(path);
    this.#file = disk.open(path, "write");
    if (isNew) disk.syncDirectory(path.slice(0, path.lastIndexOf("/")));
    const contents = Buffer.alloc(this.#file.size());
    this.#file.read(contents, 0);
    try {
      for (const batch of decodeBatches(contents)) this.#recover(batch, contents);
    } catch {
      // a torn tail
    }
    this.#file.truncate(this.sizeBytes);
    if (this.#batches.length > 0) this.logStartOffset = (this.#batches[0] as StoredBatch).baseOffset;
  }

  get logEndOffset(): number {
    return (this.#batches.at(-1)?.lastOffset ?? this.logStartOffset - 1) + 1;
  }

  get leaderEpoch(): number {
    return this.#batches.at(-1)?.epoch ?? -1;
  }

  /** All batches, decoded. */
  get batches(): LoggedBatch[] {
    return this.#batches.flatMap(batch => [...decodeBatches(batch.bytes)]);
  }

  append(records: Buffer, options: { leaderEpoch: number; origin?: string }): RaftAppendOutcome {
    if (this.nextOutcome !== null) {
      const outcome = this.nextOutcome;
      this.nextOutcome = null;
      return outcome;
    }
    this.#file.writev([records], this.sizeBytes);
    const { logEndOffset: baseOffset } = this;
    let position = 0;
    for (const batch of decodeBatches(records)) {
      if (batch.baseOffset !== this.logEndOffset || batch.epoch > options.leaderEpoch) {
        throw new Error(`batch does not fit at ${this.logEndOffset}`);
      }
      const { lastOffset, epoch, sizeBytes } = batch;
      const bytes = records.subarray(position, position + sizeBytes);
      this.#batches.push({ bytes, baseOffset: batch.baseOffset, lastOffset, epoch });
      position += sizeBytes;
      this.sizeBytes += sizeBytes;
    }
    return { ok: true, baseOffset, lastOffset: this.logEndOffset - 1 };
  }

  offsetForLeaderEpoch(epoch: number): { leaderEpoch: number; endOffset: number } {
    if (epoch < 0 || this.leaderEpoch < epoch) return { leaderEpoch: -1, endOffset: -1 };
    const later = this.#batches.findIndex(batch => batch.epoch > epoch);
    if (later < 0) return { leaderEpoch: epoch, endOffset: this.logEndOffset };
    const endOffset = (this.#batches[later] as StoredBatch).baseOffset;
    return { leaderEpoch: this.#batches[later - 1]?.epoch ?? epoch, endOffset };
  }

  truncateTo(offset: number): boolean {
    if (offset >= this.logEndOffset) return false;
    this.#batches = this.#batches.filter(batch => batch.lastOffset < offset);
    this.sizeBytes = this.#batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
    this.#file.truncate(this.sizeBytes);
    this.flushedOffset = Math.min(this.flushedOffset, this.logEndOffset);
    return true;
  }

  read(offset: number, maxBytes: number, limitOffset: number): RaftReadOutcome | Promise<RaftReadOutcome> {
    if (offset < this.logStartOffset || offset > this.logEndOffset) return { ok: false, errorCode: 1 };
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for (const batch of this.#batches) {
      if (batch.lastOffset < offset || batch.lastOffset >= limitOffset) continue;
      if (chunks.length > 0 && sizeBytes + batch.bytes.length > maxBytes) break;
      chunks.push(batch.bytes);
      sizeBytes += batch.bytes.length;
    }
    const outcome: RaftReadOutcome = { ok: true, chunks };
    return this.readsLater ? Promise.resolve(outcome) : outcome;
  }

  truncateFullyAndStartAt(offset: number): void {
    this.#batches = [];
    this.#file.truncate(0);
    this.sizeBytes = 0;
    this.logStartOffset = offset;
    this.flushedOffset = offset;
  }

  /** Drops whole batches from memory only: a single file cannot be cut in front. */
  advanceLogStart(offset: number): void {
    this.#batches = this.#batches.filter(batch => batch.lastOffset >= offset);
    this.logStartOffset = Math.max(this.logStartOffset, offset);
  }

  onFlushed(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onAppendFailed(listener: (log: unknown, endOffset: number) => void): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  /** Calls those who wait for a flush, flushed or not. */
  notifyFlushed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Takes back all that is not flushed, as a log does whose writes come later and fail. */
  takeBack(): void {
    const endOffset = this.flushedOffset;
    this.#batches = this.#batches.filter(batch => batch.lastOffset < endOffset);
    this.sizeBytes = this.#batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
    this.#file.truncate(this.sizeBytes);
    for (const listener of this.#failureListeners) listener(this, endOffset);
  }

  /** Group commit: one sync under way, the next begins when it is done. */
  async flush(): Promise<void> {
    const target = this.logEndOffset;
    while (this.#flushing !== null && this.flushedOffset < target) await this.#flushing;
    if (this.flushedOffset >= target) return;
    const endOffset = this.logEndOffset;
    this.#flushing = this.#file.sync().then(() => {
      this.flushedOffset = Math.max(this.flushedOffset, Math.min(endOffset, this.logEndOffset));
    });
    try {
      await this.#flushing;
    } finally {
      this.#flushing = null;
    }
    this.notifyFlushed();
  }

  #recover(batch: LoggedBatch, contents: Buffer): void {
    const { baseOffset, lastOffset, epoch, sizeBytes } = batch;
    // Offset and epoch lie outside the checksum: a torn write can leave them zero before a batch that is whole otherwise.
    const isNext = this.#batches.length === 0 || baseOffset === this.logEndOffset;
    if (!isNext || epoch < this.leaderEpoch) throw new Error("not the next batch");
    this.#batches.push({
      bytes: contents.subarray(this.sizeBytes, this.sizeBytes + sizeBytes),
      baseOffset,
      lastOffset,
      epoch,
    });
    this.sizeBytes += sizeBytes;
  }
}
