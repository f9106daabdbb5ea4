/**
 * CreatePartitions (37): adds partitions to topics; null assignments leave the placement to the controller (KIP-195).
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: flexible format (KIP-482).
 * - v3: may answer THROTTLING_QUOTA_EXCEEDED (KIP-599).
 */
import { api, array, bool, int16, int32, string } from "../schema.ts";

export const CreatePartitions = api({
  key: 37,
  name: "CreatePartitions",
  versions: "0-3",
  flexible: "2+",
  listeners: ["broker", "controller"],
  request: {
    topics: array("0+", {
      name: string("0+"),
      count: int32("0+"),
      assignments: array(
        "0+",
        {
          brokerIds: array("0+", int32),
        },
        { nullable: "0+" },
      ),
    }),
    timeoutMs: int32("0+"),
    validateOnly: bool("0+"),
  },
  response: {
    throttleTimeMs: int32("0+"),
    results: array("0+", {
      name: string("0+"),
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+", default: null }),
    }),
  },
});
