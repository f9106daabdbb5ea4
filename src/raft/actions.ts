/** What the core wants done, in this order; its shell is `driver.ts`. */
import type { ControlRecord } from "./batches.ts";
import type { BeginEpochRequest, EndEpochRequest, OffsetAndEpoch, VoteRequest } from "./messages.ts";
import type { QuorumState } from "./quorum-state.ts";
import type { LeaderAndEpoch } from "./replicated-log.ts";
import type { Endpoint, ReplicaKey } from "./voter-set.ts";

/** A fetch to send. Answers and failures come back with its `token`. */
export interface FetchOrder {
  readonly token: number;
  /** Node id, or -1 for any of the bootstrap servers. */
  readonly to: number;
  readonly epoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly highWatermark: number;
  readonly maxWaitMs: number;
}

export type Action =
  /** Make durable before anything that follows. Always first. */
  | { readonly type: "persist"; readonly state: QuorumState }
  /** The shell reports by `logChanged` when this or the next is done, and by `flushed` once all is durable. */
  | { readonly type: "truncate"; readonly endOffset: number }
  /** The leader's batches, as they are. */
  | { readonly type: "append"; readonly records: Buffer }
  /** A control batch of this node's own, as leader of `epoch`. */
  | { readonly type: "appendControls"; readonly epoch: number; readonly controls: readonly ControlRecord[] }
  /** `round` comes back with the answer. */
  | { readonly type: "sendVote"; readonly round: number; readonly request: VoteRequest }
  | { readonly type: "sendBeginEpoch"; readonly request: BeginEpochRequest }
  | { readonly type: "sendEndEpoch"; readonly to: ReplicaKey; readonly request: EndEpochRequest }
  | { readonly type: "sendFetch"; readonly fetch: FetchOrder }
  /** Tell the leader where this voter is to be reached. */
  | { readonly type: "sendUpdateVoter"; readonly to: number; readonly epoch: number }
  /** Ask the leader to have this node as a voter, and first to drop what it was before under another directory. */
  | { readonly type: "sendJoin"; readonly to: number; readonly stale: ReplicaKey | null }
  | { readonly type: "downloadSnapshot"; readonly token: number; readonly from: number; readonly id: OffsetAndEpoch }
  | { readonly type: "cancelDownload" }
  | { readonly type: "committed"; readonly highWatermark: number }
  /** Fetches that wait may have to be answered: what they wait for, or leadership, changed. */
  | { readonly type: "wakeFetches" }
  | { readonly type: "resigned"; readonly epoch: number; readonly reason: string }
  | { readonly type: "leaderChanged"; readonly leader: LeaderAndEpoch }
  | { readonly type: "voterChanged"; readonly ticket: number; readonly outcome: VoterChangeOutcome }
  /** An invariant is broken: stop the node. */
  | { readonly type: "fatal"; readonly message: string };

export interface VoterChangeOutcome {
  readonly errorCode: number;
  readonly message: string | null;
}

export interface AddVoter {
  readonly key: ReplicaKey;
  readonly endpoints: readonly Endpoint[];
  readonly timeoutMs: number;
  /** Answer when the change is committed, rather than when it is appended (KIP-1186). */
  readonly ackWhenCommitted: boolean;
}

/** Asks that `kraft.version` be raised, by the leader of `epoch`. */
export interface VersionUpgrade {
  readonly epoch: number;
  readonly kraftVersion: number;
}

export interface UpdateVoter {
  readonly epoch: number;
  readonly key: ReplicaKey;
  readonly endpoints: readonly Endpoint[];
  readonly minSupportedVersion: number;
  readonly maxSupportedVersion: number;
}
