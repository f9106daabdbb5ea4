/** Leading: what followers claim, what is committed by it, and when to give up (KIP-595). */
import { Errors } from "../../protocol/errors.ts";
import { advanceChange } from "./changing-voters.ts";
import { judgePosition } from "./fetch-decision.ts";
import type { Member } from "./member.ts";
import type { FetchDecision, FetchRequest } from "./messages.ts";
import type { Leader } from "./roles.ts";
import { answerChange, resign } from "./transitions.ts";
import { keyOf } from "./voter-set.ts";

export function lead(member: Member, role: Leader, nowMs: number): void {
  if (nowMs >= checkQuorumAtMs(member, role)) {
    resign(member, "a majority of the voters has not fetched", nowMs);
    return;
  }
  if (role.change !== null && nowMs >= role.change.deadlineMs) {
    const message = "the new voter has not caught up in time";
    answerChange(member, role, { errorCode: Errors.REQUEST_TIMED_OUT, message });
  }
  if (nowMs < role.beginAtMs) return;
  const { beginEpochIntervalMs } = member.modules.timing;
  const others = member.voters.others(member.options.self.id);
  role.beginAtMs = others.length === 0 ? Infinity : nowMs + beginEpochIntervalMs;
  for (const voter of others) {
    const heardMs = role.progress.ofVoter(member.voters, voter.voterId)?.lastFetchMs ?? -1;
    if (heardMs >= 0 && nowMs - heardMs < beginEpochIntervalMs) continue;
    const { id: leaderId } = member.options.self;
    member.actions.push({ type: "sendBeginEpoch", request: { voter: keyOf(voter), leaderId, epoch: member.epoch } });
  }
}

/** When the leader has to give up unless more voters fetch. One that decides alone never has to (KAFKA-16144). */
export function checkQuorumAtMs(member: Member, role: Leader): number {
  const { self } = member.options;
  const voters = member.voters;
  if (voters.size === 0 || voters.isOnly(self)) return Infinity;
  const heardMs = role.progress.majorityHeardMs(voters, self, role.heardSinceMs, Infinity);
  return heardMs + member.modules.timing.checkQuorumMs;
}

export function advanceCommit(member: Member, role: Leader, nowMs: number): void {
  const { log } = member.modules;
  const committed = role.progress.committedOffset(member.voters, member.options.self, log.flushedOffset);
  // Records of earlier epochs are committed by what follows them only (Raft §5.4.2).
  if (committed > role.epochStartOffset && committed > member.highWatermark) {
    if (committed > log.logEndOffset)
      member.fatal(`voters are at ${committed}, beyond the leader's end ${log.logEndOffset}`);
    else member.raiseHighWatermark(committed);
  }
  advanceChange(member, role, nowMs);
}

/** A replica asks for what comes at its log's end, and claims thereby to have all before it. */
export function decideFetch(member: Member, request: FetchRequest, nowMs: number): FetchDecision {
  const errorCode = member.refuseReplicaRequest(request.epoch);
  const { role } = member;
  if (errorCode !== Errors.NONE || role.kind !== "leader") {
    return { kind: "refuse", ...member.epochResponse(errorCode) };
  }
  const { replica, fetchOffset, lastFetchedEpoch } = request;
  if (fetchOffset < 0 || lastFetchedEpoch < 0 || lastFetchedEpoch > member.epoch) {
    return { kind: "refuse", ...member.epochResponse(Errors.INVALID_REQUEST) };
  }
  const { log } = member.modules;
  const decision = judgePosition(log, fetchOffset, lastFetchedEpoch);
  if (replica.id < 0 || replica.id === member.options.self.id) return decision;
  if (decision.kind === "read") {
    role.progress.fetched(replica, fetchOffset, log.logEndOffset, nowMs);
    advanceCommit(member, role, nowMs);
  } else {
    role.progress.heardOf(replica, nowMs);
  }
  return decision;
}
