/**
 * Records of `__share_group_state`: delivery state of a share partition (KIP-932).
 */
import { array, int8, int16, int32, int64, message, string, uuid, type ValueOf } from "../schema.ts";

export const ShareSnapshotKey = message({
  name: "ShareSnapshotKey",
  key: 0,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    topicId: uuid("0"),
    partition: int32("0"),
  },
});
export type ShareSnapshotKey = ValueOf<typeof ShareSnapshotKey>;

/** The whole state of a share partition. */
export const ShareSnapshotValue = message({
  name: "ShareSnapshotValue",
  key: 0,
  versions: "0",
  flexible: "0+",
  fields: {
    snapshotEpoch: int32("0+"),
    stateEpoch: int32("0+"),
    leaderEpoch: int32("0+"),
    startOffset: int64("0+"),
    deliveryCompleteCount: int32("0+", { default: -1, tag: 0 }),
    createTimestamp: int64("0+"),
    writeTimestamp: int64("0+"),
    stateBatches: array("0+", {
      firstOffset: int64("0+"),
      lastOffset: int64("0+"),
      deliveryState: int8("0+"),
      deliveryCount: int16("0+"),
    }),
  },
});
export type ShareSnapshotValue = ValueOf<typeof ShareSnapshotValue>;

export const ShareUpdateKey = message({
  name: "ShareUpdateKey",
  key: 1,
  versions: "0",
  flexible: "none",
  fields: {
    groupId: string("0"),
    topicId: uuid("0"),
    partition: int32("0"),
  },
});
export type ShareUpdateKey = ValueOf<typeof ShareUpdateKey>;

/** What changed since the last snapshot. */
export const ShareUpdateValue = message({
  name: "ShareUpdateValue",
  key: 1,
  versions: "0",
  flexible: "0+",
  fields: {
    snapshotEpoch: int32("0+"),
    leaderEpoch: int32("0+"),
    startOffset: int64("0+"),
    deliveryCompleteCount: int32("0+", { default: -1, tag: 0 }),
    stateBatches: array("0+", {
      firstOffset: int64("0+"),
      lastOffset: int64("0+"),
      deliveryState: int8("0+"),
      deliveryCount: int16("0+"),
    }),
  },
});
export type ShareUpdateValue = ValueOf<typeof ShareUpdateValue>;
