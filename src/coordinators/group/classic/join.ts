/**
 * JoinGroup for classic groups. Every outcome goes through `reply`: most members wait there for the others.
 *
 * A member without id is given one. From v4 it has to come back with it before it counts (KIP-394), so that a client that lost the answer leaves
 * no ghost behind; static members (KIP-345) are known by their instance id and need not.
 */
import type { JoinGroup } from "../../../../protocol/apis/11-join-group.ts";
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { RequestOf } from "../../../../protocol/schema.ts";
import { Deadline } from "../../runtime/deadline.ts";
import type { GroupTurn, Reply, RequestFacts } from "../group-environment.ts";
import type { GroupState } from "../group-state.ts";
import { ClassicGroup, failedJoin } from "./classic-group.ts";
import { ClassicMember, type JoinResponse, memberProtocols, NO_ASSIGNMENT } from "./classic-member.ts";
import { groupRecord, newGroupRecord } from "./group-metadata.ts";
import {
  completeJoinIfReady,
  currentMembers,
  extendSession,
  joined,
  prepareRebalance,
  rebalance,
  removePending,
} from "./rebalance.ts";

export type JoinRequest = RequestOf<typeof JoinGroup>;

const MEMBER_ID_REQUIRED_VERSION = 4;
const SKIP_ASSIGNMENT_VERSION = 9;

interface Join {
  readonly request: JoinRequest;
  readonly facts: RequestFacts;
  readonly reply: Reply<JoinResponse>;
}

/** `group` is undefined where no group of that name exists. */
export function joinClassicGroup(
  state: GroupState,
  turn: GroupTurn,
  group: ClassicGroup | undefined,
  request: JoinRequest,
  facts: RequestFacts,
  reply: Reply<JoinResponse>,
): void {
  const join: Join = { request, facts, reply };
  const isUnknown = request.memberId === "";
  const refusal = whyNot(state, group, request);
  if (refusal !== Errors.NONE) {
    if (refusal === Errors.GROUP_MAX_SIZE_REACHED) dropFromFullGroup(state, turn, group!, request.memberId);
    turn.answer(reply, failedJoin(refusal, refusal === Errors.GROUP_MAX_SIZE_REACHED ? "" : request.memberId));
    return;
  }
  turn.isApplied = true;
  const joinedGroup = group ?? createGroup(state, turn, request.groupId);
  if (isUnknown) joinNewMember(state, turn, joinedGroup, join);
  else joinKnownMember(state, turn, joinedGroup, join);
}

function whyNot(state: GroupState, group: ClassicGroup | undefined, request: JoinRequest): number {
  if (group === undefined) {
    if (request.memberId !== "") return Errors.UNKNOWN_MEMBER_ID;
    const isComplete = request.protocolType !== "" && request.protocols.length > 0;
    return isComplete ? Errors.NONE : Errors.INCONSISTENT_GROUP_PROTOCOL;
  }
  if (!hasRoom(group, request.memberId, state.environment.options.classic.maxSize))
    return Errors.GROUP_MAX_SIZE_REACHED;
  if (!group.supports(request.protocolType, request.protocols)) return Errors.INCONSISTENT_GROUP_PROTOCOL;
  return Errors.NONE;
}

/** While a group rebalances, the first to join have a place; otherwise those that are in it. */
function hasRoom(group: ClassicGroup, memberId: string, maxSize: number): boolean {
  const member = group.member(memberId);
  switch (group.state) {
    case "Empty":
      return true;
    case "PreparingRebalance":
      return (member !== undefined && member.pendingJoin !== null) || group.awaitingJoinCount < maxSize;
    default:
      return member !== undefined || group.size < maxSize;
  }
}

function dropFromFullGroup(state: GroupState, turn: GroupTurn, group: ClassicGroup, memberId: string): void {
  if (memberId === "") return;
  turn.isApplied = true;
  group.remove(memberId);
  completeJoinIfReady(state, turn, group);
}

/** A group without members or generation, so that commits and descriptions find it. */
function createGroup(state: GroupState, turn: GroupTurn, groupId: string): ClassicGroup {
  const group = new ClassicGroup(groupId);
  group.stateTimestampMs = turn.nowMs;
  state.putGroup(group);
  turn.append(newGroupRecord(groupId, turn.nowMs));
  return group;
}

function joinNewMember(state: GroupState, turn: GroupTurn, group: ClassicGroup, join: Join): void {
  const { request, facts, reply } = join;
  const { environment } = state;
  const { groupInstanceId } = request;
  const memberId = `${groupInstanceId ?? facts.clientId}-${environment.newUuid()}`;
  if (groupInstanceId !== null) {
    const existing = group.staticMemberId(groupInstanceId);
    if (existing === undefined) addMember(state, turn, group, memberId, join);
    else replaceStaticMember(state, turn, group, group.member(existing)!, memberId, join);
    return;
  }
  if (facts.apiVersion < MEMBER_ID_REQUIRED_VERSION) {
    addMember(state, turn, group, memberId, join);
    return;
  }
  const timer = new Deadline(environment, () =>
    environment.run("group.pending-member-expired", (current, expiry) => {
      if (current.groups.get(group.groupId) === group && group.pendingMembers.has(memberId)) {
        removePending(current, expiry, group, memberId);
      }
    }),
  );
  group.pendingMembers.set(memberId, timer);
  timer.set(request.sessionTimeoutMs);
  turn.answer(reply, failedJoin(Errors.MEMBER_ID_REQUIRED, memberId));
}

function joinKnownMember(state: GroupState, turn: GroupTurn, group: ClassicGroup, join: Join): void {
  const { request, reply } = join;
  const { memberId, groupInstanceId } = request;
  if (group.pendingMembers.has(memberId)) {
    // Static members never are pending: an instance id here is a client that changed its mind about what it is.
    if (groupInstanceId !== null) turn.answer(reply, failedJoin(Errors.UNKNOWN_MEMBER_ID, memberId));
    else addMember(state, turn, group, memberId, join);
    return;
  }
  let member: ClassicMember;
  try {
    member = group.validMember(memberId, groupInstanceId);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    turn.answer(reply, failedJoin(error.code, memberId));
    return;
  }
  if (group.state === "Empty") {
    turn.answer(reply, failedJoin(Errors.UNKNOWN_MEMBER_ID, memberId));
    return;
  }
  const isUnchanged = member.matches(request.protocols);
  // A member that says nothing new may have missed its answer. The leader's word is a wish to rebalance once the group is stable.
  const keepsGeneration =
    isUnchanged && (group.state === "CompletingRebalance" || (group.state === "Stable" && !group.isLeader(memberId)));
  if (keepsGeneration) {
    turn.answer(reply, joined(group, member));
    return;
  }
  supersede(turn, group, member);
  group.update(member, { ...timeouts(request), protocols: memberProtocols(request.protocols) }, reply);
  rebalance(state, turn, group, `member ${memberId} joins again: ${request.reason ?? "no reason given"}`);
}

function addMember(state: GroupState, turn: GroupTurn, group: ClassicGroup, memberId: string, join: Join): void {
  const { request, facts, reply } = join;
  const member = new ClassicMember({
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: facts.clientId,
    clientHost: facts.clientHost,
    ...timeouts(request),
    protocols: memberProtocols(request.protocols),
    assignment: NO_ASSIGNMENT,
  });
  member.isNew = true;
  if (group.state === "PreparingRebalance" && group.previousState === "Empty") group.hasNewMember = true;
  if (group.size === 0) group.protocolType = request.protocolType;
  group.add(member, reply);
  // It does not know its id yet and cannot send heartbeats; should it never come back for the answer, it must not stay for ever.
  extendSession(state, group, member, state.environment.options.classic.newMemberJoinTimeoutMs);
  rebalance(state, turn, group, `member ${memberId} joins: ${request.reason ?? "no reason given"}`);
}

/** A static member is back under a new id. A stable group whose protocol it does not change goes on as it is. */
function replaceStaticMember(
  state: GroupState,
  turn: GroupTurn,
  group: ClassicGroup,
  old: ClassicMember,
  memberId: string,
  join: Join,
): void {
  const { request, facts, reply } = join;
  const leaderBefore = group.leaderId;
  const member = group.replaceStatic(old, memberId, turn);
  extendSession(state, group, member);
  group.update(member, { ...timeouts(request), protocols: memberProtocols(request.protocols) }, reply);
  const reason = `static member ${request.groupInstanceId} joins again: ${request.reason ?? "no reason given"}`;
  if (group.state === "Stable") {
    if (group.selectProtocol() !== group.protocolName) {
      rebalance(state, turn, group, reason);
      return;
    }
    turn.append(groupRecord(group));
    group.answerJoin(turn, member, rejoined(group, member, leaderBefore, facts.apiVersion));
  } else if (group.state === "CompletingRebalance") {
    // The leader may be at work on an assignment that names the old id.
    prepareRebalance(state, turn, group, reason);
  } else {
    completeJoinIfReady(state, turn, group);
  }
}

/**
 * The answer to a static member that keeps its assignment. Clients before v9 would compute an assignment if they were told to lead, so the old
 * leader's id is kept for them; from v9 the leader is told to skip that, and learns the members (KIP-814).
 */
function rejoined(
  group: ClassicGroup,
  member: ClassicMember,
  leaderBefore: string | null,
  apiVersion: number,
): JoinResponse {
  if (apiVersion < SKIP_ASSIGNMENT_VERSION)
    return { ...joined(group, member), leader: leaderBefore ?? "", members: [] };
  const isLeader = group.isLeader(member.memberId);
  return { ...joined(group, member), skipAssignment: isLeader, members: isLeader ? currentMembers(group) : [] };
}

/** A member that asks a second time hears nothing on the first request any more; it is let go. */
function supersede(turn: GroupTurn, group: ClassicGroup, member: ClassicMember): void {
  group.answerJoin(turn, member, failedJoin(Errors.REBALANCE_IN_PROGRESS, member.memberId));
}

function timeouts({ rebalanceTimeoutMs, sessionTimeoutMs }: JoinRequest): {
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
} {
  // v0 has no rebalance timeout.
  return { rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs, sessionTimeoutMs };
}
