/**
 * What DescribeGroups, ConsumerGroupDescribe and ListGroups tell of groups.
 */
import type { DescribeGroups } from "../../../protocol/apis/15-describe-groups.ts";
import type { ListGroups } from "../../../protocol/apis/16-list-groups.ts";
import type { ConsumerGroupDescribe } from "../../../protocol/apis/69-consumer-group-describe.ts";
import { Errors } from "../../../protocol/errors.ts";
import type { ResponseInputOf } from "../../../protocol/schema.ts";
import { ClassicGroup } from "./classic/classic-group.ts";
import { NO_ASSIGNMENT } from "./classic/classic-member.ts";
import { CONSUMER_PROTOCOL_TYPE } from "./classic/consumer-metadata.ts";
import { type Assignment, type OwnedPartitions, topicPartitionsOf } from "./consumer/assignment.ts";
import { ConsumerGroup } from "./consumer/consumer-group.ts";
import type { ConsumerMember } from "./consumer/consumer-member.ts";
import { currentAssignor } from "./consumer/target-assignment.ts";
import type { Group, GroupState } from "./group-state.ts";

export type DescribedGroup = NonNullable<ResponseInputOf<typeof DescribeGroups>["groups"]>[number];
export type DescribedConsumerGroup = NonNullable<ResponseInputOf<typeof ConsumerGroupDescribe>["groups"]>[number];
export type ListedGroup = NonNullable<ResponseInputOf<typeof ListGroups>["groups"]>[number];

const NO_GENERATION_YET = "";
/** What Kafka answers where operations were not asked for. */
const NO_OPERATIONS = -2147483648;

// --- Classic groups

export function describeGroup(state: GroupState, groupId: string): DescribedGroup {
  const group = state.groups.get(groupId);
  if (!(group instanceof ClassicGroup)) {
    const message = group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a classic group.`;
    return undescribed(groupId, Errors.GROUP_ID_NOT_FOUND, message);
  }
  const isStable = group.state === "Stable";
  return {
    errorCode: Errors.NONE,
    errorMessage: null,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? "",
    // A group that rebalances has no protocol to show.
    protocolData: isStable ? (group.protocolName ?? NO_GENERATION_YET) : NO_GENERATION_YET,
    members: Array.from(group.members(), member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable && group.protocolName !== null ? member.metadata(group.protocolName) : NO_ASSIGNMENT,
      memberAssignment: isStable ? member.assignment : NO_ASSIGNMENT,
    })),
    authorizedOperations: NO_OPERATIONS,
  };
}

export function undescribed(groupId: string, errorCode: number, errorMessage: string | null = null): DescribedGroup {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: errorCode === Errors.GROUP_ID_NOT_FOUND ? "Dead" : "",
    protocolType: "",
    protocolData: "",
    members: [],
    authorizedOperations: NO_OPERATIONS,
  };
}

// --- Consumer groups

const CLASSIC_MEMBER = 0;
const CONSUMER_MEMBER = 1;

export function describeConsumerGroup(state: GroupState, groupId: string): DescribedConsumerGroup {
  const group = state.groups.get(groupId);
  if (!(group instanceof ConsumerGroup)) {
    const message = group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`;
    return undescribedConsumer(groupId, Errors.GROUP_ID_NOT_FOUND, message);
  }
  return {
    errorCode: Errors.NONE,
    errorMessage: null,
    groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: currentAssignor(state.environment, group),
    members: Array.from(group.members(), member => describeMember(state, group, member)),
    authorizedOperations: NO_OPERATIONS,
  };
}

function describeMember(
  state: GroupState,
  group: ConsumerGroup,
  member: ConsumerMember,
): NonNullable<DescribedConsumerGroup["members"]>[number] {
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames],
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: named(state, member.assigned),
    targetAssignment: named(state, group.target(member.memberId)),
    memberType: member.classic === null ? CONSUMER_MEMBER : CLASSIC_MEMBER,
  };
}

/** Topics that are gone have no name, and are left out. */
function named(state: GroupState, assignment: Assignment | OwnedPartitions) {
  const topics = state.environment.image().topics.byId;
  return {
    topicPartitions: topicPartitionsOf(assignment).flatMap(({ topicId, partitions }) => {
      const topic = topics.get(topicId);
      return topic === undefined ? [] : [{ topicId, topicName: topic.name, partitions }];
    }),
  };
}

export function undescribedConsumer(
  groupId: string,
  errorCode: number,
  errorMessage: string | null = null,
): DescribedConsumerGroup {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: "",
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: "",
    members: [],
    authorizedOperations: NO_OPERATIONS,
  };
}

// --- Lists

/** Lower-case names of states and types; empty for any. */
export interface ListFilter {
  readonly states: ReadonlySet<string>;
  readonly types: ReadonlySet<string>;
}

export function listGroups(state: GroupState, { states, types }: ListFilter): ListedGroup[] {
  const listed: ListedGroup[] = [];
  for (const group of state.groups.values()) {
    if (states.size > 0 && !states.has(group.state.toLowerCase())) continue;
    if (types.size > 0 && !types.has(group.kind)) continue;
    listed.push({
      groupId: group.groupId,
      protocolType: protocolTypeOf(group),
      groupState: group.state,
      groupType: group.kind,
    });
  }
  return listed;
}

function protocolTypeOf(group: Group): string {
  if (group instanceof ClassicGroup) return group.protocolType ?? "";
  return group instanceof ConsumerGroup ? CONSUMER_PROTOCOL_TYPE : group.kind;
}
