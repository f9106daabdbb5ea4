/**
 * The time limits of members of consumer groups: their session, and, while partitions move, the time to give them up. Members that speak the
 * classic protocol have limits for joining and syncing in place of the latter.
 */
import { Deadline } from "../../runtime/deadline.ts";
import type { GroupEnvironment } from "../group-environment.ts";
import type { GroupState } from "../group-state.ts";
import { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember } from "./consumer-member.ts";

/** Looked at when the limit is reached: whether it still means anything. */
type StillApplies = (member: ConsumerMember) => boolean;

export class MemberTimers {
  readonly #environment: GroupEnvironment;
  readonly #groupId: string;
  readonly #memberId: string;
  #session: Deadline | null = null;
  #rebalance: Deadline | null = null;
  #join: Deadline | null = null;
  #sync: Deadline | null = null;

  constructor(environment: GroupEnvironment, groupId: string, memberId: string) {
    this.#environment = environment;
    this.#groupId = groupId;
    this.#memberId = memberId;
  }

  extendSession(timeoutMs: number): void {
    this.#session ??= this.#deadline("session expired", () => true);
    this.#session.set(timeoutMs);
  }

  /** The member has so long to give partitions up, at its present epoch. */
  awaitRevocation(memberEpoch: number, timeoutMs: number): void {
    this.#rebalance?.clear();
    this.#rebalance = this.#deadline(
      "did not give partitions up in time",
      member => member.state === "unrevoked" && member.memberEpoch === memberEpoch,
    );
    this.#rebalance.set(timeoutMs);
  }

  revocationDone(): void {
    this.#rebalance?.clear();
    this.#rebalance = null;
  }

  /** A classic member was told to join again. The limit of the first telling counts. */
  awaitJoin(timeoutMs: number): void {
    if (this.#join?.isSet) return;
    this.#join ??= this.#deadline("did not rejoin in time", () => true);
    this.#join.set(timeoutMs);
  }

  joined(): void {
    this.#join?.clear();
  }

  awaitSync(timeoutMs: number): void {
    this.#sync ??= this.#deadline("did not sync in time", () => true);
    this.#sync.set(timeoutMs);
  }

  synced(): void {
    this.#sync?.clear();
  }

  close(): void {
    this.#session?.clear();
    this.#rebalance?.clear();
    this.#join?.clear();
    this.#sync?.clear();
  }

  #deadline(reason: string, stillApplies: StillApplies): Deadline {
    const environment = this.#environment;
    return new Deadline(environment, () =>
      environment.run("group.consumer-deadline", (state, turn) => {
        const group = state.groups.get(this.#groupId);
        if (!(group instanceof ConsumerGroup) || group.timers.get(this.#memberId) !== this) return;
        const member = group.member(this.#memberId);
        if (member !== undefined && stillApplies(member)) state.memberTimedOut(turn, group, member, reason);
      }),
    );
  }
}

export function timersOf(state: GroupState, group: ConsumerGroup, memberId: string): MemberTimers {
  let timers = group.timers.get(memberId);
  if (timers === undefined) {
    timers = new MemberTimers(state.environment, group.groupId, memberId);
    group.timers.set(memberId, timers);
  }
  return timers;
}

/** A member's session timeout: its own for classic members, the group's for others. */
export function sessionTimeoutMs(environment: GroupEnvironment, groupId: string, member: ConsumerMember): number {
  return member.classic?.sessionTimeoutMs ?? environment.options.consumer.of(groupId).sessionTimeoutMs;
}

/** Begins all sessions of a group that was loaded. */
export function startSessions(state: GroupState, group: ConsumerGroup): void {
  for (const member of group.members()) {
    const timers = timersOf(state, group, member.memberId);
    timers.extendSession(sessionTimeoutMs(state.environment, group.groupId, member));
    if (member.state === "unrevoked" && member.classic === null) {
      timers.awaitRevocation(member.memberEpoch, member.rebalanceTimeoutMs);
    }
  }
}
