/**
 * DescribeGroups (15): describes classic groups with their members.
 *
 * - v1: throttle time (KIP-124).
 * - v2: the broker answers before it throttles (KIP-219).
 * - v3: authorized operations (KIP-430).
 * - v4: static members (KIP-345).
 * - v5: flexible format (KIP-482).
 * - v6: error message; a group that is not there is GROUP_ID_NOT_FOUND (KIP-1043).
 */
import { api, array, bool, bytes, int16, int32, string } from "../schema.ts";

export const DescribeGroups = api({
  key: 15,
  name: "DescribeGroups",
  versions: "0-6",
  flexible: "5+",
  listeners: ["broker"],
  request: {
    groups: array("0+", string),
    includeAuthorizedOperations: bool("3+"),
  },
  response: {
    throttleTimeMs: int32("1+", { ignorable: true }),
    groups: array("0+", {
      errorCode: int16("0+"),
      errorMessage: string("6+", { nullable: "6+", default: null }),
      groupId: string("0+"),
      groupState: string("0+"),
      protocolType: string("0+"),
      protocolData: string("0+"),
      members: array("0+", {
        memberId: string("0+"),
        groupInstanceId: string("4+", { nullable: "4+", default: null, ignorable: true }),
        clientId: string("0+"),
        clientHost: string("0+"),
        memberMetadata: bytes("0+"),
        memberAssignment: bytes("0+"),
      }),
      authorizedOperations: int32("3+", { default: -2147483648 }),
    }),
  },
});
