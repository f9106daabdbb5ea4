/** The part of a node that holds partitions and serves clients. */
import { CreateTopics } from "../../protocol/apis/19-create-topics.ts";
import { AllocateProducerIds } from "../../protocol/apis/67-allocate-producer-ids.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { GroupCoordinator } from "../coordinators/group/group-coordinator.ts";
import type { BrokerServices, NodeServices } from "../handlers/context.ts";
import { FetchSessions } from "../handlers/fetch/fetch-sessions.ts";
import { type LogManager, ReadBuffers } from "../log/index.ts";
import { BrokerLifecycle } from "../metadata/broker-lifecycle.ts";
import type { ControllerChannel } from "../metadata/controller-channel.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import { MissingBrokers } from "../metadata/missing-brokers.ts";
import { ProducerIdSupply } from "../metadata/producer-id-supply.ts";
import type { Storage } from "../metadata/storage/storage.ts";
import type { BrokerAddress } from "../replication/fetcher/fetchers.ts";
import { ReplicaManager } from "../replication/replica-manager.ts";
import { RpcClient } from "../rpc/index.ts";
import type { Endpoint } from "../server/server.ts";
import { followCordoning } from "./cordoning.ts";
import { CutOffWatch } from "./cut-off-watch.ts";
import { advertisedEndpoints } from "./listeners.ts";
import { type LoneStopModules, watchForLoneStop } from "./lone-stop.ts";
import type { NodeModules } from "./node.ts";
import { lifecycleOptions } from "./registration.ts";

export interface BrokerPartOptions {
  readonly storage: Storage;
  readonly endpoints: readonly Endpoint[];
  readonly incarnationId: string;
}

export interface BrokerPartModules extends NodeModules {
  readonly logs: LogManager;
  readonly metadata: MetadataStore;
  readonly channel: ControllerChannel;
}

export interface BrokerPart {
  readonly services: BrokerServices;
  readonly lifecycle: BrokerLifecycle;
  /** To be called when a log directory cannot be used any more; null for one that never had an id. */
  readonly directoryFailed: (directoryId: string | null) => void;
}

/** How long the active controller may take to move the leaderships of a broker that stops. */
const SHUTDOWN_MS = 10_000;
/** A block of producer ids that does not come in this time is asked for again by the next client. */
const PRODUCER_IDS_TIMEOUT_MS = 5_000;

/** Opens the partitions' logs and puts together what serves them. Nothing is served, and the cluster knows nothing of it yet. */
export async function assembleBroker(
  { storage, endpoints, incarnationId }: BrokerPartOptions,
  node: NodeServices,
  modules: BrokerPartModules,
): Promise<BrokerPart> {
  const { config, logs, channel, metrics, teardown } = modules;
  await logs.open();
  const lifecycle = new BrokerLifecycle(
    lifecycleOptions(config, {
      clusterId: storage.clusterId,
      incarnationId,
      listeners: advertisedEndpoints(config, endpoints),
      directoryIds: storage.directories.map(({ directoryId }) => directoryId),
      previousBrokerEpoch: logs.cleanShutdownEpoch ?? -1,
    }),
    {
      ...modules,
      cordonedDirectories: () => logs.directories.flatMap(({ id, isCordoned }) => (isCordoned && id) || []),
    },
  );
  teardown.push(followCordoning(modules, () => lifecycle.beatNow()));
  const missingBrokers = new MissingBrokers({ maxWaitMs: config.get("samsa.metadata.decision.wait.max.ms") }, modules);
  teardown.push(() => missingBrokers.stop());
  const readBuffers = new ReadBuffers({ limitBytes: config.get("samsa.log.read.buffers.max.bytes") });
  const replicas = new ReplicaManager(
    { nodeId: config.nodeId },
    {
      ...modules,
      brokerEpoch: () => lifecycle.brokerEpoch,
      connect: address => fetcherClient(address, missingBrokers, readBuffers, modules),
    },
  );
  replicas.start();
  teardown.push(() => replicas.stop());
  const cutOffWatch = new CutOffWatch(
    { sessionTimeoutMs: config.get("broker.session.timeout.ms") },
    {
      ...modules,
      controllerId: node.controllerId,
      partitions: () => replicas.partitions(),
      closeWaiting: () => modules.server.closeWaiting(),
    },
  );
  cutOffWatch.start();
  teardown.push(() => cutOffWatch.stop());
  const topics = topicCreator(channel);
  const groups = new GroupCoordinator({ ...modules, controller: topics, replicas });
  groups.start();
  teardown.push(() => groups.stop());
  const fetchSessions = new FetchSessions(
    { maxSlots: config.get("max.incremental.fetch.session.cache.slots") },
    modules,
  );
  metrics.gauge("samsa_fetch_sessions").source(() => fetchSessions.count);
  const producerIds = new ProducerIdSupply(() => nextProducerIds(config.nodeId, lifecycle, channel));
  const directoryFailed = (directoryId: string | null): void => {
    replicas.directoryFailed();
    if (directoryId !== null) lifecycle.directoryFailed(directoryId);
  };
  return {
    lifecycle,
    directoryFailed,
    services: {
      ...node,
      replicas,
      logs,
      groups,
      fetchSessions,
      readBuffers,
      missingBrokers,
      isCutOff: () => cutOffWatch.isCutOff,
      topics,
      producerIds,
    },
  };
}

/**
 * Has the broker join its cluster. Resolves when it is unfenced and has applied that here: only then does it lead what nobody else can, and answer
 * clients with a cluster that has it in it. Rejects with `ApiError` when it is refused, or the cluster cannot be found in time.
 */
export async function joinCluster(
  { lifecycle, services }: BrokerPart,
  {
    metadata,
    quorum,
    onFatal,
    teardown,
    logger,
    timers,
    platform,
  }: BrokerPartModules & Pick<LoneStopModules, "quorum">,
): Promise<void> {
  teardown.push(async isSound => {
    if (isSound) {
      const endWatch = watchForLoneStop({ quorum, timers, network: platform.network }, () => {
        logger.info("broker.stops-alone", {});
        lifecycle.stop();
      });
      await lifecycle.shutDown(SHUTDOWN_MS);
      endWatch();
    }
    lifecycle.stop();
  });
  await lifecycle.register();
  const registered = metadata.waitFor(lifecycle.brokerEpoch).then(() => services.replicas.registered());
  await Promise.all([registered, lifecycle.start(onFatal)]);
}

/** A connection to a broker that leads something followed here: the first to tell that the broker is gone. */
function fetcherClient(
  address: BrokerAddress,
  missingBrokers: MissingBrokers,
  answerBuffers: ReadBuffers,
  { config, metadata, platform, logger }: BrokerPartModules,
): RpcClient {
  const clientId = `broker-${config.nodeId}-fetcher`;
  const forBroker = (tell: (brokerId: number) => void) => () => {
    for (const { id, endpoints } of metadata.image.cluster.brokers.values()) {
      if (endpoints.some(({ host, port }) => host === address.host && port === address.port)) tell(id);
    }
  };
  const observer = {
    connected: forBroker(id => missingBrokers.found(id)),
    disconnected: forBroker(id => missingBrokers.lost(id)),
  };
  return new RpcClient({ ...address, clientId }, { platform, logger, observer, answerBuffers });
}

/** Creates topics on this broker's own account: internal ones, and those that clients ask for by using them. */
function topicCreator(channel: ControllerChannel): BrokerServices["topics"] {
  return {
    createTopics: request => channel.request(CreateTopics, request, { timeoutMs: request.timeoutMs }),
  };
}

async function nextProducerIds(brokerId: number, { brokerEpoch }: BrokerLifecycle, channel: ControllerChannel) {
  const body = { brokerId, brokerEpoch };
  const block = await channel.request(AllocateProducerIds, body, { timeoutMs: PRODUCER_IDS_TIMEOUT_MS });
  if (block.errorCode !== Errors.NONE) throw new ApiError(block.errorCode);
  return { first: block.producerIdStart, count: block.producerIdLen };
}
