/** The server's limits, from the broker's configuration. */
import type { BrokerConfig } from "../config/index.ts";
import type { ConnectionLimitsOptions } from "./connection-limits.ts";
import type { ServerOptions } from "./server.ts";

/** A pipelining client has this many requests under way at most; librdkafka and kafkajs stay far below. */
const MAX_IN_FLIGHT = 1_000;

export function serverOptions(config: BrokerConfig): ServerOptions {
  const maxRequestBytes = config.get("queued.max.request.bytes");
  return {
    connection: {
      maxFrameBytes: config.get("socket.request.max.bytes"),
      maxIdleMs: config.get("connections.max.idle.ms"),
      frameTimeoutMs: config.get("samsa.socket.frame.timeout.ms"),
      maxUnsentBytes: config.get("samsa.socket.unsent.response.max.bytes"),
      unsentTimeoutMs: config.get("samsa.socket.unsent.response.timeout.ms"),
      maxInFlight: MAX_IN_FLIGHT,
      maxQueued: config.get("queued.max.requests"),
    },
    limits: connectionLimits(config),
    receiveWindowBytes: config.get("samsa.socket.receive.window.bytes"),
    // -1 is Kafka's way of saying that there is no limit.
    maxRequestBytes: maxRequestBytes < 0 ? Number.POSITIVE_INFINITY : maxRequestBytes,
    backlog: config.get("socket.listen.backlog.size"),
  };
}

/** Those of them that may change while running. */
export function connectionLimits(config: BrokerConfig): ConnectionLimitsOptions {
  return {
    maxConnections: config.get("max.connections"),
    maxConnectionsPerIp: config.get("max.connections.per.ip"),
    maxConnectionsPerIpOverrides: parseOverrides(config.get("max.connections.per.ip.overrides")),
    maxCreationRate: Math.max(1, config.get("max.connection.creation.rate")),
  };
}

/** Reads `host:count,host:count`; what is not of that form is left out. */
function parseOverrides(text: string): Map<string, number> {
  const overrides = new Map<string, number>();
  for (const entry of text.split(",")) {
    const match = /^\s*(\S+):(\d+)\s*$/.exec(entry);
    if (match !== null) overrides.set(match[1]!, Number(match[2]));
  }
  return overrides;
}
