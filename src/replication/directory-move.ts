/**
 * One replica on its way to another log directory of this broker (KIP-113, KIP-858): copies the log, tells the controller once the copy has caught
 * up, and has the copy take over when the controller has agreed and nothing is missing.
 *
 * The copy follows the log as a follower does its leader: by offsets and leader epochs, cuts and log start included. What is left when it is close is
 * copied, synced and switched in one go, in which nothing can be appended.
 */
import { Errors } from "../../protocol/errors.ts";
import type { LogDirectory, PartitionLog, ReadOutcome } from "../log/index.ts";
import type { Logger } from "../logging/index.ts";
import { type Clock, DiskError, type Timer, type Timers } from "../platform/platform.ts";
import { type FetchPosition, FollowerRole } from "./follower-role.ts";
import { divergence } from "./leader-role.ts";
import type { Partition } from "./partition.ts";
import type { ReplicationQuota } from "./replication-quota.ts";

export interface DirectoryMoveOptions {
  readonly partition: Partition;
  readonly future: PartitionLog;
  readonly target: LogDirectory;
}

export interface DirectoryMoveModules {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** What holds all moves of the broker back. */
  readonly quota: Pick<ReplicationQuota, "isExceeded" | "record">;
  /** `replica.fetch.max.bytes`: copied at a time. */
  readonly maxBytes: () => number;
  readonly flush: (log: PartitionLog) => Promise<void>;
  /** The copy has caught up: the controller is to hear of the target. */
  readonly announce: () => void;
  /** Whether the controller has the replica in the target. */
  readonly isAgreed: () => boolean;
  /** Has the copy take over. Throws DiskError. */
  readonly promote: (future: PartitionLog) => void;
  readonly ended: (outcome: MoveOutcome) => void;
}

/**
 * - `moved`: the copy has taken over.
 * - `failed`: the log or its copy cannot be used any more, or the copy was refused.
 */
export type MoveOutcome = "moved" | "failed";

/** Between two looks at the quota. */
const THROTTLED_MS = 100;
/** After a cut of the copy: others have the turn. */
const CUT_MS = 5;
/** Until the copy follows on while the controller is waited for. */
const DISAGREED_MS = 200;
/** The copy is as its log's only follower, in one epoch for the whole move. */
const MOVE_EPOCH = 0;

export class DirectoryMove {
  readonly partition: Partition;
  readonly future: PartitionLog;
  readonly target: LogDirectory;
  readonly #modules: DirectoryMoveModules;
  readonly #role: FollowerRole;
  #isStopped = false;
  #isAnnounced = false;
  #wake: (() => void) | null = null;

  constructor(options: DirectoryMoveOptions, modules: DirectoryMoveModules) {
    this.partition = options.partition;
    this.future = options.future;
    this.target = options.target;
    this.#modules = modules;
    this.#role = new FollowerRole(
      { leaderId: -1, leaderEpoch: MOVE_EPOCH },
      { log: options.future, clock: modules.clock },
    );
  }

  /** Whether the controller is told that the replica is in the target. */
  get isAnnounced(): boolean {
    return this.#isAnnounced;
  }

  /** Begins to copy. Calls `ended` once, unless it is stopped before. */
  start(): void {
    this.#run().catch((error: unknown) => {
      if (!(error instanceof DiskError)) throw error;
      this.#modules.logger.error("replica.move-failed", { ...this.#facts, error: error.message });
      this.#end("failed");
    });
  }

  /** Nothing is done any more, from this moment on. */
  stop(): void {
    this.#isStopped = true;
    this.wake();
  }

  /** What is waited for may have happened. */
  wake(): void {
    this.#wake?.();
  }

  async #run(): Promise<void> {
    const { quota, flush, announce, isAgreed, maxBytes } = this.#modules;
    while (!this.#isStopped) {
      if (this.partition.isOffline || this.future.failure !== null) return this.#end("failed");
      if (quota.isExceeded) {
        await this.#pause(THROTTLED_MS);
        continue;
      }
      const copiedBytes = await this.#copy();
      if (copiedBytes === null) return this.#end("failed");
      await flush(this.future);
      if (this.#isStopped) return;
      // While there is much, as much again was appended meanwhile.
      if (copiedBytes >= maxBytes() / 2) continue;
      if (copiedBytes === 0 && this.future.logEndOffset !== this.partition.log.logEndOffset) {
        await this.#pause(CUT_MS);
        continue;
      }
      if (!this.#isAnnounced) {
        this.#isAnnounced = true;
        announce();
      }
      if (!isAgreed()) await this.#pause(DISAGREED_MS);
      else if (this.#finish()) return;
    }
  }

  /** Copies what is left and switches, in this very turn; false when that would take too long, or the disk has to be waited for. */
  #finish(): boolean {
    if (this.partition.isOffline || this.future.failure !== null) return false;
    const { log } = this.partition;
    let leftBytes = this.#modules.maxBytes();
    while (leftBytes > 0) {
      const copiedBytes = this.#copy();
      // A read under way goes its way; what it finds is copied again.
      if (copiedBytes === null || copiedBytes instanceof Promise) return false;
      if (copiedBytes === 0 && this.future.logEndOffset === log.logEndOffset) {
        this.#modules.promote(this.future);
        this.#end("moved");
        return true;
      }
      leftBytes -= Math.max(copiedBytes, 1);
    }
    return false;
  }

  /** Brings the copy one step further: the bytes copied, 0 also after a cut; null when they were refused. */
  #copy(): number | null | Promise<number | null> {
    const { log } = this.partition;
    const { future } = this;
    const asked: FetchPosition = {
      leaderEpoch: MOVE_EPOCH,
      fetchOffset: future.logEndOffset,
      lastFetchedEpoch: future.leaderEpoch,
      logStartOffset: future.logStartOffset,
    };
    if (asked.fetchOffset < log.logStartOffset || asked.fetchOffset > log.logEndOffset) {
      this.#role.takeRange(asked, log.logStartOffset, log.logEndOffset);
      return 0;
    }
    const parting = divergence(log, asked.lastFetchedEpoch, asked.fetchOffset);
    if (typeof parting === "number") {
      // The log knows nothing any more of what the copy begins with.
      future.truncateFullyAndStartAt(log.logStartOffset);
      return 0;
    }
    if (parting !== null) return this.#take(asked, null, { epoch: parting.leaderEpoch, endOffset: parting.endOffset });
    const { cutCount } = log;
    const outcome = log.read(asked.fetchOffset, this.#modules.maxBytes(), log.logEndOffset, { minOneBatch: true });
    if (!(outcome instanceof Promise)) return this.#takeRead(asked, outcome);
    return outcome.then(read => {
      // What was read may have been cut off meanwhile, or the copy be gone.
      const isSame = log.cutCount === cutCount && future.logEndOffset === asked.fetchOffset;
      return this.#isStopped || !isSame ? 0 : this.#takeRead(asked, read);
    });
  }

  #takeRead(asked: FetchPosition, read: ReadOutcome): number | null {
    if (!read.ok) {
      // The log start has moved: the next step sees to that.
      if (read.errorCode === Errors.OFFSET_OUT_OF_RANGE) return 0;
      this.#modules.logger.error("replica.move-failed", { ...this.#facts, error: read.message });
      return null;
    }
    const [only] = read.chunks;
    return this.#take(asked, read.chunks.length === 1 ? only! : Buffer.concat(read.chunks), NO_DIVERGENCE);
  }

  #take(asked: FetchPosition, records: Buffer | null, divergingEpoch: typeof NO_DIVERGENCE): number | null {
    const { highWatermark, logStartOffset } = this.partition.log;
    const fetched = { errorCode: Errors.NONE, highWatermark, logStartOffset, divergingEpoch, records };
    const outcome = this.#role.take(asked, fetched);
    if (outcome.kind === "refused") {
      this.#modules.logger.error("replica.move-failed", { ...this.#facts, error: outcome.message });
      return null;
    }
    if (outcome.kind !== "appended") return 0;
    this.#modules.quota.record(outcome.sizeBytes);
    return outcome.sizeBytes;
  }

  #pause(delayMs: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise(resolve => {
      const go = (): void => {
        timer.clear();
        this.#wake = null;
        resolve();
      };
      const timer: Timer = this.#modules.timers.after(delayMs, go);
      this.#wake = go;
    });
  }

  #end(outcome: MoveOutcome): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#modules.ended(outcome);
  }

  get #facts(): { readonly partition: string; readonly to: string } {
    return { partition: `${this.partition.topic}-${this.partition.index}`, to: this.target.path };
  }
}

const NO_DIVERGENCE = { epoch: -1, endOffset: -1 };
