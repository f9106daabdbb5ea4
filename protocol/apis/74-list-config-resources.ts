/**
 * ListConfigResources (74): lists resources that have a configuration of their own.
 *
 * - v0: client metrics only (KIP-1000).
 * - v1: resources of the wanted types (KIP-1142).
 */
import { api, array, int8, int16, int32, string } from "../schema.ts";

export const ListConfigResources = api({
  key: 74,
  name: "ListConfigResources",
  versions: "0-1",
  flexible: "0+",
  listeners: ["broker"],
  request: {
    resourceTypes: array("1+", int8),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    configResources: array("0+", {
      resourceName: string("0+"),
      resourceType: int8("1+", { default: 16, ignorable: true }),
    }),
  },
});
