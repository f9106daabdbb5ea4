/**
 * AlterPartitionReassignments (45): changes the replicas of partitions, step by step; null replicas cancel a change
 * under way (KIP-455).
 *
 * - v1: may forbid that the number of replicas changes (KIP-860).
 */
import { api, array, bool, int16, int32, string } from "../schema.ts";

export const AlterPartitionReassignments = api({
  key: 45,
  name: "AlterPartitionReassignments",
  versions: "0-1",
  flexible: "0+",
  listeners: ["broker", "controller"],
  request: {
    timeoutMs: int32("0+", { default: 60000 }),
    allowReplicationFactorChange: bool("1+", { default: true }),
    topics: array("0+", {
      name: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        replicas: array("0+", int32, { nullable: "0+", default: null }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    allowReplicationFactorChange: bool("1+", { default: true, ignorable: true }),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    responses: array("0+", {
      name: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
        errorMessage: string("0+", { nullable: "0+" }),
      }),
    }),
  },
});
