/**
 * UpdateFeatures (57): finalizes levels of features; goes to the controller (KIP-584).
 *
 * - v1: kind of change (1 upgrade, 2 safe downgrade, 3 unsafe downgrade), validation only (KIP-778).
 * - v2: one result for all: the change is made whole or not at all.
 */
import { api, array, bool, int8, int16, int32, string } from "../schema.ts";

export const UpdateFeatures = api({
  key: 57,
  name: "UpdateFeatures",
  versions: "0-2",
  flexible: "0+",
  listeners: ["broker", "controller"],
  request: {
    timeoutMs: int32("0+", { default: 60000 }),
    featureUpdates: array("0+", {
      feature: string("0+"),
      maxVersionLevel: int16("0+"),
      allowDowngrade: bool("0"),
      upgradeType: int8("1+", { default: 1 }),
    }),
    validateOnly: bool("1+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    results: array(
      "0-1",
      {
        feature: string("0+"),
        errorCode: int16("0+"),
        errorMessage: string("0+", { nullable: "0+" }),
      },
      { ignorable: true },
    ),
  },
});
