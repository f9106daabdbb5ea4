/**
 * Envelope (58): a client's request that a broker passes on to the active controller (KIP-590). The embedded answer is the whole response frame of that
 * request, behind its length.
 */
import { Envelope } from "../../protocol/apis/58-envelope.ts";
import { handler } from "./handler.ts";

export const envelope = handler(
  Envelope,
  (request, context) => context.services.runEnvelope(request),
  (_request, errorCode) => ({ responseData: null, errorCode }),
);
