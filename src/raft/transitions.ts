/** How a member of the quorum changes its role: the only places where it is set, but for the steps of an election, which are in `elections.ts`. */
import { Errors } from "../../protocol/errors.ts";
import type { VoterChangeOutcome } from "./actions.ts";
import type { Member } from "./member.ts";
import type { EndEpochRequest } from "./messages.ts";
import { NO_LEADER } from "./replicated-log.ts";
import type { Leader } from "./roles.ts";
import { keyOf } from "./voter-set.ts";

export function becomeUnattached(member: Member, epoch: number, nowMs: number, waitMs: number): void {
  leave(member, `epoch ${epoch}`, nowMs);
  if (epoch > member.epoch) member.setState({ leaderEpoch: epoch, leaderId: NO_LEADER, votedId: -1 });
  const mayStand = member.isElector && !member.isStopped;
  member.role = { kind: "unattached", electionAtMs: mayStand ? nowMs + waitMs : Infinity };
  member.fetchAtMs = nowMs + member.modules.timing.timeouts.retryBackoffMs;
}

export function becomeFollower(member: Member, leaderId: number, epoch: number, nowMs: number, waitMs: number): void {
  leave(member, `node ${leaderId} leads epoch ${epoch}`, nowMs);
  if (epoch > member.epoch) member.setState({ leaderEpoch: epoch, leaderId, votedId: -1 });
  else if (member.state.leaderId !== leaderId) member.setState({ leaderId });
  member.role = {
    kind: "follower",
    leaderId,
    timeoutAtMs: nowMs + waitMs,
    hearsLeader: false,
    heardAtMs: -1,
    isSuspected: false,
    introduceAtMs: nowMs,
    isIntroduced: false,
  };
  member.fetchAtMs = nowMs;
}

export function stepBack(member: Member, waitMs: number, nowMs: number): void {
  const { leaderId } = member.state;
  if (leaderId !== NO_LEADER && leaderId !== member.options.self.id) {
    becomeFollower(member, leaderId, member.epoch, nowMs, waitMs);
    if (member.role.kind === "follower") member.role.isSuspected = true;
  } else {
    becomeUnattached(member, member.epoch, nowMs, waitMs);
  }
}

export function resign(member: Member, reason: string, nowMs: number, waitMs?: number): void {
  const role = member.role;
  if (role.kind !== "leader") return;
  const epoch = member.epoch;
  const { self } = member.options;
  const others = member.voters.others(self.id);
  const endOf = (id: number): number => role.progress.ofVoter(member.voters, id)?.endOffset ?? -1;
  const successors = others.map(keyOf).sort((a, b) => endOf(b.id) - endOf(a.id));
  const request: EndEpochRequest = { leaderId: self.id, epoch, successors };
  for (const to of successors) member.actions.push({ type: "sendEndEpoch", to, request });
  leave(member, reason, nowMs);
  const plainWaitMs = others.length === 0 ? 0 : member.modules.timing.electionTimeoutMs();
  becomeUnattached(member, epoch, nowMs, waitMs ?? plainWaitMs);
}

/** Ends whatever the role had under way. */
export function leave(member: Member, reason: string, _nowMs: number): void {
  member.fetchToken += 1;
  member.isFetching = false;
  member.leaderHighWatermark = -1;
  if (member.isDownloading) {
    member.isDownloading = false;
    member.actions.push({ type: "cancelDownload" });
  }
  const role = member.role;
  if (role.kind === "follower" && role.heardAtMs >= 0) {
    member.lastHeard = { nodeId: role.leaderId, atMs: role.heardAtMs };
  }
  if (role.kind !== "leader") return;
  member.role = { kind: "unattached", electionAtMs: Infinity };
  if (role.change !== null) answerChange(member, role, { errorCode: Errors.NOT_LEADER_OR_FOLLOWER, message: reason });
  member.actions.push({ type: "resigned", epoch: member.epoch, reason }, { type: "wakeFetches" });
}

export function answerChange(member: Member, role: Leader, outcome: VoterChangeOutcome): void {
  const { change } = role;
  if (change === null) return;
  role.change = null;
  if (change.isAppended && !change.ackWhenCommitted) return;
  member.actions.push({ type: "voterChanged", ticket: change.ticket, outcome });
}
