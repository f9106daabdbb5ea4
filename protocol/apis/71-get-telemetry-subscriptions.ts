/**
 * GetTelemetrySubscriptions (71): tells a client which metrics to push, and how often (KIP-714).
 */
import { api, array, bool, int8, int16, int32, string, uuid } from "../schema.ts";

export const GetTelemetrySubscriptions = api({
  key: 71,
  name: "GetTelemetrySubscriptions",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  request: {
    clientInstanceId: uuid("0+"),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    clientInstanceId: uuid("0+"),
    subscriptionId: int32("0+"),
    acceptedCompressionTypes: array("0+", int8),
    pushIntervalMs: int32("0+"),
    telemetryMaxBytes: int32("0+"),
    deltaTemporality: bool("0+"),
    requestedMetrics: array("0+", string),
  },
});
