/**
 * Looks up which topics the patterns of a group stand for: when one is new, when topics were created or deleted, and now and then.
 *
 * It is done after the decision that asked for it, in slices, so that many topics and patterns hold nobody up.
 */
import type { GroupEnvironment, GroupTurn } from "../group-environment.ts";
import { groupEpochRecord, regularExpressionRecord } from "../group-record.ts";
import type { GroupState } from "../group-state.ts";
import { ConsumerGroup } from "./consumer-group.ts";
import { subscriptionHash } from "./subscription.ts";

/** As Kafka: look-ups of one group follow each other no faster, unless a pattern is new. */
const MIN_INTERVAL_MS = 10_000;
/** Names matched in one go: about a millisecond. */
const NAMES_PER_SLICE = 1_000;

/** Begins a look-up once this turn is over, if one is due. */
export function resolvePatternsSoon(state: GroupState, turn: GroupTurn, groupId: string): void {
  turn.effects.push(() => {
    const group = state.groups.get(groupId);
    if (!(group instanceof ConsumerGroup) || group.isResolvingPatterns || !isDue(state, group, turn.nowMs)) return;
    group.isResolvingPatterns = true;
    resolve(state.environment, group);
  });
}

function isDue(state: GroupState, group: ConsumerGroup, nowMs: number): boolean {
  for (const regex of group.patternCounts.keys()) if (group.pattern(regex) === undefined) return true;
  const elapsedMs = nowMs - group.patternsResolvedMs;
  if (elapsedMs < MIN_INTERVAL_MS && elapsedMs >= 0) return false;
  if (elapsedMs >= state.environment.options.consumer.regexRefreshIntervalMs) return true;
  return group.patternsVersion < state.environment.topicsChangedAt();
}

function resolve(environment: GroupEnvironment, group: ConsumerGroup): void {
  const image = environment.image();
  const names = Array.from(image.topics.byName.keys());
  const found = new Map(Array.from(group.patternCounts.keys(), regex => [regex, [] as string[]]));
  let next = 0;
  const slice = () => {
    const part = names.slice(next, next + NAMES_PER_SLICE);
    next += NAMES_PER_SLICE;
    for (const [regex, topics] of found) topics.push(...environment.patterns.matching(regex, part));
    if (next < names.length) environment.later(slice);
    else environment.run("group.patterns-resolved", (state, turn) => resolved(state, turn, group, found, image.offset));
  };
  environment.later(slice);
}

function resolved(
  state: GroupState,
  turn: GroupTurn,
  group: ConsumerGroup,
  found: ReadonlyMap<string, string[]>,
  version: number,
): void {
  group.isResolvingPatterns = false;
  group.patternsResolvedMs = turn.nowMs;
  group.patternsVersion = version;
  if (state.groups.get(group.groupId) !== group) return;
  const topics = new Set(group.topicCounts.keys());
  let isChanged = false;
  for (const regex of group.patternCounts.keys()) {
    const before = group.pattern(regex)?.topics;
    const now = found.get(regex) ?? [...(before ?? [])];
    for (const topic of now) topics.add(topic);
    if (!found.has(regex)) continue;
    if (before !== undefined && before.size === now.length && now.every(topic => before.has(topic))) continue;
    isChanged = true;
    turn.append(regularExpressionRecord(group.groupId, regex, { topics: now.sort(), version, timestamp: turn.nowMs }));
  }
  if (!isChanged) return;
  const hash = subscriptionHash(topics, state.environment.image());
  turn.append(groupEpochRecord(group.groupId, group.groupEpoch + 1, hash));
}
