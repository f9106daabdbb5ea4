/**
 * SaslHandshake (17): chooses the SASL mechanism of a connection. Never flexible.
 *
 * - v0: bare tokens follow, each with a four-byte size before it (KIP-43).
 * - v1: SaslAuthenticate requests follow (KIP-152).
 */
import { api, array, int16, string } from "../schema.ts";

export const SaslHandshake = api({
  key: 17,
  name: "SaslHandshake",
  versions: "0-1",
  flexible: "none",
  listeners: ["broker", "controller"],
  request: {
    mechanism: string("0+"),
  },
  response: {
    errorCode: int16("0+"),
    mechanisms: array("0+", string),
  },
});
