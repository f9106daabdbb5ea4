/**
 * DescribeLogDirs (35): describes the log directories of a broker: what is in them, how much, how far behind (KIP-113).
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: flexible format (KIP-482).
 * - v3: error for the whole response.
 * - v4: total and usable bytes of the volume (KIP-827).
 * - v5: whether the directory is cordoned (KIP-1066).
 */
import { api, array, bool, int16, int32, int64, string } from "../schema.ts";

export const DescribeLogDirs = api({
  key: 35,
  name: "DescribeLogDirs",
  versions: "1-5",
  flexible: "2+",
  listeners: ["broker"],
  request: {
    topics: array(
      "0+",
      {
        topic: string("0+"),
        partitions: array("0+", int32),
      },
      { nullable: "0+" },
    ),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("3+", { ignorable: true }),
    results: array("0+", {
      errorCode: int16("0+"),
      logDir: string("0+"),
      topics: array("0+", {
        name: string("0+"),
        partitions: array("0+", {
          partitionIndex: int32("0+"),
          partitionSize: int64("0+"),
          offsetLag: int64("0+"),
          isFutureKey: bool("0+"),
        }),
      }),
      totalBytes: int64("4+", { default: -1, ignorable: true }),
      usableBytes: int64("4+", { default: -1, ignorable: true }),
      isCordoned: bool("5+", { default: false, ignorable: true }),
    }),
  },
});
