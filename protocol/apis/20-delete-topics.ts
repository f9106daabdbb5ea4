/**
 * DeleteTopics (20): deletes topics; goes to the controller.
 *
 * - v1: throttle time (KIP-124).
 * - v2: the broker answers before it throttles (KIP-219).
 * - v3: adds TOPIC_DELETION_DISABLED as a possible error.
 * - v4: flexible format (KIP-482).
 * - v5: error message; may answer THROTTLING_QUOTA_EXCEEDED (KIP-599).
 * - v6: topics by name or id (KIP-516).
 */
import { api, array, int16, int32, string, uuid } from "../schema.ts";

export const DeleteTopics = api({
  key: 20,
  name: "DeleteTopics",
  versions: "1-6",
  flexible: "4+",
  listeners: ["broker", "controller"],
  request: {
    topics: array("6+", {
      name: string("6+", { nullable: "6+", default: null }),
      topicId: uuid("6+"),
    }),
    topicNames: array("0-5", string, { ignorable: true }),
    timeoutMs: int32("0+"),
  },
  response: {
    throttleTimeMs: int32("1+", { ignorable: true }),
    responses: array("0+", {
      name: string("0+", { nullable: "6+" }),
      topicId: uuid("6+", { ignorable: true }),
      errorCode: int16("0+"),
      errorMessage: string("5+", { nullable: "5+", default: null, ignorable: true }),
    }),
  },
});
