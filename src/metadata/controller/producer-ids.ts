/**
 * Blocks of producer ids (KIP-730): a broker takes a thousand at a time and hands them out by itself, so that no id is ever given twice.
 */
import type { AllocateProducerIds } from "../../../protocol/apis/67-allocate-producer-ids.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import { record } from "../records.ts";
import { checkBrokerEpoch } from "./brokers.ts";
import type { Operation } from "./operation.ts";

type AllocateRequest = RequestOf<typeof AllocateProducerIds>;
type AllocateResponse = ResponseOf<typeof AllocateProducerIds>;

export const PRODUCER_ID_BLOCK_SIZE = 1000;

/** Decides AllocateProducerIds. */
export function allocateProducerIds({ brokerId, brokerEpoch }: AllocateRequest): Operation<AllocateResponse> {
  return {
    name: "allocate-producer-ids",
    decide(image) {
      checkBrokerEpoch(image, brokerId, brokerEpoch);
      const first = image.nextProducerId;
      if (first > Number.MAX_SAFE_INTEGER - PRODUCER_ID_BLOCK_SIZE) {
        throw new ApiError(Errors.UNKNOWN_SERVER_ERROR, "Exhausted all producer ids.");
      }
      const taken = record("ProducerIdsRecord", 0, {
        brokerId,
        brokerEpoch,
        nextProducerId: first + PRODUCER_ID_BLOCK_SIZE,
      });
      return {
        records: [taken],
        response: {
          throttleTimeMs: 0,
          errorCode: Errors.NONE,
          producerIdStart: first,
          producerIdLen: PRODUCER_ID_BLOCK_SIZE,
        },
      };
    },
  };
}
