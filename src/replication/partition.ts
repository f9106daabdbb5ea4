/**
 * One partition as this broker hosts it: its log, its role, how far it is readable, and who waits for that to change.
 *
 * The roles are objects of their own, made anew in each leader epoch: `leader-role.ts` knows the followers, the ISR and how far the partition is
 * committed, `follower-role.ts` takes over what its leader sends. A partition of one replica is committed as far as it is flushed, for no other
 * copy exists to repair from (RELIABILITY, durability rule 1).
 */
import { Errors } from "../../protocol/errors.ts";
import type { AppendOptions, AppendOutcome, PartitionLog, ReadLease, ReadOutcome, SharedMemory } from "../log/index.ts";
import { isInternalTopicName } from "../metadata/internal-topics.ts";
import { NO_LEADER, type PartitionImage } from "../metadata/topics-image.ts";
import type { DelayedFetch, FetchIsolation } from "./delayed-fetch.ts";
import type { FollowerClaim } from "./follower-progress.ts";
import { type FetchedData, type FetchOutcome, type FetchPosition, FollowerRole } from "./follower-role.ts";
import { divergence, LeaderRole } from "./leader-role.ts";
import type { OffsetWaiter } from "./offset-waiters.ts";
import type { PartitionHost, PartitionModules, PartitionOptions, TopicCounters } from "./partition-host.ts";
import { PartitionWaits } from "./partition-waits.ts";
import type { EpochEnd } from "./truncation.ts";

/** A check that failed: an error code of the protocol, 0 when all is well. */
export type ErrorCode = number;

export class Partition {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  /** Belongs to the brokers themselves: clients may read but not write it. */
  readonly isInternal: boolean;
  readonly counters: TopicCounters;
  readonly #nodeId: number;
  #log: PartitionLog | null;
  readonly #host: PartitionHost;
  #leader: LeaderRole | null = null;
  #follower: FollowerRole | null = null;
  #leaderId = NO_LEADER;
  #leaderEpoch = -1;
  #replicas: readonly number[] = [];
  #isr: readonly number[] = [];
  #isClosed = false;
  readonly #waits: PartitionWaits;
  #unsubscribe: () => void = () => {};

  constructor(options: PartitionOptions, modules: PartitionModules) {
    this.#nodeId = options.nodeId;
    this.topic = options.topic;
    this.topicId = options.topicId;
    this.index = options.index;
    this.isInternal = isInternalTopicName(options.topic);
    this.counters = modules.counters;
    this.#log = modules.log;
    this.#host = modules.host;
    const { log, host } = modules;
    const requestFlush = () => host.requestFlush(this.log);
    this.#waits = new PartitionWaits({ requestFlush, tellFollowersLater: () => host.tellFollowersLater(this) });
    if (log !== null) this.#watch(log);
  }

  /** Throws when the log directory is offline: ask {@link check} before. */
  get log(): PartitionLog {
    if (this.#log === null) throw new Error(`${this.topic}-${this.index} is offline`);
    return this.#log;
  }

  /** Whether its log cannot be used: it could not be opened, or its directory failed. */
  get isOffline(): boolean {
    return this.#log === null || this.#log.failure !== null;
  }

  get isLeader(): boolean {
    return this.#leaderId === this.#nodeId && !this.#isClosed;
  }

  /** The role; null where this broker has the other one, or none. */
  get leader(): LeaderRole | null {
    return this.#leader;
  }

  get follower(): FollowerRole | null {
    return this.#follower;
  }

  /** -1 when there is none. */
  get leaderId(): number {
    return this.#leaderId;
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  get isr(): readonly number[] {
    return this.#leader?.isr ?? this.#isr;
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
    if (isolation === "log-end") return this.logEndOffset;
    return isolation === "high-watermark" ? this.highWatermark : this.lastStableOffset;
  }

  // --- Roles

  /** Leads by `image`: in a new epoch, which begins at the log's end, or on in the same one. */
  becomeLeader(image: PartitionImage, minInSyncReplicas: number): void {
    if (this.#isClosed) return;
    this.#take(image);
    if (this.#log === null) return;
    if (this.#leader?.leaderEpoch === image.leaderEpoch) {
      this.#leader.takeImage(image, minInSyncReplicas);
      return;
    }
    this.#follower = null;
    const host = this.#host;
    this.#leader = new LeaderRole(
      { nodeId: this.#nodeId, image, minInSyncReplicas },
      {
        ...host,
        log: this.#log,
        proposeIsr: (proposal, answered) => host.proposeIsr(this, proposal, answered),
        isrCommitted: before => {
          if (this.#leader?.leaderEpoch === image.leaderEpoch) this.#isrCommitted(before);
        },
      },
    );
    // An image older than the log's last leader must not make that one's records its own.
    const { leaderEpoch, logEndOffset } = this.#log;
    if (image.leaderEpoch > leaderEpoch) this.#log.assignEpochStart(image.leaderEpoch, logEndOffset);
    this.wakeFetches();
    this.#advance();
  }

  /** Another broker leads, or none does. Whoever waits is told to look for the leader. */
  becomeFollower(image: PartitionImage): void {
    if (this.#isClosed) return;
    const { leader: leaderId, leaderEpoch } = image;
    const isSame = this.#leader === null && leaderEpoch === this.#leaderEpoch && leaderId === this.#leaderId;
    this.#take(image);
    if (isSame) return;
    this.#leader = null;
    const log = this.isOffline || leaderId === NO_LEADER ? null : this.#log;
    const { clock } = this.#host;
    this.#follower = log === null ? null : new FollowerRole({ leaderId, leaderEpoch }, { log, clock });
    if (log !== null) this.#waits.cut(log.logEndOffset);
    this.#waits.release(Errors.NOT_LEADER_OR_FOLLOWER);
  }

  /** The log directory failed. Whoever waits is told to look elsewhere. */
  goOffline(): void {
    this.#follower = null;
    this.#waits.release(Errors.KAFKA_STORAGE_ERROR);
  }

  /** The replica lives in another log directory now: `log` holds what the one before held, all of it durable. */
  replaceLog(log: PartitionLog): void {
    this.#unsubscribe();
    this.#log = log;
    this.#watch(log);
    this.#leader?.replaceLog(log);
    this.#follower?.replaceLog(log);
    this.#advance();
    this.wakeFetches();
  }

  /** The partition is not hosted here any more. */
  close(): void {
    this.#isClosed = true;
    this.#leader = this.#follower = null;
    this.#unsubscribe();
    this.#waits.release(Errors.NOT_LEADER_OR_FOLLOWER);
  }

  updateMinInSyncReplicas(minInSyncReplicas: number): void {
    this.#leader?.updateMinInSyncReplicas(minInSyncReplicas);
    this.#advance();
  }

  // --- Clients

  /** Whether this replica leads, and in the epoch that a client believes in (-1: does not say) (KIP-320). */
  check(currentLeaderEpoch: number): ErrorCode {
    const errorCode = this.#checkEpoch(currentLeaderEpoch);
    if (errorCode !== Errors.NONE || (this.isLeader && !this.isOffline)) return errorCode;
    return this.isLeader ? Errors.KAFKA_STORAGE_ERROR : Errors.NOT_LEADER_OR_FOLLOWER;
  }

  /** As {@link check}, for consumers that may read from followers too (KIP-392). */
  checkReader(currentLeaderEpoch: number): ErrorCode {
    const errorCode = this.#checkEpoch(currentLeaderEpoch);
    if (errorCode !== Errors.NONE) return errorCode;
    if (this.isOffline && !this.#isClosed) return Errors.KAFKA_STORAGE_ERROR;
    return this.isLeader || this.#follower !== null ? Errors.NONE : Errors.NOT_LEADER_OR_FOLLOWER;
  }

  /** Whether fewer replicas are in sync than acks=all asks for. */
  get isUnderMinIsr(): boolean {
    return this.#leader?.isUnderMinIsr ?? false;
  }

  /** Appends as leader. Nothing is flushed before {@link awaitHighWatermark} or a background flush asks for it. */
  append(records: Buffer, options: AppendOptions): AppendOutcome {
    const outcome = this.log.append(records, options);
    if (outcome.ok && !outcome.duplicate) {
      this.counters.producedBytes.increment(records.length);
      this.counters.producedRecords.increment(outcome.lastOffset - outcome.baseOffset + 1);
      this.#waits.appended(outcome.lastOffset + 1, records.length);
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

  /**
   * Whether a log whose last record below `fetchOffset` is of `lastFetchedEpoch` is a prefix of this one: null when it is or the reader does not say,
   * where the two part when it is not, an error code when that cannot be told (KIP-595).
   */
  divergence(lastFetchedEpoch: number, fetchOffset: number): EpochEnd | ErrorCode | null {
    return divergence(this.log, lastFetchedEpoch, fetchOffset);
  }

  /** Has `waiter` told when the high watermark reaches `offset`, and hurries it there. */
  awaitHighWatermark(offset: number, waiter: OffsetWaiter): void {
    if (this.#log === null || !this.isLeader) waiter.offsetFailed(Errors.NOT_LEADER_OR_FOLLOWER);
    else if (this.highWatermark >= offset) waiter.offsetReached();
    else {
      this.#waits.add(offset, waiter);
      this.#host.requestFlush(this.#log);
    }
  }

  /** Has `waiter` told when no live replica has anything below `offset` any more. */
  awaitLowWatermark(offset: number, waiter: OffsetWaiter): void {
    if (this.#leader === null) waiter.offsetFailed(Errors.NOT_LEADER_OR_FOLLOWER);
    else if (this.#leader.lowWatermark >= offset) waiter.offsetReached();
    else this.#waits.addLow(offset, waiter);
  }

  /**
   * Resolves when everything appended so far is below the high watermark, or never will be here; undefined when it is already, or other replicas
   * have a say in it. A client that asks for the end of a partition so sees what it wrote with acks=1 a moment ago.
   */
  settle(): Promise<void> | undefined {
    const { logEndOffset } = this.log;
    if (this.highWatermark >= logEndOffset || this.#replicas.length > 1) return undefined;
    return new Promise(resolve => {
      this.awaitHighWatermark(logEndOffset, { offsetReached: resolve, offsetFailed: () => resolve() });
    });
  }

  // --- Followers

  checkFollower(replicaId: number, brokerEpoch: number, currentLeaderEpoch: number): ErrorCode {
    const errorCode = this.check(currentLeaderEpoch);
    return errorCode === Errors.NONE && this.#leader !== null
      ? this.#leader.checkFollower(replicaId, brokerEpoch, currentLeaderEpoch >= 0)
      : errorCode;
  }

  /** Credits a follower with what it has flushed. Its fetch must have passed {@link checkFollower} and {@link divergence} in this very turn. */
  followerFetched(replicaId: number, claim: FollowerClaim): void {
    const leader = this.#leader;
    if (leader === null) return;
    if (leader.followerFetched(replicaId, claim)) this.#advance();
    leader.admit(replicaId);
    if (this.#waits.hasLowWaiters) this.#waits.lowWatermarkMoved(leader.lowWatermark);
  }

  /** Has followers leave the ISR that do not keep up, and waits no more for those that were about to join. */
  checkFollowers(): void {
    this.#leader?.removeLaggards();
    this.#advance();
  }

  /** From where to fetch; null when nothing is to be fetched, or what is there has to be flushed first. */
  get fetchPosition(): FetchPosition | null {
    return this.isOffline ? null : (this.#follower?.position ?? null);
  }

  /** Takes over what the leader answered to a fetch from `asked`; its records lie in `memory`, or are for the log alone. */
  takeFetched(asked: FetchPosition, fetched: FetchedData, memory?: SharedMemory): FetchOutcome {
    const follower = this.#follower;
    if (follower === null || this.isOffline) return { kind: "stale" };
    const outcome = follower.take(asked, fetched, memory);
    if (outcome.kind === "appended" && outcome.sizeBytes > 0)
      this.#waits.appended(this.log.logEndOffset, outcome.sizeBytes);
    else if (outcome.kind === "truncated") this.#waits.cut(this.log.logEndOffset);
    this.#waits.highWatermarkMoved(this.log.highWatermark, false);
    return outcome;
  }

  /** Puts the log into the leader's range, which was asked for because position `asked` lies outside of it. */
  takeRange(asked: FetchPosition, leaderStartOffset: number, leaderEndOffset: number): FetchOutcome {
    if (this.#follower === null || this.isOffline) return { kind: "stale" };
    const outcome = this.#follower.takeRange(asked, leaderStartOffset, leaderEndOffset);
    this.#waits.cut(this.log.logEndOffset);
    return outcome;
  }

  // --- Parked fetches

  addFetch(fetch: DelayedFetch): void {
    this.#waits.addFetch(fetch);
    const log = this.#log;
    if (log !== null && fetch.isolation !== "log-end" && log.flushedOffset < log.logEndOffset)
      this.#host.requestFlush(log);
  }

  removeFetch(fetch: DelayedFetch): void {
    this.#waits.removeFetch(fetch);
  }

  /** Wakes parked fetches, because something other than new records has changed. */
  wakeFetches(): void {
    this.#waits.wakeFetches();
  }

  /** See `HostedPartition`. */
  tellFollowers(): void {
    this.#waits.tellFollowers();
  }

  /** Moves the high watermark to where it may be by now. */
  #advance(): void {
    if (this.#leader === null || this.isOffline) return;
    const log = this.log;
    const committedOffset = this.#leader.committedOffset;
    if (committedOffset > log.highWatermark) log.updateHighWatermark(committedOffset);
    this.#waits.highWatermarkMoved(log.highWatermark, this.#host.hurriesHighWatermark);
  }

  #watch(log: PartitionLog): void {
    const stopFlushed = log.onFlushed(() => this.#flushed());
    const stopFailed = log.onAppendFailed((_log, endOffset, errorCode) => this.#waits.takenBack(endOffset, errorCode));
    this.#unsubscribe = () => {
      stopFlushed();
      stopFailed();
    };
  }

  #flushed(): void {
    // Where nobody consumes from followers, what is durable here is not going to be read before this broker leads.
    if (this.#follower !== null && !this.#host.hurriesHighWatermark) this.log.tail.dropBelow(this.log.flushedOffset);
    this.#advance();
  }

  #isrCommitted(before: readonly number[]): void {
    this.#isr = this.#leader?.isr ?? this.#isr;
    this.#host.isrChanged(this, before);
    this.#advance();
    if (this.isUnderMinIsr) this.#waits.isrTooSmall();
  }

  #checkEpoch(currentLeaderEpoch: number): ErrorCode {
    if (currentLeaderEpoch < 0 || currentLeaderEpoch === this.#leaderEpoch) return Errors.NONE;
    return currentLeaderEpoch < this.#leaderEpoch ? Errors.FENCED_LEADER_EPOCH : Errors.UNKNOWN_LEADER_EPOCH;
  }

  #take(image: PartitionImage): void {
    this.#leaderId = image.leader;
    this.#leaderEpoch = image.leaderEpoch;
    this.#replicas = image.replicas;
    this.#isr = image.isr;
  }
}
