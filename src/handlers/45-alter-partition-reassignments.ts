/**
 * AlterPartitionReassignments (45): moves replicas to other brokers, or takes a move back (KIP-455). Answered when the move has begun.
 *
 * - v1: the number of replicas may be held as it is (KIP-860).
 */
import { AlterPartitionReassignments } from "../../protocol/apis/45-alter-partition-reassignments.ts";
import { handler } from "./handler.ts";

export const alterPartitionReassignments = handler(
  AlterPartitionReassignments,
  (request, context) => context.controller.alterPartitionReassignments(request),
  ({ topics, allowReplicationFactorChange }, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    allowReplicationFactorChange,
    errorCode,
    errorMessage,
    responses: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, errorMessage })),
    })),
  }),
);
