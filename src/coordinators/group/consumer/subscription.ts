/**
 * What a consumer group is subscribed to: topics by name and by pattern, and a hash of how those topics are now.
 */
import type { MetadataImage } from "../../../metadata/image.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { hashTopics } from "./metadata-hash.ts";

/** A member before and after a decision; null where it is not in the group. */
export interface MemberChange {
  readonly before: ConsumerMember | null;
  readonly after: ConsumerMember | null;
}

/** Topics that the group subscribes to once `changes` are made, with how many members want each. */
export function subscribedTopics(group: ConsumerGroup, changes: readonly MemberChange[] = []): Map<string, number> {
  const topics = new Map(group.topicCounts);
  const patterns = new Map(group.patternCounts);
  for (const { before, after } of changes) {
    // Only what the group knows of has been counted.
    if (before !== null && group.member(before.memberId) === before) addSubscription(before, topics, patterns, -1);
    if (after !== null) addSubscription(after, topics, patterns, 1);
  }
  for (const [regex, memberCount] of patterns) {
    for (const topic of group.pattern(regex)?.topics ?? []) {
      // A member may want a topic both by name and by pattern; it counts once, so this may be too high, never too low.
      topics.set(topic, (topics.get(topic) ?? 0) + memberCount);
    }
  }
  return topics;
}

function addSubscription(
  member: ConsumerMember,
  topics: Map<string, number>,
  patterns: Map<string, number>,
  change: 1 | -1,
): void {
  for (const name of member.subscribedTopicNames) add(topics, name, change);
  if (member.subscribedTopicRegex !== "") add(patterns, member.subscribedTopicRegex, change);
}

function add(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}

/** The topics a member wants, by name and by pattern. */
export function topicsOf(group: ConsumerGroup, member: ConsumerMember): ReadonlySet<string> {
  const topics = new Set(member.subscribedTopicNames);
  if (member.subscribedTopicRegex !== "") {
    for (const topic of group.pattern(member.subscribedTopicRegex)?.topics ?? []) topics.add(topic);
  }
  return topics;
}

/** Changes whenever an assignment may have to: topics, their partitions, the racks these are in. 0 without any topic. */
export function subscriptionHash(topics: Iterable<string>, image: MetadataImage): bigint {
  return hashTopics(topics, image);
}
