/**
 * DeleteGroups (42): removes empty groups with all that they have committed (KIP-229).
 */
import { DeleteGroups } from "../../protocol/apis/42-delete-groups.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";

export const deleteGroups = handler(
  DeleteGroups,
  async (request, context) => ({
    throttleTimeMs: 0,
    // A group that is named twice is deleted once.
    results: await Promise.all([...new Set(request.groupsNames)].map(groupId => remove(groupId, context))),
  }),
  (request, errorCode) => ({
    throttleTimeMs: 0,
    results: request.groupsNames.map(groupId => ({ groupId, errorCode })),
  }),
);

async function remove(groupId: string, context: HandlerContext): Promise<{ groupId: string; errorCode: number }> {
  try {
    await context.groups.deleteGroup(groupId);
    return { groupId, errorCode: Errors.NONE };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { groupId, errorCode: error.code };
  }
}
