/**
 * ConsumerGroupDescribe (69): state, members and assignments of groups of the consumer protocol (KIP-848).
 *
 * - v1: which protocol each member speaks.
 */
import { ConsumerGroupDescribe } from "../../protocol/apis/69-consumer-group-describe.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { type DescribedConsumerGroup, undescribedConsumer } from "../coordinators/group/describe.ts";
import type { HandlerContext } from "./context.ts";
import { GROUP_OPERATIONS } from "./groups/authorized-operations.ts";
import { handler } from "./handler.ts";

export const consumerGroupDescribe = handler(
  ConsumerGroupDescribe,
  async (request, context) => {
    const groups = await Promise.all(request.groupIds.map(groupId => describe(groupId, context)));
    if (request.includeAuthorizedOperations) {
      for (const group of groups) if (group.errorCode === Errors.NONE) group.authorizedOperations = GROUP_OPERATIONS;
    }
    return { throttleTimeMs: 0, groups };
  },
  (request, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    groups: request.groupIds.map(groupId => undescribedConsumer(groupId, errorCode, errorMessage)),
  }),
);

async function describe(groupId: string, context: HandlerContext): Promise<DescribedConsumerGroup> {
  try {
    return await context.groups.describeConsumerGroup(groupId);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return undescribedConsumer(groupId, error.code, error.message);
  }
}
