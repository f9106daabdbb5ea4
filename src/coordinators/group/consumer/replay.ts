/**
 * Applies the records of consumer groups. A compacted log may begin anywhere: tombstones of what was never seen are passed over, and a record of
 * any kind but a tombstone brings its group into being.
 */
import { detached } from "../classic/classic-member.ts";
import type { GroupRecord, RecordOf } from "../group-record.ts";
import type { GroupState } from "../group-state.ts";
import { assignmentOf, NO_PARTITIONS, ownedPartitionsOf } from "./assignment.ts";
import { ConsumerGroup } from "./consumer-group.ts";
import { newConsumerMember } from "./consumer-member.ts";
import { memberStateOf } from "./member-records.ts";

export type ConsumerRecord =
  | RecordOf<"ConsumerGroupMetadata">
  | RecordOf<"ConsumerGroupPartitionMetadata">
  | RecordOf<"ConsumerGroupMemberMetadata">
  | RecordOf<"ConsumerGroupTargetAssignmentMetadata">
  | RecordOf<"ConsumerGroupTargetAssignmentMember">
  | RecordOf<"ConsumerGroupCurrentMemberAssignment">
  | RecordOf<"ConsumerGroupRegularExpression">;

export function applyConsumerRecord(state: GroupState, record: ConsumerRecord): void {
  const existing = state.groups.get(record.key.groupId);
  if (record.value === null) {
    if (existing instanceof ConsumerGroup) remove(state, existing, record);
    return;
  }
  let group: ConsumerGroup;
  if (existing instanceof ConsumerGroup) group = existing;
  else {
    group = new ConsumerGroup(record.key.groupId);
    state.putGroup(group);
  }
  put(group, record);
}

/** Applies a record that is no tombstone to a group that a decision still works on. */
export function replayInto(group: ConsumerGroup, record: GroupRecord): void {
  put(group, record as ConsumerRecord);
}

function remove(state: GroupState, group: ConsumerGroup, record: ConsumerRecord): void {
  switch (record.type) {
    case "ConsumerGroupMetadata":
      state.removeGroup(group.groupId);
      return;
    case "ConsumerGroupMemberMetadata": {
      const { memberId } = record.key;
      group.removeMember(memberId);
      group.timers.get(memberId)?.close();
      group.timers.delete(memberId);
      return;
    }
    case "ConsumerGroupTargetAssignmentMember":
      group.setTarget(record.key.memberId, null);
      return;
    case "ConsumerGroupCurrentMemberAssignment": {
      const member = group.member(record.key.memberId);
      if (member === undefined) return;
      const { memberId } = member;
      const nothing = { assigned: NO_PARTITIONS, revoking: NO_PARTITIONS };
      group.putMember({ ...member, ...nothing, memberId, memberEpoch: 0, previousMemberEpoch: 0, state: "stable" });
      return;
    }
    case "ConsumerGroupRegularExpression":
      group.setPattern(record.key.regularExpression, null);
      return;
    default:
  }
}

function put(group: ConsumerGroup, record: ConsumerRecord): void {
  switch (record.type) {
    case "ConsumerGroupMetadata":
      group.groupEpoch = record.value!.epoch;
      group.metadataHash = record.value!.metadataHash;
      return;
    case "ConsumerGroupMemberMetadata":
      putSubscription(group, record);
      return;
    case "ConsumerGroupTargetAssignmentMetadata":
      group.assignmentEpoch = record.value!.assignmentEpoch;
      group.assignmentTimestampMs = record.value!.assignmentTimestamp;
      return;
    case "ConsumerGroupTargetAssignmentMember":
      group.setTarget(record.key.memberId, assignmentOf(record.value!.topicPartitions));
      return;
    case "ConsumerGroupCurrentMemberAssignment":
      putOwnership(group, record);
      return;
    case "ConsumerGroupRegularExpression": {
      const { topics, version, timestamp } = record.value!;
      group.setPattern(record.key.regularExpression, { topics: new Set(topics), version, timestampMs: timestamp });
      return;
    }
    default:
  }
}

function putSubscription(group: ConsumerGroup, record: RecordOf<"ConsumerGroupMemberMetadata">): void {
  const value = record.value!;
  const member = group.member(record.key.memberId) ?? newConsumerMember(record.key.memberId);
  const classic = value.classicMemberMetadata;
  group.putMember({
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    subscribedTopicNames: value.subscribedTopicNames,
    subscribedTopicRegex: value.subscribedTopicRegex ?? "",
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    serverAssignor: value.serverAssignor,
    classic:
      classic === null
        ? null
        : {
            sessionTimeoutMs: classic.sessionTimeoutMs,
            protocols: classic.supportedProtocols.map(({ name, metadata }) => ({ name, metadata: detached(metadata) })),
          },
  });
}

function putOwnership(group: ConsumerGroup, record: RecordOf<"ConsumerGroupCurrentMemberAssignment">): void {
  const value = record.value!;
  const member = group.member(record.key.memberId) ?? newConsumerMember(record.key.memberId);
  group.putMember({
    ...member,
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: memberStateOf(value.state),
    assigned: ownedPartitionsOf(value.assignedPartitions, value.memberEpoch),
    revoking: ownedPartitionsOf(value.partitionsPendingRevocation, value.memberEpoch),
  });
}
