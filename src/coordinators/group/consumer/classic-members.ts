/**
 * Members of consumer groups that speak the classic protocol, while a group moves from one to the other: JoinGroup, SyncGroup, Heartbeat and
 * LeaveGroup are translated. Generation stands for member epoch, and the assignment is the coordinator's.
 */
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { ConsumerProtocolSubscription } from "../../../../protocol/internal/consumer-protocol.ts";
import { failedJoin } from "../classic/classic-group.ts";
import {
  type JoinResponse,
  type MemberProtocol,
  memberProtocols,
  type SyncResponse,
} from "../classic/classic-member.ts";
import { CONSUMER_PROTOCOL_TYPE, decodeSubscription, encodeAssignment } from "../classic/consumer-metadata.ts";
import type { HeartbeatFacts } from "../classic/heartbeat.ts";
import type { JoinRequest } from "../classic/join.ts";
import type { LeaveResult, LeavingMember } from "../classic/leave.ts";
import type { SyncRequest } from "../classic/sync.ts";
import type { GroupTurn, Reply, RequestFacts } from "../group-environment.ts";
import type { GroupState } from "../group-state.ts";
import { advanceMember } from "./advance.ts";
import { topicPartitionsOf } from "./assignment.ts";
import { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { removeMembers } from "./fence.ts";
import { claimMember, staticMember } from "./members.ts";
import { canDowngradeByReplacing, canDowngradeWithout, downgradeByReplacing, downgradeWithout } from "./migration.ts";
import { timersOf } from "./timers.ts";

const MEMBER_ID_REQUIRED_VERSION = 4;

export function joinAsClassicMember(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  request: JoinRequest,
  facts: RequestFacts,
  reply: Reply<JoinResponse>,
): void {
  try {
    turn.answer(reply, join(state, turn, group, request, facts));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Nothing of it has been applied.
    turn.records.length = 0;
    turn.effects.length = 0;
    turn.answer(reply, failedJoin(error.code, request.memberId));
  }
}

function join(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  request: JoinRequest,
  facts: RequestFacts,
): JoinResponse {
  const { environment } = state;
  const { groupId } = group;
  const instanceId = request.groupInstanceId;
  const isUnknown = request.memberId === "";
  const memberId = isUnknown ? `${instanceId ?? facts.clientId}-${environment.newUuid()}` : request.memberId;
  if (group.size >= environment.options.consumer.maxSize && group.member(request.memberId) === undefined) {
    throw new ApiError(Errors.GROUP_MAX_SIZE_REACHED);
  }
  const subscription = subscriptionOf(group, request);
  if (isUnknown && instanceId === null && facts.apiVersion >= MEMBER_ID_REQUIRED_VERSION) {
    return failedJoin(Errors.MEMBER_ID_REQUIRED, memberId);
  }
  const replaced = instanceId === null ? undefined : group.staticMember(instanceId);
  const owned = ownedBy(state, subscription);
  const { before, after: claimed } = claimMember(turn, group, {
    memberId,
    instanceId,
    memberEpoch: -1,
    owned,
    mayCreate: instanceId === null || isUnknown,
    isClassic: true,
  });
  const updated: ConsumerMember = {
    ...claimed,
    instanceId,
    rackId: subscription.rackId ?? claimed.rackId,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: null,
    subscribedTopicNames: [...new Set(subscription.topics)].sort(),
    subscribedTopicRegex: "",
    clientId: facts.clientId,
    clientHost: facts.clientHost,
    classic: { sessionTimeoutMs: request.sessionTimeoutMs, protocols: memberProtocols(request.protocols) },
  };
  const member = advanceMember(state, turn, group, { before, claimed, updated, owned });
  const response: JoinResponse = {
    throttleTimeMs: 0,
    errorCode: Errors.NONE,
    generationId: member.memberEpoch,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: updated.classic!.protocols[0]!.name,
    leader: "",
    skipAssignment: false,
    memberId,
    members: [],
  };
  if (replaced !== undefined && replaced.memberId !== memberId && canDowngradeByReplacing(state, group, replaced)) {
    const classic = downgradeByReplacing(state, turn, group, replaced, member);
    return { ...response, generationId: classic.generationId, protocolName: classic.protocolName };
  }
  turn.effects.push(() => {
    const current = state.groups.get(groupId);
    if (!(current instanceof ConsumerGroup)) return;
    const timers = timersOf(state, current, memberId);
    timers.joined();
    timers.extendSession(request.sessionTimeoutMs);
    timers.awaitSync(Math.max(updated.rebalanceTimeoutMs, environment.options.classic.minSyncTimeoutMs));
  });
  return response;
}

/** What the member subscribes to. Throws INCONSISTENT_GROUP_PROTOCOL when it and the other classic members have no protocol in common. */
function subscriptionOf(group: ConsumerGroup, request: JoinRequest): ConsumerProtocolSubscription {
  const { protocols } = request;
  if (request.protocolType !== CONSUMER_PROTOCOL_TYPE || protocols.length === 0) {
    throw new ApiError(Errors.INCONSISTENT_GROUP_PROTOCOL);
  }
  const others = [...group.members()].filter(
    ({ classic, memberId }) => classic !== null && memberId !== request.memberId,
  );
  const isCommon = ({ name }: MemberProtocol) =>
    others.every(({ classic }) => classic!.protocols.some(protocol => protocol.name === name));
  if (!protocols.some(isCommon)) throw new ApiError(Errors.INCONSISTENT_GROUP_PROTOCOL);
  try {
    return decodeSubscription(protocols[0]!.metadata).subscription;
  } catch {
    throw new ApiError(Errors.INCONSISTENT_GROUP_PROTOCOL, "The member's subscription cannot be read.");
  }
}

function ownedBy(
  state: GroupState,
  subscription: ConsumerProtocolSubscription,
): { topicId: string; partitions: number[] }[] {
  const topics = state.environment.image().topics.byName;
  const owned: { topicId: string; partitions: number[] }[] = [];
  for (const { topic: name, partitions } of subscription.ownedPartitions) {
    const topic = topics.get(name);
    if (topic !== undefined) owned.push({ topicId: topic.id, partitions });
  }
  return owned;
}

/** Throws UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, REBALANCE_IN_PROGRESS. */
export function syncAsClassicMember(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  request: SyncRequest,
): SyncResponse {
  const member = classicMember(group, request);
  const protocol = member.classic!.protocols[0]!;
  const isOther =
    (request.protocolType !== null && request.protocolType !== CONSUMER_PROTOCOL_TYPE) ||
    (request.protocolName !== null && request.protocolName !== protocol.name);
  if (isOther) throw new ApiError(Errors.INCONSISTENT_GROUP_PROTOCOL);
  const timers = timersOf(state, group, member.memberId);
  // A member that has to give partitions up first has joined already for this epoch.
  if (group.groupEpoch > member.memberEpoch && member.state !== "unrevoked") {
    timers.awaitJoin(joinTimeoutMs(state, member));
    throw new ApiError(Errors.REBALANCE_IN_PROGRESS);
  }
  turn.effects.push(() => {
    timers.synced();
    timers.extendSession(member.classic!.sessionTimeoutMs);
  });
  const topics = state.environment.image().topics.byId;
  const assigned = topicPartitionsOf(member.assigned).flatMap(({ topicId, partitions }) => {
    const topic = topics.get(topicId);
    return topic === undefined ? [] : [{ topic: topic.name, partitions }];
  });
  return {
    throttleTimeMs: 0,
    errorCode: Errors.NONE,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: protocol.name,
    assignment: encodeAssignment(decodeSubscription(protocol.metadata).version, assigned),
  };
}

/** Returns NONE or REBALANCE_IN_PROGRESS. Throws UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION. */
export function heartbeatAsClassicMember(state: GroupState, group: ConsumerGroup, request: HeartbeatFacts): number {
  const member = classicMember(group, request);
  const timers = timersOf(state, group, member.memberId);
  timers.extendSession(member.classic!.sessionTimeoutMs);
  const mustRejoin =
    member.memberEpoch < group.groupEpoch ||
    member.state === "unrevoked" ||
    (member.state === "unreleased" && !isWaitingForOthers(group, member));
  if (!mustRejoin) return Errors.NONE;
  timers.awaitJoin(joinTimeoutMs(state, member));
  return Errors.REBALANCE_IN_PROGRESS;
}

/** Members leave one by one; an unknown one is an error of its own. */
export function leaveAsClassicMembers(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  leaving: readonly LeavingMember[],
): LeaveResult[] {
  const left = new Set<ConsumerMember>();
  const results = leaving.map(({ memberId, groupInstanceId }) => {
    try {
      const member = leavingMember(group, memberId, groupInstanceId);
      if (left.has(member)) throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
      left.add(member);
      return { memberId, groupInstanceId, errorCode: Errors.NONE };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { memberId, groupInstanceId, errorCode: error.code };
    }
  });
  const members = [...left];
  if (members.length === 1 && canDowngradeWithout(state, group, members[0]!))
    downgradeWithout(state, turn, group, members[0]!);
  else if (members.length > 0) removeMembers(state, turn, group, members);
  return results;
}

function leavingMember(group: ConsumerGroup, memberId: string, instanceId: string | null): ConsumerMember {
  const member =
    instanceId === null || memberId === ""
      ? instanceId === null
        ? group.member(memberId)
        : group.staticMember(instanceId)
      : staticMember(group, memberId, instanceId);
  if (member === undefined || member.classic === null) throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
  return member;
}

function classicMember(group: ConsumerGroup, request: HeartbeatFacts): ConsumerMember {
  const { memberId, groupInstanceId, generationId } = request;
  const member = groupInstanceId === null ? group.member(memberId) : staticMember(group, memberId, groupInstanceId);
  if (member === undefined || member.classic === null) throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
  if (generationId !== member.memberEpoch) throw new ApiError(Errors.ILLEGAL_GENERATION);
  return member;
}

/** Whether anything the member is to get is still owned by somebody else. */
function isWaitingForOthers(group: ConsumerGroup, member: ConsumerMember): boolean {
  for (const [topicId, partitions] of group.target(member.memberId)) {
    for (const partition of partitions) {
      if (member.assigned.get(topicId)?.has(partition)) continue;
      if (group.ownerEpoch(topicId, partition) !== -1) return true;
    }
  }
  return false;
}

function joinTimeoutMs(state: GroupState, member: ConsumerMember): number {
  return Math.max(member.rebalanceTimeoutMs, state.environment.options.classic.minSyncTimeoutMs);
}
