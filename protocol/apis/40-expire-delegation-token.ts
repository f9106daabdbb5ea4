/**
 * ExpireDelegationToken (40): ends the life of a delegation token, at once with a negative period (KIP-48).
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: flexible format (KIP-482).
 */
import { api, bytes, int16, int32, int64 } from "../schema.ts";

export const ExpireDelegationToken = api({
  key: 40,
  name: "ExpireDelegationToken",
  versions: "1-2",
  flexible: "2+",
  listeners: ["broker", "controller"],
  request: {
    hmac: bytes("0+"),
    expiryTimePeriodMs: int64("0+"),
  },
  response: {
    errorCode: int16("0+"),
    expiryTimestampMs: int64("0+"),
    throttleTimeMs: int32("0+"),
  },
});
