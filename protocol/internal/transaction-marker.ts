/**
 * The value of an abort or commit marker, the control record that ends a transaction in a partition (KIP-98).
 */
import { int32, message, type ValueOf } from "../schema.ts";

export const EndTxnMarker = message({
  name: "EndTxnMarker",
  versions: "0",
  flexible: "none",
  fields: {
    coordinatorEpoch: int32("0+"),
  },
});
export type EndTxnMarker = ValueOf<typeof EndTxnMarker>;
