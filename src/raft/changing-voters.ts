/** Changes of the voters as the leader makes them, one at a time (KIP-853). */
import { Errors } from "../../protocol/errors.ts";
import type { AddVoter, UpdateVoter, VersionUpgrade, VoterChangeOutcome } from "./actions.ts";
import type { ControlRecord } from "./batches.ts";
import type { PendingChange } from "./leadership.ts";
import type { Member } from "./member.ts";
import type { Leader } from "./roles.ts";
import { answerChange, resign } from "./transitions.ts";
import { refuseUpgrade } from "./version-upgrade.ts";
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
  const wanted = { ...AT_ONCE, voters, awaits: key, ackWhenCommitted, deadlineMs: nowMs + timeoutMs };
  return begin(member, refusal, wanted, nowMs);
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
  const { role } = member;
  if (refusal === null && role.kind === "leader" && member.modules.quorum.latest.kraftVersion < 1) {
    role.described = role.described.updated(voter);
    return done(member);
  }
  return begin(member, refusal, { ...AT_ONCE, voters: () => member.voters.updated(voter) }, nowMs);
}

/** Raises `kraft.version`: the voters that are configured are in the log from then on, as they have described themselves. */
export function beginUpgrading(member: Member, upgrade: VersionUpgrade, nowMs: number): ChangeBegun {
  const refusal = refuseUpgrading(member, upgrade);
  const { kraftVersion } = upgrade;
  if (refusal === null && kraftVersion === member.modules.quorum.latest.kraftVersion) return done(member);
  const { role } = member;
  const voters = () => (role.kind === "leader" ? role.described : member.voters);
  return begin(member, refusal, { ...AT_ONCE, voters, kraftVersion }, nowMs);
}

export function refuseUpgrading(member: Member, upgrade: VersionUpgrade): VoterChangeOutcome | null {
  const { role, epoch } = member;
  if (role.kind === "leader" && upgrade.epoch === epoch) {
    return refuseUpgrade(upgrade, changeContext(member), role.described);
  }
  return { errorCode: Errors.NOT_LEADER_OR_FOLLOWER, message: `this node does not lead epoch ${upgrade.epoch}` };
}

/** Appends a change whose voter has caught up, and answers one that is committed. */
export function advanceChange(member: Member, role: Leader, nowMs: number): void {
  const { change } = role;
  if (change !== null && !change.isAppended) {
    const caughtUpMs = change.awaits === null ? nowMs : (role.progress.get(change.awaits)?.lastCaughtUpMs ?? -1);
    if (caughtUpMs < 0) return;
    const { kraftVersion } = change;
    const controls: ControlRecord[] = [{ type: "voters", voters: change.voters.voters }];
    // In one batch, so that nobody ever has the one without the other.
    if (kraftVersion !== null) controls.unshift({ type: "kraftVersion", kraftVersion });
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

/** Nobody has to catch up before it, and the version stays. */
const AT_ONCE = { awaits: null, ackWhenCommitted: true, deadlineMs: Infinity, kraftVersion: null } as const;

function begin(member: Member, refusal: VoterChangeOutcome | null, wanted: Wanted, nowMs: number): ChangeBegun {
  const ticket = ++member.lastTicket;
  if (refusal === null && member.role.kind === "leader") {
    member.role.change = { ...wanted, ticket, voters: wanted.voters(), isAppended: false };
    advanceChange(member, member.role, nowMs);
  }
  return { ticket, refusal };
}

/** There is nothing to append. */
function done(member: Member): ChangeBegun {
  const ticket = ++member.lastTicket;
  member.actions.push({ type: "voterChanged", ticket, outcome: CHANGED });
  return { ticket, refusal: null };
}

function notLeading(member: Member): VoterChangeOutcome | null {
  if (member.role.kind === "leader") return null;
  return { errorCode: Errors.NOT_LEADER_OR_FOLLOWER, message: null };
}

function changeContext({ role, modules, options, voters, highWatermark }: Member): ChangeContext {
  return {
    facts: modules.quorum.latest,
    voters,
    highWatermark,
    epochStartOffset: role.kind === "leader" ? role.epochStartOffset : Infinity,
    hasPendingChange: role.kind === "leader" && role.change !== null,
    listenerName: options.listenerName,
  };
}
