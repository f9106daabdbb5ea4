/**
 * UnregisterBroker (64): forgets a broker that is gone for good (KIP-631). It is then in no partition's ISR and leads nothing.
 */
import { UnregisterBroker } from "../../protocol/apis/64-unregister-broker.ts";
import { Errors } from "../../protocol/errors.ts";
import { forwardedHandler } from "./forwarding.ts";

export const unregisterBroker = forwardedHandler(
  UnregisterBroker,
  async ({ brokerId }, context) => {
    await context.controller.unregisterBroker(brokerId);
    return { throttleTimeMs: 0, errorCode: Errors.NONE, errorMessage: null };
  },
  (_request, errorCode, errorMessage) => ({ throttleTimeMs: 0, errorCode, errorMessage }),
);
