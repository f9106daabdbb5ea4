/**
 * Records of `__cluster_metadata` about brokers and controllers (KIP-500, KIP-631).
 */
import { array, bool, int8, int16, int32, int64, message, string, uint16, uuid, type ValueOf } from "../../schema.ts";

/**
 * A broker process came up; fenced until it has caught up. Its offset becomes the broker epoch. v1 adds the ZooKeeper
 * migration flag, v2 controlled shutdown, v3 log directories (KIP-858), v4 cordoned log directories (KIP-1066).
 */
export const RegisterBrokerRecord = message({
  name: "RegisterBrokerRecord",
  key: 0,
  versions: "0-4",
  flexible: "0+",
  fields: {
    brokerId: int32("0+"),
    isMigratingZkBroker: bool("2+", { default: false }),
    incarnationId: uuid("0+"),
    brokerEpoch: int64("0+"),
    endPoints: array("0+", {
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
    fenced: bool("0+", { default: true }),
    inControlledShutdown: bool("1+", { default: false }),
    logDirs: array("3+", uuid, { tag: 0 }),
    cordonedLogDirs: array("4+", uuid, { nullable: "4+", default: null, tag: 1 }),
  },
});
export type RegisterBrokerRecord = ValueOf<typeof RegisterBrokerRecord>;

/** A broker was removed from the cluster. */
export const UnregisterBrokerRecord = message({
  name: "UnregisterBrokerRecord",
  key: 1,
  versions: "0",
  flexible: "0+",
  fields: {
    brokerId: int32("0+"),
    brokerEpoch: int64("0+"),
  },
});
export type UnregisterBrokerRecord = ValueOf<typeof UnregisterBrokerRecord>;

/** Older form of a registration change: the broker is fenced. */
export const FenceBrokerRecord = message({
  name: "FenceBrokerRecord",
  key: 7,
  versions: "0",
  flexible: "0+",
  fields: {
    id: int32("0+"),
    epoch: int64("0+"),
  },
});
export type FenceBrokerRecord = ValueOf<typeof FenceBrokerRecord>;

/** Older form of a registration change: the broker is unfenced. */
export const UnfenceBrokerRecord = message({
  name: "UnfenceBrokerRecord",
  key: 8,
  versions: "0",
  flexible: "0+",
  fields: {
    id: int32("0+"),
    epoch: int64("0+"),
  },
});
export type UnfenceBrokerRecord = ValueOf<typeof UnfenceBrokerRecord>;

/**
 * A registered broker became fenced or unfenced, began its controlled shutdown, or changed its log directories.
 * `fenced` is 1 for fenced, -1 for unfenced, 0 for no change.
 */
export const BrokerRegistrationChangeRecord = message({
  name: "BrokerRegistrationChangeRecord",
  key: 17,
  versions: "0-3",
  flexible: "0+",
  fields: {
    brokerId: int32("0+"),
    brokerEpoch: int64("0+"),
    fenced: int8("0+", { tag: 0 }),
    inControlledShutdown: int8("1+", { tag: 1 }),
    logDirs: array("2+", uuid, { tag: 2 }),
    cordonedLogDirs: array("3+", uuid, { nullable: "3+", default: null, tag: 3 }),
  },
});
export type BrokerRegistrationChangeRecord = ValueOf<typeof BrokerRegistrationChangeRecord>;

/** A controller told its endpoints and the features it supports (KIP-919). */
export const RegisterControllerRecord = message({
  name: "RegisterControllerRecord",
  key: 27,
  versions: "0",
  flexible: "0+",
  fields: {
    controllerId: int32("0+"),
    incarnationId: uuid("0+"),
    zkMigrationReady: bool("0+"),
    endPoints: array("0+", {
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
  },
});
export type RegisterControllerRecord = ValueOf<typeof RegisterControllerRecord>;
