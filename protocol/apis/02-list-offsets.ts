/**
 * ListOffsets (2): finds the offset of a timestamp, or one of the special ones: -1 latest, -2 earliest, -3 of the
 * largest timestamp, -4 earliest local, -5 latest in remote storage, -6 earliest that awaits its upload.
 *
 * - v0: returns a list of segment offsets. Kafka 4 removed it (KIP-896); it is kept for old clients, and not
 *   advertised.
 * - v1: one offset with its timestamp (KIP-79).
 * - v2: isolation level (KIP-98).
 * - v3: the broker answers before it throttles (KIP-219).
 * - v4: leader epoch (KIP-320).
 * - v5: adds OFFSET_NOT_AVAILABLE as a possible error (KIP-207).
 * - v6: flexible format (KIP-482).
 * - v7: timestamp -3, the largest (KIP-734).
 * - v8: timestamp -4, earliest local (KIP-405).
 * - v9: timestamp -5, latest in remote storage (KIP-1005).
 * - v10: time limit for looking into remote storage (KIP-1075).
 * - v11: timestamp -6, earliest that awaits its upload (KIP-1023).
 */
import { api, array, bigint64, int8, int16, int32, int64, string } from "../schema.ts";

export const ListOffsets = api({
  key: 2,
  name: "ListOffsets",
  versions: "0-11",
  advertised: "1-11",
  flexible: "6+",
  listeners: ["broker"],
  request: {
    replicaId: int32("0+"),
    isolationLevel: int8("2+"),
    topics: array("0+", {
      name: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        currentLeaderEpoch: int32("4+", { default: -1, ignorable: true }),
        timestamp: bigint64("0+"),
        maxNumOffsets: int32("0", { default: 1 }),
      }),
    }),
    timeoutMs: int32("10+", { ignorable: true }),
  },
  response: {
    throttleTimeMs: int32("2+", { ignorable: true }),
    topics: array("0+", {
      name: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
        oldStyleOffsets: array("0", int64, { ignorable: true }),
        timestamp: int64("1+", { default: -1 }),
        offset: int64("1+", { default: -1 }),
        leaderEpoch: int32("4+", { default: -1 }),
      }),
    }),
  },
});
