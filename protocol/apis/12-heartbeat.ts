/**
 * Heartbeat (12): tells the coordinator of a classic group that a member lives, and the member whether to rejoin.
 *
 * - v1: throttle time (KIP-124).
 * - v2: the broker answers before it throttles (KIP-219).
 * - v3: static members (KIP-345).
 * - v4: flexible format (KIP-482).
 */
import { api, int16, int32, string } from "../schema.ts";

export const Heartbeat = api({
  key: 12,
  name: "Heartbeat",
  versions: "0-4",
  flexible: "4+",
  listeners: ["broker"],
  request: {
    groupId: string("0+"),
    generationId: int32("0+"),
    memberId: string("0+"),
    groupInstanceId: string("3+", { nullable: "3+", default: null }),
  },
  response: {
    throttleTimeMs: int32("1+", { ignorable: true }),
    errorCode: int16("0+"),
  },
});
