/**
 * BrokerHeartbeat (63): a broker tells the controller that it lives and how far it is, and learns whether it is fenced
 * (KIP-631).
 *
 * - v1: offline log directories (KIP-858).
 * - v2: cordoned log directories (KIP-1066).
 */
import { api, array, bool, int16, int32, int64, uuid } from "../schema.ts";

export const BrokerHeartbeat = api({
  key: 63,
  name: "BrokerHeartbeat",
  versions: "0-2",
  flexible: "0+",
  listeners: ["controller"],
  request: {
    brokerId: int32("0+"),
    brokerEpoch: int64("0+", { default: -1 }),
    currentMetadataOffset: int64("0+"),
    wantFence: bool("0+"),
    wantShutDown: bool("0+"),
    offlineLogDirs: array("1+", uuid, { tag: 0 }),
    cordonedLogDirs: array("2+", uuid, { nullable: "2+", default: null, tag: 1 }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    isCaughtUp: bool("0+", { default: false }),
    isFenced: bool("0+", { default: true }),
    shouldShutDown: bool("0+"),
  },
});
