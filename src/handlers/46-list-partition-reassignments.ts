/**
 * ListPartitionReassignments (46): the moves of replicas that are under way (KIP-455).
 */
import { ListPartitionReassignments } from "../../protocol/apis/46-list-partition-reassignments.ts";
import { handler } from "./handler.ts";

export const listPartitionReassignments = handler(
  ListPartitionReassignments,
  (request, context) => context.controller.listPartitionReassignments(request),
  (_request, errorCode, errorMessage) => ({ throttleTimeMs: 0, errorCode, errorMessage, topics: [] }),
);
