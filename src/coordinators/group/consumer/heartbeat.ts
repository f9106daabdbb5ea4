/**
 * ConsumerGroupHeartbeat: joining, staying, changing subscriptions, acknowledging what was given up, and leaving, all in one request (KIP-848).
 *
 * A member that has nothing to say and is where it should be costs a few comparisons: most requests are of that kind.
 */
import type { ConsumerGroupHeartbeat } from "../../../../protocol/apis/68-consumer-group-heartbeat.ts";
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { RequestOf, ResponseInputOf } from "../../../../protocol/schema.ts";
import { ClassicGroup } from "../classic/classic-group.ts";
import type { GroupTurn, RequestFacts } from "../group-environment.ts";
import { groupMetadataTombstone } from "../group-record.ts";
import type { GroupState } from "../group-state.ts";
import { advanceMember, hasNewAssignment, watchRevocation } from "./advance.ts";
import { NO_PARTITIONS, topicPartitionsOf } from "./assignment.ts";
import { ConsumerGroup } from "./consumer-group.ts";
import { type ConsumerMember, JOIN_EPOCH, LEAVE_EPOCH, LEAVE_STATIC_EPOCH } from "./consumer-member.ts";
import { fenceMember } from "./fence.ts";
import { ownershipRecord } from "./member-records.ts";
import { claimMember, staticMember } from "./members.ts";
import { canUpgrade, upgrade } from "./migration.ts";
import { timersOf } from "./timers.ts";

export type HeartbeatRequest = RequestOf<typeof ConsumerGroupHeartbeat>;
export type HeartbeatResponse = ResponseInputOf<typeof ConsumerGroupHeartbeat>;

const NOT_GIVEN = -1;

/**
 * Throws, nothing changed: INVALID_REQUEST, UNSUPPORTED_ASSIGNOR, INVALID_REGULAR_EXPRESSION, GROUP_ID_NOT_FOUND, GROUP_MAX_SIZE_REACHED,
 * UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID.
 */
export function heartbeatConsumerGroup(
  state: GroupState,
  turn: GroupTurn,
  request: HeartbeatRequest,
  facts: RequestFacts,
): HeartbeatResponse {
  validate(state, request, facts.apiVersion);
  if (request.memberEpoch === LEAVE_EPOCH || request.memberEpoch === LEAVE_STATIC_EPOCH)
    return leave(state, turn, request);
  return stayOrJoin(state, turn, request, facts);
}

function stayOrJoin(
  state: GroupState,
  turn: GroupTurn,
  request: HeartbeatRequest,
  facts: RequestFacts,
): HeartbeatResponse {
  const { environment } = state;
  const { groupId, memberEpoch, instanceId } = request;
  const mayCreate = memberEpoch === JOIN_EPOCH;
  const group = groupFor(state, turn, groupId, mayCreate);
  if (group.size >= environment.options.consumer.maxSize && group.member(request.memberId) === undefined) {
    throw new ApiError(
      Errors.GROUP_MAX_SIZE_REACHED,
      `The consumer group has reached its maximum capacity of ${environment.options.consumer.maxSize} members.`,
    );
  }
  const memberId = request.memberId === "" ? environment.newKafkaUuid() : request.memberId;
  const owned = request.topicPartitions;
  const { before, after: claimed } = claimMember(turn, group, {
    memberId,
    instanceId,
    memberEpoch,
    owned,
    mayCreate,
    isClassic: false,
  });
  const updated = withNews(claimed, request, facts);
  const member = advanceMember(state, turn, group, { before, claimed, updated, owned });
  const { heartbeatIntervalMs, sessionTimeoutMs } = environment.options.consumer.of(groupId);
  turn.effects.push(() => {
    const current = state.groups.get(groupId);
    if (!(current instanceof ConsumerGroup)) return;
    timersOf(state, current, memberId).extendSession(sessionTimeoutMs);
    if (member !== updated) watchRevocation(state, groupId, member);
  });
  return {
    throttleTimeMs: 0,
    errorCode: Errors.NONE,
    memberId,
    memberEpoch: member.memberEpoch,
    heartbeatIntervalMs,
    assignment:
      isFull(request) || hasNewAssignment(claimed, member)
        ? { topicPartitions: topicPartitionsOf(member.assigned) }
        : null,
  };
}

/** The group; a new one, or one that was classic before, where a member joins. */
function groupFor(state: GroupState, turn: GroupTurn, groupId: string, mayCreate: boolean): ConsumerGroup {
  const group = state.groups.get(groupId);
  if (group instanceof ConsumerGroup) return group;
  if (group === undefined && mayCreate) return new ConsumerGroup(groupId);
  if (group instanceof ClassicGroup && mayCreate) {
    if (group.isEmpty) {
      turn.append(groupMetadataTombstone(groupId));
      return new ConsumerGroup(groupId);
    }
    if (canUpgrade(state, group)) return upgrade(state, turn, group);
  }
  throw new ApiError(
    Errors.GROUP_ID_NOT_FOUND,
    group === undefined ? `Consumer group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`,
  );
}

/** The member with what the request says; what it leaves out stays. */
function withNews(member: ConsumerMember, request: HeartbeatRequest, facts: RequestFacts): ConsumerMember {
  const isQuiet =
    request.rebalanceTimeoutMs === NOT_GIVEN &&
    request.subscribedTopicNames === null &&
    request.subscribedTopicRegex === null &&
    request.serverAssignor === null &&
    request.rackId === null &&
    member.classic === null &&
    member.clientId === facts.clientId &&
    member.clientHost === facts.clientHost &&
    request.instanceId === member.instanceId;
  if (isQuiet) return member;
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs:
      request.rebalanceTimeoutMs === NOT_GIVEN ? member.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames:
      request.subscribedTopicNames === null
        ? member.subscribedTopicNames
        : [...new Set(request.subscribedTopicNames)].sort(),
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    clientId: facts.clientId,
    clientHost: facts.clientHost,
    classic: null,
  };
}

/** A member that says everything wants to hear everything: it joined, or is not sure what it knows. */
function isFull(request: HeartbeatRequest): boolean {
  return (
    request.memberEpoch === JOIN_EPOCH ||
    (request.rebalanceTimeoutMs !== NOT_GIVEN &&
      (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
      request.topicPartitions !== null)
  );
}

// --- Leaving

function leave(state: GroupState, turn: GroupTurn, request: HeartbeatRequest): HeartbeatResponse {
  const { groupId, memberId, memberEpoch, instanceId } = request;
  const group = groupFor(state, turn, groupId, false);
  const member = instanceId === null ? group.member(memberId) : staticMember(group, memberId, instanceId);
  if (member === undefined) {
    throw new ApiError(Errors.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${groupId}.`);
  }
  if (memberEpoch === LEAVE_STATIC_EPOCH) {
    // Away for a while: its partitions stay its own until its session ends.
    turn.append(ownershipRecord(groupId, { ...member, memberEpoch: LEAVE_STATIC_EPOCH, revoking: NO_PARTITIONS }));
  } else {
    state.environment.logger.info("group.member-left", { group: groupId, member: memberId, instance: instanceId });
    fenceMember(state, turn, group, member);
  }
  return {
    throttleTimeMs: 0,
    errorCode: Errors.NONE,
    memberId: member.memberId,
    memberEpoch,
    heartbeatIntervalMs: 0,
    assignment: null,
  };
}

// --- Validation

/** From v1 on members choose their own ids (KIP-1082). */
const CLIENT_MEMBER_ID_VERSION = 1;

function validate(state: GroupState, request: HeartbeatRequest, apiVersion: number): void {
  const { memberEpoch, memberId } = request;
  require(!isBlank(request.groupId), "GroupId can't be empty.");
  require(!isBlank(request.instanceId), "InstanceId can't be empty.");
  require(!isBlank(request.rackId), "RackId can't be empty.");
  const mustHaveId = apiVersion >= CLIENT_MEMBER_ID_VERSION || memberEpoch !== JOIN_EPOCH;
  require(!mustHaveId || !isBlank(memberId), "MemberId can't be empty.");
  require(memberEpoch >= LEAVE_STATIC_EPOCH, "MemberEpoch is invalid.");
  if (memberEpoch === JOIN_EPOCH) validateJoin(request);
  if (memberEpoch === LEAVE_STATIC_EPOCH) require(request.instanceId !== null, "InstanceId can't be null.");
  const { assignors } = state.environment.options.consumer;
  if (request.serverAssignor !== null && !assignors.some(name => name === request.serverAssignor)) {
    throw new ApiError(
      Errors.UNSUPPORTED_ASSIGNOR,
      `ServerAssignor ${request.serverAssignor} is not supported. Supported assignors: ${assignors.join(", ")}.`,
    );
  }
  const regex = request.subscribedTopicRegex;
  if (regex !== null && regex !== "") state.environment.patterns.check(regex);
}

function validateJoin(request: HeartbeatRequest): void {
  require(request.rebalanceTimeoutMs !== NOT_GIVEN, "RebalanceTimeoutMs must be provided in first request.");
  require(request.topicPartitions !== null &&
    request.topicPartitions.length === 0, "TopicPartitions must be empty when (re-)joining.");
  const hasNames = request.subscribedTopicNames !== null && request.subscribedTopicNames.length > 0;
  const hasRegex = request.subscribedTopicRegex !== null && request.subscribedTopicRegex !== "";
  require(hasNames ||
    hasRegex, "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.");
}

function isBlank(text: string | null): boolean {
  return text !== null && text.trim() === "";
}

function require(isMet: boolean, message: string): void {
  if (!isMet) throw new ApiError(Errors.INVALID_REQUEST, message);
}
