/**
 * Groups change their kind while members are in them (KIP-848): a member of the consumer protocol that joins a classic group makes it a consumer
 * group, in which the others go on speaking the classic protocol; when the last one that does not is gone, it becomes a classic group again.
 */
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { MetadataImage } from "../../../metadata/image.ts";
import { ClassicGroup, failedJoin, failedSync } from "../classic/classic-group.ts";
import { ClassicMember } from "../classic/classic-member.ts";
import {
  CONSUMER_PROTOCOL_TYPE,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
} from "../classic/consumer-metadata.ts";
import { groupRecord } from "../classic/group-metadata.ts";
import { extendSession, prepareRebalance } from "../classic/rebalance.ts";
import type { GroupTurn } from "../group-environment.ts";
import {
  type GroupRecord,
  groupEpochRecord,
  groupMetadataTombstone,
  targetEpochRecord,
  targetRecord,
} from "../group-record.ts";
import type { GroupState } from "../group-state.ts";
import { type Assignment, areSamePartitions, type OwnedPartitions, topicPartitionsOf } from "./assignment.ts";
import { ConsumerGroup } from "./consumer-group.ts";
import { type ConsumerMember, newConsumerMember } from "./consumer-member.ts";
import { consumerGroupTombstones, ownershipRecord, subscriptionRecord } from "./member-records.ts";
import { replayInto } from "./replay.ts";
import { sessionTimeoutMs, timersOf } from "./timers.ts";

// --- Classic to consumer

/** Whether a classic group may become a consumer group now. */
export function canUpgrade(state: GroupState, group: ClassicGroup): boolean {
  const { consumer } = state.environment.options;
  return consumer.canUpgrade && group.usesConsumerProtocol && group.size <= consumer.maxSize;
}

/**
 * Writes a classic group's records anew as those of a consumer group. Returns that group as it will be, for the rest of the decision. Members that
 * wait for the rebalance are sent back to join once more. Throws GROUP_ID_NOT_FOUND when a member's bytes cannot be understood.
 */
export function upgrade(state: GroupState, turn: GroupTurn, classic: ClassicGroup): ConsumerGroup {
  const { groupId, generationId } = classic;
  const image = state.environment.image();
  let members: ConsumerMember[];
  try {
    members = Array.from(classic.members(), member => fromClassicMember(member, classic, image));
  } catch (error) {
    throw new ApiError(Errors.GROUP_ID_NOT_FOUND, `Group ${groupId} cannot become a consumer group: ${String(error)}.`);
  }
  const records: GroupRecord[] = [
    ...members.map(member => subscriptionRecord(groupId, member)),
    groupEpochRecord(groupId, generationId, 0n),
    ...members.map(member => targetRecord(groupId, member.memberId, topicPartitionsOf(member.assigned))),
    targetEpochRecord(groupId, generationId, turn.nowMs),
    ...members.map(member => ownershipRecord(groupId, member)),
  ];
  turn.append(groupMetadataTombstone(groupId));
  for (const record of records) turn.append(record);
  for (const member of classic.members()) {
    if (member.pendingJoin !== null) {
      turn.answer(member.pendingJoin, failedJoin(Errors.REBALANCE_IN_PROGRESS, member.memberId));
    }
    if (member.pendingSync !== null) turn.answer(member.pendingSync, failedSync(Errors.REBALANCE_IN_PROGRESS));
  }
  turn.effects.push(() => {
    const group = state.groups.get(groupId);
    if (!(group instanceof ConsumerGroup)) return;
    for (const member of group.members()) {
      timersOf(state, group, member.memberId).extendSession(sessionTimeoutMs(state.environment, groupId, member));
    }
  });
  const group = new ConsumerGroup(groupId);
  for (const record of records) replayInto(group, record);
  return group;
}

function fromClassicMember(member: ClassicMember, classic: ClassicGroup, image: MetadataImage): ConsumerMember {
  const { generationId } = classic;
  const { subscription } = decodeSubscription(member.metadata(classic.protocolName ?? member.protocols[0]!.name));
  return {
    ...newConsumerMember(member.memberId),
    memberEpoch: generationId,
    previousMemberEpoch: generationId,
    instanceId: member.groupInstanceId,
    rackId: subscription.rackId,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...new Set(subscription.topics)].sort(),
    assigned: ownedPartitions(member.assignment, generationId, image),
    classic: { sessionTimeoutMs: member.sessionTimeoutMs, protocols: member.protocols },
  };
}

function ownedPartitions(assignment: Buffer, epoch: number, image: MetadataImage): OwnedPartitions {
  const owned = new Map<string, Map<number, number>>();
  if (assignment.length === 0) return owned;
  for (const { topic: name, partitions } of decodeAssignment(assignment)) {
    const topic = image.topics.byName.get(name);
    if (topic === undefined || partitions.length === 0) continue;
    owned.set(topic.id, new Map(partitions.map(partition => [partition, epoch])));
  }
  return owned;
}

// --- Consumer to classic

/** Whether the group becomes a classic one when this member goes. */
export function canDowngradeWithout(state: GroupState, group: ConsumerGroup, member: ConsumerMember): boolean {
  const { consumer, classic } = state.environment.options;
  return (
    group.size > 1 &&
    consumer.canDowngrade &&
    group.areOthersClassic(member.memberId) &&
    group.size - 1 <= classic.maxSize
  );
}

/** Whether it does when a member of the classic protocol takes the place of this one. */
export function canDowngradeByReplacing(state: GroupState, group: ConsumerGroup, replaced: ConsumerMember): boolean {
  const { consumer, classic } = state.environment.options;
  return consumer.canDowngrade && group.areOthersClassic(replaced.memberId) && group.size <= classic.maxSize;
}

/** The member leaves; the others go on as a classic group, which rebalances. */
export function downgradeWithout(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  leaving: ConsumerMember,
): void {
  const members = [...group.members()].filter(member => member !== leaving);
  const classic = downgrade(state, turn, group, members);
  prepareRebalance(state, turn, classic, "the last member of the consumer protocol left");
}

/**
 * `joining`, of the classic protocol, takes the place of the static member `replaced`, and its assignment. The others notice nothing, unless somebody was
 * still to be given other partitions than it has: only a rebalance brings that about now.
 */
export function downgradeByReplacing(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  replaced: ConsumerMember,
  joining: ConsumerMember,
): ClassicGroup {
  const others = [...group.members()].filter(member => member !== replaced);
  const isSettled =
    group.groupEpoch === group.assignmentEpoch &&
    !turn.records.some(({ type }) => type === "ConsumerGroupMetadata") &&
    hasItsTarget(joining, group.target(replaced.memberId)) &&
    others.every(member => hasItsTarget(member, group.target(member.memberId)));
  // What was written about the replacement would only be taken back.
  turn.records.length = 0;
  const classic = downgrade(state, turn, group, [...others, joining]);
  if (!isSettled) prepareRebalance(state, turn, classic, "the group was not settled when it became a classic one");
  return classic;
}

function hasItsTarget({ assigned, revoking }: ConsumerMember, target: Assignment): boolean {
  return revoking.size === 0 && areSamePartitions(assigned, target);
}

/**
 * Unlike Kafka, members are written down with what they own, not with what they are to own: should the group become a consumer group again before they
 * have joined once more, nobody else must be given what they still work on.
 */
function downgrade(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  members: readonly ConsumerMember[],
): ClassicGroup {
  const { groupId } = group;
  const image = state.environment.image();
  const classic = new ClassicGroup(groupId);
  const classicMembers = members.map(member => toClassicMember(member));
  classic.restore({
    state: "Stable",
    stateTimestampMs: turn.nowMs,
    generationId: group.groupEpoch,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: null,
    leaderId: classicMembers[0]!.memberId,
    members: classicMembers,
  });
  classic.protocolName = classic.selectProtocol();
  for (const [index, member] of classicMembers.entries()) {
    member.assignment = encodeAssignment(
      versionOf(member.metadata(classic.protocolName)),
      named(owned(members[index]!), image),
    );
  }
  classic.refreshSubscribedTopics();
  // Changed at once, ahead of the records: the rebalance that follows works on it.
  turn.isApplied = true;
  for (const record of consumerGroupTombstones(group)) turn.append(record);
  turn.append(groupRecord(classic));
  state.putGroup(classic);
  for (const member of classicMembers) extendSession(state, classic, member);
  state.environment.logger.info("group.downgraded", { group: groupId, generation: classic.generationId });
  return classic;
}

/** All that a member may be working on. */
function owned({ assigned, revoking }: ConsumerMember): Assignment {
  const all = new Map<string, Set<number>>();
  for (const part of [assigned, revoking]) {
    for (const [topicId, partitions] of part)
      all.set(topicId, new Set([...(all.get(topicId) ?? []), ...partitions.keys()]));
  }
  return all;
}

/** The version of a member's subscription, which its assignment is to have too. */
function versionOf(metadata: Buffer): number {
  return metadata.length >= 2 ? metadata.readInt16BE(0) : 0;
}

function toClassicMember(member: ConsumerMember): ClassicMember {
  const { sessionTimeoutMs: timeoutMs, protocols } = member.classic!;
  return new ClassicMember({
    memberId: member.memberId,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    sessionTimeoutMs: timeoutMs,
    protocols,
    assignment: Buffer.alloc(0),
  });
}

function named(assignment: Assignment, image: MetadataImage): { topic: string; partitions: number[] }[] {
  const topics: { topic: string; partitions: number[] }[] = [];
  for (const { topicId, partitions } of topicPartitionsOf(assignment)) {
    const topic = image.topics.byId.get(topicId);
    if (topic !== undefined) topics.push({ topic: topic.name, partitions });
  }
  return topics;
}
