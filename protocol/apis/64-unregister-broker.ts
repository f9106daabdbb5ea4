/**
 * UnregisterBroker (64): removes the registration of a broker that is gone for good (KIP-631).
 */
import { api, int16, int32, string } from "../schema.ts";

export const UnregisterBroker = api({
  key: 64,
  name: "UnregisterBroker",
  versions: "0",
  flexible: "0+",
  listeners: ["broker", "controller"],
  request: {
    brokerId: int32("0+"),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
  },
});
