/**
 * DeleteRecords (21): moves the log start offset up, so that everything below is gone for readers (KIP-107).
 *
 * Offset -1 stands for the high watermark. The answer is the low watermark: the log start offset that every live replica has
 * reached, for which it waits up to the request's time.
 */
import { DeleteRecords } from "../../protocol/apis/21-delete-records.ts";
import { Errors } from "../../protocol/errors.ts";
import { lowWatermarkAt } from "../replication/low-watermark-wait.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";

interface PartitionResult {
  partitionIndex: number;
  lowWatermark: number;
  errorCode: number;
}

const HIGH_WATERMARK = -1;

export const deleteRecords = handler(
  DeleteRecords,
  async (request, context) => {
    const topics = [];
    for (const { name, partitions } of request.topics) {
      const results = partitions.map(({ partitionIndex, offset }) =>
        deleteBefore(name, partitionIndex, offset, request.timeoutMs, context),
      );
      topics.push({ name, partitions: await Promise.all(results) });
    }
    return { throttleTimeMs: 0, topics };
  },
  (request, errorCode) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => failure(partitionIndex, errorCode)),
    })),
  }),
);

async function deleteBefore(
  topic: string,
  index: number,
  offset: number,
  timeoutMs: number,
  context: HandlerContext,
): Promise<PartitionResult> {
  const partition = context.replicas.get(topic, index);
  if (partition === undefined) return failure(index, context.replicas.whyNot(topic, index));
  if (partition.isInternal) return failure(index, Errors.INVALID_TOPIC_EXCEPTION);
  if (partition.check(-1) === Errors.NONE) await partition.settle();
  const errorCode = partition.check(-1);
  if (errorCode !== Errors.NONE) return failure(index, errorCode);
  // Of a compacted topic every key's last record is to stay.
  if (!partition.log.config.deletes) return failure(index, Errors.POLICY_VIOLATION);
  const { highWatermark } = partition;
  const target = offset === HIGH_WATERMARK ? highWatermark : offset;
  if (target < 0 || target > highWatermark) return failure(index, Errors.OFFSET_OUT_OF_RANGE);
  if (partition.log.advanceLogStart(target)) partition.wakeFetches();
  const { timeouts } = context.replicas;
  const failureCode = await lowWatermarkAt(partition, target, timeouts, timeoutMs);
  if (failureCode !== Errors.NONE || partition.leader === null) return failure(index, failureCode);
  return { partitionIndex: index, lowWatermark: partition.leader.lowWatermark, errorCode: Errors.NONE };
}

function failure(partitionIndex: number, errorCode: number): PartitionResult {
  return { partitionIndex, lowWatermark: -1, errorCode };
}
