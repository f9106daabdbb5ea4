/**
 * DescribeProducers (61): the idempotent and transactional producers that a partition's log remembers (KIP-664). Every replica answers for the
 * log it has.
 */
import { DescribeProducers } from "../../protocol/apis/61-describe-producers.ts";
import { Errors } from "../../protocol/errors.ts";
import type { ResponseInputOf } from "../../protocol/schema.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";

type PartitionResult = ResponseInputOf<typeof DescribeProducers>["topics"][number]["partitions"][number];

/** The last sequence of a producer that has written nothing in its epoch, or markers only. */
const NO_SEQUENCE = -1;

export const describeProducers = handler(
  DescribeProducers,
  ({ topics }, context) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map(index => producersOf(name, index, context)),
    })),
  }),
  ({ topics }, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map(index => failure(index, errorCode, errorMessage)),
    })),
  }),
);

function producersOf(topic: string, partitionIndex: number, { replicas }: HandlerContext): PartitionResult {
  const partition = replicas.get(topic, partitionIndex);
  if (partition === undefined) return failure(partitionIndex, replicas.whyNot(topic, partitionIndex), null);
  if (partition.isOffline) return failure(partitionIndex, Errors.KAFKA_STORAGE_ERROR, null);
  const activeProducers = [];
  for (const producer of partition.log.producers.entries()) {
    activeProducers.push({
      producerId: producer.producerId,
      producerEpoch: producer.epoch,
      lastSequence: producer.batches.at(-1)?.lastSequence ?? NO_SEQUENCE,
      lastTimestamp: producer.lastTimestamp,
      coordinatorEpoch: producer.coordinatorEpoch,
      currentTxnStartOffset: producer.transactionFirstOffset,
    });
  }
  return { partitionIndex, errorCode: Errors.NONE, errorMessage: null, activeProducers };
}

function failure(partitionIndex: number, errorCode: number, errorMessage: string | null): PartitionResult {
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] };
}
