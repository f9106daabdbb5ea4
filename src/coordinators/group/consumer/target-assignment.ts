/**
 * The target assignment of a consumer group: made anew, by one of the assignors, whenever the group epoch has grown.
 */
import type { MetadataImage } from "../../../metadata/image.ts";
import type { GroupEnvironment, GroupTurn } from "../group-environment.ts";
import type { AssignorName } from "../group-options.ts";
import { targetEpochRecord, targetRecord } from "../group-record.ts";
import { type Assignment, areSamePartitions, topicPartitionsOf } from "./assignment.ts";
import { type AssignorMember, assignors } from "./assignors/index.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { topicsOf } from "./subscription.ts";

/** A member that a decision changes, adds, or puts in the place of another (a static member under a new id). */
export interface MemberUpdate {
  /** As the group has it, maybe under another id; null for a new member. */
  readonly before: ConsumerMember | null;
  readonly after: ConsumerMember;
}

/** Writes the new target assignment: what differs, and its epoch. Returns what the updated member is to have; empty without one. */
export function makeTargetAssignment(
  environment: GroupEnvironment,
  turn: GroupTurn,
  group: ConsumerGroup,
  groupEpoch: number,
  update: MemberUpdate | null,
): Assignment {
  const members = membersAfter(group, update);
  const image = environment.image();
  const inputs = members.map(({ member, target }) => assignorMember(group, member, target, image));
  const name = assignorFor(
    environment,
    members.map(({ member }) => member),
  );
  const startMs = environment.clock.monotonic();
  const result =
    inputs.length === 0
      ? new Map<string, Assignment>()
      : assignors[name]({
          members: inputs,
          isHomogeneous: areAlike(inputs),
          partitionCount: topicId => image.topics.byId.get(topicId)?.partitions.length ?? 0,
        });
  for (const { member, target } of members) {
    const next = result.get(member.memberId)!;
    const isKnown = group.hasTarget(update?.after === member ? (update.before?.memberId ?? "") : member.memberId);
    if (isKnown && areSamePartitions(target, next)) continue;
    turn.append(targetRecord(group.groupId, member.memberId, topicPartitionsOf(next)));
  }
  turn.append(targetEpochRecord(group.groupId, groupEpoch, turn.nowMs));
  environment.counters.consumerRebalances.increment();
  environment.logger.info("group.assigned", {
    group: group.groupId,
    epoch: groupEpoch,
    assignor: name,
    members: members.length,
    durationMs: environment.clock.monotonic() - startMs,
  });
  return (update === null ? undefined : result.get(update.after.memberId)) ?? new Map();
}

interface MemberAndTarget {
  readonly member: ConsumerMember;
  readonly target: Assignment;
}

/** By member id, so that a replayed group gives the same result. */
function membersAfter(group: ConsumerGroup, update: MemberUpdate | null): MemberAndTarget[] {
  const members: MemberAndTarget[] = [];
  for (const member of group.members()) {
    if (member.memberId === update?.before?.memberId || member.memberId === update?.after.memberId) continue;
    members.push({ member, target: group.target(member.memberId) });
  }
  if (update !== null) {
    const target = group.target(update.before?.memberId ?? update.after.memberId);
    members.push({ member: update.after, target });
  }
  return members.sort((a, b) => (a.member.memberId < b.member.memberId ? -1 : 1));
}

function assignorMember(
  group: ConsumerGroup,
  member: ConsumerMember,
  target: Assignment,
  image: MetadataImage,
): AssignorMember {
  const topicIds: string[] = [];
  for (const name of [...topicsOf(group, member)].sort()) {
    const topic = image.topics.byName.get(name);
    if (topic !== undefined) topicIds.push(topic.id);
  }
  return { memberId: member.memberId, instanceId: member.instanceId, topicIds, target };
}

function areAlike(members: readonly AssignorMember[]): boolean {
  const first = members[0]!.topicIds;
  return members.every(
    ({ topicIds }) => topicIds.length === first.length && topicIds.every((topicId, index) => topicId === first[index]),
  );
}

/** The assignor most members ask for; the first that is configured where none asks. */
function assignorFor(environment: GroupEnvironment, members: readonly ConsumerMember[]): AssignorName {
  const available = environment.options.consumer.assignors;
  const votes = new Map<AssignorName, number>();
  for (const { serverAssignor } of members) {
    const name = available.find(each => each === serverAssignor);
    if (name !== undefined) votes.set(name, (votes.get(name) ?? 0) + 1);
  }
  let chosen = available[0]!;
  for (const [name, count] of votes) if (count > (votes.get(chosen) ?? 0)) chosen = name;
  return chosen;
}

/** The assignor of the group as it is, for descriptions. */
export function currentAssignor(environment: GroupEnvironment, group: ConsumerGroup): AssignorName {
  return assignorFor(environment, [...group.members()]);
}
