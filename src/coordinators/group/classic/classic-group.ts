/**
 * A group of the classic protocol: its members, its state, and who waits. No decisions here: `join.ts`, `sync.ts`, `rebalance.ts` make them.
 *
 * ```
 * Empty ──join──▶ PreparingRebalance ──all joined──▶ CompletingRebalance ──leader's sync──▶ Stable
 *   ▲                    ▲  │ nobody left                    │                                │
 *   └────────────────────┼──┘                                ▼                                ▼
 *                        └───────────── somebody joins, leaves, or changes its mind ──────────┘
 * ```
 *
 * Only Empty and Stable groups are in the log, so a new coordinator begins with the last of these.
 */
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { Deadline } from "../../runtime/deadline.ts";
import type { GroupTurn, Reply } from "../group-environment.ts";
import { ClassicMember, type JoinResponse, type MemberProtocol, type SyncResponse } from "./classic-member.ts";
import { CONSUMER_PROTOCOL_TYPE, subscribedTopics } from "./consumer-metadata.ts";

export type ClassicGroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable";

export class ClassicGroup {
  readonly kind = "classic";
  readonly groupId: string;
  #state: ClassicGroupState = "Empty";
  #previousState: ClassicGroupState = "Empty";
  /** Wall time of the last change of state, in ms; -1 when not known. */
  stateTimestampMs = -1;
  generationId = 0;
  /** `consumer`, `connect`, …; null before the first member. */
  protocolType: string | null = null;
  /** The protocol of this generation. */
  protocolName: string | null = null;
  leaderId: string | null = null;
  readonly #members = new Map<string, ClassicMember>();
  readonly #staticMembers = new Map<string, string>();
  readonly #protocolVotes = new Map<string, number>();
  #awaitingJoinCount = 0;
  /** Members that were told their id and have not come back with it (KIP-394), with the limit of our patience. */
  readonly pendingMembers = new Map<string, Deadline>();
  /** Members of this generation whose SyncGroup has not come. */
  readonly pendingSyncs = new Set<string>();
  /** Somebody joined since the initial rebalance was put off last. */
  hasNewMember = false;
  /** Topics that members of this generation consume; null when that is not known. */
  subscribedTopics: ReadonlySet<string> | null = null;
  /** Ends the wait for members to join. */
  joinTimer: Deadline | null = null;
  /** Ends the wait for members to sync. */
  syncTimer: Deadline | null = null;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  get state(): ClassicGroupState {
    return this.#state;
  }

  get previousState(): ClassicGroupState {
    return this.#previousState;
  }

  get isEmpty(): boolean {
    return this.#state === "Empty";
  }

  get size(): number {
    return this.#members.size;
  }

  get awaitingJoinCount(): number {
    return this.#awaitingJoinCount;
  }

  get usesConsumerProtocol(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  /** Whether a rebalance can begin; one that goes on takes in everything itself. */
  get canRebalance(): boolean {
    return this.#state !== "PreparingRebalance";
  }

  get hasEverybodyJoined(): boolean {
    return this.#members.size === this.#awaitingJoinCount && this.pendingMembers.size === 0;
  }

  /** The longest that any member asks for. */
  get rebalanceTimeoutMs(): number {
    let longestMs = 0;
    for (const member of this.#members.values()) longestMs = Math.max(longestMs, member.rebalanceTimeoutMs);
    return longestMs;
  }

  becomePreparingRebalance(nowMs: number): void {
    this.#become("PreparingRebalance", nowMs);
  }

  becomeStable(nowMs: number): void {
    this.#become("Stable", nowMs);
  }

  /** Counts the generation up; goes to Empty without members, else to CompletingRebalance with the protocol they voted for. */
  becomeNextGeneration(nowMs: number): void {
    this.generationId = nextGeneration(this.generationId);
    this.pendingSyncs.clear();
    this.protocolName = this.#members.size === 0 ? null : this.selectProtocol();
    this.subscribedTopics = this.#subscribedTopics();
    this.#become(this.#members.size === 0 ? "Empty" : "CompletingRebalance", nowMs);
  }

  #become(state: ClassicGroupState, nowMs: number): void {
    this.#previousState = this.#state;
    this.#state = state;
    this.stateTimestampMs = nowMs;
  }

  /** Takes over what the log holds: an Empty group, or a Stable one with its members. */
  restore(facts: {
    state: "Empty" | "Stable";
    stateTimestampMs: number;
    generationId: number;
    protocolType: string | null;
    protocolName: string | null;
    leaderId: string | null;
    members: readonly ClassicMember[];
  }): void {
    this.#members.clear();
    this.#staticMembers.clear();
    this.#protocolVotes.clear();
    this.#awaitingJoinCount = 0;
    this.#state = facts.state;
    this.#previousState = facts.state;
    this.stateTimestampMs = facts.stateTimestampMs;
    this.generationId = facts.generationId;
    this.protocolType = facts.protocolType;
    this.protocolName = facts.protocolName;
    for (const member of facts.members) this.add(member, null);
    this.leaderId = facts.leaderId;
    this.subscribedTopics = this.#subscribedTopics();
  }

  // --- Members

  members(): IterableIterator<ClassicMember> {
    return this.#members.values();
  }

  member(memberId: string): ClassicMember | undefined {
    return this.#members.get(memberId);
  }

  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#staticMembers.get(groupInstanceId);
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId;
  }

  /**
   * The member that a request speaks for. Throws UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID when another process has taken its instance id over.
   */
  validMember(memberId: string, groupInstanceId: string | null): ClassicMember {
    if (groupInstanceId !== null) {
      const current = this.#staticMembers.get(groupInstanceId);
      if (current === undefined) throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
      if (current !== memberId) throw new ApiError(Errors.FENCED_INSTANCE_ID);
    }
    const member = this.#members.get(memberId);
    if (member === undefined) throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
    return member;
  }

  /** Adds a member that waits for `pendingJoin`, if for anything. The first one becomes the leader. */
  add(member: ClassicMember, pendingJoin: Reply<JoinResponse> | null): void {
    if (member.groupInstanceId !== null) this.#staticMembers.set(member.groupInstanceId, member.memberId);
    this.leaderId ??= member.memberId;
    this.#members.set(member.memberId, member);
    this.#countProtocols(member.protocols, 1);
    this.#awaitJoin(member, pendingJoin);
    this.removePending(member.memberId);
  }

  /** Removes a member, pending or not; another becomes the leader where that was it. Harmless for strangers. */
  remove(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member !== undefined) {
      member.session?.clear();
      this.#awaitJoin(member, null);
      this.#members.delete(memberId);
      this.#countProtocols(member.protocols, -1);
      if (member.groupInstanceId !== null && this.#staticMembers.get(member.groupInstanceId) === memberId) {
        this.#staticMembers.delete(member.groupInstanceId);
      }
    }
    if (this.leaderId === memberId) this.leaderId = this.#members.keys().next().value ?? null;
    this.removePending(memberId);
    this.pendingSyncs.delete(memberId);
  }

  removePending(memberId: string): void {
    this.pendingMembers.get(memberId)?.clear();
    this.pendingMembers.delete(memberId);
  }

  /** Lets a new process take the place of a static member, under a new member id, with what was assigned. */
  replaceStatic(old: ClassicMember, newMemberId: string, turn: GroupTurn): ClassicMember {
    this.answerJoin(turn, old, { ...failedJoin(Errors.FENCED_INSTANCE_ID, old.memberId) });
    this.answerSync(turn, old, failedSync(Errors.FENCED_INSTANCE_ID));
    old.session?.clear();
    const member = new ClassicMember({ ...facts(old), memberId: newMemberId });
    // The order of members is kept: assignors of clients go by it.
    const members = [...this.#members.values()].map(each => (each === old ? member : each));
    this.#members.clear();
    for (const each of members) this.#members.set(each.memberId, each);
    if (this.leaderId === old.memberId) this.leaderId = newMemberId;
    this.#staticMembers.set(member.groupInstanceId!, newMemberId);
    if (this.pendingSyncs.delete(old.memberId)) this.pendingSyncs.add(newMemberId);
    return member;
  }

  /** What a member says anew when it joins again. */
  update(
    member: ClassicMember,
    news: { protocols: readonly MemberProtocol[]; rebalanceTimeoutMs: number; sessionTimeoutMs: number },
    pendingJoin: Reply<JoinResponse>,
  ): void {
    this.#countProtocols(member.protocols, -1);
    member.protocols = news.protocols;
    this.#countProtocols(member.protocols, 1);
    member.rebalanceTimeoutMs = news.rebalanceTimeoutMs;
    member.sessionTimeoutMs = news.sessionTimeoutMs;
    this.#awaitJoin(member, pendingJoin);
  }

  /** Makes sure that the leader is one that has joined. False when nobody has. */
  electJoinedLeader(): boolean {
    if (this.leaderId === null) return false;
    if (this.#members.get(this.leaderId)!.pendingJoin !== null) return true;
    for (const member of this.#members.values()) {
      if (member.pendingJoin === null) continue;
      this.leaderId = member.memberId;
      return true;
    }
    return false;
  }

  // --- Waiting requests

  answerJoin(turn: GroupTurn, member: ClassicMember, response: JoinResponse): void {
    if (member.pendingJoin === null) return;
    turn.answer(member.pendingJoin, response);
    this.#awaitJoin(member, null);
  }

  answerSync(turn: GroupTurn, member: ClassicMember, response: SyncResponse): void {
    if (member.pendingSync === null) return;
    turn.answer(member.pendingSync, response);
    member.pendingSync = null;
  }

  // --- Protocols

  /** Whether a member with these protocols and the others have one in common. */
  supports(protocolType: string, protocols: readonly { readonly name: string }[]): boolean {
    if (this.#state === "Empty") return protocolType !== "" && protocols.length > 0;
    if (this.protocolType !== protocolType) return false;
    return protocols.some(({ name }) => this.#protocolVotes.get(name) === this.#members.size);
  }

  /** The protocol that most members like best, of those that all of them know. Among equals, that of the earliest member. */
  selectProtocol(): string {
    const votes = new Map<string, number>();
    for (const { protocols } of this.#members.values()) {
      const choice = protocols.find(({ name }) => this.#protocolVotes.get(name) === this.#members.size);
      if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
    }
    let selected = "";
    for (const [name, count] of votes) if (count > (votes.get(selected) ?? 0)) selected = name;
    return selected;
  }

  /** After protocol or members were set otherwise than by a generation. */
  refreshSubscribedTopics(): void {
    this.subscribedTopics = this.#subscribedTopics();
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? this.usesConsumerProtocol;
  }

  /** Stops all timers; the group is not used any more. */
  close(): void {
    this.joinTimer?.clear();
    this.syncTimer?.clear();
    for (const member of this.#members.values()) member.session?.clear();
    for (const timer of this.pendingMembers.values()) timer.clear();
  }

  #awaitJoin(member: ClassicMember, pendingJoin: Reply<JoinResponse> | null): void {
    if (member.pendingJoin !== null) this.#awaitingJoinCount -= 1;
    member.pendingJoin = pendingJoin;
    if (pendingJoin !== null) this.#awaitingJoinCount += 1;
  }

  #countProtocols(protocols: readonly MemberProtocol[], change: 1 | -1): void {
    for (const { name } of protocols) {
      const count = (this.#protocolVotes.get(name) ?? 0) + change;
      if (count === 0) this.#protocolVotes.delete(name);
      else this.#protocolVotes.set(name, count);
    }
  }

  #subscribedTopics(): ReadonlySet<string> | null {
    if (!this.usesConsumerProtocol) return null;
    if (this.#members.size === 0) return new Set();
    if (this.protocolName === null) return null;
    const topics = new Set<string>();
    for (const member of this.#members.values()) {
      const own = subscribedTopics(member.metadata(this.protocolName));
      if (own === null) return null;
      for (const topic of own) topics.add(topic);
    }
    return topics;
  }
}

export function failedJoin(errorCode: number, memberId: string): JoinResponse {
  return {
    errorCode,
    memberId,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: "",
    members: [],
    throttleTimeMs: 0,
  };
}

export function failedSync(errorCode: number): SyncResponse {
  return { errorCode, protocolType: null, protocolName: null, assignment: Buffer.alloc(0), throttleTimeMs: 0 };
}

function facts(member: ClassicMember) {
  const { groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols, assignment } = member;
  return { groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols, assignment };
}

/** Java's integers wrap, and a negative generation would mean no generation. */
function nextGeneration(generationId: number): number {
  return generationId === 0x7fffffff ? 0 : generationId + 1;
}
