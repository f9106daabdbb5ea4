/**
 * InitProducerId (22): gives a producer its id and epoch; with a transactional id it fences the producer before it and
 * ends its transaction (KIP-98).
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: flexible format (KIP-482).
 * - v3: the producer may name its id and epoch, to have the epoch bumped (KIP-360).
 * - v4: adds PRODUCER_FENCED as a possible error (KIP-588).
 * - v5: the client can handle TRANSACTION_ABORTABLE (KIP-890).
 * - v6: two-phase commit (KIP-939); unstable, not advertised.
 */
import { api, bool, int16, int32, int64, string } from "../schema.ts";

export const InitProducerId = api({
  key: 22,
  name: "InitProducerId",
  versions: "0-6",
  flexible: "2+",
  listeners: ["broker"],
  latestVersionUnstable: true,
  request: {
    transactionalId: string("0+", { nullable: "0+" }),
    transactionTimeoutMs: int32("0+"),
    producerId: int64("3+", { default: -1 }),
    producerEpoch: int16("3+", { default: -1 }),
    enable2Pc: bool("6+", { default: false }),
    keepPreparedTxn: bool("6+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("0+", { ignorable: true }),
    errorCode: int16("0+"),
    producerId: int64("0+", { default: -1 }),
    producerEpoch: int16("0+"),
    ongoingTxnProducerId: int64("6+", { default: -1 }),
    ongoingTxnProducerEpoch: int16("6+", { default: -1 }),
  },
});
