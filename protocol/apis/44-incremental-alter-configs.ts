/**
 * IncrementalAlterConfigs (44): changes single configuration values: set 0, delete 1, append 2, subtract 3 (KIP-339).
 *
 * - v1: flexible format (KIP-482).
 */
import { api, array, bool, int8, int16, int32, string } from "../schema.ts";

export const IncrementalAlterConfigs = api({
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: "0-1",
  flexible: "1+",
  listeners: ["broker", "controller"],
  request: {
    resources: array("0+", {
      resourceType: int8("0+"),
      resourceName: string("0+"),
      configs: array("0+", {
        name: string("0+"),
        configOperation: int8("0+"),
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
