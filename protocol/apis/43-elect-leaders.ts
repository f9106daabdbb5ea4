/**
 * ElectLeaders (43): elects leaders: the preferred replica (type 0) or, at the price of data, any (1). Null topics
 * stand for all (KIP-460).
 *
 * - v1: election type; error for the whole response.
 * - v2: flexible format (KIP-482).
 */
import { api, array, int8, int16, int32, string } from "../schema.ts";

export const ElectLeaders = api({
  key: 43,
  name: "ElectLeaders",
  versions: "0-2",
  flexible: "2+",
  listeners: ["broker", "controller"],
  request: {
    electionType: int8("1+"),
    topicPartitions: array(
      "0+",
      {
        topic: string("0+"),
        partitions: array("0+", int32),
      },
      { nullable: "0+" },
    ),
    timeoutMs: int32("0+", { default: 60000 }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("1+"),
    replicaElectionResults: array("0+", {
      topic: string("0+"),
      partitionResult: array("0+", {
        partitionId: int32("0+"),
        errorCode: int16("0+"),
        errorMessage: string("0+", { nullable: "0+" }),
      }),
    }),
  },
});
