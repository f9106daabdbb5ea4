/**
 * LeaveGroup (13): members leave at once, rather than by silence.
 *
 * - v3: several members, static ones by their instance id (KIP-345). v5: a reason (KIP-800).
 */
import { LeaveGroup } from "../../protocol/apis/13-leave-group.ts";
import { Errors } from "../../protocol/errors.ts";
import { handler } from "./handler.ts";

const FIRST_VERSION_WITH_MEMBERS = 3;

export const leaveGroup = handler(
  LeaveGroup,
  async (request, context) => {
    if (context.apiVersion >= FIRST_VERSION_WITH_MEMBERS) {
      const members = await context.groups.leaveGroup(request.groupId, request.members);
      return { throttleTimeMs: 0, errorCode: Errors.NONE, members };
    }
    const only = { memberId: request.memberId, groupInstanceId: null, reason: null };
    const [result] = await context.groups.leaveGroup(request.groupId, [only]);
    return { throttleTimeMs: 0, errorCode: result!.errorCode, members: [] };
  },
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, members: [] }),
);
