/**
 * SyncGroup (14): hands the leader's assignment to the coordinator of a classic group, and each member its share.
 *
 * - v1: throttle time (KIP-124).
 * - v2: the broker answers before it throttles (KIP-219).
 * - v3: static members (KIP-345).
 * - v4: flexible format (KIP-482).
 * - v5: protocol type and name, to be checked by both ends (KIP-559).
 */
import { api, array, bytes, int16, int32, string } from "../schema.ts";

export const SyncGroup = api({
  key: 14,
  name: "SyncGroup",
  versions: "0-5",
  flexible: "4+",
  listeners: ["broker"],
  request: {
    groupId: string("0+"),
    generationId: int32("0+"),
    memberId: string("0+"),
    groupInstanceId: string("3+", { nullable: "3+", default: null }),
    protocolType: string("5+", { nullable: "5+", default: null, ignorable: true }),
    protocolName: string("5+", { nullable: "5+", default: null, ignorable: true }),
    assignments: array("0+", {
      memberId: string("0+"),
      assignment: bytes("0+"),
    }),
  },
  response: {
    throttleTimeMs: int32("1+", { ignorable: true }),
    errorCode: int16("0+"),
    protocolType: string("5+", { nullable: "5+", default: null, ignorable: true }),
    protocolName: string("5+", { nullable: "5+", default: null, ignorable: true }),
    assignment: bytes("0+"),
  },
});
