/** What a node says of itself when it joins its cluster. */
import { ControllerRegistration } from "../../protocol/apis/70-controller-registration.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { BrokerConfig } from "../config/index.ts";
import type { BrokerLifecycleOptions } from "../metadata/broker-lifecycle.ts";
import type { ControllerChannel } from "../metadata/controller-channel.ts";
import { supportedFeatures } from "../metadata/features.ts";
import { type RegisteredListener, registeredListener } from "../server/endpoints.ts";
import type { Endpoint } from "../server/server.ts";

/** What of a broker's registration is not in its configuration. */
export interface BrokerIdentity {
  readonly clusterId: string;
  /** Chosen by the process at its start. */
  readonly incarnationId: string;
  /** What clients and other brokers are told to connect to. */
  readonly listeners: readonly RegisteredListener[];
  readonly directoryIds: readonly string[];
  /** -1 unless the broker was stopped cleanly. */
  readonly previousBrokerEpoch: number;
}

export function lifecycleOptions(config: BrokerConfig, identity: BrokerIdentity): BrokerLifecycleOptions {
  return {
    registration: {
      brokerId: config.nodeId,
      clusterId: identity.clusterId,
      incarnationId: identity.incarnationId,
      listeners: [...identity.listeners],
      features: [...supportedFeatures],
      rack: config.get("broker.rack"),
      logDirs: [...identity.directoryIds],
    },
    previousBrokerEpoch: identity.previousBrokerEpoch,
    heartbeatIntervalMs: config.get("broker.heartbeat.interval.ms"),
    sessionTimeoutMs: config.get("broker.session.timeout.ms"),
    registrationTimeoutMs: config.get("initial.broker.registration.timeout.ms"),
  };
}

/** Tells the active controller where this controller is (KIP-919). Rejects with `ApiError`. */
export async function registerController(
  config: BrokerConfig,
  { incarnationId, endpoints }: { readonly incarnationId: string; readonly endpoints: readonly Endpoint[] },
  channel: ControllerChannel,
): Promise<void> {
  const { errorCode, errorMessage } = await channel.request(
    ControllerRegistration,
    {
      controllerId: config.nodeId,
      incarnationId,
      zkMigrationReady: false,
      listeners: endpoints.filter(({ role }) => role === "controller").map(registeredListener),
      features: [...supportedFeatures],
    },
    { timeoutMs: config.get("initial.broker.registration.timeout.ms") },
  );
  if (errorCode !== Errors.NONE) throw new ApiError(errorCode, errorMessage ?? undefined);
}
