/**
 * ConsumerGroupHeartbeat (68): all that a member of the consumer protocol says to its coordinator, but for offsets (KIP-848); see docs/groups.md.
 *
 * - v1: subscriptions by regular expression, and member ids chosen by the client (KIP-1082).
 */
import { ConsumerGroupHeartbeat } from "../../protocol/apis/68-consumer-group-heartbeat.ts";
import { requestFacts } from "./groups/request-facts.ts";
import { handler } from "./handler.ts";

export const consumerGroupHeartbeat = handler(
  ConsumerGroupHeartbeat,
  (request, context) => context.groups.consumerGroupHeartbeat(request, requestFacts(context)),
  (_request, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    errorCode,
    errorMessage,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
  }),
);
