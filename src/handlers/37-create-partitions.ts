/**
 * CreatePartitions (37): gives topics more partitions (KIP-195). They can only grow, as records stay where their key once sent them.
 */
import { CreatePartitions } from "../../protocol/apis/37-create-partitions.ts";
import { forwardedHandler } from "./forwarding.ts";

export const createPartitions = forwardedHandler(
  CreatePartitions,
  (request, context) => context.controller.createPartitions(request),
  ({ topics }, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    results: [...new Set(topics.map(({ name }) => name))].map(name => ({ name, errorCode, errorMessage })),
  }),
);
