/** Parts of the answers of `quorum-service.ts`, in the protocol's own terms. */
import type { Fetch } from "../../protocol/apis/01-fetch.ts";
import { Errors } from "../../protocol/errors.ts";
import { type ResponseInputOf, ZERO_UUID } from "../../protocol/schema.ts";
import type { VoterChangeOutcome } from "./actions.ts";
import type { FetchDecision } from "./messages.ts";
import type { Voter } from "./quorum-history.ts";
import type { ReplicaStatus } from "./replica-status.ts";

export type FetchAnswer = ResponseInputOf<typeof Fetch>;
export type FetchedPartition = FetchAnswer["responses"][number]["partitions"][number];

export const FIRST_DESCRIBE_VERSION_WITH_NODES = 2;

export function decided(decision: Exclude<FetchDecision, { kind: "read" }>): Partial<FetchedPartition> {
  switch (decision.kind) {
    case "refuse":
      return { errorCode: decision.errorCode };
    case "diverging":
      return { divergingEpoch: decision.at };
    case "snapshot":
      return { snapshotId: decision.id };
  }
}

export function readPartition(
  outcome:
    | { readonly ok: true; readonly chunks: readonly Buffer[] }
    | { readonly ok: false; readonly errorCode: number },
): Partial<FetchedPartition> {
  return outcome.ok ? { records: outcome.chunks } : { errorCode: outcome.errorCode };
}

export function hasRecords({ records }: Partial<FetchedPartition>): boolean {
  return records !== undefined && records !== null && records.length > 0;
}

export function fetchError(errorCode: number): FetchAnswer {
  return { throttleTimeMs: 0, errorCode, responses: [] };
}

export function changed({ errorCode, message: errorMessage }: VoterChangeOutcome) {
  return { throttleTimeMs: 0, errorCode, errorMessage };
}

export function describeReplica({ key, endOffset, lastFetchMs, lastCaughtUpMs }: ReplicaStatus, apiVersion: number) {
  return {
    replicaId: key.id,
    replicaDirectoryId: apiVersion < FIRST_DESCRIBE_VERSION_WITH_NODES ? ZERO_UUID : key.directoryId,
    logEndOffset: endOffset,
    lastFetchTimestamp: lastFetchMs,
    lastCaughtUpTimestamp: lastCaughtUpMs,
  };
}

export function describeNode({ voterId, endpoints }: Voter) {
  return { nodeId: voterId, listeners: endpoints.map(({ name, host, port }) => ({ name, host, port })) };
}

export function unknownPartition(partitionIndex: number) {
  return {
    partitionIndex,
    errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION,
    errorMessage: null,
    leaderId: -1,
    leaderEpoch: -1,
    highWatermark: -1,
    currentVoters: [],
    observers: [],
  };
}
