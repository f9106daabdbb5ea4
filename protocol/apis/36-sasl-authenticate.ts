/**
 * SaslAuthenticate (36): carries one token of a SASL exchange (KIP-152).
 *
 * - v1: how long the session lives before the client has to authenticate again (KIP-368).
 * - v2: flexible format (KIP-482).
 */
import { api, bytes, int16, int64, string } from "../schema.ts";

export const SaslAuthenticate = api({
  key: 36,
  name: "SaslAuthenticate",
  versions: "0-2",
  flexible: "2+",
  listeners: ["broker", "controller"],
  request: {
    authBytes: bytes("0+"),
  },
  response: {
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    authBytes: bytes("0+"),
    sessionLifetimeMs: int64("1+", { default: 0, ignorable: true }),
  },
});
