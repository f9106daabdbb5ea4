/** What handlers of every node work on. */
import type { BrokerConfig } from "../config/index.ts";
import type { NodeServices } from "../handlers/context.ts";
import type { Controller } from "../metadata/controller/controller.ts";
import type { ControllerChannel } from "../metadata/controller-channel.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { Storage } from "../metadata/storage/storage.ts";
import type { RaftDriver } from "../raft/driver.ts";
import type { Dispatcher } from "../server/dispatcher.ts";
import { runEnvelope } from "../server/envelope.ts";
import type { NodeModules } from "./node.ts";

export interface NodeServicesModules extends NodeModules {
  readonly driver: RaftDriver;
  readonly metadata: MetadataStore;
  readonly controller: Controller | null;
  readonly channel: ControllerChannel;
  readonly dispatcher: Dispatcher;
  readonly runEnvelope: NodeServices["runEnvelope"];
}

/** Runs forwarded requests while this node is the active controller. */
export function envelopeRunner(
  config: BrokerConfig,
  { dispatcher, controller }: Pick<NodeServicesModules, "dispatcher" | "controller">,
): NodeServices["runEnvelope"] {
  const listenerName = config.controllerListenerNames[0] ?? "CONTROLLER";
  return request => runEnvelope(request, { dispatcher, listenerName, isActive: () => controller?.isActive === true });
}

export function nodeServices({ storage }: { readonly storage: Storage }, modules: NodeServicesModules): NodeServices {
  const { config, driver, metadata, controller, channel, dispatcher, disk, clock, timers, random, logger, metrics } =
    modules;
  return {
    nodeId: config.nodeId,
    clusterId: storage.clusterId,
    config,
    metadata,
    controller,
    channel,
    quorum: driver.service,
    runEnvelope: modules.runEnvelope,
    disk,
    clock,
    timers,
    random,
    logger,
    metrics,
    controllerId: () => driver.leaderAndEpoch.leaderId,
    kraftVersion: () => driver.kraftVersion,
    advertisedApis: role => dispatcher.advertisedApis(role),
  };
}
