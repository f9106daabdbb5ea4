/**
 * AllocateProducerIds (67): gives a broker a block of producer ids to hand out (KIP-730).
 */
import { allocateProducerIdsApi } from "../metadata/controller-apis.ts";
import { controllerHandler } from "./controller-handler.ts";

export const allocateProducerIds = controllerHandler(allocateProducerIdsApi);
