/**
 * LeaveGroup (13): removes members from a classic group.
 *
 * - v1: throttle time (KIP-124).
 * - v2: the broker answers before it throttles (KIP-219).
 * - v3: many members in one request, by id or instance id (KIP-345).
 * - v4: flexible format (KIP-482).
 * - v5: reason for leaving (KIP-800).
 */
import { api, array, int16, int32, string } from "../schema.ts";

export const LeaveGroup = api({
  key: 13,
  name: "LeaveGroup",
  versions: "0-5",
  flexible: "4+",
  listeners: ["broker"],
  request: {
    groupId: string("0+"),
    memberId: string("0-2"),
    members: array("3+", {
      memberId: string("3+"),
      groupInstanceId: string("3+", { nullable: "3+", default: null }),
      reason: string("5+", { nullable: "5+", default: null, ignorable: true }),
    }),
  },
  response: {
    throttleTimeMs: int32("1+", { ignorable: true }),
    errorCode: int16("0+"),
    members: array("3+", {
      memberId: string("3+"),
      groupInstanceId: string("3+", { nullable: "3+" }),
      errorCode: int16("3+"),
    }),
  },
});
