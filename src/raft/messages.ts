/**
 * What quorum members say to each other, as the core sees it: Kafka's messages without topics, partitions, versions and addresses, which
 * `wire.ts` puts around them (KIP-595, KIP-630, KIP-853, KIP-996).
 */
import type { ReplicaKey } from "./voter-set.ts";

export interface VoteRequest {
  /** Whom the candidate takes the receiver for. */
  readonly voter: ReplicaKey;
  readonly candidate: ReplicaKey;
  /** The epoch of the election; of a pre-vote, the candidate's present one. */
  readonly epoch: number;
  readonly lastEpoch: number;
  readonly endOffset: number;
  readonly isPreVote: boolean;
}

export interface VoteResponse {
  readonly errorCode: number;
  readonly leaderId: number;
  readonly epoch: number;
  readonly isGranted: boolean;
}

export interface BeginEpochRequest {
  readonly voter: ReplicaKey;
  readonly leaderId: number;
  readonly epoch: number;
}

export interface EndEpochRequest {
  readonly leaderId: number;
  readonly epoch: number;
  /** Best first. */
  readonly successors: readonly ReplicaKey[];
}

/** The answer to both of the above, and the head of every other one. */
export interface EpochResponse {
  readonly errorCode: number;
  readonly leaderId: number;
  readonly epoch: number;
}

export interface FetchRequest {
  readonly replica: ReplicaKey;
  readonly epoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
}

export interface OffsetAndEpoch {
  readonly endOffset: number;
  readonly epoch: number;
}

/** What a leader does about a fetch. */
export type FetchDecision =
  | ({ readonly kind: "refuse" } & EpochResponse)
  /** The replica's log contradicts the leader's behind this point. */
  | { readonly kind: "diverging"; readonly at: OffsetAndEpoch }
  /** What the replica needs is only in this snapshot. */
  | { readonly kind: "snapshot"; readonly id: OffsetAndEpoch }
  | { readonly kind: "read" };

/** The answer to a fetch, as the follower sees it. */
export interface FetchResponse extends EpochResponse {
  /** -1 when the leader does not know it yet. */
  readonly highWatermark: number;
  readonly diverging: OffsetAndEpoch | null;
  readonly snapshotId: OffsetAndEpoch | null;
  /** Whole batches; empty when there is nothing new. */
  readonly records: Buffer;
}
