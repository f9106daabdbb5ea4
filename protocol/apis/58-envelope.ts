/**
 * Envelope (58): wraps a client's request, with its principal, that a broker forwards to the controller (KIP-590).
 */
import { api, bytes, int16 } from "../schema.ts";

export const Envelope = api({
  key: 58,
  name: "Envelope",
  versions: "0",
  flexible: "0+",
  listeners: ["controller"],
  request: {
    requestData: bytes("0+"),
    requestPrincipal: bytes("0+", { nullable: "0+" }),
    clientHostAddress: bytes("0+"),
  },
  response: {
    responseData: bytes("0+", { nullable: "0+", default: null }),
    errorCode: int16("0+"),
  },
});
