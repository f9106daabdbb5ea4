/** The metadata log in the driver's hands: what is appended, cut and flushed, and what its control records say of the voters. */
import { Errors } from "../../protocol/errors.ts";
import type { Logger } from "../logging/logger.ts";
import { type Clock, DiskError } from "../platform/platform.ts";
import {
  type ControlRecord,
  decodeBatches,
  encodeControlBatch,
  encodeRecordBatch,
  type LoggedBatch,
  recordSizes,
} from "./batches.ts";
import { CommittedTail } from "./committed-tail.ts";
import { noteControlRecords } from "./control-history.ts";
import type { LogView } from "./fetch-decision.ts";
import { QuorumHistory } from "./quorum-history.ts";
import type { RaftLog } from "./raft-log.ts";
import { readBatches, recover } from "./recovery.ts";
import {
  type CommittedBatch,
  type LogAppendOptions,
  type LogAppendOutcome,
  MAX_BATCH_SIZE_BYTES,
} from "./replicated-log.ts";
import type { SnapshotFile } from "./snapshot-file.ts";
import type { Snapshots } from "./snapshots.ts";

export interface QuorumLogModules {
  readonly log: RaftLog;
  /** Starts a group commit; resolves when all appended so far is durable. A rejection is final. */
  readonly flush: () => Promise<void>;
  readonly snapshots: Snapshots;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  /** A batch of this node's own was appended: who waits for it may have it. */
  readonly onAppended: () => void;
  readonly onFlushed: () => void;
  /** The log may name other voters than before. */
  readonly onVoters: () => void;
  readonly onFailed: (error: Error) => void;
}

export class QuorumLog {
  readonly #modules: QuorumLogModules;
  readonly #tail = new CommittedTail();
  #quorum = new QuorumHistory();
  #isFlushing = false;

  constructor(modules: QuorumLogModules) {
    this.#modules = modules;
  }

  get endOffset(): number {
    return this.#modules.log.logEndOffset;
  }

  get startOffset(): number {
    return this.#modules.log.logStartOffset;
  }

  /** Who the voters are, and since which offset. */
  get quorum(): QuorumHistory {
    return this.#quorum;
  }

  /** Reads what the directory holds and makes it durable. Gives the newest snapshot. */
  async recover(): Promise<SnapshotFile | null> {
    const { snapshot, quorum } = await recover(this.#modules);
    this.#quorum = quorum;
    await this.#modules.flush();
    return snapshot;
  }

  /** What the core may look at. */
  view(): LogView {
    const { log, snapshots } = this.#modules;
    return {
      get logStartOffset() {
        return log.logStartOffset;
      },
      get logEndOffset() {
        return log.logEndOffset;
      },
      get flushedOffset() {
        return log.flushedOffset;
      },
      get lastEpoch() {
        return log.leaderEpoch >= 0 ? log.leaderEpoch : (snapshots.latestId?.epoch ?? 0);
      },
      endOffsetForEpoch: epoch => {
        const { leaderEpoch, endOffset } = log.offsetForLeaderEpoch(epoch);
        return { epoch: leaderEpoch, endOffset };
      },
      get earliestSnapshotId() {
        // An older one may be left of a removal that a crash undid.
        return snapshots.ids.find(({ endOffset }) => endOffset >= log.logStartOffset) ?? null;
      },
      get latestSnapshotId() {
        return snapshots.latestId;
      },
    };
  }

  /** Appends records as one batch of this node's own, as leader of `epoch`. */
  appendRecords(epoch: number, records: readonly Buffer[], options: LogAppendOptions): LogAppendOutcome {
    if (records.length === 0) return refused(Errors.INVALID_RECORD, "an append holds at least one record");
    const sizeBytes = recordSizes(records);
    if (sizeBytes > MAX_BATCH_SIZE_BYTES) {
      return refused(Errors.RECORD_LIST_TOO_LARGE, `a batch of ${sizeBytes} bytes, of at most ${MAX_BATCH_SIZE_BYTES}`);
    }
    const baseOffset = this.endOffset;
    const { expectedBaseOffset = baseOffset } = options;
    if (expectedBaseOffset !== baseOffset) {
      return refused(Errors.OFFSET_OUT_OF_RANGE, `expected offset ${expectedBaseOffset}, log end ${baseOffset}`);
    }
    const appendTimeMs = options.appendTimeMs ?? this.#modules.clock.now();
    const bytes = encodeRecordBatch({ baseOffset, epoch, appendTimeMs }, records);
    const lastOffset = baseOffset + records.length - 1;
    return this.#append(bytes, { baseOffset, lastOffset, epoch, appendTimeMs, records, isControl: false });
  }

  /** Appends the quorum's own records, as leader of `epoch`. */
  appendControls(epoch: number, controls: readonly ControlRecord[]): LogAppendOutcome {
    const baseOffset = this.endOffset;
    const appendTimeMs = this.#modules.clock.now();
    const bytes = encodeControlBatch({ baseOffset, epoch, appendTimeMs }, controls);
    const lastOffset = baseOffset + controls.length - 1;
    const outcome = this.#append(bytes, { baseOffset, lastOffset, epoch, appendTimeMs, records: [], isControl: true });
    if (!outcome.ok) return outcome;
    noteControlRecords(this.#quorum, baseOffset, controls);
    this.#modules.onVoters();
    return outcome;
  }

  /** Appends what the leader of `epoch` sent. Bytes that are not its log's next are refused as a whole. */
  appendFetched(bytes: Buffer, epoch: number): LogAppendOutcome {
    let batches: LoggedBatch[];
    try {
      batches = [...decodeBatches(bytes)];
      this.#checkNext(batches, epoch);
    } catch (error) {
      return refused(Errors.CORRUPT_MESSAGE, (error as Error).message);
    }
    const lastEpoch = (batches.at(-1) as LoggedBatch).epoch;
    const outcome = this.#write(bytes, lastEpoch, "replica", this.#modules.clock.now());
    if (!outcome.ok) return outcome;
    for (const batch of batches) {
      this.#tail.add(batch);
      if (batch.isControl) noteControlRecords(this.#quorum, batch.baseOffset, batch.controls);
    }
    this.#modules.onVoters();
    this.#flush();
    return outcome;
  }

  truncateTo(endOffset: number): void {
    this.#modules.logger.info("raft.truncated", { from: this.endOffset, to: endOffset });
    this.#modules.log.truncateTo(endOffset);
    this.forgetFrom(endOffset);
  }

  /** The log ends at `endOffset` now, whoever cut it. */
  forgetFrom(endOffset: number): void {
    this.#tail.truncateTo(endOffset);
    this.#quorum.truncateTo(endOffset);
    this.#modules.onVoters();
  }

  /** Begins the log anew behind a snapshot that is in place. */
  restartBehind({ id, facts }: SnapshotFile): void {
    this.#tail.clear();
    this.#modules.log.truncateFullyAndStartAt(id.endOffset);
    this.#quorum.reset({ offset: id.endOffset - 1, ...facts });
    this.#modules.onVoters();
  }

  /** Lets go of what is below `offset`. */
  trim(offset: number): void {
    this.#modules.log.advanceLogStart(offset);
    this.#quorum.trim(offset);
  }

  /** Committed batches from `offset` on, at least one. */
  readCommitted(offset: number, highWatermark: number): readonly CommittedBatch[] | Promise<readonly CommittedBatch[]> {
    return this.#tail.read(offset, highWatermark) ?? readBatches(this.#modules.log, offset, highWatermark);
  }

  /** Those who follow closely have been told what is below `highWatermark`. */
  told(highWatermark: number): void {
    this.#tail.dropBelow(highWatermark);
  }

  #append(bytes: Buffer, facts: Omit<CommittedBatch, "sizeBytes">): LogAppendOutcome {
    const { baseOffset, lastOffset, epoch, appendTimeMs } = facts;
    const outcome = this.#write(bytes, epoch, "raft", appendTimeMs);
    if (!outcome.ok) return outcome;
    if (outcome.baseOffset !== baseOffset || outcome.lastOffset !== lastOffset) {
      throw new Error(`a batch for ${baseOffset} went to ${outcome.baseOffset}`);
    }
    this.#tail.add({ ...facts, sizeBytes: bytes.length });
    this.#flush();
    this.#modules.onAppended();
    // To answer a fetch, what was appended may have been written, and a full disk have taken it back.
    if (this.endOffset <= lastOffset) return refused(Errors.KAFKA_STORAGE_ERROR, "the batch could not be written");
    return outcome;
  }

  #checkNext(batches: readonly LoggedBatch[], leaderEpoch: number): void {
    if (batches.length === 0) throw new Error("no batches");
    let offset = this.endOffset;
    let epoch = this.#modules.log.leaderEpoch;
    for (const batch of batches) {
      if (batch.baseOffset !== offset) throw new Error(`a batch for ${batch.baseOffset}, where ${offset} comes next`);
      if (batch.epoch < epoch || batch.epoch > leaderEpoch) throw new Error(`a batch of epoch ${batch.epoch}`);
      offset = batch.lastOffset + 1;
      epoch = batch.epoch;
    }
  }

  #write(bytes: Buffer, leaderEpoch: number, origin: "raft" | "replica", nowMs: number): LogAppendOutcome {
    try {
      const outcome = this.#modules.log.append(bytes, { leaderEpoch, origin, retain: true, nowMs });
      if (!outcome.ok) return refused(outcome.errorCode, outcome.message);
      return { ok: true, baseOffset: outcome.baseOffset, lastOffset: outcome.lastOffset };
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (error.code !== "ENOSPC") this.#modules.onFailed(error);
      return refused(Errors.KAFKA_STORAGE_ERROR, error.message);
    }
  }

  /** One round at a time, until all is durable. */
  #flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#modules.flush().then(
      () => {
        this.#isFlushing = false;
        this.#modules.onFlushed();
        const { log } = this.#modules;
        // Flushing a log that was let go of is over at once, and always would be.
        if (!log.isClosed && log.flushedOffset < log.logEndOffset) this.#flush();
      },
      error => this.#modules.onFailed(error as Error),
    );
  }
}

function refused(errorCode: number, message: string): LogAppendOutcome {
  return { ok: false, errorCode, message };
}
