/**
 * UpdateRaftVoter (82): a voter of the metadata quorum tells its endpoints and versions to the leader (KIP-853).
 */
import { api, array, int16, int32, string, struct, uint16, uuid } from "../schema.ts";

export const UpdateRaftVoter = api({
  key: 82,
  name: "UpdateRaftVoter",
  versions: "0",
  flexible: "0+",
  listeners: ["controller"],
  request: {
    clusterId: string("0+", { nullable: "0+" }),
    currentLeaderEpoch: int32("0+"),
    voterId: int32("0+"),
    voterDirectoryId: uuid("0+"),
    listeners: array("0+", {
      name: string("0+"),
      host: string("0+"),
      port: uint16("0+"),
    }),
    kRaftVersionFeature: struct("0+", {
      minSupportedVersion: int16("0+"),
      maxSupportedVersion: int16("0+"),
    }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    currentLeader: struct(
      "0+",
      {
        leaderId: int32("0+", { default: -1 }),
        leaderEpoch: int32("0+", { default: -1 }),
        host: string("0+"),
        port: int32("0+"),
      },
      { tag: 0 },
    ),
  },
});
