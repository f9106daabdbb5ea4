/**
 * One partition as this broker hosts it: its log, its role, how far it is readable, and who waits for that to change.
 *
 * On a single node the high watermark is the end of what has been flushed: no other copy exists to repair from (RELIABILITY, durability rule 1).
 */
import { Errors } from "../../protocol/errors.ts";
import type { AppendOptions, AppendOutcome, PartitionLog, ReadLease, ReadOutcome } from "../log/index.ts";
import { isInternalTopicName } from "../metadata/internal-topics.ts";
import type { PartitionImage } from "../metadata/topics-image.ts";
import type { Counter } from "../metrics/index.ts";
import type { DelayedFetch, FetchIsolation } from "./delayed-fetch.ts";
import { type OffsetWaiter, OffsetWaiters } from "./offset-waiters.ts";

export interface PartitionOptions {
  readonly nodeId: number;
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
}

export interface PartitionModules {
  /** Null while the partition's log directory is offline. */
  readonly log: PartitionLog | null;
  /** Has the log made durable soon: it joins the broker-wide group commit. */
  readonly requestFlush: (log: PartitionLog) => void;
  readonly counters: TopicCounters;
}

/** What is counted for each topic. */
export interface TopicCounters {
  readonly producedRecords: Counter;
  readonly producedBytes: Counter;
  readonly fetchedBytes: Counter;
}

/** A check that failed: an error code of the protocol, 0 when all is well. */
export type ErrorCode = number;

const NO_EPOCH = -1;

export class Partition {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  /** Belongs to the brokers themselves: clients may read but not write it. */
  readonly isInternal: boolean;
  readonly counters: TopicCounters;
  readonly #nodeId: number;
  readonly #log: PartitionLog | null;
  readonly #requestFlush: (log: PartitionLog) => void;
  #leaderId = -1;
  #leaderEpoch = NO_EPOCH;
  #partitionEpoch = NO_EPOCH;
  #replicas: readonly number[] = [];
  #isr: readonly number[] = [];
  #minInSyncReplicas = 1;
  #isClosed = false;
  readonly #waiters = new OffsetWaiters();
  readonly #fetches = new Set<DelayedFetch>();
  /** Appended batches above the high watermark: the offset after each, and the bytes appended up to there. */
  #unflushedOffsets: number[] = [];
  #unflushedTotals: number[] = [];
  #unflushedHead = 0;
  #appendedBytes = 0;
  #readableBytes = 0;
  #unsubscribe: () => void = () => {};

  constructor(options: PartitionOptions, modules: PartitionModules) {
    this.#nodeId = options.nodeId;
    this.topic = options.topic;
    this.topicId = options.topicId;
    this.index = options.index;
    this.isInternal = isInternalTopicName(options.topic);
    this.counters = modules.counters;
    this.#log = modules.log;
    this.#requestFlush = modules.requestFlush;
    const { log } = modules;
    if (log === null) return;
    log.updateHighWatermark(log.flushedOffset);
    const stopFlushed = log.onFlushed(() => this.#flushed(log));
    const stopFailed = log.onAppendFailed((_log, endOffset, errorCode) => this.#takenBack(endOffset, errorCode));
    this.#unsubscribe = () => {
      stopFlushed();
      stopFailed();
    };
  }

  /** Throws when the log directory is offline: ask {@link check} before. */
  get log(): PartitionLog {
    if (this.#log === null) throw new Error(`${this.topic}-${this.index} is offline`);
    return this.#log;
  }

  get isOffline(): boolean {
    return this.#log === null;
  }

  get isLeader(): boolean {
    return this.#leaderId === this.#nodeId && !this.#isClosed;
  }

  /** -1 when there is none. */
  get leaderId(): number {
    return this.#leaderId;
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  get partitionEpoch(): number {
    return this.#partitionEpoch;
  }

  get isr(): readonly number[] {
    return this.#isr;
  }

  get replicas(): readonly number[] {
    return this.#replicas;
  }

  /** The offset after the last record that every in-sync replica has on its disk. */
  get highWatermark(): number {
    return this.log.highWatermark;
  }

  /** The offset below which no transaction is open; never above the high watermark. */
  get lastStableOffset(): number {
    return this.log.lastStableOffset;
  }

  get logStartOffset(): number {
    return this.log.logStartOffset;
  }

  get logEndOffset(): number {
    return this.log.logEndOffset;
  }

  /** Below this a reader of that isolation may read. */
  endOffset(isolation: FetchIsolation): number {
    if (isolation === "high-watermark") return this.highWatermark;
    return isolation === "log-end" ? this.log.logEndOffset : this.lastStableOffset;
  }

  // --- Roles

  /** Takes leadership in a new epoch, which begins at the log's end. */
  becomeLeader(image: PartitionImage, minInSyncReplicas: number): void {
    const isNewEpoch = image.leaderEpoch > this.#leaderEpoch;
    this.#take(image, minInSyncReplicas);
    if (isNewEpoch && this.#log !== null) this.#log.assignEpochStart(image.leaderEpoch, this.#log.logEndOffset);
  }

  /** Another broker leads, or none does. Whoever waits is told to look for the leader. */
  becomeFollower(image: PartitionImage, minInSyncReplicas: number): void {
    this.#take(image, minInSyncReplicas);
    this.#release(Errors.NOT_LEADER_OR_FOLLOWER);
  }

  /** The partition is not hosted here any more. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#release(Errors.NOT_LEADER_OR_FOLLOWER);
  }

  updateMinInSyncReplicas(minInSyncReplicas: number): void {
    this.#minInSyncReplicas = minInSyncReplicas;
  }

  // --- Leader

  /**
   * Whether this replica may serve a client that believes `currentLeaderEpoch` (-1: does not say) to be the leader's (KIP-320).
   */
  check(currentLeaderEpoch: number): ErrorCode {
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch !== this.#leaderEpoch) {
      return currentLeaderEpoch < this.#leaderEpoch ? Errors.FENCED_LEADER_EPOCH : Errors.UNKNOWN_LEADER_EPOCH;
    }
    if (!this.isLeader) return Errors.NOT_LEADER_OR_FOLLOWER;
    return this.#log === null ? Errors.KAFKA_STORAGE_ERROR : Errors.NONE;
  }

  /** Whether fewer replicas are in sync than acks=all asks for. A minimum above the number of replicas counts as that number. */
  get isUnderMinIsr(): boolean {
    return this.#isr.length < Math.min(this.#minInSyncReplicas, this.#replicas.length);
  }

  /** Appends as leader. Nothing is flushed before {@link awaitHighWatermark} or a background flush asks for it. */
  append(records: Buffer, options: AppendOptions): AppendOutcome {
    const outcome = this.log.append(records, options);
    if (outcome.ok && !outcome.duplicate) {
      this.#appendedBytes += records.length;
      this.counters.producedBytes.increment(records.length);
      this.counters.producedRecords.increment(outcome.lastOffset - outcome.baseOffset + 1);
      this.#unflushedOffsets.push(outcome.lastOffset + 1);
      this.#unflushedTotals.push(this.#appendedBytes);
      if (this.#fetches.size > 0) this.#appended(records.length);
    }
    return outcome;
  }

  /** Whether everything below `endOffset` is in the file, so that it outlives this process. */
  isWritten(endOffset: number): boolean {
    return this.#log !== null && this.#log.writtenOffset >= endOffset;
  }

  /** Reads what a reader of that isolation may see, into the memory of `lease` where one is given: see {@link ReadLease}. */
  read(
    offset: number,
    maxBytes: number,
    isolation: FetchIsolation,
    minOneBatch: boolean,
    lease?: ReadLease,
  ): ReadOutcome | Promise<ReadOutcome> {
    return this.log.read(offset, maxBytes, this.endOffset(isolation), { minOneBatch, lease });
  }

  /** Has `waiter` told when the high watermark reaches `offset`, and hurries it there. */
  awaitHighWatermark(offset: number, waiter: OffsetWaiter): void {
    if (this.#log === null || this.#isClosed) waiter.offsetFailed(Errors.NOT_LEADER_OR_FOLLOWER);
    else if (this.highWatermark >= offset) waiter.offsetReached();
    else {
      this.#waiters.add(offset, waiter);
      this.#requestFlush(this.#log);
    }
  }

  /**
   * Resolves when everything appended so far is below the high watermark, or never will be here; undefined when it is already. A client that
   * asks for the end of a partition so sees what it wrote with acks=1 a moment ago.
   */
  settle(): Promise<void> | undefined {
    const { logEndOffset } = this.log;
    if (this.highWatermark >= logEndOffset) return undefined;
    return new Promise(resolve => {
      this.awaitHighWatermark(logEndOffset, { offsetReached: resolve, offsetFailed: () => resolve() });
    });
  }

  // --- Parked fetches

  addFetch(fetch: DelayedFetch): void {
    this.#fetches.add(fetch);
    if (this.#log !== null && this.#log.flushedOffset < this.#log.logEndOffset) this.#requestFlush(this.#log);
  }

  removeFetch(fetch: DelayedFetch): void {
    this.#fetches.delete(fetch);
  }

  /** Wakes parked fetches, because something other than new records has changed. */
  wakeFetches(): void {
    for (const fetch of [...this.#fetches]) fetch.finish();
  }

  #appended(sizeBytes: number): void {
    let wantsFlush = false;
    for (const fetch of this.#fetches) {
      if (fetch.isolation === "log-end") fetch.readable(sizeBytes);
      else wantsFlush = true;
    }
    if (wantsFlush) this.#requestFlush(this.log);
  }

  #flushed(log: PartitionLog): void {
    log.updateHighWatermark(log.flushedOffset);
    const { highWatermark } = log;
    this.#waiters.reached(highWatermark);
    const readableBytes = this.#advanceReadable(highWatermark);
    if (readableBytes === 0 || this.#fetches.size === 0) return;
    for (const fetch of this.#fetches) if (fetch.isolation !== "log-end") fetch.readable(readableBytes);
  }

  /** Batches above `endOffset` could not be written: who waits for them is told, and they are counted no more. */
  #takenBack(endOffset: number, errorCode: ErrorCode): void {
    const offsets = this.#unflushedOffsets;
    while (offsets.length > this.#unflushedHead && offsets[offsets.length - 1]! > endOffset) {
      offsets.pop();
      this.#unflushedTotals.pop();
    }
    const isAnyLeft = offsets.length > this.#unflushedHead;
    this.#appendedBytes = isAnyLeft ? this.#unflushedTotals[offsets.length - 1]! : this.#readableBytes;
    this.#waiters.failAbove(endOffset, errorCode);
  }

  /** Returns how many bytes a rise of the high watermark has made readable. */
  #advanceReadable(highWatermark: number): number {
    const offsets = this.#unflushedOffsets;
    let head = this.#unflushedHead;
    let total = this.#readableBytes;
    while (head < offsets.length && offsets[head]! <= highWatermark) total = this.#unflushedTotals[head++]!;
    const gained = total - this.#readableBytes;
    this.#readableBytes = total;
    if (head === offsets.length) {
      offsets.length = 0;
      this.#unflushedTotals.length = 0;
      head = 0;
    } else if (head > 1024 && head * 2 > offsets.length) {
      this.#unflushedOffsets = offsets.slice(head);
      this.#unflushedTotals = this.#unflushedTotals.slice(head);
      head = 0;
    }
    this.#unflushedHead = head;
    return gained;
  }

  #take(image: PartitionImage, minInSyncReplicas: number): void {
    this.#leaderId = image.leader;
    this.#leaderEpoch = image.leaderEpoch;
    this.#partitionEpoch = image.partitionEpoch;
    this.#replicas = image.replicas;
    this.#isr = image.isr;
    this.#minInSyncReplicas = minInSyncReplicas;
  }

  #release(errorCode: ErrorCode): void {
    this.#waiters.failAbove(-1, errorCode);
    this.wakeFetches();
  }
}
