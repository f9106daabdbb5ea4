/**
 * DeleteAcls (31): deletes the ACLs that match filters (KIP-140).
 *
 * - v1: pattern types (KIP-290).
 * - v2: flexible format (KIP-482).
 * - v3: user resources, for delegation tokens (KIP-373).
 */
import { api, array, int8, int16, int32, string } from "../schema.ts";

export const DeleteAcls = api({
  key: 31,
  name: "DeleteAcls",
  versions: "1-3",
  flexible: "2+",
  listeners: ["broker", "controller"],
  request: {
    filters: array("0+", {
      resourceTypeFilter: int8("0+"),
      resourceNameFilter: string("0+", { nullable: "0+" }),
      patternTypeFilter: int8("1+", { default: 3 }),
      principalFilter: string("0+", { nullable: "0+" }),
      hostFilter: string("0+", { nullable: "0+" }),
      operation: int8("0+"),
      permissionType: int8("0+"),
    }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    filterResults: array("0+", {
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+" }),
      matchingAcls: array("0+", {
        errorCode: int16("0+"),
        errorMessage: string("0+", { nullable: "0+" }),
        resourceType: int8("0+"),
        resourceName: string("0+"),
        patternType: int8("1+", { default: 3 }),
        principal: string("0+"),
        host: string("0+"),
        operation: int8("0+"),
        permissionType: int8("0+"),
      }),
    }),
  },
});
