/**
 * PushTelemetry (72): pushes a client's metrics to the broker (KIP-714).
 */
import { api, bool, bytes, int8, int16, int32, uuid } from "../schema.ts";

export const PushTelemetry = api({
  key: 72,
  name: "PushTelemetry",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  request: {
    clientInstanceId: uuid("0+"),
    subscriptionId: int32("0+"),
    terminating: bool("0+"),
    compressionType: int8("0+"),
    metrics: bytes("0+"),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
  },
});
