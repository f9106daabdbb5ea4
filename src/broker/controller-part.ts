/** The controller of a node that has that role. */
import { Controller } from "../metadata/controller/controller.ts";
import type { ControllerChannel } from "../metadata/controller-channel.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { Storage } from "../metadata/storage/storage.ts";
import type { RaftDriver } from "../raft/driver.ts";
import type { Endpoint } from "../server/server.ts";
import type { NodeModules } from "./node.ts";
import { registerController } from "./registration.ts";

/** Decides when this node leads the quorum. */
export function startController(
  { storage }: { readonly storage: Storage },
  { driver, metadata, ...node }: NodeModules & { readonly driver: RaftDriver; readonly metadata: MetadataStore },
): Controller {
  const { config, teardown } = node;
  const controller = new Controller(
    { nodeId: config.nodeId, clusterId: storage.clusterId, bootstrapRecords: storage.bootstrapRecords() },
    { ...node, log: driver, awaitApplied: offset => metadata.waitFor(offset) },
  );
  controller.start();
  teardown.push(() => controller.stop());
  return controller;
}

/** Has the cluster know where this controller is, once somebody leads it; goes on in the background. */
export function announceController(
  { incarnationId, endpoints }: { readonly incarnationId: string; readonly endpoints: readonly Endpoint[] },
  { channel, config, logger, timers, teardown }: NodeModules & { readonly channel: ControllerChannel },
): void {
  let isStopped = false;
  const announce = () => {
    if (isStopped) return;
    registerController(config, { incarnationId, endpoints }, channel).catch((error: unknown) => {
      if (isStopped) return;
      logger.warn("controller.not-registered", { error });
      timers.after(REGISTRATION_BACKOFF_MS, announce);
    });
  };
  teardown.push(() => {
    isStopped = true;
  });
  announce();
}

const REGISTRATION_BACKOFF_MS = 1_000;
