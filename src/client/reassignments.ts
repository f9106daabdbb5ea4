/** Moves of replicas that are under way. */
import { ListPartitionReassignments } from "../../protocol/apis/46-list-partition-reassignments.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { ClusterClient } from "./cluster-client.ts";
import { throwOnError } from "./failure.ts";

export interface Reassignment {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

/** All moves under way, by topic and partition. */
export async function listReassignments(cluster: ClusterClient): Promise<Reassignment[]> {
  const { errorCode, errorMessage, topics } = await cluster.retry(() =>
    cluster.request(ListPartitionReassignments, { timeoutMs: cluster.timeoutMs, topics: null }),
  );
  throwOnError("Cannot list what is being moved", errorCode, errorMessage);
  return topics
    .flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, replicas, addingReplicas, removingReplicas }) => ({
        topic: name,
        partition: partitionIndex,
        replicas,
        adding: addingReplicas,
        removing: removingReplicas,
      })),
    )
    .sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition));
}

/** Resolves when none of the partitions is moved any more. Rejects when that takes longer than the client's timeout; the move goes on then. */
export async function awaitReassignments(
  cluster: ClusterClient,
  topic: string,
  partitions: readonly number[],
): Promise<void> {
  await cluster.retry(async () => {
    const moving = await listReassignments(cluster);
    const left = moving.filter(move => move.topic === topic && partitions.includes(move.partition));
    if (left.length === 0) return;
    throw new ApiError(Errors.REQUEST_TIMED_OUT, `${left.length} of ${partitions.length} partitions are still moving.`);
  });
}
