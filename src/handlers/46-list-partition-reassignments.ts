/**
 * ListPartitionReassignments (46): the moves of replicas that are under way (KIP-455).
 */
import { ListPartitionReassignments } from "../../protocol/apis/46-list-partition-reassignments.ts";
import { forwardedHandler } from "./forwarding.ts";

export const listPartitionReassignments = forwardedHandler(
  ListPartitionReassignments,
  (request, context) => context.controller.listPartitionReassignments(request),
  (_request, errorCode, errorMessage) => ({ throttleTimeMs: 0, errorCode, errorMessage, topics: [] }),
);
