/**
 * Takes a member out of a consumer group: it left, or its time is up. When only members of the classic protocol remain, the group becomes a classic
 * one (KIP-848, migration).
 */
import type { GroupTurn } from "../group-environment.ts";
import { groupEpochRecord, regularExpressionTombstone } from "../group-record.ts";
import type { GroupState } from "../group-state.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { memberTombstones } from "./member-records.ts";
import { canDowngradeWithout, downgradeWithout } from "./migration.ts";
import { subscribedTopics, subscriptionHash } from "./subscription.ts";

export function fenceMember(state: GroupState, turn: GroupTurn, group: ConsumerGroup, member: ConsumerMember): void {
  if (canDowngradeWithout(state, group, member)) {
    downgradeWithout(state, turn, group, member);
    return;
  }
  removeMembers(state, turn, group, [member]);
}

/** Removes members and counts the group epoch up. The others are assigned anew with the next heartbeat. */
export function removeMembers(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  members: readonly ConsumerMember[],
): void {
  for (const { memberId } of members)
    for (const record of memberTombstones(group.groupId, memberId)) turn.append(record);
  const leaving = new Set(members);
  for (const regex of new Set(members.map(({ subscribedTopicRegex }) => subscribedTopicRegex))) {
    const isWanted = [...group.members()].some(each => !leaving.has(each) && each.subscribedTopicRegex === regex);
    if (regex !== "" && !isWanted && group.pattern(regex) !== undefined) {
      turn.append(regularExpressionTombstone(group.groupId, regex));
    }
  }
  const topics = subscribedTopics(
    group,
    members.map(before => ({ before, after: null })),
  );
  const hash = subscriptionHash(topics.keys(), state.environment.image());
  turn.append(groupEpochRecord(group.groupId, group.groupEpoch + 1, hash));
}
