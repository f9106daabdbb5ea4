/** Elections: who gets this replica's vote, and how it comes to stand and to win (KIP-595, KIP-996). */
import { Errors } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { isUpToDate } from "./fetch-decision.ts";
import { epochStartControls } from "./leadership.ts";
import { lead } from "./leading.ts";
import type { Member } from "./member.ts";
import type { VoteRequest, VoteResponse } from "./messages.ts";
import { ProgressTable } from "./progress.ts";
import { NO_LEADER } from "./replicated-log.ts";
import type { Standing } from "./roles.ts";
import { becomeUnattached, leave, stepBack } from "./transitions.ts";
import { newVoter } from "./voter-changes.ts";
import { keyOf, type ReplicaKey } from "./voter-set.ts";
import { Votes } from "./votes.ts";

/** Somebody asks for this replica's vote, or whether it would give it. */
export function decideVote(member: Member, request: VoteRequest, nowMs: number): VoteResponse {
  const errorCode = refuseVoteRequest(member, request);
  if (errorCode !== Errors.NONE) return { ...member.epochResponse(errorCode), isGranted: false };
  if (request.epoch > member.epoch) {
    becomeUnattached(member, request.epoch, nowMs, member.modules.timing.electionTimeoutMs());
  }
  const isGranted = grants(member, request);
  if (isGranted && request.isPreVote) giveWay(member, nowMs);
  if (isGranted && !request.isPreVote) {
    const { id, directoryId } = request.candidate;
    becomeUnattached(member, member.epoch, nowMs, member.modules.timing.electionTimeoutMs());
    member.setState({ votedId: id, votedDirectoryId: directoryId });
  }
  return { ...member.epochResponse(Errors.NONE), isGranted };
}

export function refuseVoteRequest(member: Member, { voter, epoch, candidate }: VoteRequest): number {
  if (!isMeant(member, voter)) return Errors.INVALID_VOTER_KEY;
  if (candidate.id === member.options.self.id || candidate.id < 0) return Errors.INVALID_REQUEST;
  return epoch < member.epoch ? Errors.FENCED_LEADER_EPOCH : Errors.NONE;
}

export function grants(member: Member, { candidate, isPreVote, lastEpoch, endOffset }: VoteRequest): boolean {
  if (!isUpToDate(member.modules.log, lastEpoch, endOffset)) return false;
  const role = member.role;
  if (isPreVote && role.kind === "prospective") return isPreferred(member, candidate, lastEpoch, endOffset);
  if (isPreVote) return role.kind === "follower" ? !role.hearsLeader : role.kind !== "leader";
  const { leaderId, votedId, votedDirectoryId } = member.state;
  if (leaderId !== NO_LEADER) return false;
  return votedId === -1 || (votedId === candidate.id && votedDirectoryId === candidate.directoryId);
}

/**
 * Of two that ask for pre-votes at once, which happens when both see their leader die, one gives way to the other and not both to each other: the one
 * whose log is longer is asked for, of equals the one with the lower id. Else they would split the votes, again and again while disks are slow.
 */
export function isPreferred(member: Member, candidate: ReplicaKey, lastEpoch: number, endOffset: number): boolean {
  const { log } = member.modules;
  if (lastEpoch !== log.lastEpoch || endOffset !== log.logEndOffset) return true; // it is ahead, being up to date
  return candidate.id < member.options.self.id || !member.isElector;
}

/** Somebody else stands: it is given time to be elected before this replica does. */
export function giveWay(member: Member, nowMs: number): void {
  const role = member.role;
  const untilMs = nowMs + member.modules.timing.giveWayMs;
  if (role.kind === "unattached") role.electionAtMs = Math.max(role.electionAtMs, untilMs);
  else if (role.kind === "follower") {
    role.isSuspected = true;
    role.timeoutAtMs = Math.max(role.timeoutAtMs, untilMs);
  } else if (role.kind === "prospective") stepBack(member, untilMs - nowMs, nowMs);
}

/**
 * Whether a request addressed to `voter` is for this replica: its directory may not be the one that was elected to vote. Who names none has no record
 * yet that voters have directories: as long as that is not known to be committed, others may go on without it.
 */
export function isMeant(member: Member, { id, directoryId }: ReplicaKey): boolean {
  const { self } = member.options;
  if (id === -1) return true;
  if (id !== self.id) return false;
  if (directoryId === ZERO_UUID) return member.modules.quorum.at(member.highWatermark).kraftVersion === 0;
  return directoryId === self.directoryId;
}

/** A time-out without a leader: a voter asks for pre-votes, everybody else looks for the leader again. */
export function stand(member: Member, nowMs: number): void {
  if (!member.isElector || member.isStopped) {
    becomeUnattached(member, member.epoch, nowMs, Infinity);
    return;
  }
  becomeProspective(member, nowMs);
}

export function becomeProspective(member: Member, nowMs: number): void {
  leave(member, "stood for election", nowMs);
  const role = standing(member, "prospective", nowMs);
  member.role = role;
  countVotes(member, role, nowMs);
  if (member.role === role) requestVotes(member, role, nowMs);
}

export function becomeCandidate(member: Member, nowMs: number): void {
  const { id, directoryId } = member.options.self;
  leave(member, "stood for election", nowMs);
  member.setState({
    leaderEpoch: member.epoch + 1,
    leaderId: NO_LEADER,
    votedId: id,
    votedDirectoryId: directoryId,
  });
  const role = standing(member, "candidate", nowMs);
  member.role = role;
  countVotes(member, role, nowMs);
  if (member.role === role) requestVotes(member, role, nowMs);
}

export function standing(member: Member, kind: Standing["kind"], nowMs: number): Standing {
  const votes = new Votes();
  votes.record(member.options.self.id, true);
  member.round += 1;
  const endsAtMs = nowMs + member.modules.timing.electionTimeoutMs();
  return { kind, round: member.round, votes, endsAtMs, resendAtMs: Infinity };
}

export function requestVotes(member: Member, role: Standing, nowMs: number): void {
  role.resendAtMs = nowMs + member.modules.timing.timeouts.retryBackoffMs * 5;
  const { lastEpoch, logEndOffset } = member.modules.log;
  for (const voter of member.voters.others(member.options.self.id)) {
    if (role.votes.hasAnswered(voter.voterId)) continue;
    const request: VoteRequest = {
      voter: keyOf(voter),
      candidate: member.options.self,
      epoch: member.epoch,
      lastEpoch,
      endOffset: logEndOffset,
      isPreVote: role.kind === "prospective",
    };
    member.actions.push({ type: "sendVote", round: role.round, request });
  }
}

/** Who waits for a silent voter while another stands against it may wait long: it steps back, and chance says who comes first next time. */
export function askAgain(member: Member, role: Standing, nowMs: number): void {
  if (role.votes.hasRefusal) electionLost(member, nowMs);
  else requestVotes(member, role, nowMs);
}

export function countVotes(member: Member, role: Standing, nowMs: number): void {
  const result = role.votes.result(member.voters);
  if (result === "lost") electionLost(member, nowMs);
  else if (result === "won" && role.kind === "prospective") becomeCandidate(member, nowMs);
  else if (result === "won") becomeLeader(member, role.votes.granting, nowMs);
}

/** Waits, longer each time, and meanwhile looks whether the leader is there after all. */
export function electionLost(member: Member, nowMs: number): void {
  member.lostElections += 1;
  stepBack(member, member.modules.timing.backoffMs(member.lostElections), nowMs);
}

export function becomeLeader(member: Member, grantingIds: readonly number[], nowMs: number): void {
  const { self, endpoints } = member.options;
  leave(member, "elected", nowMs);
  member.setState({ leaderId: self.id });
  member.lostElections = 0;
  member.role = {
    kind: "leader",
    epochStartOffset: member.modules.log.logEndOffset,
    progress: new ProgressTable(),
    heardSinceMs: nowMs,
    beginAtMs: nowMs,
    change: null,
    described: member.voters.updated(newVoter(self, [...endpoints])),
  };
  const controls = epochStartControls(member.modules.quorum.latest, member.voters, self, endpoints, grantingIds);
  member.actions.push({ type: "appendControls", epoch: member.epoch, controls });
  lead(member, member.role, nowMs);
}

/** The log may have made this node a voter. */
export function noteMembership(member: Member, nowMs: number): void {
  const { role } = member;
  if (role.kind !== "unattached" || role.electionAtMs !== Infinity) return;
  if (member.isElector && !member.isStopped) role.electionAtMs = nowMs + member.modules.timing.electionTimeoutMs();
}
