/**
 * What KRaft keeps outside of its records: contents of control batches (KIP-595, KIP-630, KIP-853) and of the
 * `quorum-state` file.
 */
import { array, int16, int32, int64, message, string, struct, uint16, uuid, type ValueOf } from "../schema.ts";

const voter = {
  voterId: int32("0+"),
  voterDirectoryId: uuid("1+"),
};

/**
 * The key of every control record: 0 abort, 1 commit, 2 leader change, 3 snapshot header, 4 snapshot footer, 5 KRaft
 * version, 6 voters.
 */
export const ControlRecordTypeSchema = message({
  name: "ControlRecordTypeSchema",
  versions: "0",
  flexible: "none",
  fields: {
    type: int16("0+"),
  },
});
export type ControlRecordTypeSchema = ValueOf<typeof ControlRecordTypeSchema>;

/** First record of every epoch. v1 adds directory ids; v0 is what Kafka writes. */
export const LeaderChangeMessage = message({
  name: "LeaderChangeMessage",
  versions: "0-1",
  flexible: "0+",
  fields: {
    version: int16("0+"),
    leaderId: int32("0+"),
    voters: array("0+", voter),
    grantingVoters: array("0+", voter),
  },
});
export type LeaderChangeMessage = ValueOf<typeof LeaderChangeMessage>;

/** First record of a snapshot. */
export const SnapshotHeaderRecord = message({
  name: "SnapshotHeaderRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    version: int16("0+"),
    lastContainedLogTimestamp: int64("0+"),
  },
});
export type SnapshotHeaderRecord = ValueOf<typeof SnapshotHeaderRecord>;

/** Last record of a snapshot: proof that it is whole. */
export const SnapshotFooterRecord = message({
  name: "SnapshotFooterRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    version: int16("0+"),
  },
});
export type SnapshotFooterRecord = ValueOf<typeof SnapshotFooterRecord>;

/** The finalized level of `kraft.version`; from 1 the voters are in the log (KIP-853). */
export const KRaftVersionRecord = message({
  name: "KRaftVersionRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    version: int16("0+"),
    kRaftVersion: int16("0+"),
  },
});
export type KRaftVersionRecord = ValueOf<typeof KRaftVersionRecord>;

/** The voters of a dynamic quorum. */
export const VotersRecord = message({
  name: "VotersRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    version: int16("0+"),
    voters: array("0+", {
      voterId: int32("0+"),
      voterDirectoryId: uuid("0+"),
      endpoints: array("0+", {
        name: string("0+"),
        host: string("0+"),
        port: uint16("0+"),
      }),
      kRaftVersionFeature: struct("0+", {
        minSupportedVersion: int16("0+"),
        maxSupportedVersion: int16("0+"),
      }),
    }),
  },
});
export type VotersRecord = ValueOf<typeof VotersRecord>;

/**
 * The `quorum-state` file: epoch, leader and vote. v1 adds the directory id of the vote and drops the list of voters
 * (KIP-853).
 */
export const QuorumStateData = message({
  name: "QuorumStateData",
  versions: "0-1",
  flexible: "0+",
  fields: {
    clusterId: string("0"),
    leaderId: int32("0+", { default: -1 }),
    leaderEpoch: int32("0+", { default: -1 }),
    votedId: int32("0+", { default: -1 }),
    votedDirectoryId: uuid("1+"),
    appliedOffset: int64("0"),
    currentVoters: array(
      "0",
      {
        voterId: int32("0"),
      },
      { nullable: "0" },
    ),
  },
});
export type QuorumStateData = ValueOf<typeof QuorumStateData>;
