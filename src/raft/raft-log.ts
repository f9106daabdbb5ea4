/**
 * What the raft room needs of the log it writes to: the shape of `PartitionLog` (room `log`), stated here so that neither room knows the other.
 */

export type RaftAppendOutcome =
  | { readonly ok: true; readonly baseOffset: number; readonly lastOffset: number }
  | { readonly ok: false; readonly errorCode: number; readonly message: string };

export type RaftReadOutcome =
  | { readonly ok: true; readonly chunks: readonly Buffer[] }
  | { readonly ok: false; readonly errorCode: number };

export interface RaftLog {
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** End of what is durable. */
  readonly flushedOffset: number;
  /** Leader epoch of the last batch, or −1. */
  readonly leaderEpoch: number;
  readonly sizeBytes: number;
  /** It was let go of, by a stop or for a failed directory: what is not flushed never will be. */
  readonly isClosed: boolean;
  /**
   * Appends whole batches, visible to {@link read} at once. `raft`: batches of this node's own; `replica`: a leader's, offsets and epochs as they
   * are.
   */
  append(
    records: Buffer,
    options: {
      readonly leaderEpoch: number;
      readonly origin: "raft" | "replica";
      /** The buffer is the log's from now on. */
      readonly retain: boolean;
      readonly nowMs: number;
    },
  ): RaftAppendOutcome;
  /** Whole batches from the one that holds `offset`, below `limitOffset`. */
  read(
    offset: number,
    maxBytes: number,
    limitOffset: number,
    options: { readonly minOneBatch: boolean },
  ): RaftReadOutcome | Promise<RaftReadOutcome>;
  /** The largest epoch at or below `epoch` and where it ends; -1, -1 when `epoch` is above all that are known. */
  offsetForLeaderEpoch(epoch: number): { readonly leaderEpoch: number; readonly endOffset: number };
  /** Cuts batches that hold `offset` or anything above. Returns whether anything changed. */
  truncateTo(offset: number): boolean;
  truncateFullyAndStartAt(offset: number): void;
  /** Moves the start up; segments wholly below it may be deleted. */
  advanceLogStart(offset: number): void;
  /** Called after {@link flushedOffset} moved. */
  onFlushed(listener: () => void): () => void;
  /** Called when batches that {@link append} took could not be written (a full disk): the log ends at `endOffset` again. */
  onAppendFailed(listener: (log: unknown, endOffset: number) => void): () => void;
}
