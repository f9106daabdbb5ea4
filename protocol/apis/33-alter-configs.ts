/**
 * AlterConfigs (33): replaces the whole configuration of resources: what is not named falls back to its default
 * (KIP-133). IncrementalAlterConfigs took its place.
 *
 * - v1: the broker answers before it throttles (KIP-219).
 * - v2: flexible format (KIP-482).
 */
import { api, array, bool, int8, int16, int32, string } from "../schema.ts";

export const AlterConfigs = api({
  key: 33,
  name: "AlterConfigs",
  versions: "0-2",
  flexible: "2+",
  listeners: ["broker", "controller"],
  request: {
    resources: array("0+", {
      resourceType: int8("0+"),
      resourceName: string("0+"),
      configs: array("0+", {
        name: string("0+"),
        value: string("0+", { nullable: "0+" }),
      }),
    }),
    validateOnly: bool("0+"),
  },
  response: {
    throttleTimeMs: int32("0+"),
    responses: array("0+", {
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+" }),
      resourceType: int8("0+"),
      resourceName: string("0+"),
    }),
  },
});
