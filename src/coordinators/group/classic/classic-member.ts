/**
 * A member of a classic group.
 */
import type { JoinGroup } from "../../../../protocol/apis/11-join-group.ts";
import type { SyncGroup } from "../../../../protocol/apis/14-sync-group.ts";
import type { ResponseInputOf } from "../../../../protocol/schema.ts";
import type { Deadline } from "../../runtime/deadline.ts";
import type { Reply } from "../group-environment.ts";

export type JoinResponse = ResponseInputOf<typeof JoinGroup>;
export type SyncResponse = ResponseInputOf<typeof SyncGroup>;

/** One way to share out partitions that a member knows, with what it says about itself under it. Most wanted first. */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface ClassicMemberFacts {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly protocols: readonly MemberProtocol[];
  readonly assignment: Buffer;
}

export const NO_ASSIGNMENT: Buffer = Buffer.alloc(0);

export class ClassicMember {
  readonly memberId: string;
  /** Set for a static member (KIP-345), which keeps its place while it is away. */
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  protocols: readonly MemberProtocol[];
  assignment: Buffer;
  /** Has not had an answer to its first JoinGroup. */
  isNew = false;
  /** The JoinGroup that waits for the rebalance; maintained by the group, which counts them. */
  pendingJoin: Reply<JoinResponse> | null = null;
  /** The SyncGroup that waits for the leader's. */
  pendingSync: Reply<SyncResponse> | null = null;
  /** Ends the member's session. Null only before it is in a group that is led here. */
  session: Deadline | null = null;

  constructor(facts: ClassicMemberFacts) {
    this.memberId = facts.memberId;
    this.groupInstanceId = facts.groupInstanceId;
    this.clientId = facts.clientId;
    this.clientHost = facts.clientHost;
    this.rebalanceTimeoutMs = facts.rebalanceTimeoutMs;
    this.sessionTimeoutMs = facts.sessionTimeoutMs;
    this.protocols = facts.protocols;
    this.assignment = facts.assignment;
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null;
  }

  /** Whether its silence is excused: it waits for us. Not for its first answer, which it may never come back for. */
  get isExcused(): boolean {
    return !this.isNew && (this.pendingJoin !== null || this.pendingSync !== null);
  }

  /** Whether it would say the same of itself as `protocols` does. */
  matches(protocols: readonly MemberProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, index) => {
        const own = this.protocols[index]!;
        return own.name === name && own.metadata.equals(metadata);
      })
    );
  }

  /** What it says of itself under a protocol. */
  metadata(protocolName: string): Buffer {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_ASSIGNMENT;
  }
}

/** A copy that does not keep the buffer it was cut from. */
export function detached(bytes: Buffer): Buffer {
  if (bytes.length === 0) return NO_ASSIGNMENT;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

/** The protocols of a JoinGroup, detached from it; the first of a name counts. */
export function memberProtocols(protocols: readonly MemberProtocol[]): MemberProtocol[] {
  const seen = new Set<string>();
  const kept: MemberProtocol[] = [];
  for (const { name, metadata } of protocols) {
    if (seen.has(name)) continue;
    seen.add(name);
    kept.push({ name, metadata: detached(metadata) });
  }
  return kept;
}
