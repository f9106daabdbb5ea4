/**
 * ListGroups (16): lists the groups that a broker coordinates.
 *
 * - v1: throttle time (KIP-124).
 * - v2: the broker answers before it throttles (KIP-219).
 * - v3: flexible format (KIP-482).
 * - v4: filter by state (KIP-518).
 * - v5: filter by type (KIP-848).
 */
import { api, array, int16, int32, string } from "../schema.ts";

export const ListGroups = api({
  key: 16,
  name: "ListGroups",
  versions: "0-5",
  flexible: "3+",
  listeners: ["broker"],
  request: {
    statesFilter: array("4+", string),
    typesFilter: array("5+", string),
  },
  response: {
    throttleTimeMs: int32("1+", { ignorable: true }),
    errorCode: int16("0+"),
    groups: array("0+", {
      groupId: string("0+"),
      protocolType: string("0+"),
      groupState: string("4+", { ignorable: true }),
      groupType: string("5+", { ignorable: true }),
    }),
  },
});
