/**
 * FindCoordinator (10): finds the broker that coordinates a group (key type 0), a transactional id (1) or a share
 * partition (2, "group:topicId:partition").
 *
 * - v1: key type, throttle time (KIP-98).
 * - v2: the broker answers before it throttles (KIP-219).
 * - v3: flexible format (KIP-482).
 * - v4: many keys in one request (KIP-699).
 * - v5: the client can handle TRANSACTION_ABORTABLE (KIP-890).
 * - v6: share partitions (KIP-932).
 */
import { api, array, int8, int16, int32, string } from "../schema.ts";

export const FindCoordinator = api({
  key: 10,
  name: "FindCoordinator",
  versions: "0-6",
  flexible: "3+",
  listeners: ["broker"],
  request: {
    key: string("0-3"),
    keyType: int8("1+", { default: 0 }),
    coordinatorKeys: array("4+", string),
  },
  response: {
    throttleTimeMs: int32("1+", { ignorable: true }),
    errorCode: int16("0-3"),
    errorMessage: string("1-3", { nullable: "1-3", ignorable: true }),
    nodeId: int32("0-3"),
    host: string("0-3"),
    port: int32("0-3"),
    coordinators: array("4+", {
      key: string("4+"),
      nodeId: int32("4+"),
      host: string("4+"),
      port: int32("4+"),
      errorCode: int16("4+"),
      errorMessage: string("4+", { nullable: "4+", ignorable: true }),
    }),
  },
});
