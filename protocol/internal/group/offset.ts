/**
 * Records of `__consumer_offsets` about committed offsets. The two-byte number before a key is the record's type.
 */
import { bigint64, int32, int64, message, string, uuid, type ValueOf } from "../../schema.ts";

/** Keys of type 0 are read like those of type 1 and no longer written. */
export const LegacyOffsetCommitKey = message({
  name: "LegacyOffsetCommitKey",
  key: 0,
  versions: "0",
  flexible: "none",
  fields: {
    group: string("0"),
    topic: string("0"),
    partition: int32("0"),
  },
});
export type LegacyOffsetCommitKey = ValueOf<typeof LegacyOffsetCommitKey>;

export const LegacyOffsetCommitValue = message({
  name: "LegacyOffsetCommitValue",
  key: 0,
  versions: "0",
  flexible: "none",
  fields: {
    offset: bigint64("0"),
    metadata: string("0"),
    commitTimestamp: int64("0"),
  },
});
export type LegacyOffsetCommitValue = ValueOf<typeof LegacyOffsetCommitValue>;

export const OffsetCommitKey = message({
  name: "OffsetCommitKey",
  key: 1,
  versions: "0",
  flexible: "none",
  fields: {
    group: string("0"),
    topic: string("0"),
    partition: int32("0"),
  },
});
export type OffsetCommitKey = ValueOf<typeof OffsetCommitKey>;

/** v2 drops the expiry timestamp, v3 adds the leader epoch (KIP-320), v4 the topic id and tagged fields. */
export const OffsetCommitValue = message({
  name: "OffsetCommitValue",
  key: 1,
  versions: "0-4",
  flexible: "4+",
  fields: {
    offset: bigint64("0+"),
    leaderEpoch: int32("3+", { default: -1, ignorable: true }),
    metadata: string("0+"),
    commitTimestamp: int64("0+"),
    expireTimestamp: int64("1", { default: -1, ignorable: true }),
    topicId: uuid("4+", { tag: 0, ignorable: true }),
  },
});
export type OffsetCommitValue = ValueOf<typeof OffsetCommitValue>;
