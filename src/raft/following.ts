/** Following: finding a leader, fetching from it, and noticing that it is gone. */
import { Errors } from "../../protocol/errors.ts";
import { truncationPoint } from "./fetch-decision.ts";
import type { Member } from "./member.ts";
import type { EpochResponse, FetchResponse } from "./messages.ts";
import { NO_LEADER } from "./replicated-log.ts";
import type { Follower } from "./roles.ts";
import { becomeFollower, becomeUnattached } from "./transitions.ts";
import { hasSameEndpoints, keyOf } from "./voter-set.ts";

/** How often a node without a leader asks around for one. */
const DISCOVERY_INTERVAL_MS = 100;

/** What any answer or request of a peer says about who leads. */
export function learn(member: Member, { leaderId, epoch }: EpochResponse, nowMs: number): void {
  const { self } = member.options;
  if (epoch > member.epoch) {
    if (leaderId >= 0 && leaderId !== self.id) follow(member, leaderId, epoch, nowMs);
    else becomeUnattached(member, epoch, nowMs, member.modules.timing.electionTimeoutMs());
    return;
  }
  if (epoch < member.epoch || leaderId < 0 || leaderId === self.id) return;
  const known = member.state.leaderId;
  // An observer that had lost sight of its leader hears of it again.
  const isFoundAgain = known === leaderId && member.role.kind === "unattached";
  if (known === NO_LEADER || isFoundAgain) follow(member, leaderId, epoch, nowMs);
}

/** Follows `leaderId` from now on, unless it does already or knows better. */
export function follow(member: Member, leaderId: number, epoch: number, nowMs: number): void {
  const role = member.role;
  if (role.kind === "follower" && member.epoch === epoch) return;
  becomeFollower(member, leaderId, epoch, nowMs, member.modules.timing.timeouts.fetchTimeoutMs);
}

export function refuseLeaderRequest(member: Member, leaderId: number, epoch: number): number {
  if (epoch < member.epoch) return Errors.FENCED_LEADER_EPOCH;
  if (leaderId < 0 || leaderId === member.options.self.id) return Errors.INVALID_REQUEST;
  const known = member.state.leaderId;
  return epoch === member.epoch && known !== NO_LEADER && known !== leaderId ? Errors.INVALID_REQUEST : Errors.NONE;
}

export function suspect(member: Member, nowMs: number): void {
  const role = member.role;
  if (role.kind !== "follower") return;
  if (!member.isElector) {
    becomeUnattached(member, member.epoch, nowMs, Infinity);
    return;
  }
  // One sign after another is no reason to hurry; and whoever has just lost an election waits as that told it to.
  if (role.isSuspected) return;
  role.isSuspected = true;
  role.hearsLeader = false;
  role.timeoutAtMs = Math.min(role.timeoutAtMs, nowMs + member.modules.timing.suspicionMs());
}

export function mayFetch(member: Member): boolean {
  const { log } = member.modules;
  if (member.isStopped || member.isDownloading || member.awaitsLog) return false;
  // What is asked for from an offset is taken to be durable here below it.
  if (log.flushedOffset < log.logEndOffset) return false;
  if (member.role.kind === "follower") return true;
  return member.role.kind === "unattached" && canDiscover(member);
}

export function canDiscover(member: Member): boolean {
  return member.options.hasBootstrapServers || member.voters.others(member.options.self.id).length > 0;
}

export function sendFetch(member: Member, nowMs: number): void {
  if (!mayFetch(member) || member.isFetching || nowMs < member.fetchAtMs) return;
  const { log, timing } = member.modules;
  member.isFetching = true;
  member.fetchToken += 1;
  member.actions.push({
    type: "sendFetch",
    fetch: {
      token: member.fetchToken,
      to: member.role.kind === "follower" ? member.role.leaderId : whomToAsk(member),
      epoch: member.epoch,
      fetchOffset: log.logEndOffset,
      lastFetchedEpoch: log.lastEpoch,
      highWatermark: member.highWatermark,
      maxWaitMs: timing.fetchWaitMs,
    },
  });
}

/** Any of the other voters, or -1 for a bootstrap server. */
export function whomToAsk(member: Member): number {
  const others = member.voters.others(member.options.self.id);
  const count = others.length + (member.options.hasBootstrapServers ? 1 : 0);
  return others[member.modules.timing.randomIndex(count)]?.voterId ?? -1;
}

export function fetched(member: Member, from: number, response: FetchResponse, nowMs: number): void {
  const role = member.role;
  if (role.kind !== "follower" || role.leaderId !== from) {
    member.fetchAtMs = nowMs + (role.kind === "follower" ? 0 : DISCOVERY_INTERVAL_MS);
    return;
  }
  if (response.errorCode !== Errors.NONE) {
    member.fetchAtMs = nowMs + member.modules.timing.timeouts.retryBackoffMs;
    // It was the leader, by its own account it is not, and it knows of no other.
    if (response.errorCode === Errors.NOT_LEADER_OR_FOLLOWER && response.leaderId !== from) suspect(member, nowMs);
    return;
  }
  heardLeader(member, role, nowMs);
  member.fetchAtMs = nowMs;
  if (response.snapshotId !== null) needSnapshot(member, role, response.snapshotId);
  else if (response.diverging !== null) truncate(member, truncationPoint(member.modules.log, response.diverging));
  else {
    member.leaderHighWatermark = Math.max(member.leaderHighWatermark, response.highWatermark);
    if (response.records.length > 0) {
      member.awaitsLog = true;
      member.actions.push({ type: "append", records: response.records });
    }
    advanceFollowedCommit(member);
  }
  introduce(member, role, nowMs);
}

export function heardLeader(member: Member, role: Follower, nowMs: number): void {
  role.hearsLeader = true;
  role.heardAtMs = nowMs;
  role.isSuspected = false;
  role.timeoutAtMs = nowMs + member.modules.timing.timeouts.fetchTimeoutMs;
  member.lostElections = 0;
}

export function needSnapshot(member: Member, role: Follower, id: { endOffset: number; epoch: number }): void {
  if (id.endOffset < member.highWatermark) {
    member.fatal(
      `the leader offers a snapshot up to ${id.endOffset}, below the high watermark ${member.highWatermark}`,
    );
    return;
  }
  member.isDownloading = true;
  member.actions.push({ type: "downloadSnapshot", token: member.fetchToken, from: role.leaderId, id });
}

export function truncate(member: Member, endOffset: number): void {
  if (endOffset < member.highWatermark) {
    member.fatal(
      `the leader has this node cut its log at ${endOffset}, below the high watermark ${member.highWatermark}`,
    );
    return;
  }
  member.awaitsLog = true;
  member.actions.push({ type: "truncate", endOffset });
}

/** A follower tells no more than it has made durable itself. */
export function advanceFollowedCommit(member: Member): void {
  if (member.role.kind !== "follower") return;
  member.raiseHighWatermark(Math.min(member.leaderHighWatermark, member.modules.log.flushedOffset));
}

/**
 * A voter that moved says so, and one that is configured describes itself to every leader anew, as no log keeps that for it; a node that is to vote and
 * does not asks to.
 */
export function introduce(member: Member, role: Follower, nowMs: number): void {
  const { self, endpoints, autoJoin } = member.options;
  if (nowMs < role.introduceAtMs || endpoints.length === 0) return;
  const isConfigured = member.modules.quorum.latest.kraftVersion < 1;
  const known = member.voters.find(self.id);
  if (member.isVoter && known !== undefined) {
    if (isConfigured ? role.isIntroduced : hasSameEndpoints(known, endpoints)) return;
    member.actions.push({ type: "sendUpdateVoter", to: role.leaderId, epoch: member.epoch });
  } else if (autoJoin && !isConfigured) {
    member.actions.push({ type: "sendJoin", to: role.leaderId, stale: known === undefined ? null : keyOf(known) });
  } else return;
  role.introduceAtMs = nowMs + member.modules.timing.timeouts.fetchTimeoutMs;
}

/** The leader of `epoch` has answered. One that keeps nothing at `kraft.version` 0, as those of Kafka's that cannot upgrade it, need not be told again. */
export function introduced({ role, epoch }: Member, answeredEpoch: number, errorCode: number): void {
  if (role.kind !== "follower" || answeredEpoch !== epoch) return;
  if (errorCode === Errors.NONE || errorCode === Errors.UNSUPPORTED_VERSION) role.isIntroduced = true;
}
