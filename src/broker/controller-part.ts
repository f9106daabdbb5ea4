/** The controller of a node that has that role. */
import { Controller } from "../metadata/controller/controller.ts";
import type { QuorumVersion } from "../metadata/controller/features.ts";
import type { ControllerChannel } from "../metadata/controller-channel.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { Storage } from "../metadata/storage/storage.ts";
import type { RaftDriver } from "../raft/driver.ts";
import type { Endpoint } from "../server/server.ts";
import type { NodeModules } from "./node.ts";
import { isListening } from "./probe.ts";
import { registerController } from "./registration.ts";

/** Decides when this node leads the quorum. */
export function startController(
  { storage }: { readonly storage: Storage },
  { driver, metadata, ...node }: NodeModules & { readonly driver: RaftDriver; readonly metadata: MetadataStore },
): Controller {
  const { config, platform, timers, teardown, server } = node;
  function* liveOthers(): Iterable<number> {
    for (const { id, fenced } of metadata.image.cluster.brokers.values()) if (!fenced && id !== config.nodeId) yield id;
  }
  const controller = new Controller(
    { nodeId: config.nodeId, clusterId: storage.clusterId, bootstrapRecords: storage.bootstrapRecords() },
    {
      ...node,
      log: driver,
      quorumVersion: quorumVersionOf(driver),
      awaitApplied: offset => metadata.waitFor(offset),
      awaitAppliedEverywhere: offset => driver.applied.reached(offset + 1, liveOthers, APPLIED_EVERYWHERE_LIMIT_MS),
      heardMs: brokerId => {
        const { lastHeard } = driver.core;
        return lastHeard?.nodeId === brokerId ? lastHeard.atMs : null;
      },
      probe: endpoint => isListening(endpoint, { network: platform.network, timers }),
    },
  );
  controller.start();
  // The connections over which a broker speaks to the controller go with its process.
  server.onClosed = ({ brokerId }) => {
    if (brokerId >= 0) controller.suspect(brokerId, "a connection to the controller closed");
  };
  teardown.push(() => controller.stop());
  return controller;
}

/** `kraft.version` of the quorum that this node is in, for its controller to raise. */
export function quorumVersionOf(driver: RaftDriver): QuorumVersion {
  return {
    level: () => driver.kraftVersion,
    refusal: upgrade => driver.core.refuseUpgrade(upgrade),
    raise: upgrade => driver.changeVoters((core, nowMs) => core.upgradeVersion(upgrade, nowMs)),
  };
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

/** A broker that hangs holds up the answers to administrators no longer than this. */
const APPLIED_EVERYWHERE_LIMIT_MS = 500;
const REGISTRATION_BACKOFF_MS = 1_000;
