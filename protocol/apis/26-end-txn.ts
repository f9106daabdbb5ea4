/**
 * EndTxn (26): commits or aborts a transaction (KIP-98).
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: adds PRODUCER_FENCED as a possible error (KIP-588).
 * - v3: flexible format (KIP-482).
 * - v4: the client can handle TRANSACTION_ABORTABLE (KIP-890).
 * - v5: every transaction ends with a new epoch, which the response returns (KIP-890, transactions v2).
 */
import { api, bool, int16, int32, int64, string } from "../schema.ts";

export const EndTxn = api({
  key: 26,
  name: "EndTxn",
  versions: "0-5",
  flexible: "3+",
  listeners: ["broker"],
  request: {
    transactionalId: string("0+"),
    producerId: int64("0+"),
    producerEpoch: int16("0+"),
    committed: bool("0+"),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    producerId: int64("5+", { default: -1, ignorable: true }),
    producerEpoch: int16("5+", { default: -1, ignorable: true }),
  },
});
