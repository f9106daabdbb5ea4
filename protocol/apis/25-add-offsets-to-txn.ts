/**
 * AddOffsetsToTxn (25): adds the offsets partition of a group to a transaction (KIP-98).
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: adds PRODUCER_FENCED as a possible error (KIP-588).
 * - v3: flexible format (KIP-482).
 * - v4: the client can handle TRANSACTION_ABORTABLE (KIP-890).
 */
import { api, int16, int32, int64, string } from "../schema.ts";

export const AddOffsetsToTxn = api({
  key: 25,
  name: "AddOffsetsToTxn",
  versions: "0-4",
  flexible: "3+",
  listeners: ["broker"],
  request: {
    transactionalId: string("0+"),
    producerId: int64("0+"),
    producerEpoch: int16("0+"),
    groupId: string("0+"),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
  },
});
