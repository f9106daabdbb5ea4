/**
 * The leader's part of a partition in one leader epoch: what it knows of its followers, the ISR, and how far the partition is committed.
 *
 * It decides by `isr.ts` and `high-watermark.ts` and keeps what they need. Appending, waiting and waking are the partition's.
 */
import { Errors } from "../../protocol/errors.ts";
import type { PartitionLog } from "../log/index.ts";
import type { PartitionImage } from "../metadata/topics-image.ts";
import type { Clock } from "../platform/platform.ts";
import { type FollowerClaim, FollowerProgress } from "./follower-progress.ts";
import { nextHighWatermark } from "./high-watermark.ts";
import {
  type BrokerFacts,
  expansion,
  type IsrChange,
  type IsrState,
  isEligible,
  maximalIsr,
  reduction,
} from "./isr.ts";
import type { EpochEnd } from "./truncation.ts";

export interface LeaderRoleOptions {
  readonly nodeId: number;
  readonly image: PartitionImage;
  readonly minInSyncReplicas: number;
}

/** What became of a proposed ISR, as the controller says it. */
export interface IsrAnswer {
  readonly errorCode: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
}

/** A change of the ISR as it goes to the controller. */
export interface IsrProposal {
  readonly kind: IsrChange["kind"];
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  /** Each member with the epoch of the process that the leader has seen; -1 when it has seen none. */
  readonly isr: readonly { readonly brokerId: number; readonly brokerEpoch: number }[];
}

export interface LeaderRoleModules {
  readonly log: PartitionLog;
  readonly clock: Clock;
  /** What the metadata knows of a broker. */
  readonly brokerOf: (brokerId: number) => BrokerFacts | undefined;
  /** `replica.lag.time.max.ms`. */
  readonly lagTimeMaxMs: () => number;
  /** The epoch of this broker's process. */
  readonly brokerEpoch: () => number;
  /**
   * Hands a proposal to the controller, again and again as it is, until that has said something definite: `answered` is called once, with NONE or
   * one of the codes of {@link isDefinite}.
   */
  readonly proposeIsr: (proposal: IsrProposal, answered: (answer: IsrAnswer) => void) => void;
  /** A new ISR is in force: the high watermark may move, or must not any more. */
  readonly isrCommitted: (before: readonly number[]) => void;
}

export class LeaderRole {
  readonly leaderEpoch: number;
  /** Where the log ended when this leadership began. */
  readonly epochStartOffset: number;
  readonly #nodeId: number;
  readonly #modules: LeaderRoleModules;
  #log: PartitionLog;
  #followers: readonly FollowerProgress[] = [];
  #replicas: readonly number[] = [];
  #isr: IsrState;
  #partitionEpoch: number;
  #minInSyncReplicas: number;

  constructor(options: LeaderRoleOptions, modules: LeaderRoleModules) {
    const { image } = options;
    this.#nodeId = options.nodeId;
    this.#modules = modules;
    this.#log = modules.log;
    this.leaderEpoch = image.leaderEpoch;
    this.epochStartOffset = modules.log.logEndOffset;
    this.#isr = { committed: image.isr, pending: null };
    this.#partitionEpoch = image.partitionEpoch;
    this.#minInSyncReplicas = options.minInSyncReplicas;
    this.#takeReplicas(image);
  }

  get partitionEpoch(): number {
    return this.#partitionEpoch;
  }

  /** The ISR that is in force. */
  get isr(): readonly number[] {
    return this.#isr.committed;
  }

  /** All who are or may be in the ISR. */
  get maximalIsr(): readonly number[] {
    return maximalIsr(this.#isr);
  }

  /** What the controller was asked to make of the ISR; null while nothing is under way. */
  get proposedIsr(): readonly number[] | null {
    return this.#isr.pending?.isr ?? null;
  }

  get hasPendingIsr(): boolean {
    return this.#isr.pending !== null;
  }

  get followers(): readonly FollowerProgress[] {
    return this.#followers;
  }

  /** Whether fewer replicas are in sync than acks=all asks for. A minimum above the number of replicas counts as that number. */
  get isUnderMinIsr(): boolean {
    return this.#isr.committed.length < this.#effectiveMinIsr;
  }

  get isAtMinIsr(): boolean {
    return this.#isr.committed.length === this.#effectiveMinIsr;
  }

  get isUnderReplicated(): boolean {
    return this.#isr.committed.length < this.#replicas.length;
  }

  /** Where the partition is committed by what is known now. Moves nothing. */
  get committedOffset(): number {
    const { highWatermark, promisedOffset: flushedOffset } = this.#log;
    if (this.#followers.length === 0) return this.isUnderMinIsr ? highWatermark : flushedOffset;
    const leaderEndOffset = this.#log.logEndOffset;
    const nowMs = this.#modules.clock.monotonic();
    const maximal = this.maximalIsr;
    return nextHighWatermark({
      current: highWatermark,
      flushedOffset,
      isUnderMinIsr: this.isUnderMinIsr,
      followers: this.#followers,
      counts: follower => maximal.includes(follower.id) || this.#isAboutToJoin(follower, leaderEndOffset, nowMs),
    });
  }

  /** Whether the leader does not know yet how far the one before it had committed: its own watermark may be behind that. */
  get isWatermarkBehind(): boolean {
    return this.#log.highWatermark < this.epochStartOffset;
  }

  /** Followers in sync, by their claims, that hold the record at `offset`. */
  inSyncWith(offset: number): FollowerProgress[] {
    return this.#followers.filter(
      ({ id, endOffset, logStartOffset }) =>
        this.#isr.committed.includes(id) && endOffset >= offset && logStartOffset <= offset,
    );
  }

  /** The smallest log start of all live replicas: below it nothing is left anywhere (DeleteRecords). */
  get lowWatermark(): number {
    let lowest = this.#log.logStartOffset;
    for (const { id, logStartOffset } of this.#followers) {
      const broker = this.#modules.brokerOf(id);
      if (broker !== undefined && !broker.fenced) lowest = Math.min(lowest, logStartOffset);
    }
    return lowest;
  }

  /** The metadata tells something of this leadership: replicas, the ISR. What is older than what the controller answered is passed over. */
  takeImage(image: PartitionImage, minInSyncReplicas: number): void {
    this.#minInSyncReplicas = minInSyncReplicas;
    if (image.partitionEpoch <= this.#partitionEpoch) return;
    this.#takeReplicas(image);
    this.#commitIsr(image.isr, image.partitionEpoch);
  }

  /** See `Partition.replaceLog`. */
  replaceLog(log: PartitionLog): void {
    this.#log = log;
  }

  updateMinInSyncReplicas(minInSyncReplicas: number): void {
    this.#minInSyncReplicas = minInSyncReplicas;
  }

  /** Whether a fetch of `replicaId` may be answered: an error code, 0 when it may. */
  checkFollower(replicaId: number, brokerEpoch: number, saysLeaderEpoch: boolean): number {
    if (!this.#followers.some(({ id }) => id === replicaId)) {
      // A replica that was just added knows more than we do: it is to try again.
      return saysLeaderEpoch ? Errors.UNKNOWN_LEADER_EPOCH : Errors.NOT_LEADER_OR_FOLLOWER;
    }
    const known = this.#modules.brokerOf(replicaId)?.epoch ?? -1;
    // A process that is gone by now; what it claims says nothing about the one that took its place.
    return brokerEpoch >= 0 && brokerEpoch < known ? Errors.NOT_LEADER_OR_FOLLOWER : Errors.NONE;
  }

  /**
   * Credits a fetch that was checked; a claim beyond the log's ends is worth nothing. Returns whether the follower is further than it was: of the many
   * partitions that a fetch is about, most have nothing new.
   */
  followerFetched(replicaId: number, claim: FollowerClaim): boolean {
    const follower = this.#followers.find(({ id }) => id === replicaId);
    const { logStartOffset, logEndOffset } = this.#log;
    if (follower === undefined || claim.fetchOffset < logStartOffset || claim.fetchOffset > logEndOffset) return false;
    const before = follower.endOffset;
    follower.fetched(claim, logEndOffset, this.#modules.clock.monotonic());
    return claim.fetchOffset !== before;
  }

  /** Lets a follower into the ISR that has caught up. To be asked once the high watermark has moved with its fetch. */
  admit(replicaId: number): void {
    if (this.#isr.pending !== null || this.#isr.committed.includes(replicaId)) return;
    const follower = this.#followers.find(({ id }) => id === replicaId);
    if (follower === undefined) return;
    const facts = {
      highWatermark: this.#log.highWatermark,
      epochStartOffset: this.epochStartOffset,
      broker: this.#modules.brokerOf(replicaId),
    };
    this.#propose(expansion(this.#isr, follower, facts));
  }

  /** Whether there are other members of the ISR, and none of them has fetched for `silentMs`. */
  isDeserted(silentMs: number): boolean {
    const nowMs = this.#modules.clock.monotonic();
    const members = this.#followers.filter(({ id }) => this.#isr.committed.includes(id));
    return members.length > 0 && members.every(member => member.silentMs(nowMs) >= silentMs);
  }

  /** Has followers that do not keep up leave the ISR. */
  removeLaggards(): void {
    const facts = {
      leaderEndOffset: this.#log.logEndOffset,
      nowMs: this.#modules.clock.monotonic(),
      lagTimeMaxMs: this.#modules.lagTimeMaxMs(),
    };
    this.#propose(reduction(this.#isr, this.#followers, facts));
  }

  get #effectiveMinIsr(): number {
    return Math.min(this.#minInSyncReplicas, this.#replicas.length);
  }

  #isAboutToJoin(follower: FollowerProgress, leaderEndOffset: number, nowMs: number): boolean {
    if (!follower.isCaughtUp(leaderEndOffset, nowMs, this.#modules.lagTimeMaxMs())) return false;
    return isEligible(this.#modules.brokerOf(follower.id), follower.brokerEpoch);
  }

  #takeReplicas(image: PartitionImage): void {
    if (this.#replicas === image.replicas) return;
    this.#replicas = image.replicas;
    const nowMs = this.#modules.clock.monotonic();
    this.#followers = image.replicas
      .filter(id => id !== this.#nodeId)
      .map(id => {
        const known = this.#followers.find(follower => follower.id === id);
        return known ?? new FollowerProgress(id, { isInSync: image.isr.includes(id), nowMs });
      });
  }

  #propose(change: IsrChange | null): void {
    if (change === null) return;
    this.#isr = { committed: this.#isr.committed, pending: change };
    const proposal: IsrProposal = {
      kind: change.kind,
      leaderEpoch: this.leaderEpoch,
      partitionEpoch: this.#partitionEpoch,
      isr: change.isr.map(brokerId => ({ brokerId, brokerEpoch: this.#brokerEpochOf(brokerId) })),
    };
    this.#modules.proposeIsr(proposal, answer => {
      // What the metadata said meanwhile has settled it.
      if (this.#isr.pending === change) this.#answered(answer);
    });
  }

  #brokerEpochOf(brokerId: number): number {
    if (brokerId === this.#nodeId) return this.#modules.brokerEpoch();
    return this.#followers.find(({ id }) => id === brokerId)?.brokerEpoch ?? -1;
  }

  #answered(answer: IsrAnswer): void {
    switch (answer.errorCode) {
      case Errors.NONE:
        // An answer of another leadership, or older than the metadata, says nothing.
        if (answer.leaderEpoch === this.leaderEpoch && answer.partitionEpoch >= this.#partitionEpoch)
          this.#commitIsr(answer.isr, answer.partitionEpoch);
        return;
      // The controller says that our epochs are right and that nothing was changed, so nothing ever will be by this proposal.
      case Errors.OPERATION_NOT_ATTEMPTED:
      case Errors.INELIGIBLE_REPLICA:
        this.#isr = { committed: this.#isr.committed, pending: null };
        return;
      // Something else has changed that we have yet to hear of. Until then both sets count.
      case Errors.UNKNOWN_TOPIC_OR_PARTITION:
      case Errors.UNKNOWN_TOPIC_ID:
      case Errors.FENCED_LEADER_EPOCH:
      case Errors.INVALID_UPDATE_VERSION:
      case Errors.INVALID_REQUEST:
      case Errors.NEW_LEADER_ELECTED:
        return;
      default:
        throw new Error(`error ${answer.errorCode} says nothing definite about an ISR: it is to be proposed again`);
    }
  }

  #commitIsr(isr: readonly number[], partitionEpoch: number): void {
    const before = this.#isr.committed;
    this.#isr = { committed: isr, pending: null };
    this.#partitionEpoch = partitionEpoch;
    this.#modules.isrCommitted(before);
  }
}

/** Proposals with these answers are over: carried out, refused for good, or overtaken by something that the metadata will tell. */
const DEFINITE: ReadonlySet<number> = new Set([
  Errors.NONE,
  Errors.OPERATION_NOT_ATTEMPTED,
  Errors.INELIGIBLE_REPLICA,
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.UNKNOWN_TOPIC_ID,
  Errors.FENCED_LEADER_EPOCH,
  Errors.INVALID_UPDATE_VERSION,
  Errors.INVALID_REQUEST,
  Errors.NEW_LEADER_ELECTED,
]);

export function isDefinite(errorCode: number): boolean {
  return DEFINITE.has(errorCode);
}

/**
 * Whether a log whose last record below `fetchOffset` is of `lastFetchedEpoch` is a prefix of `log`: null when it is or the reader does not say, where
 * the two part when it is not, an error code when that cannot be told (KIP-595).
 */
export function divergence(log: PartitionLog, lastFetchedEpoch: number, fetchOffset: number): EpochEnd | number | null {
  if (lastFetchedEpoch < 0) return null;
  const end = log.offsetForLeaderEpoch(lastFetchedEpoch);
  if (end.endOffset < 0 || end.leaderEpoch < 0 || fetchOffset < log.logStartOffset) return Errors.OFFSET_OUT_OF_RANGE;
  return end.leaderEpoch >= lastFetchedEpoch && end.endOffset >= fetchOffset ? null : end;
}
