/**
 * Records of `__consumer_offsets` about classic groups: one record holds the whole group after each rebalance.
 */
import { array, bytes, int32, int64, message, string, type ValueOf } from "../../schema.ts";

export const GroupMetadataKey = message({
  name: "GroupMetadataKey",
  key: 2,
  versions: "0",
  flexible: "none",
  fields: {
    group: string("0"),
  },
});
export type GroupMetadataKey = ValueOf<typeof GroupMetadataKey>;

/** v1 adds rebalance timeouts, v2 the time of the current state, v3 static members (KIP-345), v4 tagged fields. */
export const GroupMetadataValue = message({
  name: "GroupMetadataValue",
  key: 2,
  versions: "0-4",
  flexible: "4+",
  fields: {
    protocolType: string("0+"),
    generation: int32("0+"),
    protocol: string("0+", { nullable: "0+" }),
    leader: string("0+", { nullable: "0+" }),
    currentStateTimestamp: int64("2+", { default: -1, ignorable: true }),
    members: array("0+", {
      memberId: string("0+"),
      groupInstanceId: string("3+", { nullable: "3+", default: null, ignorable: true }),
      clientId: string("0+"),
      clientHost: string("0+"),
      rebalanceTimeout: int32("1+", { default: -1, ignorable: true }),
      sessionTimeout: int32("0+"),
      subscription: bytes("0+"),
      assignment: bytes("0+"),
    }),
  },
});
export type GroupMetadataValue = ValueOf<typeof GroupMetadataValue>;
