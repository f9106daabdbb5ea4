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
import { ZERO_UUID } from "../../protocol/schema.ts";
import type { Action, AddVoter, UpdateVoter, VoterChangeOutcome } from "./actions.ts";
import type { ElectionTiming } from "./election-timing.ts";
import { isUpToDate, judgePosition, type LogView, truncationPoint } from "./fetch-decision.ts";
import { epochStartControls, type Leadership } from "./leadership.ts";
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
import { ProgressTable } from "./progress.ts";
import type { QuorumHistory } from "./quorum-history.ts";
import type { QuorumState } from "./quorum-state.ts";
import { type LeaderAndEpoch, NO_LEADER } from "./replicated-log.ts";
import type { Follower, Leader, Role, Standing } from "./roles.ts";
import {
  CHANGED,
  type ChangeContext,
  newVoter,
  refuseAdding,
  refuseRemoving,
  refuseUpdating,
} from "./voter-changes.ts";
import { type Endpoint, hasSameEndpoints, keyOf, type ReplicaKey, VoterSet } from "./voter-set.ts";
import { Votes } from "./votes.ts";

export interface RaftCoreOptions {
  readonly self: ReplicaKey;
  /** Where this node's controller listens; empty for a node that never votes. */
  readonly endpoints: readonly Endpoint[];
  /** The listener by which controllers are reached: the first of `controller.listener.names`. */
  readonly listenerName: string;
  /** Used at `kraft.version` 0. */
  readonly staticVoters: VoterSet;
  /** Whether there are servers to ask for the leader when no voter is known. */
  readonly hasBootstrapServers: boolean;
  /** `controller.quorum.auto.join.enable`, on a node that may vote. */
  readonly autoJoin: boolean;
}

export interface RaftCoreModules {
  readonly log: LogView;
  readonly quorum: QuorumHistory;
  readonly timing: ElectionTiming;
}

/** What is done and, where somebody asked, what to answer. */
export interface Decided<R> {
  readonly reply: R;
  readonly actions: readonly Action[];
}

/** How often a node without a leader asks around for one. */
const DISCOVERY_INTERVAL_MS = 100;

export class RaftCore {
  readonly #options: RaftCoreOptions;
  readonly #modules: RaftCoreModules;
  #state: QuorumState;
  #role: Role = { kind: "unattached", electionAtMs: Infinity };
  #highWatermark = -1;
  #actions: Action[] = [];
  #isStateDirty = false;
  #told: LeaderAndEpoch = { leaderId: NO_LEADER, epoch: -1 };
  /** Elections lost in a row. */
  #lostElections = 0;
  #round = 0;
  #lastTicket = 0;
  #isStopped = false;
  #fetchToken = 0;
  #isFetching = false;
  #fetchAtMs = 0;
  #isDownloading = false;
  /** The log is about to be appended to or cut. */
  #awaitsLog = false;
  /** The high watermark as the leader has told it. */
  #leaderHighWatermark = -1;

  constructor(options: RaftCoreOptions, modules: RaftCoreModules, state: QuorumState | null) {
    this.#options = options;
    this.#modules = modules;
    this.#state = state ?? { leaderId: NO_LEADER, leaderEpoch: 0, votedId: -1, votedDirectoryId: ZERO_UUID };
  }

  get role(): Role["kind"] {
    return this.#role.kind;
  }

  get epoch(): number {
    return this.#state.leaderEpoch;
  }

  get state(): QuorumState {
    return this.#state;
  }

  /** Whether the last change of {@link state} is still to be made durable, which failed before. Nobody has been told of it. */
  get isStateUnwritten(): boolean {
    return this.#isStateDirty;
  }

  /** -1 while unknown. */
  get highWatermark(): number {
    return this.#highWatermark;
  }

  get leaderAndEpoch(): LeaderAndEpoch {
    return { leaderId: this.#leaderId, epoch: this.epoch };
  }

  /** The epoch that this node leads; null when it does not. */
  get leadership(): Leadership | null {
    return this.#role.kind === "leader" ? this.#role : null;
  }

  get voters(): VoterSet {
    const { voters } = this.#modules.quorum.latest;
    return voters === null ? this.#options.staticVoters : new VoterSet(voters);
  }

  get isVoter(): boolean {
    return this.voters.has(this.#options.self);
  }

  /**
   * Whether this replica may stand for election. So may one that the latest record removes, while that is not known to be committed: nobody else may
   * have the record, and all others' logs may be behind (Ongaro, "Consensus", §4.2.2).
   */
  get isElector(): boolean {
    if (this.isVoter) return true;
    const { quorum } = this.#modules;
    if (quorum.latest.offset < this.#highWatermark) return false;
    const before = quorum.at(quorum.latest.offset).voters;
    return before !== null && new VoterSet(before).has(this.#options.self);
  }

  /** Monotonic time of the next {@link tick}; Infinity when nothing is waited for. */
  get nextDeadlineMs(): number {
    const role = this.#role;
    const fetchAtMs = this.#mayFetch && !this.#isFetching ? this.#fetchAtMs : Infinity;
    switch (role.kind) {
      case "unattached":
        return Math.min(role.electionAtMs, fetchAtMs);
      case "follower":
        return Math.min(role.timeoutAtMs, fetchAtMs);
      case "leader":
        return Math.min(role.beginAtMs, this.#checkQuorumAtMs(role), role.change?.deadlineMs ?? Infinity);
      default:
        return Math.min(role.endsAtMs, role.resendAtMs);
    }
  }

  /** The first event. What the log holds is durable, and everything below `highWatermark` known to be committed. */
  start(highWatermark: number, nowMs: number): Action[] {
    const { logEndOffset, lastEpoch } = this.#modules.log;
    this.#highWatermark = highWatermark > 0 ? Math.min(highWatermark, logEndOffset) : -1;
    // A log ahead of the file that says which epoch it is in: somebody lost the file. The vote of that epoch is lost with it.
    if (lastEpoch > this.epoch) this.#setState({ leaderEpoch: lastEpoch, leaderId: NO_LEADER, votedId: -1 });
    const { leaderId } = this.#state;
    const { timing } = this.#modules;
    if (this.voters.isOnly(this.#options.self)) this.#stand(nowMs);
    else if (leaderId >= 0 && leaderId !== this.#options.self.id) {
      this.#becomeFollower(leaderId, this.epoch, nowMs, timing.electionTimeoutMs());
    } else this.#becomeUnattached(this.epoch, nowMs, timing.initialElectionMs());
    return this.#end(nowMs);
  }

  /** Time has come to {@link nextDeadlineMs}. */
  tick(nowMs: number): Action[] {
    const role = this.#role;
    switch (role.kind) {
      case "unattached":
        if (nowMs >= role.electionAtMs) this.#stand(nowMs);
        break;
      case "follower":
        if (nowMs >= role.timeoutAtMs) this.#stand(nowMs);
        break;
      case "leader":
        this.#lead(role, nowMs);
        break;
      default:
        if (nowMs >= role.endsAtMs) this.#electionLost(nowMs);
        else if (nowMs >= role.resendAtMs) this.#askAgain(role, nowMs);
    }
    return this.#end(nowMs);
  }

  /** This node did not run for `lateMs`: what it did not hear meanwhile says nothing about others. */
  forgive(lateMs: number, nowMs: number): void {
    const role = this.#role;
    if (role.kind === "follower" && role.hearsLeader) role.timeoutAtMs += lateMs;
    if (role.kind !== "leader") return;
    role.heardSinceMs = Math.min(nowMs, role.heardSinceMs + lateMs);
    role.progress.forgive(lateMs, nowMs);
  }

  /** Somebody asks for this replica's vote, or whether it would give it. */
  vote(request: VoteRequest, nowMs: number): Decided<VoteResponse> {
    const errorCode = this.#refuseVoteRequest(request);
    if (errorCode !== Errors.NONE) return this.#decided({ ...this.#epochResponse(errorCode), isGranted: false }, nowMs);
    if (request.epoch > this.epoch) {
      this.#becomeUnattached(request.epoch, nowMs, this.#modules.timing.electionTimeoutMs());
    }
    const isGranted = this.#grants(request);
    if (isGranted && request.isPreVote) this.#giveWay(nowMs);
    if (isGranted && !request.isPreVote) {
      const { id, directoryId } = request.candidate;
      this.#becomeUnattached(this.epoch, nowMs, this.#modules.timing.electionTimeoutMs());
      this.#setState({ votedId: id, votedDirectoryId: directoryId });
    }
    return this.#decided({ ...this.#epochResponse(Errors.NONE), isGranted }, nowMs);
  }

  voteAnswered(voterId: number, round: number, response: VoteResponse, nowMs: number): Action[] {
    this.#learn(response, nowMs);
    const role = this.#role;
    if ((role.kind === "prospective" || role.kind === "candidate") && role.round === round) {
      role.votes.record(voterId, response.errorCode === Errors.NONE && response.isGranted);
      this.#countVotes(role, nowMs);
    }
    return this.#end(nowMs);
  }

  /** A voter could not be asked. */
  voteFailed(voterId: number, round: number, nowMs: number): Action[] {
    const role = this.#role;
    if ((role.kind === "prospective" || role.kind === "candidate") && role.round === round) {
      role.votes.noteUnreachable(voterId);
      this.#countVotes(role, nowMs);
    }
    return this.#end(nowMs);
  }

  /** A leader says that it was elected. */
  beginEpoch(request: BeginEpochRequest, nowMs: number): Decided<EpochResponse> {
    const { leaderId, epoch, voter } = request;
    const errorCode = this.#refuseLeaderRequest(leaderId, epoch);
    if (errorCode !== Errors.NONE) return this.#decided(this.#epochResponse(errorCode), nowMs);
    this.#follow(leaderId, epoch, nowMs);
    const isMeant = this.#isMeant(voter);
    return this.#decided(this.#epochResponse(isMeant ? Errors.NONE : Errors.INVALID_VOTER_KEY), nowMs);
  }

  /** A leader says that it leads no more. */
  endEpoch(request: EndEpochRequest, nowMs: number): Decided<EpochResponse> {
    const { leaderId, epoch, successors } = request;
    const errorCode = this.#refuseLeaderRequest(leaderId, epoch);
    if (errorCode !== Errors.NONE) return this.#decided(this.#epochResponse(errorCode), nowMs);
    this.#follow(leaderId, epoch, nowMs);
    const role = this.#role;
    if (role.kind === "follower" && this.isElector) {
      const { id } = this.#options.self;
      const position = successors.findIndex(key => key.id === id);
      const waitMs = this.#modules.timing.successionMs(position < 0 ? successors.length + 1 : position);
      role.hearsLeader = false;
      role.timeoutAtMs = Math.min(role.timeoutAtMs, nowMs + waitMs);
      if (waitMs === 0) this.#stand(nowMs);
    }
    return this.#decided(this.#epochResponse(Errors.NONE), nowMs);
  }

  /** The answer to one of the two above. */
  epochAnswered(response: EpochResponse, nowMs: number): Action[] {
    this.#learn(response, nowMs);
    return this.#end(nowMs);
  }

  /** A replica asks for what comes at its log's end. */
  fetch(request: FetchRequest, nowMs: number): Decided<FetchDecision> {
    const errorCode = this.#refuseReplicaRequest(request.epoch);
    const role = this.#role;
    if (errorCode !== Errors.NONE || role.kind !== "leader") {
      return this.#decided({ kind: "refuse", ...this.#epochResponse(errorCode) }, nowMs);
    }
    const { replica, fetchOffset, lastFetchedEpoch } = request;
    if (fetchOffset < 0 || lastFetchedEpoch < 0 || lastFetchedEpoch > this.epoch) {
      return this.#decided({ kind: "refuse", ...this.#epochResponse(Errors.INVALID_REQUEST) }, nowMs);
    }
    const { log } = this.#modules;
    const decision = judgePosition(log, fetchOffset, lastFetchedEpoch);
    if (replica.id < 0 || replica.id === this.#options.self.id) return this.#decided(decision, nowMs);
    if (decision.kind === "read") {
      role.progress.fetched(replica, fetchOffset, log.logEndOffset, nowMs);
      this.#advanceCommit(role, nowMs);
    } else {
      role.progress.heardOf(replica, nowMs);
    }
    return this.#decided(decision, nowMs);
  }

  /** A replica asks for a part of a snapshot. Gives the error, or NONE. */
  fetchSnapshot(replica: ReplicaKey, epoch: number, nowMs: number): Decided<EpochResponse> {
    const errorCode = this.#refuseReplicaRequest(epoch);
    if (this.#role.kind === "leader" && errorCode === Errors.NONE) this.#role.progress.heardOf(replica, nowMs);
    return this.#decided(this.#epochResponse(errorCode), nowMs);
  }

  fetchAnswered(token: number, from: number, response: FetchResponse, nowMs: number): Action[] {
    const isCurrent = token === this.#fetchToken && this.#isFetching;
    if (isCurrent) this.#isFetching = false;
    this.#learn(response, nowMs);
    // Whoever answers may have been asked by a role that is over.
    if (isCurrent && token === this.#fetchToken) this.#fetched(from, response, nowMs);
    return this.#end(nowMs);
  }

  /** A fetch brought no answer. `isUnreachable`: its receiver cannot be connected to. */
  fetchFailed(token: number, isUnreachable: boolean, nowMs: number): Action[] {
    if (token === this.#fetchToken && this.#isFetching) {
      this.#isFetching = false;
      this.#fetchAtMs = nowMs + (isUnreachable ? this.#modules.timing.timeouts.retryBackoffMs : 0);
      if (isUnreachable) this.#suspect(nowMs);
    }
    return this.#end(nowMs);
  }

  /** What the core had appended or cut, is. */
  logChanged(nowMs: number): Action[] {
    this.#awaitsLog = false;
    this.#advanceFollowedCommit();
    return this.#end(nowMs);
  }

  /** More of the log is durable. */
  flushed(nowMs: number): Action[] {
    if (this.#role.kind === "leader") this.#advanceCommit(this.#role, nowMs);
    else this.#advanceFollowedCommit();
    return this.#end(nowMs);
  }

  /** The log or the quorum's state could not be written (a full disk): others have to lead. */
  writeFailed(reason: string, nowMs: number): Action[] {
    const { timeouts } = this.#modules.timing;
    if (this.#role.kind === "leader") this.#resign(reason, nowMs, timeouts.electionBackoffMaxMs);
    else if (this.#role.kind !== "follower") {
      this.#becomeUnattached(this.epoch, nowMs, timeouts.electionBackoffMaxMs);
    }
    this.#isFetching = false;
    this.#awaitsLog = false;
    this.#fetchAtMs = nowMs + timeouts.electionBackoffMaxMs;
    // Nothing was persisted, so the next step has to.
    this.#isStateDirty = true;
    return this.#end(nowMs, { persists: false });
  }

  /** A snapshot's download goes on: its sender is alive. */
  downloadProgressed(nowMs: number): void {
    const role = this.#role;
    if (role.kind === "follower" && this.#isDownloading) this.#heardLeader(role, nowMs);
  }

  /** The download of a snapshot ended; installed, the log begins behind it. */
  downloadEnded(isInstalled: boolean, nowMs: number): Action[] {
    if (!this.#isDownloading) return this.#end(nowMs);
    this.#isDownloading = false;
    this.#fetchAtMs = nowMs + (isInstalled ? 0 : this.#modules.timing.timeouts.retryBackoffMs);
    if (isInstalled) this.#raiseHighWatermark(this.#modules.log.logStartOffset);
    return this.#end(nowMs);
  }

  /** Gives up leadership of `epoch`; others are told, the best first. */
  resign(epoch: number, reason: string, nowMs: number): Action[] {
    if (this.#role.kind === "leader" && epoch === this.epoch) this.#resign(reason, nowMs);
    return this.#end(nowMs);
  }

  /** The node stops: hands over, and does nothing on its own any more. */
  stop(nowMs: number): Action[] {
    this.#isStopped = true;
    this.#isStateDirty = true;
    if (this.#role.kind === "leader") this.#resign("shutting down", nowMs);
    else this.#becomeUnattached(this.epoch, nowMs, Infinity);
    return this.#end(nowMs);
  }

  /** Starts to add a voter. The reply is a refusal, or null: the outcome follows under the ticket. */
  addVoter(request: AddVoter, nowMs: number): Decided<{ ticket: number; refusal: VoterChangeOutcome | null }> {
    const refusal = this.#notLeading() ?? refuseAdding(request, this.#changeContext());
    const ticket = ++this.#lastTicket;
    if (refusal === null && this.#role.kind === "leader") {
      const { key, endpoints, ackWhenCommitted, timeoutMs } = request;
      const voters = this.voters.with(newVoter(key, [...endpoints]));
      const deadlineMs = nowMs + timeoutMs;
      this.#role.change = { ticket, voters, awaits: key, isAppended: false, ackWhenCommitted, deadlineMs };
      this.#advanceChange(this.#role, nowMs);
    }
    return this.#decided({ ticket, refusal }, nowMs);
  }

  removeVoter(key: ReplicaKey, nowMs: number): Decided<{ ticket: number; refusal: VoterChangeOutcome | null }> {
    const refusal = this.#notLeading() ?? refuseRemoving(key, this.#changeContext());
    return this.#changeAtOnce(refusal, () => this.voters.without(key.id), nowMs);
  }

  updateVoter(update: UpdateVoter, nowMs: number): Decided<{ ticket: number; refusal: VoterChangeOutcome | null }> {
    const epochError = this.#refuseReplicaRequest(update.epoch);
    const refusal =
      epochError === Errors.NONE
        ? refuseUpdating(update, this.#changeContext())
        : { errorCode: epochError, message: null };
    const { key, endpoints, minSupportedVersion, maxSupportedVersion } = update;
    const kRaftVersionFeature = { minSupportedVersion, maxSupportedVersion };
    const voter = { ...newVoter(key, [...endpoints]), kRaftVersionFeature };
    return this.#changeAtOnce(refusal, () => this.voters.updated(voter), nowMs);
  }

  // Elections

  #refuseVoteRequest({ voter, epoch, candidate }: VoteRequest): number {
    if (!this.#isMeant(voter)) return Errors.INVALID_VOTER_KEY;
    if (candidate.id === this.#options.self.id || candidate.id < 0) return Errors.INVALID_REQUEST;
    return epoch < this.epoch ? Errors.FENCED_LEADER_EPOCH : Errors.NONE;
  }

  #grants({ candidate, isPreVote, lastEpoch, endOffset }: VoteRequest): boolean {
    if (!isUpToDate(this.#modules.log, lastEpoch, endOffset)) return false;
    const role = this.#role;
    if (isPreVote && role.kind === "prospective") return this.#isPreferred(candidate, lastEpoch, endOffset);
    if (isPreVote) return role.kind === "follower" ? !role.hearsLeader : role.kind !== "leader";
    const { leaderId, votedId, votedDirectoryId } = this.#state;
    if (leaderId !== NO_LEADER) return false;
    return votedId === -1 || (votedId === candidate.id && votedDirectoryId === candidate.directoryId);
  }

  /**
   * Of two that ask for pre-votes at once, which happens when both see their leader die, one gives way to the other and not both to each other: the one
   * whose log is longer is asked for, of equals the one with the lower id. Else they would split the votes, again and again while disks are slow.
   */
  #isPreferred(candidate: ReplicaKey, lastEpoch: number, endOffset: number): boolean {
    const { log } = this.#modules;
    if (lastEpoch !== log.lastEpoch || endOffset !== log.logEndOffset) return true; // it is ahead, being up to date
    return candidate.id < this.#options.self.id || !this.isElector;
  }

  /** Somebody else stands: it is given time to be elected before this replica does. */
  #giveWay(nowMs: number): void {
    const role = this.#role;
    const untilMs = nowMs + this.#modules.timing.giveWayMs;
    if (role.kind === "unattached") role.electionAtMs = Math.max(role.electionAtMs, untilMs);
    else if (role.kind === "follower") {
      role.isSuspected = true;
      role.timeoutAtMs = Math.max(role.timeoutAtMs, untilMs);
    } else if (role.kind === "prospective") this.#stepBack(untilMs - nowMs, nowMs);
  }

  /** Whether a request addressed to `voter` is for this replica: its directory may not be the one that was elected to vote. */
  #isMeant({ id, directoryId }: ReplicaKey): boolean {
    const { self } = this.#options;
    if (id === -1) return true;
    if (id !== self.id) return false;
    if (directoryId === ZERO_UUID) return this.#modules.quorum.latest.kraftVersion === 0;
    return directoryId === self.directoryId;
  }

  /** A time-out without a leader: a voter asks for pre-votes, everybody else looks for the leader again. */
  #stand(nowMs: number): void {
    if (!this.isElector || this.#isStopped) {
      this.#becomeUnattached(this.epoch, nowMs, Infinity);
      return;
    }
    this.#becomeProspective(nowMs);
  }

  #becomeProspective(nowMs: number): void {
    this.#leave("stood for election", nowMs);
    const role = this.#standing("prospective", nowMs);
    this.#role = role;
    this.#countVotes(role, nowMs);
    if (this.#role === role) this.#requestVotes(role, nowMs);
  }

  #becomeCandidate(nowMs: number): void {
    const { id, directoryId } = this.#options.self;
    this.#leave("stood for election", nowMs);
    this.#setState({
      leaderEpoch: this.epoch + 1,
      leaderId: NO_LEADER,
      votedId: id,
      votedDirectoryId: directoryId,
    });
    const role = this.#standing("candidate", nowMs);
    this.#role = role;
    this.#countVotes(role, nowMs);
    if (this.#role === role) this.#requestVotes(role, nowMs);
  }

  #standing(kind: Standing["kind"], nowMs: number): Standing {
    const votes = new Votes();
    votes.record(this.#options.self.id, true);
    this.#round += 1;
    const endsAtMs = nowMs + this.#modules.timing.electionTimeoutMs();
    return { kind, round: this.#round, votes, endsAtMs, resendAtMs: Infinity };
  }

  #requestVotes(role: Standing, nowMs: number): void {
    role.resendAtMs = nowMs + this.#modules.timing.timeouts.retryBackoffMs * 5;
    const { lastEpoch, logEndOffset } = this.#modules.log;
    for (const voter of this.voters.others(this.#options.self.id)) {
      if (role.votes.hasAnswered(voter.voterId)) continue;
      const request: VoteRequest = {
        voter: keyOf(voter),
        candidate: this.#options.self,
        epoch: this.epoch,
        lastEpoch,
        endOffset: logEndOffset,
        isPreVote: role.kind === "prospective",
      };
      this.#actions.push({ type: "sendVote", round: role.round, request });
    }
  }

  /** Who waits for a silent voter while another stands against it may wait long: it steps back, and chance says who comes first next time. */
  #askAgain(role: Standing, nowMs: number): void {
    if (role.votes.hasRefusal) this.#electionLost(nowMs);
    else this.#requestVotes(role, nowMs);
  }

  #countVotes(role: Standing, nowMs: number): void {
    const result = role.votes.result(this.voters);
    if (result === "lost") this.#electionLost(nowMs);
    else if (result === "won" && role.kind === "prospective") this.#becomeCandidate(nowMs);
    else if (result === "won") this.#becomeLeader(role.votes.granting, nowMs);
  }

  /** Waits, longer each time, and meanwhile looks whether the leader is there after all. */
  #electionLost(nowMs: number): void {
    this.#lostElections += 1;
    this.#stepBack(this.#modules.timing.backoffMs(this.#lostElections), nowMs);
  }

  #stepBack(waitMs: number, nowMs: number): void {
    const { leaderId } = this.#state;
    if (leaderId !== NO_LEADER && leaderId !== this.#options.self.id) {
      this.#becomeFollower(leaderId, this.epoch, nowMs, waitMs);
      if (this.#role.kind === "follower") this.#role.isSuspected = true;
    } else {
      this.#becomeUnattached(this.epoch, nowMs, waitMs);
    }
  }

  #becomeUnattached(epoch: number, nowMs: number, waitMs: number): void {
    this.#leave(`epoch ${epoch}`, nowMs);
    if (epoch > this.epoch) this.#setState({ leaderEpoch: epoch, leaderId: NO_LEADER, votedId: -1 });
    const mayStand = this.isElector && !this.#isStopped;
    this.#role = { kind: "unattached", electionAtMs: mayStand ? nowMs + waitMs : Infinity };
    this.#fetchAtMs = nowMs + this.#modules.timing.timeouts.retryBackoffMs;
  }

  #becomeFollower(leaderId: number, epoch: number, nowMs: number, waitMs: number): void {
    this.#leave(`node ${leaderId} leads epoch ${epoch}`, nowMs);
    if (epoch > this.epoch) this.#setState({ leaderEpoch: epoch, leaderId, votedId: -1 });
    else if (this.#state.leaderId !== leaderId) this.#setState({ leaderId });
    this.#role = {
      kind: "follower",
      leaderId,
      timeoutAtMs: nowMs + waitMs,
      hearsLeader: false,
      isSuspected: false,
      introduceAtMs: nowMs,
    };
    this.#fetchAtMs = nowMs;
  }

  #becomeLeader(grantingIds: readonly number[], nowMs: number): void {
    const { self, endpoints } = this.#options;
    this.#leave("elected", nowMs);
    this.#setState({ leaderId: self.id });
    this.#lostElections = 0;
    this.#role = {
      kind: "leader",
      epochStartOffset: this.#modules.log.logEndOffset,
      progress: new ProgressTable(),
      heardSinceMs: nowMs,
      beginAtMs: nowMs,
      change: null,
    };
    const controls = epochStartControls(this.#modules.quorum.latest, this.voters, self, endpoints, grantingIds);
    this.#actions.push({ type: "appendControls", epoch: this.epoch, controls });
    this.#lead(this.#role, nowMs);
  }

  /** Ends whatever the role had under way. */
  #leave(reason: string, _nowMs: number): void {
    this.#fetchToken += 1;
    this.#isFetching = false;
    this.#leaderHighWatermark = -1;
    if (this.#isDownloading) {
      this.#isDownloading = false;
      this.#actions.push({ type: "cancelDownload" });
    }
    const role = this.#role;
    if (role.kind !== "leader") return;
    this.#role = { kind: "unattached", electionAtMs: Infinity };
    if (role.change !== null) this.#answerChange(role, { errorCode: Errors.NOT_LEADER_OR_FOLLOWER, message: reason });
    this.#actions.push({ type: "resigned", epoch: this.epoch, reason }, { type: "wakeFetches" });
  }

  // Following

  /** What any answer or request of a peer says about who leads. */
  #learn({ leaderId, epoch }: EpochResponse, nowMs: number): void {
    const { self } = this.#options;
    if (epoch > this.epoch) {
      if (leaderId >= 0 && leaderId !== self.id) this.#follow(leaderId, epoch, nowMs);
      else this.#becomeUnattached(epoch, nowMs, this.#modules.timing.electionTimeoutMs());
      return;
    }
    if (epoch < this.epoch || leaderId < 0 || leaderId === self.id) return;
    const known = this.#state.leaderId;
    // An observer that had lost sight of its leader hears of it again.
    const isFoundAgain = known === leaderId && this.#role.kind === "unattached";
    if (known === NO_LEADER || isFoundAgain) this.#follow(leaderId, epoch, nowMs);
  }

  /** Follows `leaderId` from now on, unless it does already or knows better. */
  #follow(leaderId: number, epoch: number, nowMs: number): void {
    const role = this.#role;
    if (role.kind === "follower" && this.epoch === epoch) return;
    this.#becomeFollower(leaderId, epoch, nowMs, this.#modules.timing.timeouts.fetchTimeoutMs);
  }

  #refuseLeaderRequest(leaderId: number, epoch: number): number {
    if (epoch < this.epoch) return Errors.FENCED_LEADER_EPOCH;
    if (leaderId < 0 || leaderId === this.#options.self.id) return Errors.INVALID_REQUEST;
    const known = this.#state.leaderId;
    return epoch === this.epoch && known !== NO_LEADER && known !== leaderId ? Errors.INVALID_REQUEST : Errors.NONE;
  }

  #suspect(nowMs: number): void {
    const role = this.#role;
    if (role.kind !== "follower") return;
    if (!this.isElector) {
      this.#becomeUnattached(this.epoch, nowMs, Infinity);
      return;
    }
    // One sign after another is no reason to hurry; and whoever has just lost an election waits as that told it to.
    if (role.isSuspected) return;
    role.isSuspected = true;
    role.hearsLeader = false;
    role.timeoutAtMs = Math.min(role.timeoutAtMs, nowMs + this.#modules.timing.suspicionMs());
  }

  get #mayFetch(): boolean {
    const { log } = this.#modules;
    if (this.#isStopped || this.#isDownloading || this.#awaitsLog) return false;
    // What is asked for from an offset is taken to be durable here below it.
    if (log.flushedOffset < log.logEndOffset) return false;
    if (this.#role.kind === "follower") return true;
    return this.#role.kind === "unattached" && this.#canDiscover;
  }

  get #canDiscover(): boolean {
    return this.#options.hasBootstrapServers || this.voters.others(this.#options.self.id).length > 0;
  }

  #sendFetch(nowMs: number): void {
    if (!this.#mayFetch || this.#isFetching || nowMs < this.#fetchAtMs) return;
    const { log, timing } = this.#modules;
    this.#isFetching = true;
    this.#fetchToken += 1;
    this.#actions.push({
      type: "sendFetch",
      fetch: {
        token: this.#fetchToken,
        to: this.#role.kind === "follower" ? this.#role.leaderId : this.#whomToAsk(),
        epoch: this.epoch,
        fetchOffset: log.logEndOffset,
        lastFetchedEpoch: log.lastEpoch,
        highWatermark: this.#highWatermark,
        maxWaitMs: timing.fetchWaitMs,
      },
    });
  }

  /** Any of the other voters, or -1 for a bootstrap server. */
  #whomToAsk(): number {
    const others = this.voters.others(this.#options.self.id);
    const count = others.length + (this.#options.hasBootstrapServers ? 1 : 0);
    return others[this.#modules.timing.randomIndex(count)]?.voterId ?? -1;
  }

  #fetched(from: number, response: FetchResponse, nowMs: number): void {
    const role = this.#role;
    if (role.kind !== "follower" || role.leaderId !== from) {
      this.#fetchAtMs = nowMs + (role.kind === "follower" ? 0 : DISCOVERY_INTERVAL_MS);
      return;
    }
    if (response.errorCode !== Errors.NONE) {
      this.#fetchAtMs = nowMs + this.#modules.timing.timeouts.retryBackoffMs;
      // It was the leader, by its own account it is not, and it knows of no other.
      if (response.errorCode === Errors.NOT_LEADER_OR_FOLLOWER && response.leaderId !== from) this.#suspect(nowMs);
      return;
    }
    this.#heardLeader(role, nowMs);
    this.#fetchAtMs = nowMs;
    if (response.snapshotId !== null) this.#needSnapshot(role, response.snapshotId);
    else if (response.diverging !== null) this.#truncate(truncationPoint(this.#modules.log, response.diverging));
    else {
      this.#leaderHighWatermark = Math.max(this.#leaderHighWatermark, response.highWatermark);
      if (response.records.length > 0) {
        this.#awaitsLog = true;
        this.#actions.push({ type: "append", records: response.records });
      }
      this.#advanceFollowedCommit();
    }
    this.#introduce(role, nowMs);
  }

  #heardLeader(role: Follower, nowMs: number): void {
    role.hearsLeader = true;
    role.isSuspected = false;
    role.timeoutAtMs = nowMs + this.#modules.timing.timeouts.fetchTimeoutMs;
    this.#lostElections = 0;
  }

  #needSnapshot(role: Follower, id: { endOffset: number; epoch: number }): void {
    if (id.endOffset < this.#highWatermark) {
      this.#fatal(
        `the leader offers a snapshot up to ${id.endOffset}, below the high watermark ${this.#highWatermark}`,
      );
      return;
    }
    this.#isDownloading = true;
    this.#actions.push({ type: "downloadSnapshot", token: this.#fetchToken, from: role.leaderId, id });
  }

  #truncate(endOffset: number): void {
    if (endOffset < this.#highWatermark) {
      this.#fatal(
        `the leader has this node cut its log at ${endOffset}, below the high watermark ${this.#highWatermark}`,
      );
      return;
    }
    this.#awaitsLog = true;
    this.#actions.push({ type: "truncate", endOffset });
  }

  /** A follower tells no more than it has made durable itself. */
  #advanceFollowedCommit(): void {
    if (this.#role.kind !== "follower") return;
    this.#raiseHighWatermark(Math.min(this.#leaderHighWatermark, this.#modules.log.flushedOffset));
  }

  /** A voter that moved says so; a node that is to vote and does not asks to. */
  #introduce(role: Follower, nowMs: number): void {
    const { self, endpoints, autoJoin } = this.#options;
    if (nowMs < role.introduceAtMs || endpoints.length === 0 || this.#modules.quorum.latest.kraftVersion < 1) return;
    const known = this.voters.find(self.id);
    if (this.isVoter && known !== undefined) {
      if (hasSameEndpoints(known, endpoints)) return;
      this.#actions.push({ type: "sendUpdateVoter", to: role.leaderId, epoch: this.epoch });
    } else if (autoJoin) {
      this.#actions.push({ type: "sendJoin", to: role.leaderId, stale: known === undefined ? null : keyOf(known) });
    } else return;
    role.introduceAtMs = nowMs + this.#modules.timing.timeouts.fetchTimeoutMs;
  }

  // Leading

  #refuseReplicaRequest(epoch: number): number {
    if (epoch < this.epoch) return Errors.FENCED_LEADER_EPOCH;
    if (epoch > this.epoch) return Errors.UNKNOWN_LEADER_EPOCH;
    return this.#role.kind === "leader" ? Errors.NONE : Errors.NOT_LEADER_OR_FOLLOWER;
  }

  #lead(role: Leader, nowMs: number): void {
    if (nowMs >= this.#checkQuorumAtMs(role)) {
      this.#resign("a majority of the voters has not fetched", nowMs);
      return;
    }
    if (role.change !== null && nowMs >= role.change.deadlineMs) {
      const message = "the new voter has not caught up in time";
      this.#answerChange(role, { errorCode: Errors.REQUEST_TIMED_OUT, message });
    }
    if (nowMs < role.beginAtMs) return;
    const { beginEpochIntervalMs } = this.#modules.timing;
    const others = this.voters.others(this.#options.self.id);
    role.beginAtMs = others.length === 0 ? Infinity : nowMs + beginEpochIntervalMs;
    for (const voter of others) {
      const heardMs = role.progress.ofVoter(this.voters, voter.voterId)?.lastFetchMs ?? -1;
      if (heardMs >= 0 && nowMs - heardMs < beginEpochIntervalMs) continue;
      const { id: leaderId } = this.#options.self;
      this.#actions.push({ type: "sendBeginEpoch", request: { voter: keyOf(voter), leaderId, epoch: this.epoch } });
    }
  }

  /** When the leader has to give up unless more voters fetch. One that decides alone never has to (KAFKA-16144). */
  #checkQuorumAtMs(role: Leader): number {
    const { self } = this.#options;
    const voters = this.voters;
    if (voters.size === 0 || voters.isOnly(self)) return Infinity;
    const heardMs = role.progress.majorityHeardMs(voters, self, role.heardSinceMs, Infinity);
    return heardMs + this.#modules.timing.checkQuorumMs;
  }

  #advanceCommit(role: Leader, nowMs: number): void {
    const { log } = this.#modules;
    const committed = role.progress.committedOffset(this.voters, this.#options.self, log.flushedOffset);
    // Records of earlier epochs are committed by what follows them only (Raft §5.4.2).
    if (committed > role.epochStartOffset && committed > this.#highWatermark) {
      if (committed > log.logEndOffset)
        this.#fatal(`voters are at ${committed}, beyond the leader's end ${log.logEndOffset}`);
      else this.#raiseHighWatermark(committed);
    }
    this.#advanceChange(role, nowMs);
  }

  #raiseHighWatermark(offset: number): void {
    if (offset <= this.#highWatermark) return;
    this.#highWatermark = offset;
    this.#actions.push({ type: "committed", highWatermark: offset });
    if (this.#role.kind === "leader") this.#actions.push({ type: "wakeFetches" });
  }

  #resign(reason: string, nowMs: number, waitMs?: number): void {
    const role = this.#role;
    if (role.kind !== "leader") return;
    const epoch = this.epoch;
    const { self } = this.#options;
    const others = this.voters.others(self.id);
    const endOf = (id: number): number => role.progress.ofVoter(this.voters, id)?.endOffset ?? -1;
    const successors = others.map(keyOf).sort((a, b) => endOf(b.id) - endOf(a.id));
    const request: EndEpochRequest = { leaderId: self.id, epoch, successors };
    for (const to of successors) this.#actions.push({ type: "sendEndEpoch", to, request });
    this.#leave(reason, nowMs);
    const plainWaitMs = others.length === 0 ? 0 : this.#modules.timing.electionTimeoutMs();
    this.#becomeUnattached(epoch, nowMs, waitMs ?? plainWaitMs);
  }

  // Changes of the voters

  #notLeading(): VoterChangeOutcome | null {
    if (this.#role.kind === "leader") return null;
    return { errorCode: Errors.NOT_LEADER_OR_FOLLOWER, message: null };
  }

  #changeContext(): ChangeContext {
    const role = this.#role;
    return {
      facts: this.#modules.quorum.latest,
      highWatermark: this.#highWatermark,
      epochStartOffset: role.kind === "leader" ? role.epochStartOffset : Infinity,
      hasPendingChange: role.kind === "leader" && role.change !== null,
      listenerName: this.#options.listenerName,
    };
  }

  #changeAtOnce(
    refusal: VoterChangeOutcome | null,
    voters: () => VoterSet,
    nowMs: number,
  ): Decided<{ ticket: number; refusal: VoterChangeOutcome | null }> {
    const ticket = ++this.#lastTicket;
    if (refusal === null && this.#role.kind === "leader") {
      this.#role.change = {
        ticket,
        voters: voters(),
        awaits: null,
        isAppended: false,
        ackWhenCommitted: true,
        deadlineMs: Infinity,
      };
      this.#advanceChange(this.#role, nowMs);
    }
    return this.#decided({ ticket, refusal }, nowMs);
  }

  /** Appends a change whose voter has caught up, and answers one that is committed. */
  #advanceChange(role: Leader, nowMs: number): void {
    const { change } = role;
    if (change !== null && !change.isAppended) {
      const caughtUpMs = change.awaits === null ? nowMs : (role.progress.get(change.awaits)?.lastCaughtUpMs ?? -1);
      if (caughtUpMs < 0) return;
      const controls = [{ type: "voters", voters: change.voters.voters } as const];
      role.change = { ...change, isAppended: true, deadlineMs: Infinity };
      role.beginAtMs = nowMs;
      this.#actions.push({ type: "appendControls", epoch: this.epoch, controls });
      if (!change.ackWhenCommitted) {
        this.#actions.push({ type: "voterChanged", ticket: change.ticket, outcome: CHANGED });
      }
      return;
    }
    const { offset } = this.#modules.quorum.latest;
    if (offset >= this.#highWatermark) return;
    if (change !== null) this.#answerChange(role, CHANGED);
    // The leader sees its own removal through, and then leaves (KIP-853).
    if (!this.isVoter) this.#resign("removed from the voters", nowMs);
  }

  #answerChange(role: Leader, outcome: VoterChangeOutcome): void {
    const { change } = role;
    if (change === null) return;
    role.change = null;
    if (change.isAppended && !change.ackWhenCommitted) return;
    this.#actions.push({ type: "voterChanged", ticket: change.ticket, outcome });
  }

  // The step

  get #leaderId(): number {
    if (this.#role.kind === "leader") return this.#options.self.id;
    return this.#role.kind === "follower" ? this.#role.leaderId : NO_LEADER;
  }

  #epochResponse(errorCode: number): EpochResponse {
    return { errorCode, leaderId: this.#leaderId, epoch: this.epoch };
  }

  #setState(change: Partial<QuorumState>): void {
    const hasNoVote = change.votedId === -1 ? { votedDirectoryId: ZERO_UUID } : {};
    this.#state = { ...this.#state, ...change, ...hasNoVote };
    // Who leads need not outlive a crash: epoch and vote do, and they say that nobody else can (Raft §5.2). It is written along with them.
    if (change.leaderEpoch !== undefined || change.votedId !== undefined) this.#isStateDirty = true;
  }

  #fatal(message: string): void {
    this.#actions.push({ type: "fatal", message });
    this.#isStopped = true;
  }

  #decided<R>(reply: R, nowMs: number): Decided<R> {
    return { reply, actions: this.#end(nowMs) };
  }

  /** Hands out what the event gave rise to. */
  #end(nowMs: number, { persists = true } = {}): Action[] {
    this.#noteMembership(nowMs);
    this.#sendFetch(nowMs);
    const leader = this.leaderAndEpoch;
    if (leader.leaderId !== this.#told.leaderId || leader.epoch !== this.#told.epoch) {
      this.#told = leader;
      this.#actions.push({ type: "leaderChanged", leader });
    }
    const actions = this.#actions;
    this.#actions = [];
    if (this.#isStateDirty && persists) {
      this.#isStateDirty = false;
      actions.unshift({ type: "persist", state: this.#state });
    }
    return actions;
  }

  /** The log may have made this node a voter. */
  #noteMembership(nowMs: number): void {
    const role = this.#role;
    if (role.kind === "unattached" && role.electionAtMs === Infinity && this.isElector && !this.#isStopped) {
      role.electionAtMs = nowMs + this.#modules.timing.electionTimeoutMs();
    }
  }
}
