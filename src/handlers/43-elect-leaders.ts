/**
 * ElectLeaders (43): makes preferred replicas leaders again (KIP-183), or elects leaders outside the ISR where nobody in it is left (KIP-460).
 *
 * - v1: the election type, and an error for the whole; before, every election is of preferred replicas.
 */
import { ElectLeaders } from "../../protocol/apis/43-elect-leaders.ts";
import { forwardedHandler } from "./forwarding.ts";

export const electLeaders = forwardedHandler(
  ElectLeaders,
  (request, context) => context.controller.electLeaders(request),
  ({ topicPartitions }, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map(partitionId => ({ partitionId, errorCode, errorMessage })),
    })),
  }),
);
