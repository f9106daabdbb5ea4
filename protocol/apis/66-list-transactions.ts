/**
 * ListTransactions (66): lists the transactions that a broker coordinates (KIP-664).
 *
 * - v1: filter by duration (KIP-994).
 * - v2: filter by a pattern of the transactional id (KIP-1152).
 */
import { api, array, int16, int32, int64, string } from "../schema.ts";

export const ListTransactions = api({
  key: 66,
  name: "ListTransactions",
  versions: "0-2",
  flexible: "0+",
  listeners: ["broker"],
  request: {
    stateFilters: array("0+", string),
    producerIdFilters: array("0+", int64),
    durationFilter: int64("1+", { default: -1 }),
    transactionalIdPattern: string("2+", { nullable: "2+", default: null }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    unknownStateFilters: array("0+", string),
    transactionStates: array("0+", {
      transactionalId: string("0+"),
      producerId: int64("0+"),
      transactionState: string("0+"),
    }),
  },
});
