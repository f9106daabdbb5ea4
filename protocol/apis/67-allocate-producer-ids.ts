/**
 * AllocateProducerIds (67): gives a broker a block of producer ids (KIP-730).
 */
import { api, int16, int32, int64 } from "../schema.ts";

export const AllocateProducerIds = api({
  key: 67,
  name: "AllocateProducerIds",
  versions: "0",
  flexible: "0+",
  listeners: ["controller"],
  request: {
    brokerId: int32("0+"),
    brokerEpoch: int64("0+", { default: -1 }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    producerIdStart: int64("0+"),
    producerIdLen: int32("0+"),
  },
});
