/**
 * ControllerRegistration (70): a controller that starts tells its endpoints and features to the active one (KIP-919).
 */
import { api, array, bool, int16, int32, string, uint16, uuid } from "../schema.ts";

export const ControllerRegistration = api({
  key: 70,
  name: "ControllerRegistration",
  versions: "0",
  flexible: "0+",
  listeners: ["controller"],
  request: {
    controllerId: int32("0+"),
    incarnationId: uuid("0+"),
    zkMigrationReady: bool("0+"),
    listeners: array("0+", {
      name: string("0+"),
      host: string("0+"),
      port: uint16("0+"),
      securityProtocol: int16("0+"),
    }),
    features: array("0+", {
      name: string("0+"),
      minSupportedVersion: int16("0+"),
      maxSupportedVersion: int16("0+"),
    }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
  },
});
