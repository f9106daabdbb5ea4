/**
 * The replicated metadata log as its users see it: the controller appends to it while it leads, and everybody on the node (controller, broker)
 * is told what is committed, in order.
 *
 * ```ts
 * const unsubscribe = log.subscribe({
 *   loadSnapshot(snapshot) { … start again from its records … },
 *   committed(batch) { for (const value of batch.records) … apply … },
 *   becameLeader(epoch) { log.append(epoch, [value]); },
 *   resigned(epoch) { … },
 * });
 * ```
 *
 * Nothing here says how many voters there are: `driver.ts` is the quorum, of one or more. The shape is that of Kafka's own (KIP-595 section
 * "Raft client", KIP-630 snapshots, KIP-853 voters).
 */
import { RECORD_BATCH_OVERHEAD } from "../../protocol/records/batch.ts";

/** No leader is known. */
export const NO_LEADER = -1;

/** Most bytes that the records of one batch may take: with the batch's header that is 8 MiB, Kafka's limit in the metadata log. */
export const MAX_BATCH_SIZE_BYTES = 8 * 1024 * 1024 - RECORD_BATCH_OVERHEAD;

export interface LeaderAndEpoch {
  /** Node id of the leader, or {@link NO_LEADER}. */
  readonly leaderId: number;
  readonly epoch: number;
}

/** A snapshot holds what is below `endOffset`; `epoch` is that of the last record it covers (KIP-630). */
export interface SnapshotId {
  readonly endOffset: number;
  readonly epoch: number;
}

/** A committed batch. Offsets of control batches are used up like all others, so they are told too, without records. */
export interface CommittedBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Leader epoch under which it was appended. */
  readonly epoch: number;
  /** Wall time of the append at the leader, in ms. */
  readonly appendTimeMs: number;
  /** Size in the log, header included. */
  readonly sizeBytes: number;
  /** Record values (Kafka's metadata record framing included), `records[i]` at offset `baseOffset + i`; empty for a control batch. */
  readonly records: readonly Buffer[];
  /** Holds records of the quorum itself (leader change, voters). */
  readonly isControl: boolean;
}

/** The contents of a snapshot. */
export interface SnapshotReader {
  readonly id: SnapshotId;
  /** Append time of the last record that the snapshot covers, in ms. */
  readonly lastContainedLogTimeMs: number;
  /** Record values in the order written, in batches. May be walked more than once. */
  batches(): Iterable<readonly Buffer[]>;
}

/** Takes a snapshot's records. Nothing is visible under the snapshot's name before {@link freeze} returns. */
export interface SnapshotWriter {
  readonly id: SnapshotId;
  append(records: readonly Buffer[]): void;
  /** Makes the snapshot durable and lets the log trim what retention allows. Throws `DiskError`; the snapshot then does not exist. */
  freeze(): Promise<void>;
  /** Drops what was written. Harmless after {@link freeze}. */
  abort(): void;
}

/**
 * What a subscriber is told. Calls are synchronous, one at a time, in log order. A throw is a broken invariant and fatal to the node.
 *
 * A subscriber starts from nothing: it first gets the latest snapshot, if there is one, and then every committed batch after it. A later
 * {@link loadSnapshot} (a follower that fell behind) replaces all that was told before.
 */
export interface ReplicatedLogListener {
  loadSnapshot(snapshot: SnapshotReader): void;
  committed(batch: CommittedBatch): void;
  /** All that the quorum had committed when this node heard of it has been told. Called once, for those who wait for no further record to know. */
  current?(): void;
  /**
   * This node leads in `epoch`, and the subscriber has been told everything up to and including the first record of that epoch: what it holds
   * is all that was ever committed before, so it may serve and append (KAFKA-12619, RP#5025).
   */
  becameLeader?(epoch: number): void;
  /** This node, which had led in `epoch`, does so no more. Uncommitted appends of that epoch may or may not survive. */
  resigned?(epoch: number): void;
  /** The leader known to this node changed (told to leaders and followers alike, when it becomes known). */
  leaderChanged?(leader: LeaderAndEpoch): void;
  /** The quorum is about to append records of its own. Who has decided what comes at the log's end and keeps it back appends it now, or loses that place. */
  appendNow?(): void;
}

export interface LogAppendOptions {
  /**
   * Append only if the first record gets this offset. Callers that wrote offsets into their records (a broker's epoch is the offset of its
   * registration) are sure of them thereby.
   */
  readonly expectedBaseOffset?: number;
  /** Wall time that the batch is to carry, in ms; the present by default. */
  readonly appendTimeMs?: number;
}

export type LogAppendOutcome =
  | { readonly ok: true; readonly baseOffset: number; readonly lastOffset: number }
  /** `errorCode` of protocol/errors: NOT_CONTROLLER (not leader in `epoch`), RECORD_LIST_TOO_LARGE, KAFKA_STORAGE_ERROR, … */
  | { readonly ok: false; readonly errorCode: number; readonly message: string };

export interface ReplicatedLog {
  readonly nodeId: number;
  readonly leaderAndEpoch: LeaderAndEpoch;
  /** Where the next record goes. */
  readonly logEndOffset: number;
  readonly logStartOffset: number;
  /** End (exclusive) of what is committed; never goes back. */
  readonly highWatermark: number;
  /** Whether all that the quorum had committed when this node last heard of it is below {@link highWatermark}: not so after a start, for a while. */
  readonly isHighWatermarkCurrent: boolean;
  readonly latestSnapshotId: SnapshotId | null;

  /** True while this node leads, even before subscribers have caught up. */
  isLeader(): boolean;

  /**
   * Appends `records` as one atomic batch, at most {@link MAX_BATCH_SIZE_BYTES}. Synchronous; they are committed when a subscriber is told so.
   * Fails, changing nothing, unless this node leads in `epoch` and the options hold. The buffers must not change afterwards.
   */
  append(epoch: number, records: readonly Buffer[], options?: LogAppendOptions): LogAppendOutcome;

  /** Subscribes; the first call comes in a later tick. Returns the end of it: nothing is told afterwards. */
  subscribe(listener: ReplicatedLogListener): () => void;

  /** Gives up leadership of `epoch`; another election follows. Ignored when this node does not lead in it. */
  resign(epoch: number, reason: string): void;

  /**
   * Starts a snapshot of everything below `id.endOffset`, which must be committed and the end of a batch. Returns null when there is one
   * at or above that offset already.
   */
  createSnapshot(id: SnapshotId, lastContainedLogTimeMs: number): SnapshotWriter | null;
}
