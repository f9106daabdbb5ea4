/**
 * InitProducerId (22): gives an idempotent producer its id (KIP-98).
 *
 * Without a transactional id every request gets a new id at epoch 0, whatever it brings along (KIP-360). Transactional ids need a transaction
 * coordinator; while this broker has none it answers so, and producers wait and ask again.
 */
import { InitProducerId } from "../../protocol/apis/22-init-producer-id.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { RequestOf } from "../../protocol/schema.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";

const NO_PRODUCER_ID = -1;
const NO_PRODUCER_EPOCH = -1;

export const initProducerId = handler(
  InitProducerId,
  async (request, context) => {
    checkRequest(request);
    if (request.transactionalId !== null) throw new ApiError(Errors.COORDINATOR_NOT_AVAILABLE);
    return {
      throttleTimeMs: 0,
      errorCode: Errors.NONE,
      producerId: await nextProducerId(context),
      producerEpoch: 0,
    };
  },
  (_request, errorCode) => ({
    throttleTimeMs: 0,
    errorCode,
    producerId: NO_PRODUCER_ID,
    producerEpoch: NO_PRODUCER_EPOCH,
  }),
);

function checkRequest({ transactionalId, producerId, producerEpoch }: RequestOf<typeof InitProducerId>): void {
  if ((producerId === NO_PRODUCER_ID) !== (producerEpoch === NO_PRODUCER_EPOCH) || transactionalId === "") {
    throw new ApiError(Errors.INVALID_REQUEST);
  }
}

/** When there is no block of ids to be had, producers are told to ask again, by the only code of this API that says so. */
async function nextProducerId({ services, logger }: HandlerContext): Promise<number> {
  try {
    return await services.producerIds.next();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    logger.warn("producer-id.unavailable", { error: error.message });
    throw new ApiError(Errors.COORDINATOR_LOAD_IN_PROGRESS);
  }
}
