/** A node's part in the quorum: its metadata log, the image that follows from it, and the way to the active controller. */

import type { NodeServices } from "../handlers/context.ts";
import type { LogManager } from "../log/index.ts";
import type { Controller } from "../metadata/controller/controller.ts";
import { type ControllerChannel, QuorumChannel } from "../metadata/controller-channel.ts";
import { followDynamicConfigs } from "../metadata/dynamic-configs.ts";
import { MetadataStore } from "../metadata/metadata-store.ts";
import type { Storage } from "../metadata/storage/storage.ts";
import { RaftDriver } from "../raft/driver.ts";
import { raftDriverOptions } from "../raft/driver-options.ts";
import { SnapshotGenerator } from "../raft/snapshot-generator.ts";
import type { Endpoint } from "../raft/voter-set.ts";
import { RpcClient, type RpcClientOptions } from "../rpc/index.ts";
import type { NodeModules } from "./node.ts";

export interface QuorumMembership {
  readonly storage: Storage;
  /** Where this node's controller listens; empty without that role. */
  readonly endpoints: readonly Endpoint[];
  /** Where controllers are that peers told of. */
  readonly controllers: readonly { readonly host: string; readonly port: number }[];
}

/** Opens the metadata log and takes part in the quorum: alone, it is there once this has resolved. */
export async function joinQuorum(
  { storage, endpoints, controllers }: QuorumMembership,
  { logs, ...node }: NodeModules & { readonly logs: LogManager },
): Promise<RaftDriver> {
  const { config, platform, logger, onFatal, teardown } = node;
  const log = await logs.openMetadataLog();
  const options = raftDriverOptions(config, {
    directoryId: storage.metadataDirectory.directoryId,
    clusterId: storage.clusterId,
    directory: storage.metadataLogDirectory,
    endpoints,
    controllers,
  });
  const connect = (peer: RpcClientOptions) => new RpcClient(peer, { platform, logger });
  const driver = new RaftDriver(options, { platform, logger, connect, log, flush: () => logs.flush(log), onFatal });
  teardown.push(() => driver.close());
  await driver.start();
  return driver;
}

/** Follows the metadata: the image, the broker's dynamic configuration, and snapshots of it. */
export function followMetadata(driver: RaftDriver, node: NodeModules): MetadataStore {
  const { config, onFatal, teardown } = node;
  const store = new MetadataStore({ ...node, log: driver });
  const unfollow = followDynamicConfigs(config.nodeId, { ...node, store });
  store.start();
  const generator = new SnapshotGenerator(
    {
      maxBytesBetweenSnapshots: config.get("metadata.log.max.record.bytes.between.snapshots"),
      maxIntervalMs: config.get("metadata.log.max.snapshot.interval.ms"),
    },
    { ...node, log: driver, source: () => store.snapshotImage(), onFatal },
  );
  generator.start();
  teardown.push(() => {
    generator.stop();
    unfollow();
    store.stop();
  });
  return store;
}

/** Requests of this node to the active controller, which may be in this process. */
export function openChannel(
  quorum: RaftDriver,
  controller: Controller | null,
  node: NodeModules & Pick<NodeServices, "runEnvelope">,
): ControllerChannel {
  const { config, platform, logger, teardown } = node;
  const clientId = `broker-to-controller-${config.nodeId}`;
  const connect = (address: { host: string; port: number }) =>
    new RpcClient({ ...address, clientId }, { platform, logger });
  const channel = new QuorumChannel({ ...node, quorum, controller, connect });
  teardown.push(() => channel.close());
  return channel;
}

/** Resolves when this node knows who leads the quorum. */
export function leaderKnown(driver: RaftDriver): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (driver.leaderAndEpoch.leaderId < 0) return;
      unsubscribe();
      resolve();
    };
    const unsubscribe = driver.onLeaderChanged(look);
    look();
  });
}
