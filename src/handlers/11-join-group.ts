/**
 * JoinGroup (11): a member joins a group and waits for the others; see docs/groups.md.
 *
 * - v1: a rebalance timeout of its own. v4: a new member first learns its id (KIP-394). v5: static members (KIP-345).
 * - v7: the protocol's type and name in the answer (KIP-559). v8: a reason (KIP-800). v9: a leader may be told to skip the assignment (KIP-814).
 */
import { JoinGroup } from "../../protocol/apis/11-join-group.ts";
import { failedJoin } from "../coordinators/group/classic/classic-group.ts";
import type { JoinResponse } from "../coordinators/group/classic/classic-member.ts";
import { requestFacts } from "./groups/request-facts.ts";
import { handler } from "./handler.ts";

const FIRST_VERSION_WITH_NULL_NAME = 7;

export const joinGroup = handler(
  JoinGroup,
  async (request, context) => {
    const response = await context.groups.joinGroup(request, requestFacts(context));
    return named(response, context.apiVersion);
  },
  (request, errorCode, _message, { apiVersion }) => named(failedJoin(errorCode, request.memberId), apiVersion),
);

function named(response: JoinResponse, apiVersion: number): JoinResponse {
  if (response.protocolName !== null || apiVersion >= FIRST_VERSION_WITH_NULL_NAME) return response;
  return { ...response, protocolName: "" };
}
