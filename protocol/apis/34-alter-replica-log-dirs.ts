/**
 * AlterReplicaLogDirs (34): moves replicas of a broker to other log directories (KIP-113).
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: flexible format (KIP-482).
 */
import { api, array, int16, int32, string } from "../schema.ts";

export const AlterReplicaLogDirs = api({
  key: 34,
  name: "AlterReplicaLogDirs",
  versions: "1-2",
  flexible: "2+",
  listeners: ["broker"],
  request: {
    dirs: array("0+", {
      path: string("0+"),
      topics: array("0+", {
        name: string("0+"),
        partitions: array("0+", int32),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    results: array("0+", {
      topicName: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
      }),
    }),
  },
});
