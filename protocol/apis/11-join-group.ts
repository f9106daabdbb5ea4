/**
 * JoinGroup (11): takes part in a rebalance of a classic group. The response waits until all members have joined; the
 * leader's holds them all.
 *
 * - v1: rebalance timeout (KIP-62).
 * - v2: throttle time (KIP-124).
 * - v3: the broker answers before it throttles (KIP-219).
 * - v4: a member without id is given one and has to join again (KIP-394).
 * - v5: static members (KIP-345).
 * - v6: flexible format (KIP-482).
 * - v7: protocol type in the response (KIP-559).
 * - v8: reason for joining (KIP-800).
 * - v9: the leader may be told to skip the assignment (KIP-814).
 */
import { api, array, bool, bytes, int16, int32, string } from "../schema.ts";

export const JoinGroup = api({
  key: 11,
  name: "JoinGroup",
  versions: "0-9",
  flexible: "6+",
  listeners: ["broker"],
  request: {
    groupId: string("0+"),
    sessionTimeoutMs: int32("0+"),
    rebalanceTimeoutMs: int32("1+", { default: -1, ignorable: true }),
    memberId: string("0+"),
    groupInstanceId: string("5+", { nullable: "5+", default: null }),
    protocolType: string("0+"),
    protocols: array("0+", {
      name: string("0+"),
      metadata: bytes("0+"),
    }),
    reason: string("8+", { nullable: "8+", default: null, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32("2+", { ignorable: true }),
    errorCode: int16("0+"),
    generationId: int32("0+", { default: -1 }),
    protocolType: string("7+", { nullable: "7+", default: null, ignorable: true }),
    protocolName: string("0+", { nullable: "7+" }),
    leader: string("0+"),
    skipAssignment: bool("9+", { default: false }),
    memberId: string("0+"),
    members: array("0+", {
      memberId: string("0+"),
      groupInstanceId: string("5+", { nullable: "5+", default: null, ignorable: true }),
      metadata: bytes("0+"),
    }),
  },
});
