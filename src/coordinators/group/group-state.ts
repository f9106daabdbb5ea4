/**
 * All groups and offsets of one partition of `__consumer_offsets`: what a replay of the partition gives, and what decisions are made upon.
 */
import type { OffsetCommitKey, OffsetCommitValue } from "../../../protocol/internal/group/offset.ts";
import { ZERO_UUID } from "../../../protocol/schema.ts";
import { type CoordinatorState, NOT_TRANSACTIONAL } from "../runtime/coordinator-state.ts";
import { ClassicGroup } from "./classic/classic-group.ts";
import { restoreGroup } from "./classic/group-metadata.ts";
import { extendSession, prepareRebalance } from "./classic/rebalance.ts";
import { ConsumerGroup } from "./consumer/consumer-group.ts";
import type { ConsumerMember } from "./consumer/consumer-member.ts";
import { fenceMember } from "./consumer/fence.ts";
import { applyConsumerRecord, type ConsumerRecord } from "./consumer/replay.ts";
import { startSessions } from "./consumer/timers.ts";
import { ForeignGroup } from "./foreign-group.ts";
import type { GroupEnvironment, GroupTurn } from "./group-environment.ts";
import type { GroupRecord } from "./group-record.ts";
import { OffsetStore } from "./offsets/offset-store.ts";

export type Group = ClassicGroup | ConsumerGroup | ForeignGroup;

export class GroupState implements CoordinatorState<GroupRecord> {
  readonly environment: GroupEnvironment;
  readonly offsets = new OffsetStore();
  readonly #groups = new Map<string, Group>();

  constructor(environment: GroupEnvironment) {
    this.environment = environment;
  }

  get groups(): ReadonlyMap<string, Group> {
    return this.#groups;
  }

  /** Adds a group, or puts it in the place of another kind of the same name. */
  putGroup(group: Group): void {
    const before = this.#groups.get(group.groupId);
    if (before !== undefined && before !== group) before.close();
    this.#groups.set(group.groupId, group);
  }

  removeGroup(groupId: string): void {
    this.#groups.get(groupId)?.close();
    this.#groups.delete(groupId);
  }

  apply(record: GroupRecord, producerId: number): void {
    switch (record.type) {
      case "LegacyOffsetCommit":
        this.#applyOffset(record.key, record.value === null ? null : { ...record.value, ...LEGACY_OFFSET }, producerId);
        return;
      case "OffsetCommit":
        this.#applyOffset(record.key, record.value, producerId);
        return;
      case "GroupMetadata": {
        const { group: groupId } = record.key;
        if (record.value === null) {
          if (this.#groups.get(groupId)?.kind === "classic") this.removeGroup(groupId);
          return;
        }
        const group = new ClassicGroup(groupId);
        restoreGroup(group, record.value);
        this.putGroup(group);
        return;
      }
      case "ShareGroupMetadata":
      case "StreamsGroupMetadata":
        this.#applyForeign(
          record.type === "ShareGroupMetadata" ? "share" : "streams",
          record.key.groupId,
          record.value,
        );
        return;
      case "ShareGroupMemberMetadata":
      case "StreamsGroupMemberMetadata":
        this.#applyForeignMember(
          record.type === "ShareGroupMemberMetadata" ? "share" : "streams",
          record.key,
          record.value,
        );
        return;
      default:
        if (record.type.startsWith("ConsumerGroup")) applyConsumerRecord(this, record as ConsumerRecord);
    }
  }

  /** A member of a consumer group has let one of its time limits pass. */
  memberTimedOut(turn: GroupTurn, group: ConsumerGroup, member: ConsumerMember, reason: string): void {
    this.environment.counters.membersExpired.increment();
    this.environment.logger.info("group.member-removed", { group: group.groupId, member: member.memberId, reason });
    fenceMember(this, turn, group, member);
  }

  endTransaction(producerId: number, isCommitted: boolean): void {
    this.offsets.endTransaction(producerId, isCommitted);
  }

  /** Members get fresh sessions: they could not reach a coordinator while there was none. */
  loaded(): void {
    const { environment } = this;
    for (const group of this.#groups.values()) {
      if (group instanceof ConsumerGroup) startSessions(this, group);
      if (!(group instanceof ClassicGroup)) continue;
      for (const member of group.members()) extendSession(this, group, member);
      if (group.size <= environment.options.classic.maxSize) continue;
      environment.run("group.over-capacity", (state, turn) => {
        if (state.groups.get(group.groupId) === group)
          prepareRebalance(state, turn, group, "the group is over capacity");
      });
    }
  }

  close(): void {
    for (const group of this.#groups.values()) group.close();
  }

  #applyOffset(key: OffsetCommitKey, value: OffsetCommitValue | null, producerId: number): void {
    const { group, topic, partition } = key;
    if (value === null) {
      this.offsets.delete(group, topic, partition);
      return;
    }
    // Whoever commits without being in a group has one all the same, in name.
    if (!this.#groups.has(group)) this.#groups.set(group, new ClassicGroup(group));
    const offset = {
      offset: value.offset,
      leaderEpoch: value.leaderEpoch,
      metadata: value.metadata,
      commitTimestampMs: value.commitTimestamp,
      expireTimestampMs: value.expireTimestamp,
      topicId: value.topicId,
    };
    if (producerId === NOT_TRANSACTIONAL) this.offsets.set(group, topic, partition, offset);
    else this.offsets.setOpen(producerId, group, topic, partition, offset);
  }

  #applyForeign(kind: "share" | "streams", groupId: string, value: unknown): void {
    if (value === null) this.removeGroup(groupId);
    else if (this.#groups.get(groupId)?.kind !== kind) this.putGroup(new ForeignGroup(kind, groupId));
  }

  #applyForeignMember(
    kind: "share" | "streams",
    { groupId, memberId }: { groupId: string; memberId: string },
    value: unknown,
  ): void {
    let group = this.#groups.get(groupId);
    if (value === null) {
      if (group instanceof ForeignGroup) group.removeMember(memberId);
      return;
    }
    if (!(group instanceof ForeignGroup)) {
      group = new ForeignGroup(kind, groupId);
      this.putGroup(group);
    }
    group.putMember(memberId);
  }
}

/** What the oldest records of offsets do not say. */
const LEGACY_OFFSET = { leaderEpoch: -1, expireTimestamp: -1, topicId: ZERO_UUID } as const;
