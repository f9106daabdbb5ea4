/**
 * AlterPartitionReassignments (45): moves replicas to other brokers, or takes a move back (KIP-455). Answered when the move has begun.
 *
 * - v1: the number of replicas may be held as it is (KIP-860).
 */
import { AlterPartitionReassignments } from "../../protocol/apis/45-alter-partition-reassignments.ts";
import { forwardedHandler } from "./forwarding.ts";

export const alterPartitionReassignments = forwardedHandler(
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
