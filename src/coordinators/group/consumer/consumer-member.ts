/**
 * A member of a consumer group. Immutable: decisions make a changed copy and write what differs.
 */
import type { MemberProtocol } from "../classic/classic-member.ts";
import { NO_PARTITIONS, type OwnedPartitions } from "./assignment.ts";

/**
 * Where a member stands on its way to the target assignment:
 * - `stable`: it has what it should have at its epoch.
 * - `unrevoked`: it has to give partitions up, and has not said that it did.
 * - `unreleased`: it has given up what it had to, but others still own partitions that it is to get.
 * - `unknown`: a state that a newer broker wrote.
 */
export type MemberState = "stable" | "unrevoked" | "unreleased" | "unknown";

/** What is kept for a member that speaks the classic protocol. */
export interface ClassicMembership {
  readonly sessionTimeoutMs: number;
  readonly protocols: readonly MemberProtocol[];
}

export interface ConsumerMember {
  readonly memberId: string;
  /** The epoch it has been reconciled to; 0 while it has none, -2 while a static member is away. */
  readonly memberEpoch: number;
  readonly previousMemberEpoch: number;
  readonly state: MemberState;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly rebalanceTimeoutMs: number;
  readonly clientId: string;
  readonly clientHost: string;
  /** Sorted. */
  readonly subscribedTopicNames: readonly string[];
  /** Empty for none. */
  readonly subscribedTopicRegex: string;
  readonly serverAssignor: string | null;
  readonly assigned: OwnedPartitions;
  /** To be given up, and owned until the member says that it did. */
  readonly revoking: OwnedPartitions;
  /** Null for a member of the consumer protocol. */
  readonly classic: ClassicMembership | null;
}

export const LEAVE_EPOCH = -1;
/** A static member leaves for a while and keeps its place. */
export const LEAVE_STATIC_EPOCH = -2;
export const JOIN_EPOCH = 0;

export function newConsumerMember(memberId: string): ConsumerMember {
  return {
    memberId,
    memberEpoch: 0,
    previousMemberEpoch: 0,
    state: "stable",
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: -1,
    clientId: "",
    clientHost: "",
    subscribedTopicNames: [],
    subscribedTopicRegex: "",
    serverAssignor: null,
    assigned: NO_PARTITIONS,
    revoking: NO_PARTITIONS,
    classic: null,
  };
}

/** Whether what a member's subscription record holds is the same. */
export function isSameSubscription(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.serverAssignor === b.serverAssignor &&
    areSameNames(a.subscribedTopicNames, b.subscribedTopicNames) &&
    isSameClassic(a.classic, b.classic)
  );
}

export function areSameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, index) => name === b[index]));
}

function isSameClassic(a: ClassicMembership | null, b: ClassicMembership | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.sessionTimeoutMs === b.sessionTimeoutMs &&
    a.protocols.length === b.protocols.length &&
    a.protocols.every(({ name, metadata }, index) => {
      const other = b.protocols[index]!;
      return name === other.name && metadata.equals(other.metadata);
    })
  );
}
