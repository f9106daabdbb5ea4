/**
 * The `.snapshot` files of a partition: what is known of its producers at an offset (KIP-98). A two-byte version
 * precedes it; the CRC covers what follows the CRC field.
 */
import { array, int16, int32, int64, message, uint32, type ValueOf } from "../schema.ts";

export const ProducerSnapshot = message({
  name: "ProducerSnapshot",
  versions: "1",
  flexible: "none",
  fields: {
    crc: uint32("1"),
    producerEntries: array("1", {
      producerId: int64("1"),
      epoch: int16("1"),
      lastSequence: int32("1"),
      lastOffset: int64("1"),
      offsetDelta: int32("1"),
      timestamp: int64("1"),
      coordinatorEpoch: int32("1"),
      currentTxnFirstOffset: int64("1"),
    }),
  },
});
export type ProducerSnapshot = ValueOf<typeof ProducerSnapshot>;
