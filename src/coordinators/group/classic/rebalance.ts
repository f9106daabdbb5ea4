/**
 * The rebalance of a classic group: everybody joins anew, a generation begins, the leader's assignment is awaited.
 *
 * All functions here change the group at once, ahead of any record: a group that rebalances is not in the log.
 */
import { Errors } from "../../../../protocol/errors.ts";
import { Deadline } from "../../runtime/deadline.ts";
import type { GroupEnvironment, GroupTurn } from "../group-environment.ts";
import type { GroupState } from "../group-state.ts";
import { type ClassicGroup, failedJoin, failedSync } from "./classic-group.ts";
import { type ClassicMember, type JoinResponse, NO_ASSIGNMENT } from "./classic-member.ts";
import { groupRecord } from "./group-metadata.ts";

/** Wait for the next attempt when nobody has joined by the end of the last, where the members themselves name no time. */
const MIN_RETRY_MS = 1_000;

/** Begins a rebalance, or, when one goes on, ends it if this was all it waited for. */
export function rebalance(state: GroupState, turn: GroupTurn, group: ClassicGroup, reason: string): void {
  if (group.canRebalance) prepareRebalance(state, turn, group, reason);
  else completeJoinIfReady(state, turn, group);
}

/** Begins a rebalance: everybody has to join again. */
export function prepareRebalance(state: GroupState, turn: GroupTurn, group: ClassicGroup, reason: string): void {
  const { environment } = state;
  turn.isApplied = true;
  if (group.state === "CompletingRebalance") cancelSyncs(turn, group, Errors.REBALANCE_IN_PROGRESS);
  endSyncPhase(group);
  const isInitial = group.state === "Empty";
  group.becomePreparingRebalance(turn.nowMs);
  environment.logger.info("group.rebalancing", {
    group: group.groupId,
    generation: group.generationId,
    members: group.size,
    reason,
  });
  if (isInitial) awaitFirstMembers(environment, group);
  else if (group.hasEverybodyJoined) completeJoin(state, turn, group);
  else joinTimer(group, environment, completeJoinInTime).set(group.rebalanceTimeoutMs);
}

/** Ends the join phase when nobody is missing. The first rebalance of a group is left to its timer. */
export function completeJoinIfReady(state: GroupState, turn: GroupTurn, group: ClassicGroup): void {
  if (group.state !== "PreparingRebalance" || group.previousState === "Empty" || !group.hasEverybodyJoined) return;
  completeJoin(state, turn, group);
}

/** Ends the join phase: who has not joined is out, unless it is static. */
export function completeJoin(state: GroupState, turn: GroupTurn, group: ClassicGroup): void {
  const { environment } = state;
  turn.isApplied = true;
  clearJoinTimer(group);
  for (const member of [...group.members()]) {
    if (member.pendingJoin !== null || member.isStatic) continue;
    environment.counters.membersExpired.increment();
    environment.logger.info("group.member-removed", {
      group: group.groupId,
      member: member.memberId,
      reason: "did not rejoin",
    });
    group.remove(member.memberId);
  }
  if (!group.electJoinedLeader() && group.size > 0) {
    // Only static members that are away: their sessions will end the wait.
    joinTimer(group, environment, completeJoinInTime).set(Math.max(group.rebalanceTimeoutMs, MIN_RETRY_MS));
    return;
  }
  group.becomeNextGeneration(turn.nowMs);
  if (group.state === "Empty") {
    environment.logger.info("group.empty", { group: group.groupId, generation: group.generationId });
    turn.append(groupRecord(group, new Map()));
    return;
  }
  environment.counters.classicRebalances.increment();
  environment.logger.info("group.generation", {
    group: group.groupId,
    generation: group.generationId,
    protocol: group.protocolName,
    members: group.size,
  });
  for (const member of group.members()) {
    group.answerJoin(turn, member, joined(group, member));
    extendSession(state, group, member);
    member.isNew = false;
    group.pendingSyncs.add(member.memberId);
  }
  syncTimer(group, environment).set(Math.max(group.rebalanceTimeoutMs, environment.options.classic.minSyncTimeoutMs));
}

/** The answer to a member that is in the current generation; the leader is told all members. */
export function joined(group: ClassicGroup, member: ClassicMember): JoinResponse {
  return {
    throttleTimeMs: 0,
    errorCode: Errors.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? "",
    skipAssignment: false,
    memberId: member.memberId,
    members: group.isLeader(member.memberId) ? currentMembers(group) : [],
  };
}

/** What the leader has to know of the members. */
export function currentMembers(group: ClassicGroup): NonNullable<JoinResponse["members"]> {
  return Array.from(group.members(), ({ memberId, groupInstanceId, protocols }) => ({
    memberId,
    groupInstanceId,
    metadata: protocols.find(({ name }) => name === group.protocolName)?.metadata ?? NO_ASSIGNMENT,
  }));
}

/** Takes a member out for good; whatever it waits for, it is a stranger now. */
export function removeMember(turn: GroupTurn, group: ClassicGroup, member: ClassicMember): void {
  group.answerJoin(turn, member, failedJoin(Errors.UNKNOWN_MEMBER_ID, ""));
  group.answerSync(turn, member, failedSync(Errors.UNKNOWN_MEMBER_ID));
  group.remove(member.memberId);
}

/** Gives a member its session timeout once more, or `timeoutMs`. */
export function extendSession(
  state: GroupState,
  group: ClassicGroup,
  member: ClassicMember,
  timeoutMs = member.sessionTimeoutMs,
): void {
  const { environment } = state;
  member.session ??= new Deadline(environment, () =>
    environment.run("group.session-expired", (current, turn) => {
      if (current.groups.get(group.groupId) === group) sessionExpired(current, turn, group, member);
    }),
  );
  member.session.set(timeoutMs);
}

/** The member has synced; the wait for the others may be over. */
export function syncArrived(group: ClassicGroup, memberId: string): void {
  group.pendingSyncs.delete(memberId);
  if (group.pendingSyncs.size === 0) group.syncTimer?.clear();
}

/** Tells everybody who waits for an assignment that there will be none. */
export function cancelSyncs(turn: GroupTurn, group: ClassicGroup, errorCode: number): void {
  for (const member of group.members()) {
    member.assignment = NO_ASSIGNMENT;
    if (member.pendingSync === null) continue;
    group.answerSync(turn, member, failedSync(errorCode));
    member.session?.set(member.sessionTimeoutMs);
  }
}

/** A member that was only told its id is gone. */
export function removePending(state: GroupState, turn: GroupTurn, group: ClassicGroup, memberId: string): void {
  turn.isApplied = true;
  group.remove(memberId);
  if (group.state === "PreparingRebalance" && group.hasEverybodyJoined && group.previousState !== "Empty") {
    completeJoin(state, turn, group);
  }
}

// --- Timers

function sessionExpired(state: GroupState, turn: GroupTurn, group: ClassicGroup, member: ClassicMember): void {
  if (group.member(member.memberId) !== member || member.isExcused) return;
  turn.isApplied = true;
  state.environment.counters.membersExpired.increment();
  state.environment.logger.info("group.member-removed", {
    group: group.groupId,
    member: member.memberId,
    reason: "session expired",
  });
  removeMember(turn, group, member);
  if (group.state === "Stable" || group.state === "CompletingRebalance") {
    prepareRebalance(state, turn, group, `session of member ${member.memberId} expired`);
  } else if (group.state === "PreparingRebalance" && group.hasEverybodyJoined && group.previousState !== "Empty") {
    completeJoin(state, turn, group);
  }
}

/** Waits for more members before the first generation, as long as they keep coming and the longest rebalance timeout lasts. */
function awaitFirstMembers(environment: GroupEnvironment, group: ClassicGroup): void {
  const { initialRebalanceDelayMs } = environment.options.classic;
  group.hasNewMember = false;
  awaitMore(
    environment,
    group,
    initialRebalanceDelayMs,
    Math.max(group.rebalanceTimeoutMs - initialRebalanceDelayMs, 0),
  );
}

function awaitMore(environment: GroupEnvironment, group: ClassicGroup, delayMs: number, remainingMs: number): void {
  const timer = joinTimer(group, environment, (state, turn, current) => {
    if (!current.hasNewMember || remainingMs === 0) {
      completeJoin(state, turn, current);
      return;
    }
    current.hasNewMember = false;
    const nextMs = Math.min(environment.options.classic.initialRebalanceDelayMs, remainingMs);
    awaitMore(environment, current, nextMs, Math.max(remainingMs - delayMs, 0));
  });
  timer.set(delayMs);
}

function completeJoinInTime(state: GroupState, turn: GroupTurn, group: ClassicGroup): void {
  completeJoin(state, turn, group);
}

/** A timer of the join phase; it replaces the one before. */
function joinTimer(
  group: ClassicGroup,
  environment: GroupEnvironment,
  due: (state: GroupState, turn: GroupTurn, group: ClassicGroup) => void,
): Deadline {
  clearJoinTimer(group);
  const timer = new Deadline(environment, () =>
    environment.run("group.join-phase-over", (state, turn) => {
      if (state.groups.get(group.groupId) !== group || group.joinTimer !== timer) return;
      if (group.state === "PreparingRebalance") due(state, turn, group);
    }),
  );
  group.joinTimer = timer;
  return timer;
}

function clearJoinTimer(group: ClassicGroup): void {
  group.joinTimer?.clear();
  group.joinTimer = null;
}

function syncTimer(group: ClassicGroup, environment: GroupEnvironment): Deadline {
  group.syncTimer?.clear();
  const { generationId } = group;
  group.syncTimer = new Deadline(environment, () =>
    environment.run("group.sync-phase-over", (state, turn) => {
      if (state.groups.get(group.groupId) === group && group.generationId === generationId)
        syncsExpired(state, turn, group);
    }),
  );
  return group.syncTimer;
}

/** Who has not asked for its assignment in time is out. */
function syncsExpired(state: GroupState, turn: GroupTurn, group: ClassicGroup): void {
  if (group.state !== "CompletingRebalance" && group.state !== "Stable") return;
  const missing = [...group.pendingSyncs];
  if (missing.length === 0) return;
  turn.isApplied = true;
  state.environment.counters.membersExpired.increment(missing.length);
  for (const memberId of missing) {
    state.environment.logger.info("group.member-removed", {
      group: group.groupId,
      member: memberId,
      reason: "did not sync",
    });
    const member = group.member(memberId);
    if (member !== undefined) removeMember(turn, group, member);
  }
  prepareRebalance(state, turn, group, "members did not sync in time");
}

function endSyncPhase(group: ClassicGroup): void {
  group.pendingSyncs.clear();
  group.syncTimer?.clear();
}
