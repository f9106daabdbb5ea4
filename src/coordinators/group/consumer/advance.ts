/**
 * What follows once a member has said what it wants, whichever protocol it speaks: group epoch, target assignment, and its own next step.
 */

import { Deadline } from "../../runtime/deadline.ts";
import type { GroupTurn } from "../group-environment.ts";
import { groupEpochRecord, regularExpressionTombstone } from "../group-record.ts";
import type { GroupState } from "../group-state.ts";
import { type Assignment, areSamePartitions } from "./assignment.ts";
import { ConsumerGroup } from "./consumer-group.ts";
import { areSameNames, type ConsumerMember, isSameSubscription } from "./consumer-member.ts";
import { ownershipRecord, subscriptionRecord } from "./member-records.ts";
import { resolvePatternsSoon } from "./pattern-resolver.ts";
import { reconcile } from "./reconcile.ts";
import { subscribedTopics, subscriptionHash } from "./subscription.ts";
import { type MemberUpdate, makeTargetAssignment } from "./target-assignment.ts";
import { timersOf } from "./timers.ts";

export interface Advance {
  /** As the group has it: null for a new member, another id for a static one that is replaced. */
  readonly before: ConsumerMember | null;
  /** As claimed: same subscription as before. */
  readonly claimed: ConsumerMember;
  /** With what it says now. */
  readonly updated: ConsumerMember;
  readonly owned: readonly { readonly topicId: string; readonly partitions: readonly number[] }[] | null;
}

/** Writes all that changes. Returns the member as it is then. */
export function advanceMember(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  advance: Advance,
): ConsumerMember {
  const { before, claimed, updated, owned } = advance;
  const { groupId } = group;
  const update: MemberUpdate = { before, after: updated };
  const isNew = before === null;
  if (isNew || !isSameSubscription(claimed, updated)) turn.append(subscriptionRecord(groupId, updated));
  const isChanged = hasChangedTopics(isNew ? null : claimed, updated, group);
  forgetUnusedPattern(turn, group, claimed, updated);
  const groupEpoch = nextGroupEpoch(state, turn, group, update, isChanged);
  const { targetEpoch, target } = nextTarget(state, turn, group, update, groupEpoch);
  const member = reconcile(updated, {
    targetEpoch,
    target,
    ownerEpoch: (topicId, partition) => group.ownerEpoch(topicId, partition),
    owned,
  });
  if (member !== updated) turn.append(ownershipRecord(groupId, member));
  if (updated.subscribedTopicRegex !== "") resolvePatternsSoon(state, turn, groupId);
  return member;
}

/** Whether what the member wants has changed in a way that an assignment must know of. A pattern that was not looked up yet comes later. */
function hasChangedTopics(before: ConsumerMember | null, after: ConsumerMember, group: ConsumerGroup): boolean {
  if (before === null) {
    return after.subscribedTopicNames.length > 0 || group.pattern(after.subscribedTopicRegex) !== undefined;
  }
  if (!areSameNames(before.subscribedTopicNames, after.subscribedTopicNames)) return true;
  if (before.subscribedTopicRegex === after.subscribedTopicRegex) return false;
  return after.subscribedTopicRegex === "" || group.pattern(after.subscribedTopicRegex) !== undefined;
}

function forgetUnusedPattern(
  turn: GroupTurn,
  group: ConsumerGroup,
  before: ConsumerMember,
  after: ConsumerMember,
): void {
  const regex = before.subscribedTopicRegex;
  if (regex === "" || regex === after.subscribedTopicRegex) return;
  if (group.patternCounts.get(regex) === 1 && group.pattern(regex) !== undefined) {
    turn.append(regularExpressionTombstone(group.groupId, regex));
  }
}

/** Counts the group epoch up when subscriptions or topics are not what they were. */
function nextGroupEpoch(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  update: MemberUpdate,
  isChanged: boolean,
): number {
  if (!isChanged && !group.isMetadataStale) return group.groupEpoch;
  const topics = subscribedTopics(group, [update]);
  const hash = subscriptionHash(topics.keys(), state.environment.image());
  turn.effects.push(() => {
    const current = state.groups.get(group.groupId);
    if (current instanceof ConsumerGroup) current.isMetadataStale = false;
  });
  if (!isChanged && hash === group.metadataHash) return group.groupEpoch;
  const groupEpoch = group.groupEpoch + 1;
  turn.append(groupEpochRecord(group.groupId, groupEpoch, hash));
  return groupEpoch;
}

/** Makes a new target assignment when there has to be one, and it is time for it. */
function nextTarget(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  update: MemberUpdate,
  groupEpoch: number,
): { targetEpoch: number; target: Assignment } {
  if (groupEpoch > group.assignmentEpoch) {
    const waitMs = waitForAssignmentMs(state, group, turn.nowMs);
    if (waitMs <= 0) {
      return {
        targetEpoch: groupEpoch,
        target: makeTargetAssignment(state.environment, turn, group, groupEpoch, update),
      };
    }
    turn.effects.push(() => assignLater(state, group.groupId, waitMs));
  }
  const { before, after } = update;
  return { targetEpoch: group.assignmentEpoch, target: group.target(before?.memberId ?? after.memberId) };
}

/** Assignments of a group follow each other no faster than its assignment interval allows, so that members that come together are taken together. */
function waitForAssignmentMs(state: GroupState, group: ConsumerGroup, nowMs: number): number {
  const { assignmentIntervalMs } = state.environment.options.consumer.of(group.groupId);
  const elapsedMs = nowMs - group.assignmentTimestampMs;
  return group.assignmentTimestampMs === 0 || elapsedMs < 0 ? 0 : assignmentIntervalMs - elapsedMs;
}

function assignLater(state: GroupState, groupId: string, waitMs: number): void {
  const { environment } = state;
  const group = state.groups.get(groupId);
  if (!(group instanceof ConsumerGroup) || group.isAssignmentDelayed) return;
  group.isAssignmentDelayed = true;
  const timer = new Deadline(environment, () =>
    environment.run("group.delayed-assignment", (current, turn) => {
      group.isAssignmentDelayed = false;
      if (current.groups.get(groupId) !== group || group.isEmpty || group.groupEpoch <= group.assignmentEpoch) return;
      makeTargetAssignment(environment, turn, group, group.groupEpoch, null);
    }),
  );
  timer.set(waitMs);
}

/** Timers of a member after its step. To be called as an effect. */
export function watchRevocation(state: GroupState, groupId: string, member: ConsumerMember): void {
  const group = state.groups.get(groupId);
  if (!(group instanceof ConsumerGroup) || member.classic !== null) return;
  const timers = timersOf(state, group, member.memberId);
  if (member.state === "unrevoked") timers.awaitRevocation(member.memberEpoch, member.rebalanceTimeoutMs);
  else timers.revocationDone();
}

/** Whether a member has to be told what it owns: it changed. */
export function hasNewAssignment(before: ConsumerMember, after: ConsumerMember): boolean {
  return !areSamePartitions(before.assigned, after.assigned);
}
