/**
 * A group of the consumer protocol (KIP-848): members, what each should own and does own, and the epochs that tell how far along it is.
 *
 * The group epoch grows with every change of members, subscriptions or topics; the assignment epoch is the group epoch that the target assignment
 * was made for; a member's epoch is the one it has been brought to. Changed only by `replay.ts`, from records.
 */
import type { Assignment, OwnedPartitions } from "./assignment.ts";
import { NO_TARGET } from "./assignment.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import type { MemberTimers } from "./timers.ts";

export type ConsumerGroupState = "Empty" | "Assigning" | "Reconciling" | "Stable";

/** Topics that a pattern stood for when it was looked up last. */
export interface ResolvedPattern {
  readonly topics: ReadonlySet<string>;
  /** Offset of the metadata it was looked up in. */
  readonly version: number;
  readonly timestampMs: number;
}

/** A group begins with epoch 1: 0 is a member's that is joining. */
const FIRST_EPOCH = 1;

export class ConsumerGroup {
  readonly kind = "consumer";
  readonly groupId: string;
  groupEpoch = FIRST_EPOCH;
  assignmentEpoch = FIRST_EPOCH;
  /** When the target assignment was made, in wall time; 0 when not known. */
  assignmentTimestampMs = 0;
  /** Hash of the subscribed topics as they were at the group epoch. */
  metadataHash = 0n;
  /** Something changed in the topics since: to be looked at with the next heartbeat. */
  isMetadataStale = true;
  readonly #members = new Map<string, ConsumerMember>();
  readonly #staticMembers = new Map<string, string>();
  readonly #targets = new Map<string, Assignment>();
  readonly #patterns = new Map<string, ResolvedPattern>();
  /** Topic id → partition → epoch of the member that owns it. */
  readonly #owners = new Map<string, Map<number, number>>();
  /** How many members subscribe to a topic by name, to a pattern, and ask for an assignor. */
  readonly #topicCounts = new Map<string, number>();
  readonly #patternCounts = new Map<string, number>();
  readonly #assignorCounts = new Map<string, number>();
  #classicCount = 0;
  /** Timers of members, by member id; soft state. */
  readonly timers = new Map<string, MemberTimers>();
  /** Patterns are being looked up. */
  isResolvingPatterns = false;
  /** Wall time of the last look-up of patterns. */
  patternsResolvedMs = 0;
  /** Offset of the metadata that they were looked up in; -1 before this coordinator did. */
  patternsVersion = -1;
  /** A timer is set that will make the assignment that the assignment interval has put off. */
  isAssignmentDelayed = false;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get size(): number {
    return this.#members.size;
  }

  get state(): ConsumerGroupState {
    if (this.#members.size === 0) return "Empty";
    if (this.groupEpoch > this.assignmentEpoch) return "Assigning";
    for (const member of this.#members.values()) {
      if (member.state !== "stable" || member.memberEpoch !== this.assignmentEpoch) return "Reconciling";
    }
    return "Stable";
  }

  // --- Members

  members(): IterableIterator<ConsumerMember> {
    return this.#members.values();
  }

  member(memberId: string): ConsumerMember | undefined {
    return this.#members.get(memberId);
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    const memberId = this.#staticMembers.get(instanceId);
    return memberId === undefined ? undefined : this.#members.get(memberId);
  }

  /** Whether all members but this one speak the classic protocol. */
  areOthersClassic(memberId: string): boolean {
    const member = this.#members.get(memberId);
    const classicOthers = this.#classicCount - (member !== undefined && member.classic !== null ? 1 : 0);
    const others = this.#members.size - (member === undefined ? 0 : 1);
    return member !== undefined && member.classic === null && classicOthers === others;
  }

  get classicMembers(): number {
    return this.#classicCount;
  }

  putMember(member: ConsumerMember): void {
    const before = this.#members.get(member.memberId);
    if (before !== undefined) this.#forget(before);
    this.#members.set(member.memberId, member);
    if (member.instanceId !== null) this.#staticMembers.set(member.instanceId, member.memberId);
    for (const name of member.subscribedTopicNames) count(this.#topicCounts, name, 1);
    if (member.subscribedTopicRegex !== "") count(this.#patternCounts, member.subscribedTopicRegex, 1);
    if (member.serverAssignor !== null) count(this.#assignorCounts, member.serverAssignor, 1);
    if (member.classic !== null) this.#classicCount += 1;
    this.#own(member.assigned, member.memberEpoch);
    this.#own(member.revoking, member.memberEpoch);
  }

  removeMember(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    this.#forget(member);
    this.#members.delete(memberId);
    if (member.instanceId !== null && this.#staticMembers.get(member.instanceId) === memberId) {
      this.#staticMembers.delete(member.instanceId);
    }
  }

  /** The epoch of the member that owns a partition; -1 when nobody does. */
  ownerEpoch(topicId: string, partition: number): number {
    return this.#owners.get(topicId)?.get(partition) ?? -1;
  }

  // --- Target assignment

  target(memberId: string): Assignment {
    return this.#targets.get(memberId) ?? NO_TARGET;
  }

  hasTarget(memberId: string): boolean {
    return this.#targets.has(memberId);
  }

  targets(): ReadonlyMap<string, Assignment> {
    return this.#targets;
  }

  setTarget(memberId: string, target: Assignment | null): void {
    if (target === null) this.#targets.delete(memberId);
    else this.#targets.set(memberId, target);
  }

  // --- Subscriptions

  get topicCounts(): ReadonlyMap<string, number> {
    return this.#topicCounts;
  }

  get patternCounts(): ReadonlyMap<string, number> {
    return this.#patternCounts;
  }

  get assignorCounts(): ReadonlyMap<string, number> {
    return this.#assignorCounts;
  }

  pattern(regex: string): ResolvedPattern | undefined {
    return this.#patterns.get(regex);
  }

  patterns(): ReadonlyMap<string, ResolvedPattern> {
    return this.#patterns;
  }

  setPattern(regex: string, pattern: ResolvedPattern | null): void {
    if (pattern === null) this.#patterns.delete(regex);
    else this.#patterns.set(regex, pattern);
  }

  isSubscribedTo(topic: string): boolean {
    if (this.#topicCounts.has(topic)) return true;
    for (const { topics } of this.#patterns.values()) if (topics.has(topic)) return true;
    return false;
  }

  /** Stops all timers; the group is not used any more. */
  close(): void {
    for (const timers of this.timers.values()) timers.close();
    this.timers.clear();
  }

  #forget(member: ConsumerMember): void {
    for (const name of member.subscribedTopicNames) count(this.#topicCounts, name, -1);
    if (member.subscribedTopicRegex !== "") count(this.#patternCounts, member.subscribedTopicRegex, -1);
    if (member.serverAssignor !== null) count(this.#assignorCounts, member.serverAssignor, -1);
    if (member.classic !== null) this.#classicCount -= 1;
    this.#disown(member.assigned, member.memberEpoch);
    this.#disown(member.revoking, member.memberEpoch);
  }

  #own(partitions: OwnedPartitions, epoch: number): void {
    for (const [topicId, epochs] of partitions) {
      let owners = this.#owners.get(topicId);
      if (owners === undefined) {
        owners = new Map();
        this.#owners.set(topicId, owners);
      }
      for (const partition of epochs.keys()) owners.set(partition, epoch);
    }
  }

  #disown(partitions: OwnedPartitions, epoch: number): void {
    for (const [topicId, epochs] of partitions) {
      const owners = this.#owners.get(topicId);
      if (owners === undefined) continue;
      // A partition that went to somebody else meanwhile is not ours to free: compacted logs replay in odd orders.
      for (const partition of epochs.keys()) if (owners.get(partition) === epoch) owners.delete(partition);
      if (owners.size === 0) this.#owners.delete(topicId);
    }
  }
}

function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}
