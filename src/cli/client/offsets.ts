/** Where partitions begin and end, and which offset belongs to a time. */
import { ListOffsets } from "../../../protocol/apis/02-list-offsets.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { ClusterClient, TopicMetadata } from "../../client/cluster-client.ts";

/** The special timestamps of ListOffsets. */
export const OffsetQuery = { EARLIEST: -2, LATEST: -1 } as const;

export interface FoundOffset {
  readonly partition: number;
  /** -1: no record is as late as the timestamp asked for. */
  readonly offset: number;
  readonly timestamp: number;
}

/**
 * Asks each partition's leader for the first offset with at least `timestampMs` (or one of {@link OffsetQuery}). With `committedOnly`, the
 * latest offset is the last stable one. Tried until the cluster client's timeout.
 */
export async function listOffsets(
  cluster: ClusterClient,
  topicName: string,
  partitions: readonly number[],
  timestampMs: number,
  { committedOnly = false } = {},
): Promise<FoundOffset[]> {
  return cluster.retry(async () => {
    const topic = await cluster.topic(topicName);
    const answers = await Promise.all(
      [...groupByLeader(topic, partitions)].map(async ([leader, indexes]) => {
        const response = await cluster.request(
          ListOffsets,
          {
            replicaId: -1,
            isolationLevel: committedOnly ? 1 : 0,
            topics: [
              {
                name: topicName,
                partitions: indexes.map(partitionIndex => ({ partitionIndex, timestamp: BigInt(timestampMs) })),
              },
            ],
            timeoutMs: cluster.timeoutMs,
          },
          { node: leader, versions: { min: 1 } },
        );
        return response.topics.flatMap(({ partitions: found }) => found);
      }),
    );
    return answers
      .flat()
      .map(({ partitionIndex, errorCode, offset, timestamp }) => {
        if (errorCode !== Errors.NONE) throw new ApiError(errorCode);
        return { partition: partitionIndex, offset, timestamp };
      })
      .sort((left, right) => left.partition - right.partition);
  });
}

/** Partitions by the broker that leads them. Throws LEADER_NOT_AVAILABLE or UNKNOWN_TOPIC_OR_PARTITION. */
export function groupByLeader(topic: TopicMetadata, partitions: readonly number[]): Map<number, number[]> {
  const byLeader = new Map<number, number[]>();
  for (const partition of partitions) {
    const found = topic.partitions.find(({ partitionIndex }) => partitionIndex === partition);
    if (!found) throw new ApiError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `${topic.name} has no partition ${partition}.`);
    if (found.leaderId < 0) throw new ApiError(Errors.LEADER_NOT_AVAILABLE);
    byLeader.set(found.leaderId, [...(byLeader.get(found.leaderId) ?? []), partition]);
  }
  return byLeader;
}
