/**
 * Heartbeat for classic groups: the hot path of the coordinator. It extends the member's session and tells it of rebalances.
 */
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { ClassicGroup } from "./classic-group.ts";

export interface HeartbeatFacts {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
}

/** Returns NONE or REBALANCE_IN_PROGRESS. Throws UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION. */
export function heartbeatClassicGroup(group: ClassicGroup, request: HeartbeatFacts): number {
  const member = group.validMember(request.memberId, request.groupInstanceId);
  if (request.generationId !== group.generationId) throw new ApiError(Errors.ILLEGAL_GENERATION);
  if (group.isEmpty) throw new ApiError(Errors.UNKNOWN_MEMBER_ID);
  member.session?.set(member.sessionTimeoutMs);
  return group.state === "PreparingRebalance" ? Errors.REBALANCE_IN_PROGRESS : Errors.NONE;
}
