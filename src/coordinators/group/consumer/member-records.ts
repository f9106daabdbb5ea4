/**
 * Members and groups of the consumer protocol as records.
 */
import {
  currentAssignmentRecord,
  currentAssignmentTombstone,
  type GroupRecord,
  groupEpochTombstone,
  memberRecord,
  memberTombstone,
  regularExpressionTombstone,
  targetEpochTombstone,
  targetTombstone,
} from "../group-record.ts";
import { ownedTopicPartitionsOf } from "./assignment.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember, MemberState } from "./consumer-member.ts";

const STATE_IDS: Record<MemberState, number> = { stable: 0, unrevoked: 1, unreleased: 2, unknown: 127 };

export function memberStateOf(id: number): MemberState {
  return id === 0 ? "stable" : id === 1 ? "unrevoked" : id === 2 ? "unreleased" : "unknown";
}

/** What a member subscribes to. */
export function subscriptionRecord(groupId: string, member: ConsumerMember): GroupRecord {
  return memberRecord(groupId, member.memberId, {
    instanceId: member.instanceId,
    rackId: member.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames],
    subscribedTopicRegex: member.subscribedTopicRegex,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    serverAssignor: member.serverAssignor,
    classicMemberMetadata:
      member.classic === null
        ? null
        : {
            sessionTimeoutMs: member.classic.sessionTimeoutMs,
            supportedProtocols: member.classic.protocols.map(({ name, metadata }) => ({ name, metadata })),
          },
  });
}

/** What a member owns, and its epochs. */
export function ownershipRecord(groupId: string, member: ConsumerMember): GroupRecord {
  return currentAssignmentRecord(groupId, member.memberId, {
    memberEpoch: member.memberEpoch,
    previousMemberEpoch: member.previousMemberEpoch,
    state: STATE_IDS[member.state],
    assignedPartitions: ownedTopicPartitionsOf(member.assigned),
    partitionsPendingRevocation: ownedTopicPartitionsOf(member.revoking),
  });
}

/** Removes all that is known of a member. */
export function memberTombstones(groupId: string, memberId: string): GroupRecord[] {
  return [
    currentAssignmentTombstone(groupId, memberId),
    targetTombstone(groupId, memberId),
    memberTombstone(groupId, memberId),
  ];
}

/** Removes a group with its members, in the order that Kafka does. */
export function consumerGroupTombstones(group: ConsumerGroup): GroupRecord[] {
  const { groupId } = group;
  const memberIds = Array.from(group.members(), ({ memberId }) => memberId);
  return [
    ...memberIds.map(memberId => currentAssignmentTombstone(groupId, memberId)),
    ...Array.from(group.targets().keys(), memberId => targetTombstone(groupId, memberId)),
    targetEpochTombstone(groupId),
    ...memberIds.map(memberId => memberTombstone(groupId, memberId)),
    ...Array.from(group.patterns().keys(), regex => regularExpressionTombstone(groupId, regex)),
    groupEpochTombstone(groupId),
  ];
}
