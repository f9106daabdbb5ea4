/**
 * BrokerRegistration (62): a broker that starts registers with the controller and gets its epoch (KIP-631).
 *
 * - v1: whether it comes from a ZooKeeper cluster (KIP-866).
 * - v2: log directories (KIP-858).
 * - v3: its epoch before a clean shutdown (KIP-966).
 * - v4: supported features may have a lowest level of 0.
 */
import { api, array, bool, int16, int32, int64, string, uint16, uuid } from "../schema.ts";

export const BrokerRegistration = api({
  key: 62,
  name: "BrokerRegistration",
  versions: "0-4",
  flexible: "0+",
  listeners: ["controller"],
  request: {
    brokerId: int32("0+"),
    clusterId: string("0+"),
    incarnationId: uuid("0+"),
    listeners: array("0+", {
      name: string("0+"),
      host: string("0+"),
      port: uint16("0+"),
      securityProtocol: int16("0+"),
    }),
    features: array("0+", {
      name: string("0+"),
      minSupportedVersion: int16("0+"),
      maxSupportedVersion: int16("0+"),
    }),
    rack: string("0+", { nullable: "0+" }),
    isMigratingZkBroker: bool("1+", { default: false }),
    logDirs: array("2+", uuid, { ignorable: true }),
    previousBrokerEpoch: int64("3+", { default: -1, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    brokerEpoch: int64("0+", { default: -1 }),
  },
});
