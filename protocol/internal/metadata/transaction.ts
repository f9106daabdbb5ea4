/**
 * Records of `__cluster_metadata` about the log itself: metadata transactions (KIP-868), blocks of producer ids,
 * no-ops.
 */
import { int8, int32, int64, message, string, type ValueOf } from "../../schema.ts";

/** A broker was given the block of producer ids that ends before `nextProducerId` (KIP-730). */
export const ProducerIdsRecord = message({
  name: "ProducerIdsRecord",
  key: 15,
  versions: "0",
  flexible: "0+",
  fields: {
    brokerId: int32("0+"),
    brokerEpoch: int64("0+", { default: -1 }),
    nextProducerId: int64("0+"),
  },
});
export type ProducerIdsRecord = ValueOf<typeof ProducerIdsRecord>;

/** Written while nothing else is, so that the active controller sees whether it still has a majority (KIP-835). */
export const NoOpRecord = message({
  name: "NoOpRecord",
  key: 20,
  versions: "0",
  flexible: "0+",
  fields: {},
});
export type NoOpRecord = ValueOf<typeof NoOpRecord>;

/** Records up to the end or abort are applied as one (KIP-868). */
export const BeginTransactionRecord = message({
  name: "BeginTransactionRecord",
  key: 23,
  versions: "0",
  flexible: "0+",
  fields: {
    name: string("0+", { nullable: "0+", default: null, tag: 0 }),
  },
});
export type BeginTransactionRecord = ValueOf<typeof BeginTransactionRecord>;

/** The records since the beginning take effect. */
export const EndTransactionRecord = message({
  name: "EndTransactionRecord",
  key: 24,
  versions: "0",
  flexible: "0+",
  fields: {},
});
export type EndTransactionRecord = ValueOf<typeof EndTransactionRecord>;

/** The records since the beginning are dropped. */
export const AbortTransactionRecord = message({
  name: "AbortTransactionRecord",
  key: 25,
  versions: "0",
  flexible: "0+",
  fields: {
    reason: string("0+", { nullable: "0+", default: null, tag: 0 }),
  },
});
export type AbortTransactionRecord = ValueOf<typeof AbortTransactionRecord>;

/** How far the migration from ZooKeeper went (KIP-866); always "none" in a cluster that began with KRaft. */
export const ZkMigrationStateRecord = message({
  name: "ZkMigrationStateRecord",
  key: 21,
  versions: "0",
  flexible: "0+",
  fields: {
    zkMigrationState: int8("0+"),
  },
});
export type ZkMigrationStateRecord = ValueOf<typeof ZkMigrationStateRecord>;
