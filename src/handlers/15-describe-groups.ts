/**
 * DescribeGroups (15): state and members of classic groups.
 *
 * - v3: authorized operations, on request. v4: static members. v6: an unknown group is an error; before, it is `Dead`.
 */
import { DescribeGroups } from "../../protocol/apis/15-describe-groups.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { type DescribedGroup, undescribed } from "../coordinators/group/describe.ts";
import type { HandlerContext } from "./context.ts";
import { GROUP_OPERATIONS } from "./groups/authorized-operations.ts";
import { handler } from "./handler.ts";

const FIRST_VERSION_WITH_NOT_FOUND = 6;

export const describeGroups = handler(
  DescribeGroups,
  async (request, context) => {
    const groups = await Promise.all(request.groups.map(groupId => describe(groupId, context)));
    if (request.includeAuthorizedOperations) {
      for (const group of groups) if (group.errorCode === Errors.NONE) group.authorizedOperations = GROUP_OPERATIONS;
    }
    return { throttleTimeMs: 0, groups };
  },
  (request, errorCode) => ({
    throttleTimeMs: 0,
    groups: request.groups.map(groupId => undescribed(groupId, errorCode)),
  }),
);

async function describe(groupId: string, context: HandlerContext): Promise<DescribedGroup> {
  try {
    const group = await context.groups.describeGroup(groupId);
    if (group.errorCode !== Errors.GROUP_ID_NOT_FOUND || context.apiVersion >= FIRST_VERSION_WITH_NOT_FOUND)
      return group;
    return { ...group, errorCode: Errors.NONE, errorMessage: null };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return undescribed(groupId, error.code);
  }
}
