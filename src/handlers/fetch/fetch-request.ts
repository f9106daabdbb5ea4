import type { Fetch } from "../../../protocol/apis/01-fetch.ts";
import type { RequestOf, ResponseInputOf } from "../../../protocol/schema.ts";

export type FetchRequest = RequestOf<typeof Fetch>;
export type FetchResponse = ResponseInputOf<typeof Fetch>;
export type FetchTopicResponse = FetchResponse["responses"][number];
export type FetchPartitionResponse = FetchTopicResponse["partitions"][number];

/** The broker that fetches in order to replicate; negative for consumers. */
export function followerIdOf({ replicaId, replicaState }: FetchRequest): number {
  return Math.max(replicaId, replicaState.replicaId);
}
