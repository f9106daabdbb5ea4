/**
 * OffsetForLeaderEpoch (23): where the largest epoch up to the one asked for ended, so that a reader finds where its history parted from the
 * leader's (KIP-101, KIP-279, KIP-320).
 */
import { OffsetForLeaderEpoch } from "../../protocol/apis/23-offset-for-leader-epoch.ts";
import { Errors } from "../../protocol/errors.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";

interface EpochEnd {
  errorCode: number;
  partition: number;
  leaderEpoch: number;
  endOffset: number;
}

export const offsetForLeaderEpoch = handler(
  OffsetForLeaderEpoch,
  (request, context) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) =>
        epochEnd(topic, partition, currentLeaderEpoch, leaderEpoch, context),
      ),
    })),
  }),
  (request, errorCode) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => failure(partition, errorCode)),
    })),
  }),
);

function epochEnd(
  topic: string,
  index: number,
  currentLeaderEpoch: number,
  leaderEpoch: number,
  context: HandlerContext,
): EpochEnd {
  const partition = context.replicas.get(topic, index);
  if (partition === undefined) return failure(index, context.replicas.whyNot(topic, index));
  const errorCode = partition.check(currentLeaderEpoch);
  if (errorCode !== Errors.NONE) return failure(index, errorCode);
  return { errorCode: Errors.NONE, partition: index, ...partition.log.offsetForLeaderEpoch(leaderEpoch) };
}

function failure(partition: number, errorCode: number): EpochEnd {
  return { errorCode, partition, leaderEpoch: -1, endOffset: -1 };
}
