/**
 * The follower's part of a partition in one leader epoch: from where it fetches, and what it does with what comes back.
 *
 * It truncates before anything else, appends the leader's bytes as they are, and takes over the leader's high watermark and log start. What it
 * fetches from is what it has flushed: the fetch offset is the follower's claim, and the leader counts it.
 */
import { Errors } from "../../protocol/errors.ts";
import { baseOffsetAt, lastOffsetAt } from "../../protocol/records/batch.ts";
import { batchSizeWithin } from "../log/batch-walk.ts";
import type { AppendOptions, PartitionLog, SharedMemory } from "../log/index.ts";
import { type Clock, DiskError } from "../platform/platform.ts";
import { type EpochEnd, truncationOffset } from "./truncation.ts";

/** From where a follower fetches, and what it says of its log. */
export interface FetchPosition {
  readonly leaderEpoch: number;
  /** End of what is flushed, which is the end of the log. */
  readonly fetchOffset: number;
  /** The latest epoch of the log; -1 for a log that never had one. */
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

/** What a leader answered about one partition. `divergingEpoch` and `records` as in Fetch. */
export interface FetchedData {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number };
  readonly records: Buffer | null;
}

/**
 * - `stale`: it answers a position that is not ours any more; of what it says, the high watermark at most was taken over.
 * - `appended`: taken over, perhaps with nothing new; `sizeBytes` of records, up to the new end of the log.
 * - `truncated`: the log was cut; the next fetch begins at its new end.
 * - `refused`: an error code, of the leader's or of the log.
 */
export type FetchOutcome =
  | { readonly kind: "stale" }
  | { readonly kind: "appended"; readonly sizeBytes: number }
  | { readonly kind: "truncated" }
  | { readonly kind: "refused"; readonly errorCode: number; readonly message: string };

const STALE: FetchOutcome = { kind: "stale" };
const TRUNCATED: FetchOutcome = { kind: "truncated" };
const NOTHING_NEW: FetchOutcome = { kind: "appended", sizeBytes: 0 };

export class FollowerRole {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  #log: PartitionLog;
  readonly #clock: Pick<Clock, "now">;
  /** As the leader told it last. */
  #leaderHighWatermark = -1;

  constructor(
    options: { leaderId: number; leaderEpoch: number },
    modules: { log: PartitionLog; clock: Pick<Clock, "now"> },
  ) {
    this.leaderId = options.leaderId;
    this.leaderEpoch = options.leaderEpoch;
    this.#log = modules.log;
    this.#clock = modules.clock;
    // A log without epochs cannot be compared with the leader's: only what was committed is sure to be the same.
    const { log } = modules;
    if (log.leaderEpoch < 0 && log.logEndOffset > log.highWatermark) log.truncateTo(log.highWatermark);
  }

  /** Committed records that are not here, as far as the leader has told. */
  get lagRecords(): number {
    return Math.max(0, this.#leaderHighWatermark - this.#log.logEndOffset);
  }

  /** See `Partition.replaceLog`. */
  replaceLog(log: PartitionLog): void {
    this.#log = log;
  }

  /** Null while the end of the log is not durable: nothing is claimed that could still be lost. */
  get position(): FetchPosition | null {
    const { promisedOffset, logEndOffset, leaderEpoch, logStartOffset } = this.#log;
    if (promisedOffset < logEndOffset) return null;
    return {
      leaderEpoch: this.leaderEpoch,
      fetchOffset: logEndOffset,
      lastFetchedEpoch: leaderEpoch,
      logStartOffset,
    };
  }

  /** Takes what the leader answered to a fetch from `asked`; its records lie in `memory`, or are for the log alone. */
  take(asked: FetchPosition, fetched: FetchedData, memory?: SharedMemory): FetchOutcome {
    const log = this.#log;
    if (asked.leaderEpoch !== this.leaderEpoch || asked.fetchOffset > log.logEndOffset) return STALE;
    const { divergingEpoch, records } = fetched;
    if (asked.fetchOffset < log.logEndOffset) {
      // The answer to the request before has brought us further, so the records are here already; the leader takes the rest for told.
      if (fetched.errorCode === Errors.NONE && divergingEpoch.epoch < 0) this.#follow(fetched);
      return STALE;
    }
    if (fetched.errorCode !== Errors.NONE) return refused(fetched.errorCode, "the leader says so");
    // Before the high watermark is looked at: it is about the leader's log, not about what is cut off here (KAFKA-14704).
    if (divergingEpoch.epoch >= 0) return this.#truncate(divergingEpoch);
    const sizeBytes = records?.length ?? 0;
    if (sizeBytes > 0) {
      const refusal = this.#append(records!, fetched.logStartOffset, memory);
      if (refusal !== null) return refusal;
    }
    this.#follow(fetched);
    return sizeBytes === 0 ? NOTHING_NEW : { kind: "appended", sizeBytes };
  }

  /**
   * The leader has nothing at the offset asked for: its log lies from `leaderStartOffset` to `leaderEndOffset`. Goes back to its end, or forgets
   * everything and begins at its start.
   */
  takeRange(asked: FetchPosition, leaderStartOffset: number, leaderEndOffset: number): FetchOutcome {
    const log = this.#log;
    if (asked.leaderEpoch !== this.leaderEpoch || asked.fetchOffset !== log.logEndOffset) return STALE;
    return cutting(() => {
      if (leaderEndOffset < log.logEndOffset) log.truncateTo(leaderEndOffset);
      else if (leaderStartOffset > log.logEndOffset) log.truncateFullyAndStartAt(leaderStartOffset);
    });
  }

  #truncate({ epoch, endOffset }: { readonly epoch: number; readonly endOffset: number }): FetchOutcome {
    const diverging: EpochEnd = { leaderEpoch: epoch, endOffset };
    const local = this.#log.offsetForLeaderEpoch(epoch);
    return cutting(() => this.#log.truncateTo(truncationOffset(diverging, local, this.#log.logEndOffset)));
  }

  /** A fetch may bring more than one segment holds. */
  #append(records: Buffer, leaderStartOffset: number, memory: SharedMemory | undefined): FetchOutcome | null {
    const log = this.#log;
    const most = log.config.segmentSizeBytes;
    const retain = memory === undefined;
    const options: AppendOptions = { leaderEpoch: -1, origin: "replica", retain, memory, nowMs: this.#clock.now() };
    const room = this.#makeRoomForFirst(records, leaderStartOffset);
    if (room.kind === "refused") return room;
    for (let start = 0; start < records.length; ) {
      const end = records.length - start <= most ? records.length : endOfBatches(records, start, most);
      const part = start === 0 && end === records.length ? records : records.subarray(start, end);
      const outcome = log.append(part, options);
      if (!outcome.ok) return refused(outcome.errorCode, outcome.message);
      start = end;
    }
    return null;
  }

  /**
   * The leader's log may start within a batch, which it sends whole. A log that is empty, or holds only what the leader has deleted, then begins anew
   * with that batch, and its start moves up to the leader's afterwards.
   */
  #makeRoomForFirst(records: Buffer, leaderStartOffset: number): FetchOutcome {
    const { logStartOffset, logEndOffset } = this.#log;
    if (logStartOffset !== logEndOffset && leaderStartOffset < logEndOffset) return NOTHING_NEW;
    if (batchSizeWithin(records, 0, records.length) <= 0) return NOTHING_NEW;
    const firstOffset = baseOffsetAt(records, 0);
    if (firstOffset >= logEndOffset || lastOffsetAt(records, 0) < logEndOffset) return NOTHING_NEW;
    return cutting(() => this.#log.truncateFullyAndStartAt(firstOffset));
  }

  #follow({ highWatermark, logStartOffset }: FetchedData): void {
    const log = this.#log;
    this.#leaderHighWatermark = highWatermark;
    // Consumers may read here: what they have seen stays seen, although a new leader's watermark may begin lower.
    if (highWatermark > log.highWatermark) log.updateHighWatermark(highWatermark);
    if (logStartOffset > log.logStartOffset) log.advanceLogStart(Math.min(logStartOffset, log.highWatermark));
  }
}

/** The end of the whole batches from `start` on that have at most `most` bytes together; of the first one in any case. */
function endOfBatches(records: Buffer, start: number, most: number): number {
  let end = start;
  while (end < records.length) {
    const sizeBytes = batchSizeWithin(records, end, records.length);
    // What is no batch is for the log to refuse.
    if (sizeBytes <= 0) return records.length;
    if (end + sizeBytes - start > most && end > start) break;
    end += sizeBytes;
  }
  return end;
}

/** Cuts the log. A disk that is full refuses: where that comes before anything is changed, the same will be asked for again. */
function cutting(cut: () => void): FetchOutcome {
  try {
    cut();
    return TRUNCATED;
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return refused(Errors.KAFKA_STORAGE_ERROR, error.message);
  }
}

function refused(errorCode: number, message: string): FetchOutcome {
  return { kind: "refused", errorCode, message };
}
