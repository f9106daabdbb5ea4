/**
 * CreateAcls (30): creates ACLs (KIP-140).
 *
 * - v1: pattern types (KIP-290).
 * - v2: flexible format (KIP-482).
 * - v3: user resources, for delegation tokens (KIP-373).
 */
import { api, array, int8, int16, int32, string } from "../schema.ts";

export const CreateAcls = api({
  key: 30,
  name: "CreateAcls",
  versions: "1-3",
  flexible: "2+",
  listeners: ["broker", "controller"],
  request: {
    creations: array("0+", {
      resourceType: int8("0+"),
      resourceName: string("0+"),
      resourcePatternType: int8("1+", { default: 3 }),
      principal: string("0+"),
      host: string("0+"),
      operation: int8("0+"),
      permissionType: int8("0+"),
    }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    results: array("0+", {
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+" }),
    }),
  },
});
