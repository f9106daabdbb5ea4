/**
 * The Raft of the metadata log (KIP-595, KIP-853, KIP-996): decides, and does nothing.
 *
 * ```ts
 * const { reply, actions } = core.vote(request, nowMs);   // what to answer, and what to do before
 * const actions = core.tick(nowMs);                       // called when `nextDeadlineMs` has come
 * ```
 *
 * Every event comes with the monotonic time and gives a list of {@link Action}s, to be performed in order, before the next event. What must be
 * durable first is first in the list. The log is looked at through {@link LogView}, the voters through the quorum's history in it.
 *
 * Rules worth finding:
 * - Term and vote are persisted before anything is said in them.
 * - What a replica asks for from an offset is durable there below it: a follower asks only when all it has is flushed.
 * - The leader's own log counts as far as it is flushed; nothing is committed before the first record of its epoch is (KAFKA-12619).
 * - Whoever hears a leader grants no pre-vote. Nobody stands for election before a majority would have it.
 * - A replica whose directory is not the one in the set of voters never stands, and grants no vote addressed to another directory.
 */
import { Errors } from "../../protocol/errors.ts";
import type { Action, AddVoter, UpdateVoter, VersionUpgrade, VoterChangeOutcome } from "./actions.ts";
import {
  beginAdding,
  beginRemoving,
  beginUpdating,
  beginUpgrading,
  type ChangeBegun,
  refuseUpgrading,
} from "./changing-voters.ts";
import { askAgain, countVotes, decideVote, electionLost, isMeant, noteMembership, stand } from "./elections.ts";
import {
  advanceFollowedCommit,
  fetched,
  follow,
  heardLeader,
  introduced,
  learn,
  mayFetch,
  refuseLeaderRequest,
  sendFetch,
  suspect,
} from "./following.ts";
import type { Leadership } from "./leadership.ts";
import { advanceCommit, checkQuorumAtMs, decideFetch, lead } from "./leading.ts";
import { Member, type RaftCoreModules, type RaftCoreOptions } from "./member.ts";
import type {
  BeginEpochRequest,
  EndEpochRequest,
  EpochResponse,
  FetchDecision,
  FetchRequest,
  FetchResponse,
  VoteRequest,
  VoteResponse,
} from "./messages.ts";
import type { QuorumState } from "./quorum-state.ts";
import { type LeaderAndEpoch, NO_LEADER } from "./replicated-log.ts";
import type { Role } from "./roles.ts";
import { becomeFollower, becomeUnattached, resign } from "./transitions.ts";
import type { ReplicaKey, VoterSet } from "./voter-set.ts";

export type { RaftCoreModules, RaftCoreOptions };

/** What is done and, where somebody asked, what to answer. */
export interface Decided<R> {
  readonly reply: R;
  readonly actions: readonly Action[];
}

export class RaftCore {
  readonly #member: Member;

  constructor(options: RaftCoreOptions, modules: RaftCoreModules, state: QuorumState | null) {
    this.#member = new Member(options, modules, state);
  }

  get role(): Role["kind"] {
    return this.#member.role.kind;
  }

  get epoch(): number {
    return this.#member.epoch;
  }

  get state(): QuorumState {
    return this.#member.state;
  }

  /** Whether the last change of {@link state} is still to be made durable, which failed before. Nobody has been told of it. */
  get isStateUnwritten(): boolean {
    return this.#member.isStateDirty;
  }

  /** -1 while unknown. */
  get highWatermark(): number {
    return this.#member.highWatermark;
  }

  /** Whether it holds all that was committed, by a leader that has committed in its own epoch: what is known after a start may be long out of date. */
  get isHighWatermarkCurrent(): boolean {
    const { role, highWatermark, leaderHighWatermark, epoch } = this.#member;
    if (role.kind === "leader") return highWatermark > role.epochStartOffset;
    const { log } = this.#member.modules;
    if (leaderHighWatermark < 0 || highWatermark < leaderHighWatermark || log.lastEpoch !== epoch) return false;
    return highWatermark <= log.logStartOffset || highWatermark > log.endOffsetForEpoch(epoch - 1).endOffset;
  }

  get leaderAndEpoch(): LeaderAndEpoch {
    return this.#member.leaderAndEpoch;
  }

  /** The epoch that this node leads; null when it does not. */
  get leadership(): Leadership | null {
    return this.#member.role.kind === "leader" ? this.#member.role : null;
  }

  /** The leader that this node followed last, and when on the monotonic clock that last answered; null when there was none. */
  get lastHeard(): Member["lastHeard"] {
    return this.#member.lastHeard;
  }

  get voters(): VoterSet {
    return this.#member.voters;
  }

  /** Monotonic time of the next {@link tick}; Infinity when nothing is waited for. */
  get nextDeadlineMs(): number {
    const member = this.#member;
    const role = member.role;
    const fetchAtMs = mayFetch(member) && !member.isFetching ? member.fetchAtMs : Infinity;
    switch (role.kind) {
      case "unattached":
        return Math.min(role.electionAtMs, fetchAtMs);
      case "follower":
        return Math.min(role.timeoutAtMs, fetchAtMs);
      case "leader":
        return Math.min(role.beginAtMs, checkQuorumAtMs(member, role), role.change?.deadlineMs ?? Infinity);
      default:
        return Math.min(role.endsAtMs, role.resendAtMs);
    }
  }

  /** The first event. What the log holds is durable, and everything below `highWatermark` known to be committed. */
  start(highWatermark: number, nowMs: number): Action[] {
    const member = this.#member;
    const { logEndOffset, lastEpoch } = member.modules.log;
    member.highWatermark = highWatermark > 0 ? Math.min(highWatermark, logEndOffset) : -1;
    // A log ahead of the file that says which epoch it is in: somebody lost the file. The vote of that epoch is lost with it.
    if (lastEpoch > member.epoch) member.setState({ leaderEpoch: lastEpoch, leaderId: NO_LEADER, votedId: -1 });
    const { leaderId } = member.state;
    const { timing } = member.modules;
    if (member.voters.isOnly(member.options.self)) stand(member, nowMs);
    else if (leaderId >= 0 && leaderId !== member.options.self.id) {
      becomeFollower(member, leaderId, member.epoch, nowMs, timing.electionTimeoutMs());
    } else becomeUnattached(member, member.epoch, nowMs, timing.initialElectionMs());
    return this.#end(nowMs);
  }

  /** Time has come to {@link nextDeadlineMs}. */
  tick(nowMs: number): Action[] {
    const member = this.#member;
    const role = member.role;
    switch (role.kind) {
      case "unattached":
        if (nowMs >= role.electionAtMs) stand(member, nowMs);
        break;
      case "follower":
        if (nowMs >= role.timeoutAtMs) stand(member, nowMs);
        break;
      case "leader":
        lead(member, role, nowMs);
        break;
      default:
        if (nowMs >= role.endsAtMs) electionLost(member, nowMs);
        else if (nowMs >= role.resendAtMs) askAgain(member, role, nowMs);
    }
    return this.#end(nowMs);
  }

  /** This node did not run for `lateMs`: what it did not hear meanwhile says nothing about others. */
  forgive(lateMs: number, nowMs: number): void {
    const role = this.#member.role;
    if (role.kind === "follower" && role.hearsLeader) role.timeoutAtMs += lateMs;
    if (role.kind !== "leader") return;
    role.heardSinceMs = Math.min(nowMs, role.heardSinceMs + lateMs);
    role.progress.forgive(lateMs, nowMs);
  }

  /** Somebody asks for this replica's vote, or whether it would give it. */
  vote(request: VoteRequest, nowMs: number): Decided<VoteResponse> {
    return this.#decided(decideVote(this.#member, request, nowMs), nowMs);
  }

  voteAnswered(voterId: number, round: number, response: VoteResponse, nowMs: number): Action[] {
    const member = this.#member;
    learn(member, response, nowMs);
    const role = member.role;
    if ((role.kind === "prospective" || role.kind === "candidate") && role.round === round) {
      role.votes.record(voterId, response.errorCode === Errors.NONE && response.isGranted);
      countVotes(member, role, nowMs);
    }
    return this.#end(nowMs);
  }

  /** A voter could not be asked. */
  voteFailed(voterId: number, round: number, nowMs: number): Action[] {
    const role = this.#member.role;
    if ((role.kind === "prospective" || role.kind === "candidate") && role.round === round) {
      role.votes.noteUnreachable(voterId);
      countVotes(this.#member, role, nowMs);
    }
    return this.#end(nowMs);
  }

  /** A leader says that it was elected. */
  beginEpoch(request: BeginEpochRequest, nowMs: number): Decided<EpochResponse> {
    const member = this.#member;
    const { leaderId, epoch, voter } = request;
    const errorCode = refuseLeaderRequest(member, leaderId, epoch);
    if (errorCode !== Errors.NONE) return this.#decided(member.epochResponse(errorCode), nowMs);
    follow(member, leaderId, epoch, nowMs);
    const isForThis = isMeant(member, voter);
    return this.#decided(member.epochResponse(isForThis ? Errors.NONE : Errors.INVALID_VOTER_KEY), nowMs);
  }

  /** A leader says that it leads no more. */
  endEpoch(request: EndEpochRequest, nowMs: number): Decided<EpochResponse> {
    const member = this.#member;
    const { leaderId, epoch, successors } = request;
    const errorCode = refuseLeaderRequest(member, leaderId, epoch);
    if (errorCode !== Errors.NONE) return this.#decided(member.epochResponse(errorCode), nowMs);
    follow(member, leaderId, epoch, nowMs);
    const role = member.role;
    if (role.kind === "follower" && member.isElector) {
      const { id } = member.options.self;
      const position = successors.findIndex(key => key.id === id);
      const waitMs = member.modules.timing.successionMs(position < 0 ? successors.length + 1 : position);
      role.hearsLeader = false;
      role.timeoutAtMs = Math.min(role.timeoutAtMs, nowMs + waitMs);
      if (waitMs === 0) stand(member, nowMs);
    }
    return this.#decided(member.epochResponse(Errors.NONE), nowMs);
  }

  /** The answer to one of the two above. */
  epochAnswered(response: EpochResponse, nowMs: number): Action[] {
    learn(this.#member, response, nowMs);
    return this.#end(nowMs);
  }

  /** A replica asks for what comes at its log's end. */
  fetch(request: FetchRequest, nowMs: number): Decided<FetchDecision> {
    return this.#decided(decideFetch(this.#member, request, nowMs), nowMs);
  }

  /** A replica asks for a part of a snapshot. Gives the error, or NONE. */
  fetchSnapshot(replica: ReplicaKey, epoch: number, nowMs: number): Decided<EpochResponse> {
    const member = this.#member;
    const errorCode = member.refuseReplicaRequest(epoch);
    if (member.role.kind === "leader" && errorCode === Errors.NONE) member.role.progress.heardOf(replica, nowMs);
    return this.#decided(member.epochResponse(errorCode), nowMs);
  }

  fetchAnswered(token: number, from: number, response: FetchResponse, nowMs: number): Action[] {
    const member = this.#member;
    const isCurrent = token === member.fetchToken && member.isFetching;
    if (isCurrent) member.isFetching = false;
    learn(member, response, nowMs);
    // Whoever answers may have been asked by a role that is over.
    if (isCurrent && token === member.fetchToken) fetched(member, from, response, nowMs);
    return this.#end(nowMs);
  }

  /** A fetch brought no answer. `isUnreachable`: its receiver cannot be connected to. */
  fetchFailed(token: number, isUnreachable: boolean, nowMs: number): Action[] {
    const member = this.#member;
    if (token === member.fetchToken && member.isFetching) {
      member.isFetching = false;
      member.fetchAtMs = nowMs + (isUnreachable ? member.modules.timing.timeouts.retryBackoffMs : 0);
      if (isUnreachable) suspect(member, nowMs);
    }
    return this.#end(nowMs);
  }

  /** What the core had appended or cut, is. */
  logChanged(nowMs: number): Action[] {
    this.#member.awaitsLog = false;
    advanceFollowedCommit(this.#member);
    return this.#end(nowMs);
  }

  /** More of the log is durable. */
  flushed(nowMs: number): Action[] {
    const member = this.#member;
    if (member.role.kind === "leader") advanceCommit(member, member.role, nowMs);
    else advanceFollowedCommit(member);
    return this.#end(nowMs);
  }

  /** The log or the quorum's state could not be written (a full disk): others have to lead. */
  writeFailed(reason: string, nowMs: number): Action[] {
    const member = this.#member;
    const { timeouts } = member.modules.timing;
    if (member.role.kind === "leader") resign(member, reason, nowMs, timeouts.electionBackoffMaxMs);
    else if (member.role.kind !== "follower") {
      becomeUnattached(member, member.epoch, nowMs, timeouts.electionBackoffMaxMs);
    }
    member.isFetching = false;
    member.awaitsLog = false;
    member.fetchAtMs = nowMs + timeouts.electionBackoffMaxMs;
    // Nothing was persisted, so the next step has to.
    member.isStateDirty = true;
    return this.#end(nowMs, { persists: false });
  }

  /** A snapshot's download goes on: its sender is alive. */
  downloadProgressed(nowMs: number): void {
    const member = this.#member;
    const role = member.role;
    if (role.kind === "follower" && member.isDownloading) heardLeader(member, role, nowMs);
  }

  /** The download of a snapshot ended; installed, the log begins behind it. */
  downloadEnded(isInstalled: boolean, nowMs: number): Action[] {
    const member = this.#member;
    if (!member.isDownloading) return this.#end(nowMs);
    member.isDownloading = false;
    member.fetchAtMs = nowMs + (isInstalled ? 0 : member.modules.timing.timeouts.retryBackoffMs);
    if (isInstalled) member.raiseHighWatermark(member.modules.log.logStartOffset);
    return this.#end(nowMs);
  }

  /** Gives up leadership of `epoch`; others are told, the best first. */
  resign(epoch: number, reason: string, nowMs: number): Action[] {
    const member = this.#member;
    if (member.role.kind === "leader" && epoch === member.epoch) resign(member, reason, nowMs);
    return this.#end(nowMs);
  }

  /** The node stops: hands over, and does nothing on its own any more. */
  stop(nowMs: number): Action[] {
    const member = this.#member;
    member.isStopped = true;
    member.isStateDirty = true;
    if (member.role.kind === "leader") resign(member, "shutting down", nowMs);
    else becomeUnattached(member, member.epoch, nowMs, Infinity);
    return this.#end(nowMs);
  }

  /** Starts to add a voter. The reply is a refusal, or null: the outcome follows under the ticket. */
  addVoter(request: AddVoter, nowMs: number): Decided<ChangeBegun> {
    return this.#decided(beginAdding(this.#member, request, nowMs), nowMs);
  }

  removeVoter(key: ReplicaKey, nowMs: number): Decided<ChangeBegun> {
    return this.#decided(beginRemoving(this.#member, key, nowMs), nowMs);
  }

  updateVoter(update: UpdateVoter, nowMs: number): Decided<ChangeBegun> {
    return this.#decided(beginUpdating(this.#member, update, nowMs), nowMs);
  }

  /** The leader of `epoch` has answered what this voter told it of itself. */
  updateVoterAnswered(epoch: number, errorCode: number, nowMs: number): Action[] {
    introduced(this.#member, epoch, errorCode);
    return this.#end(nowMs);
  }

  /** Why `kraft.version` cannot be raised now; null when it can be, or has been. */
  refuseUpgrade(upgrade: VersionUpgrade): VoterChangeOutcome | null {
    return refuseUpgrading(this.#member, upgrade);
  }

  upgradeVersion(upgrade: VersionUpgrade, nowMs: number): Decided<ChangeBegun> {
    return this.#decided(beginUpgrading(this.#member, upgrade, nowMs), nowMs);
  }

  #decided<R>(reply: R, nowMs: number): Decided<R> {
    return { reply, actions: this.#end(nowMs) };
  }

  /** Hands out what the event gave rise to. */
  #end(nowMs: number, { persists = true } = {}): Action[] {
    const member = this.#member;
    noteMembership(member, nowMs);
    sendFetch(member, nowMs);
    const leader = member.leaderAndEpoch;
    if (leader.leaderId !== member.told.leaderId || leader.epoch !== member.told.epoch) {
      member.told = leader;
      member.actions.push({ type: "leaderChanged", leader });
    }
    const actions = member.actions;
    member.actions = [];
    if (member.isStateDirty && persists) {
      member.isStateDirty = false;
      actions.unshift({ type: "persist", state: member.state });
    }
    return actions;
  }
}
