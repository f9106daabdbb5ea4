/**
 * What the classic consumer puts into the opaque bytes of JoinGroup and SyncGroup. Each is preceded by its version,
 * two bytes.
 *
 * The versions of both grow together. v1 adds the owned partitions (KIP-429), v2 the generation (KIP-792), v3 the
 * rack (KIP-881).
 */
import { array, bytes, int32, message, string, type ValueOf } from "../schema.ts";

/** Which topics a member wants. */
export const ConsumerProtocolSubscription = message({
  name: "ConsumerProtocolSubscription",
  versions: "0-3",
  flexible: "none",
  fields: {
    topics: array("0+", string),
    userData: bytes("0+", { nullable: "0+", default: null }),
    ownedPartitions: array(
      "1+",
      {
        topic: string("1+"),
        partitions: array("1+", int32),
      },
      { ignorable: true },
    ),
    generationId: int32("2+", { default: -1, ignorable: true }),
    rackId: string("3+", { nullable: "3+", default: null, ignorable: true }),
  },
});
export type ConsumerProtocolSubscription = ValueOf<typeof ConsumerProtocolSubscription>;

/** Which partitions a member was given. */
export const ConsumerProtocolAssignment = message({
  name: "ConsumerProtocolAssignment",
  versions: "0-3",
  flexible: "none",
  fields: {
    assignedPartitions: array("0+", {
      topic: string("0+"),
      partitions: array("0+", int32),
    }),
    userData: bytes("0+", { nullable: "0+", default: null }),
  },
});
export type ConsumerProtocolAssignment = ValueOf<typeof ConsumerProtocolAssignment>;
