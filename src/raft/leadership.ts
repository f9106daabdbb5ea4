/** What a leader keeps, and how it begins its epoch. */
import type { ControlRecord } from "./batches.ts";
import type { ProgressTable } from "./progress.ts";
import type { QuorumFacts } from "./quorum-history.ts";
import { newVoter } from "./voter-changes.ts";
import { type Endpoint, hasSameEndpoints, type ReplicaKey, type VoterSet } from "./voter-set.ts";

/** A change of the voters under way. */
export interface PendingChange {
  readonly ticket: number;
  /** The voters that are to be. */
  readonly voters: VoterSet;
  /** The level that `kraft.version` gets along with it; null where that stays. */
  readonly kraftVersion: number | null;
  /** The replica that has to catch up before, if any. */
  readonly awaits: ReplicaKey | null;
  readonly isAppended: boolean;
  readonly ackWhenCommitted: boolean;
  /** When waiting for the replica ends. */
  readonly deadlineMs: number;
}

export interface Leadership {
  /** Where the epoch's first record went. */
  readonly epochStartOffset: number;
  readonly progress: ProgressTable;
  /** From when on silence counts. */
  heardSinceMs: number;
  /** When voters that do not fetch are told again who leads. */
  beginAtMs: number;
  change: PendingChange | null;
  /**
   * At `kraft.version` 0: the configured voters, each as it has described itself in this epoch. The directory of one that has not is all zero. From 1
   * on the log says it, and nothing is kept here.
   */
  described: VoterSet;
}

/**
 * The control records that begin an epoch: the leader change and, where the log does not say so already, version and voters (KIP-853: voters of
 * the bootstrap checkpoint are written to the log by the first leader). A leader that has moved says so here.
 */
export function epochStartControls(
  { kraftVersion, offset }: QuorumFacts,
  voters: VoterSet,
  self: ReplicaKey,
  endpoints: readonly Endpoint[],
  grantingVoterIds: readonly number[],
): ControlRecord[] {
  const records: ControlRecord[] = [
    { type: "leaderChange", leaderId: self.id, voterIds: voters.ids, grantingVoterIds },
  ];
  const own = voters.find(self.id);
  if (kraftVersion === 0 || own === undefined) return records;
  const hasMoved = endpoints.length > 0 && !hasSameEndpoints(own, endpoints);
  if (offset >= 0 && !hasMoved) return records;
  const moved = { ...newVoter(self, [...endpoints]), kRaftVersionFeature: own.kRaftVersionFeature };
  const named = hasMoved ? voters.updated(moved) : voters;
  records.push({ type: "kraftVersion", kraftVersion }, { type: "voters", voters: named.voters });
  return records;
}
