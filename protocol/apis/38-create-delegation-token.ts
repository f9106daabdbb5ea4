/**
 * CreateDelegationToken (38): creates a delegation token (KIP-48).
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: flexible format (KIP-482).
 * - v3: on behalf of another owner (KIP-373).
 */
import { api, array, bytes, int16, int32, int64, string } from "../schema.ts";

export const CreateDelegationToken = api({
  key: 38,
  name: "CreateDelegationToken",
  versions: "1-3",
  flexible: "2+",
  listeners: ["broker", "controller"],
  request: {
    ownerPrincipalType: string("3+", { nullable: "3+" }),
    ownerPrincipalName: string("3+", { nullable: "3+" }),
    renewers: array("0+", {
      principalType: string("0+"),
      principalName: string("0+"),
    }),
    maxLifetimeMs: int64("0+"),
  },
  response: {
    errorCode: int16("0+"),
    principalType: string("0+"),
    principalName: string("0+"),
    tokenRequesterPrincipalType: string("3+"),
    tokenRequesterPrincipalName: string("3+"),
    issueTimestampMs: int64("0+"),
    expiryTimestampMs: int64("0+"),
    maxTimestampMs: int64("0+"),
    tokenId: string("0+"),
    hmac: bytes("0+"),
    throttleTimeMs: int32("0+"),
  },
});
