/**
 * RemoveRaftVoter (81): removes a voter from the metadata quorum (KIP-853).
 */
import { api, int16, int32, string, uuid } from "../schema.ts";

export const RemoveRaftVoter = api({
  key: 81,
  name: "RemoveRaftVoter",
  versions: "0",
  flexible: "0+",
  listeners: ["controller", "broker"],
  request: {
    clusterId: string("0+", { nullable: "0+" }),
    voterId: int32("0+"),
    voterDirectoryId: uuid("0+"),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+", ignorable: true }),
  },
});
