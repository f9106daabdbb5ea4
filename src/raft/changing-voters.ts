/** Changes of the voters as the leader makes them, one at a time (KIP-853). */
import { Errors } from "../../protocol/errors.ts";
import type { AddVoter, UpdateVoter, VoterChangeOutcome } from "./actions.ts";
import type { PendingChange } from "./leadership.ts";
import type { Member } from "./member.ts";
import type { Leader } from "./roles.ts";
import { answerChange, resign } from "./transitions.ts";
import {
  CHANGED,
  type ChangeContext,
  newVoter,
  refuseAdding,
  refuseRemoving,
  refuseUpdating,
} from "./voter-changes.ts";
import type { ReplicaKey, VoterSet } from "./voter-set.ts";

/** What is told at once of a change that is asked for: a refusal, or null, and the outcome follows under the ticket. */
export interface ChangeBegun {
  readonly ticket: number;
  readonly refusal: VoterChangeOutcome | null;
}

export function beginAdding(member: Member, request: AddVoter, nowMs: number): ChangeBegun {
  const refusal = notLeading(member) ?? refuseAdding(request, changeContext(member));
  const { key, endpoints, ackWhenCommitted, timeoutMs } = request;
  const voters = () => member.voters.with(newVoter(key, [...endpoints]));
  return begin(member, refusal, { voters, awaits: key, ackWhenCommitted, deadlineMs: nowMs + timeoutMs }, nowMs);
}

export function beginRemoving(member: Member, key: ReplicaKey, nowMs: number): ChangeBegun {
  const refusal = notLeading(member) ?? refuseRemoving(key, changeContext(member));
  return begin(member, refusal, { ...AT_ONCE, voters: () => member.voters.without(key.id) }, nowMs);
}

export function beginUpdating(member: Member, update: UpdateVoter, nowMs: number): ChangeBegun {
  const epochError = member.refuseReplicaRequest(update.epoch);
  const refusal =
    epochError === Errors.NONE
      ? refuseUpdating(update, changeContext(member))
      : { errorCode: epochError, message: null };
  const { key, endpoints, minSupportedVersion, maxSupportedVersion } = update;
  const kRaftVersionFeature = { minSupportedVersion, maxSupportedVersion };
  const voter = { ...newVoter(key, [...endpoints]), kRaftVersionFeature };
  return begin(member, refusal, { ...AT_ONCE, voters: () => member.voters.updated(voter) }, nowMs);
}

/** Appends a change whose voter has caught up, and answers one that is committed. */
export function advanceChange(member: Member, role: Leader, nowMs: number): void {
  const { change } = role;
  if (change !== null && !change.isAppended) {
    const caughtUpMs = change.awaits === null ? nowMs : (role.progress.get(change.awaits)?.lastCaughtUpMs ?? -1);
    if (caughtUpMs < 0) return;
    const controls = [{ type: "voters", voters: change.voters.voters } as const];
    role.change = { ...change, isAppended: true, deadlineMs: Infinity };
    role.beginAtMs = nowMs;
    member.actions.push({ type: "appendControls", epoch: member.epoch, controls });
    if (!change.ackWhenCommitted) {
      member.actions.push({ type: "voterChanged", ticket: change.ticket, outcome: CHANGED });
    }
    return;
  }
  const { offset } = member.modules.quorum.latest;
  if (offset >= member.highWatermark) return;
  if (change !== null) answerChange(member, role, CHANGED);
  // The leader sees its own removal through, and then leaves (KIP-853).
  if (!member.isVoter) resign(member, "removed from the voters", nowMs);
}

type Wanted = Omit<PendingChange, "ticket" | "voters" | "isAppended"> & { readonly voters: () => VoterSet };

/** Nobody has to catch up before it. */
const AT_ONCE = { awaits: null, ackWhenCommitted: true, deadlineMs: Infinity } as const;

function begin(member: Member, refusal: VoterChangeOutcome | null, wanted: Wanted, nowMs: number): ChangeBegun {
  const ticket = ++member.lastTicket;
  if (refusal === null && member.role.kind === "leader") {
    member.role.change = { ...wanted, ticket, voters: wanted.voters(), isAppended: false };
    advanceChange(member, member.role, nowMs);
  }
  return { ticket, refusal };
}

function notLeading(member: Member): VoterChangeOutcome | null {
  if (member.role.kind === "leader") return null;
  return { errorCode: Errors.NOT_LEADER_OR_FOLLOWER, message: null };
}

function changeContext({ role, modules, options, highWatermark }: Member): ChangeContext {
  return {
    facts: modules.quorum.latest,
    highWatermark,
    epochStartOffset: role.kind === "leader" ? role.epochStartOffset : Infinity,
    hasPendingChange: role.kind === "leader" && role.change !== null,
    listenerName: options.listenerName,
  };
}
