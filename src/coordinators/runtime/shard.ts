/**
 * One partition of a coordinator's topic, led by this node: its state, replayed from the log, and the decisions that change it.
 *
 * ```ts
 * const shard = new CoordinatorShard(options, { partition, codec, createState, … });
 * shard.start(); // loading, then active
 * const response = await shard.execute((state, turn) => commitOffsets(state, turn, request));
 * ```
 *
 * Requests are decided one after another against a state that holds all earlier decisions, committed or not. The records of one tick become one
 * batch. An answer is released only once its records, and with them everything its decision had seen, are below the high watermark; with nothing
 * uncommitted, as heartbeats mostly find it, it is given at once.
 *
 * **Undoing.** State runs ahead of the log. When an append or its commit fails, nothing is rolled back record by record: everybody who waits is
 * told, the state is thrown away and the log replayed.
 */
import { ApiError, Errors, errorName } from "../../../protocol/errors.ts";
import { RECORD_BATCH_OVERHEAD } from "../../../protocol/records/batch.ts";
import type { CodecId } from "../../../protocol/records/compression/index.ts";
import type { Logger } from "../../logging/logger.ts";
import type { Clock, Timer, Timers } from "../../platform/platform.ts";
import type { OffsetWaiter } from "../../replication/offset-waiters.ts";
import { BatchBuffer, type EncodedRecord, sizeOf } from "./batch-buffer.ts";
import type { CoordinatorCodec, CoordinatorPartition, CoordinatorState } from "./coordinator-state.ts";
import { loadState } from "./loader.ts";
import { ParkedReply } from "./parked-reply.ts";
import { Turn } from "./turn.ts";

export interface ShardOptions {
  /** Names the shard in log lines: topic and partition. */
  readonly name: string;
  /** Bytes read at a time while loading. */
  readonly loadChunkSizeBytes: number;
  /** Time for a decision's records to be committed; then its sender is told COORDINATOR_NOT_AVAILABLE, though they stay. */
  readonly commitTimeoutMs: number;
  /** Time that records wait for others to share their batch; −1 for the rest of the tick. */
  readonly lingerMs: number;
  readonly codec: CodecId;
  /** Wait before a state that could not be loaded is loaded again. */
  readonly reloadBackoffMs: number;
}

export interface ShardModules<S extends CoordinatorState<Rec>, Rec> {
  readonly partition: CoordinatorPartition;
  readonly codec: CoordinatorCodec<Rec>;
  readonly createState: (shard: CoordinatorShard<S, Rec>) => S;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Told how long each replay took, waits included. */
  readonly onLoaded?: (durationMs: number) => void;
}

interface Waiting {
  readonly endOffset: number;
  readonly settle: () => void;
  readonly fail: (error: Error) => void;
}

export class CoordinatorShard<S extends CoordinatorState<Rec>, Rec> {
  readonly #options: ShardOptions;
  readonly #modules: ShardModules<S, Rec>;
  /** The leadership that this shard lives in; a later one has a shard of its own. */
  readonly leaderEpoch: number;
  #status: "new" | "loading" | "active" | "closed" = "new";
  #state: S;
  /** Counts loads, so that what was begun for an earlier one is recognized. */
  #load = 0;
  /** Where the records decided so far end, appended or not. */
  #endOffset = 0;
  #committedOffset = 0;
  readonly #buffer: BatchBuffer;
  #isFlushScheduled = false;
  /** In order of their end offsets; entries before {@link #waitingHead} are gone. */
  #waiting: (Waiting | undefined)[] = [];
  #waitingHead = 0;
  readonly #parked = new Set<ParkedReply<unknown>>();
  #commitTimer: Timer | null = null;
  #reloadTimer: Timer | null = null;

  constructor(options: ShardOptions, modules: ShardModules<S, Rec>) {
    this.#options = options;
    this.#modules = modules;
    this.leaderEpoch = modules.partition.leaderEpoch;
    this.#buffer = new BatchBuffer(options.codec);
    this.#state = modules.createState(this);
  }

  get partition(): CoordinatorPartition {
    return this.#modules.partition;
  }

  get isActive(): boolean {
    return this.#status === "active";
  }

  get isLoading(): boolean {
    return this.#status === "loading";
  }

  /** The state with all decisions in it, committed or not: for metrics and tests. Answers to clients go through {@link execute}. */
  get state(): S {
    return this.#state;
  }

  get uncommittedCount(): number {
    return this.#waiting.length - this.#waitingHead;
  }

  /** Replays the partition, then decides. */
  start(): void {
    if (this.#status !== "new") throw new Error(`${this.#options.name}: started twice`);
    this.#beginLoad();
  }

  /** This node does not lead the partition any more, or stops. Everybody who waits is told NOT_COORDINATOR. */
  close(): void {
    if (this.#status === "closed") return;
    this.#status = "closed";
    this.#load += 1;
    this.#reloadTimer?.clear();
    this.#drop(new ApiError(Errors.NOT_COORDINATOR));
  }

  /** Why nothing is decided here; null when it is. */
  refusal(): ApiError | null {
    if (this.#status === "active") return null;
    return new ApiError(this.#status === "loading" ? Errors.COORDINATOR_LOAD_IN_PROGRESS : Errors.NOT_COORDINATOR);
  }

  /**
   * Decides now. What `decide` returns is handed back once everything it wrote and saw is committed: at once, without a promise, when it is already.
   *
   * Throws or rejects with `ApiError`: what `decide` threw (nothing changed), COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR (nothing changed),
   * UNKNOWN_SERVER_ERROR for records that are too large, NOT_COORDINATOR or COORDINATOR_NOT_AVAILABLE when the commit was not seen: the records
   * may then survive or not.
   */
  execute<R>(decide: (state: S, turn: Turn<Rec>) => R): R | Promise<R> {
    const refusal = this.refusal();
    if (refusal !== null) throw refusal;
    const turn = new Turn<Rec>(this.#modules.clock.now());
    const response = decide(this.#state, turn);
    this.#finish(turn);
    if (this.#endOffset <= this.#committedOffset) {
      for (const answer of turn.answers) answer();
      return response;
    }
    return new Promise<R>((resolve, reject) => {
      this.#wait(() => {
        for (const answer of turn.answers) answer();
        resolve(response);
      }, reject);
    });
  }

  /** A decision of the coordinator's own: a timer's, or the metadata's. Does nothing while the shard is not active. */
  run(name: string, decide: (state: S, turn: Turn<Rec>) => void): void {
    if (this.#status !== "active") return;
    try {
      const done = this.execute(decide);
      if (done instanceof Promise) done.catch(() => {}); // those who wait for its effects are told
    } catch (error) {
      this.#modules.logger.warn("coordinator.own-decision-failed", {
        shard: this.#options.name,
        decision: name,
        error,
      });
    }
  }

  /** A reply that is settled by a later decision, or with the shard. */
  park<T>(): ParkedReply<T> {
    const reply = new ParkedReply<T>(settled => this.#parked.delete(settled as ParkedReply<unknown>));
    this.#parked.add(reply as ParkedReply<unknown>);
    return reply;
  }

  // --- Loading

  #beginLoad(): void {
    const { partition, logger, clock } = this.#modules;
    const { name } = this.#options;
    this.#status = "loading";
    this.#load += 1;
    const load = this.#load;
    const startMs = clock.monotonic();
    // All that earlier leaders appended has to be committed in this leadership before it counts.
    const endOffset = partition.logEndOffset;
    const isCancelled = () => this.#load !== load;
    const isCommitted = new Promise<void>((resolve, reject) => {
      partition.awaitHighWatermark(endOffset, {
        offsetReached: resolve,
        offsetFailed: code => reject(new ApiError(code)),
      });
    });
    isCommitted
      .then(() =>
        loadState(
          this.#state,
          partition,
          {
            endOffset,
            chunkSizeBytes: this.#options.loadChunkSizeBytes,
            isCancelled,
            breathe: () => new Promise(resolve => this.#modules.timers.endOfTick(resolve)),
          },
          this.#modules,
        ),
      )
      .then(
        recordCount => {
          if (isCancelled()) return;
          this.#endOffset = endOffset;
          this.#committedOffset = endOffset;
          this.#status = "active";
          this.#state.loaded();
          const elapsedMs = clock.monotonic() - startMs;
          this.#modules.onLoaded?.(elapsedMs);
          const durationMs = Math.round(elapsedMs);
          logger.debug("coordinator.active", { shard: name, leaderEpoch: this.leaderEpoch, recordCount, durationMs });
        },
        error => {
          if (isCancelled()) return;
          logger.error("coordinator.load-failed", { shard: name, leaderEpoch: this.leaderEpoch, error });
          this.#reloadTimer = this.#modules.timers.after(this.#options.reloadBackoffMs, () => this.#reload());
        },
      );
  }

  #reload(): void {
    if (this.#status === "closed") return;
    this.#reloadTimer = null;
    this.#state.close();
    this.#state = this.#modules.createState(this);
    this.#beginLoad();
  }

  // --- Deciding

  #finish(turn: Turn<Rec>): void {
    if (turn.records.length > 0) this.#record(turn);
    for (const effect of turn.effects) effect();
  }

  #record(turn: Turn<Rec>): void {
    let encoded: EncodedRecord[];
    try {
      encoded = turn.records.map(record => this.#modules.codec.encode(record));
      this.#checkSize(turn, encoded);
    } catch (error) {
      if (turn.isApplied)
        this.#abandon(`records do not fit their decision: ${String(error)}`, Errors.UNKNOWN_SERVER_ERROR);
      throw error;
    }
    if (!turn.isApplied) this.#apply(turn);
    this.#add(turn, encoded);
  }

  #checkSize(turn: Turn<Rec>, encoded: readonly EncodedRecord[]): void {
    const largest = turn.isAtomic ? sizeOf(encoded) : Math.max(...encoded.map(record => sizeOf([record])));
    if (largest + RECORD_BATCH_OVERHEAD <= this.maxRecordsSizeBytes) return;
    throw new ApiError(Errors.UNKNOWN_SERVER_ERROR, `The decision's records take ${largest} bytes.`);
  }

  /** Most bytes of records of one decision. */
  get maxRecordsSizeBytes(): number {
    return this.#modules.partition.log.config.maxMessageBytes;
  }

  #apply(turn: Turn<Rec>): void {
    const producerId = turn.producer?.producerId ?? -1;
    try {
      for (const record of turn.records) this.#state.apply(record, producerId);
    } catch (error) {
      this.#abandon(`apply failed after deciding: ${String(error)}`, Errors.UNKNOWN_SERVER_ERROR);
      throw error;
    }
  }

  #add(turn: Turn<Rec>, encoded: readonly EncodedRecord[]): void {
    const fits = RECORD_BATCH_OVERHEAD + sizeOf(encoded) <= this.maxRecordsSizeBytes;
    const units = turn.isAtomic || fits ? [encoded] : encoded.map(record => [record]);
    for (const unit of units) {
      const isFull = this.#buffer.sizeBytes + sizeOf(unit) > this.maxRecordsSizeBytes;
      if ((isFull || !this.#buffer.accepts(turn.producer)) && !this.#flush()) {
        throw new ApiError(Errors.NOT_COORDINATOR);
      }
      this.#buffer.add(unit, turn.nowMs, turn.producer);
      this.#endOffset += unit.length;
    }
    this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    const { timers } = this.#modules;
    const load = this.#load;
    const flush = () => {
      this.#isFlushScheduled = false;
      if (this.#load === load) this.#flush();
    };
    if (this.#options.lingerMs > 0) timers.after(this.#options.lingerMs, flush);
    else timers.endOfTick(flush);
  }

  /** Appends what is buffered. False when that failed and the state was abandoned. */
  #flush(): boolean {
    if (this.#buffer.recordCount === 0) return true;
    const { partition, clock } = this.#modules;
    const expectedOffset = this.#endOffset - this.#buffer.recordCount;
    if (!partition.isLeader || partition.leaderEpoch !== this.leaderEpoch) {
      this.#abandon("leadership lost", Errors.NOT_COORDINATOR);
      return false;
    }
    if (partition.logEndOffset !== expectedOffset) {
      this.#abandon(
        `somebody else wrote: log end ${partition.logEndOffset}, not ${expectedOffset}`,
        Errors.NOT_COORDINATOR,
      );
      return false;
    }
    const outcome = partition.append(this.#buffer.take(), {
      leaderEpoch: this.leaderEpoch,
      origin: "coordinator",
      retain: true,
      nowMs: clock.now(),
    });
    if (!outcome.ok) {
      this.#abandon(`append failed: ${errorName(outcome.errorCode)} ${outcome.message}`, answerTo(outcome.errorCode));
      return false;
    }
    partition.awaitHighWatermark(outcome.lastOffset + 1, this.#commitWaiter(outcome.lastOffset + 1));
    return true;
  }

  #commitWaiter(endOffset: number): OffsetWaiter {
    const load = this.#load;
    return {
      offsetReached: () => {
        if (this.#load === load) this.#committed(endOffset);
      },
      offsetFailed: code => {
        if (this.#load === load) this.#abandon(`commit failed: ${errorName(code)}`, answerTo(code));
      },
    };
  }

  // --- Committing

  #wait(settle: () => void, fail: (error: Error) => void): void {
    this.#waiting.push({ endOffset: this.#endOffset, settle, fail });
    this.#watchCommits();
  }

  #committed(endOffset: number): void {
    this.#committedOffset = Math.max(this.#committedOffset, endOffset);
    while (this.#waitingHead < this.#waiting.length) {
      const waiting = this.#waiting[this.#waitingHead]!;
      if (waiting.endOffset > this.#committedOffset) return;
      this.#waiting[this.#waitingHead] = undefined;
      this.#waitingHead += 1;
      waiting.settle();
    }
    this.#waiting = [];
    this.#waitingHead = 0;
  }

  /** Looks once per {@link ShardOptions.commitTimeoutMs} whether anybody has waited that long, as long as anybody waits. */
  #watchCommits(): void {
    if (this.#commitTimer !== null) return;
    const committedBefore = this.#committedOffset;
    this.#commitTimer = this.#modules.timers.after(this.#options.commitTimeoutMs, () => {
      this.#commitTimer = null;
      if (this.#waitingHead === this.#waiting.length) return;
      if (this.#committedOffset === committedBefore) this.#commitTimedOut();
      else this.#watchCommits();
    });
  }

  /** Nothing was committed for so long: those who wait are told to try again, while the records stay where they are. */
  #commitTimedOut(): void {
    const waiting = this.#waiting.slice(this.#waitingHead);
    this.#waiting = [];
    this.#waitingHead = 0;
    this.#modules.logger.warn("coordinator.commit-timeout", { shard: this.#options.name, requests: waiting.length });
    const error = new ApiError(Errors.COORDINATOR_NOT_AVAILABLE);
    for (const entry of waiting) entry?.fail(error);
  }

  /** Gives up all that is not known to be committed: tells everybody, and replays the log. */
  #abandon(reason: string, errorCode: number): void {
    if (this.#status === "closed") return;
    const facts = { shard: this.#options.name, leaderEpoch: this.leaderEpoch, reason };
    // Leadership that moves is everyday; of a failed disk its directory tells.
    if (errorCode === Errors.NOT_COORDINATOR) this.#modules.logger.info("coordinator.abandoned", facts);
    else this.#modules.logger.error("coordinator.abandoned", facts);
    this.#status = "loading";
    this.#load += 1;
    this.#drop(new ApiError(errorCode));
    const load = this.#load;
    this.#reloadTimer = this.#modules.timers.after(0, () => {
      if (this.#load === load) this.#reload();
    });
  }

  #drop(error: ApiError): void {
    this.#state.close();
    this.#buffer.clear();
    this.#commitTimer?.clear();
    this.#commitTimer = null;
    const waiting = this.#waiting.slice(this.#waitingHead);
    this.#waiting = [];
    this.#waitingHead = 0;
    for (const entry of waiting) entry?.fail(error);
    for (const reply of [...this.#parked]) reply.reject(error);
  }
}

/** What a client is told when the log refused a coordinator's records, as Kafka maps it. */
function answerTo(errorCode: number): number {
  switch (errorCode) {
    case Errors.UNKNOWN_TOPIC_OR_PARTITION:
    case Errors.NOT_ENOUGH_REPLICAS:
    case Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case Errors.REQUEST_TIMED_OUT:
      return Errors.COORDINATOR_NOT_AVAILABLE;
    case Errors.NOT_LEADER_OR_FOLLOWER:
    case Errors.FENCED_LEADER_EPOCH:
    case Errors.KAFKA_STORAGE_ERROR:
      return Errors.NOT_COORDINATOR;
    default:
      return Errors.UNKNOWN_SERVER_ERROR;
  }
}
