/**
 * Vote (52): asks a voter of the metadata quorum for its vote (KIP-595).
 *
 * - v1: voters by id and directory id, endpoints (KIP-853).
 * - v2: pre-vote: asks without a new epoch (KIP-996).
 */
import { api, array, bool, int16, int32, int64, string, uint16, uuid } from "../schema.ts";

export const Vote = api({
  key: 52,
  name: "Vote",
  versions: "0-2",
  flexible: "0+",
  listeners: ["controller"],
  request: {
    clusterId: string("0+", { nullable: "0+", default: null }),
    voterId: int32("1+", { default: -1, ignorable: true }),
    topics: array("0+", {
      topicName: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        replicaEpoch: int32("0+"),
        replicaId: int32("0+"),
        replicaDirectoryId: uuid("1+", { ignorable: true }),
        voterDirectoryId: uuid("1+", { ignorable: true }),
        lastOffsetEpoch: int32("0+"),
        lastOffset: int64("0+"),
        preVote: bool("2+"),
      }),
    }),
  },
  response: {
    errorCode: int16("0+"),
    topics: array("0+", {
      topicName: string("0+"),
      partitions: array("0+", {
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
        leaderId: int32("0+"),
        leaderEpoch: int32("0+"),
        voteGranted: bool("0+"),
      }),
    }),
    nodeEndpoints: array(
      "1+",
      {
        nodeId: int32("1+"),
        host: string("1+"),
        port: uint16("1+"),
      },
      { tag: 0 },
    ),
  },
});
