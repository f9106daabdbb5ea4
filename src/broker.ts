/**
 * The composition root: builds a broker from its configuration, bottom up, and takes it down again, top first.
 *
 * ```ts
 * const broker = new Broker({ config }, { platform, logger, metrics });
 * await broker.start();
 * console.log(broker.address); // { host: "127.0.0.1", port: 9092 }
 * await broker.stop();
 * ```
 *
 * A start that fails leaves nothing behind: no port, no lock, no half-open log. A fault that leaves the broker's promises in doubt (a failed
 * flush, a broken invariant) ends it without the marker of a clean stop, so that the next start looks at everything.
 */
import { lifecycleOptions, registerController } from "./broker/registration.ts";
import { BrokerStartError, checkSupported } from "./broker/supported.ts";
import { BrokerConfig } from "./config/index.ts";
import { GroupCoordinator } from "./coordinators/group/group-coordinator.ts";
import type { BrokerServices, ListenerRole } from "./handlers/context.ts";
import { FetchSessions } from "./handlers/fetch/fetch-sessions.ts";
import { handlers } from "./handlers/index.ts";
import { LogManager, logManagerOptions, ReadBuffers } from "./log/index.ts";
import { type Logger, nullLogger } from "./logging/index.ts";
import { BrokerLifecycle } from "./metadata/broker-lifecycle.ts";
import { Controller } from "./metadata/controller/controller.ts";
import { type ControllerChannel, QuorumChannel } from "./metadata/controller-channel.ts";
import { followDynamicConfigs } from "./metadata/dynamic-configs.ts";
import { MetadataStore } from "./metadata/metadata-store.ts";
import { randomUuid } from "./metadata/storage/ids.ts";
import { openStorage, type Storage } from "./metadata/storage/storage.ts";
import type { MetricsEndpoint } from "./metrics/endpoint.ts";
import { Metrics } from "./metrics/index.ts";
import type { Platform } from "./platform/platform.ts";
import { RaftDriver } from "./raft/driver.ts";
import { raftDriverOptions } from "./raft/driver-options.ts";
import type { PeerClientOptions } from "./raft/peers.ts";
import { SnapshotGenerator } from "./raft/snapshot-generator.ts";
import { ReplicaManager } from "./replication/replica-manager.ts";
import { RpcClient } from "./rpc/index.ts";
import { Dispatcher } from "./server/dispatcher.ts";
import { connectableHost, registeredListener, systemCodeOf, whyNotBound } from "./server/endpoints.ts";
import { type Endpoint, Server } from "./server/server.ts";
import { connectionLimits, serverOptions } from "./server/server-options.ts";

export { BrokerStartError };

export interface BrokerOptions {
  readonly config: BrokerConfig;
  /** Whether empty log directories are formatted. Default true. */
  readonly formatIfNew?: boolean;
}

export interface BrokerModules {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly metrics?: Metrics | undefined;
  /** Told once when the broker has ended itself after a fault. A program should exit. */
  readonly onFatal?: ((error: Error) => void) | undefined;
  /** Told of the parts once, when they are put together and before clients are served: the simulation's checks look into them. */
  readonly onAssembled?: ((parts: BrokerParts) => void) | undefined;
}

/** What a broker is made of. */
export interface BrokerParts {
  readonly services: BrokerServices;
  readonly metadataLog: RaftDriver;
}

/** For programs that run a broker inside: everything has a default. */
export interface EmbeddedBrokerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0, the default, picks a free one: see {@link Broker.address}. */
  readonly port?: number;
  /** Where logs are kept. Without it they lie in a temporary directory that is removed when the broker stops. */
  readonly dataDir?: string;
  /** Default 1. */
  readonly nodeId?: number;
  /** Settings by their Kafka keys; they win over the options above. */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** Silent by default. */
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  /** The machine to run on; the real one by default. */
  readonly platform?: Platform;
  readonly onFatal?: (error: Error) => void;
}

/** Where to connect. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** How long requests under way may take to finish when the broker stops. */
const DRAIN_MS = 5_000;
/** How long the controller may take to move the leaderships of a broker that stops. */
const SHUTDOWN_MS = 10_000;

export class Broker {
  readonly config: BrokerConfig;
  readonly metrics: Metrics;
  readonly #formatIfNew: boolean;
  readonly #platform: Platform;
  readonly #logger: Logger;
  readonly #onFatal: ((error: Error) => void) | undefined;
  readonly #onAssembled: ((parts: BrokerParts) => void) | undefined;
  #status: "new" | "starting" | "running" | "stopping" | "stopped" = "new";
  #fault: Error | null = null;
  #endpoints: readonly Endpoint[] = [];
  #clusterId = "";
  #brokerEpoch = -1;
  #metricsEndpoint: MetricsEndpoint | null = null;
  #stopped: Promise<void> | null = null;
  /** Undoes the start, the last step first. Each is told whether the broker's state is sound. */
  readonly #teardown: ((isSound: boolean) => unknown)[] = [];

  /**
   * Starts a broker with few words: `const broker = await Broker.start({ port: 0 })`. Throws `ConfigError` for settings that are not valid, and
   * what {@link start} throws.
   */
  static async start(options: EmbeddedBrokerOptions = {}): Promise<Broker> {
    const platform = options.platform ?? (await import("./platform/node.ts")).createNodePlatform();
    const { host = "127.0.0.1", port = 0, nodeId = 1, logger = nullLogger, metrics, onFatal } = options;
    const dataDir = options.dataDir ?? (await temporaryDirectory(platform));
    const given = Object.entries(options.config ?? {}).map(([name, value]) => [name, String(value)]);
    const config = BrokerConfig.load({
      overrides: {
        "node.id": String(nodeId),
        "log.dirs": dataDir,
        listeners: `PLAINTEXT://${host.includes(":") ? `[${host}]` : host}:${port}`,
        ...Object.fromEntries(given),
      },
    });
    const broker = new Broker({ config }, { platform, logger, metrics, onFatal });
    if (options.dataDir === undefined) broker.#teardown.push(() => platform.disk.removeDirectory(dataDir));
    await broker.start();
    return broker;
  }

  constructor(options: BrokerOptions, modules: BrokerModules) {
    this.config = options.config;
    this.metrics = modules.metrics ?? new Metrics();
    this.#formatIfNew = options.formatIfNew ?? true;
    this.#platform = modules.platform;
    this.#logger = modules.logger;
    this.#onFatal = modules.onFatal;
    this.#onAssembled = modules.onAssembled;
  }

  get nodeId(): number {
    return this.config.nodeId;
  }

  /** Empty before the start. */
  get clusterId(): string {
    return this.#clusterId;
  }

  /** Where clients connect: the first client listener. Throws before the start. */
  get address(): BrokerAddress {
    const endpoint = this.#endpoints.find(({ role }) => role === "broker");
    if (endpoint === undefined) throw new Error("the broker is not started");
    return { host: connectableHost(endpoint.host), port: endpoint.port };
  }

  /** All endpoints that are bound, with their real ports. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** Where metrics are served; null unless `samsa.metrics.listener` is set. */
  get metricsAddress(): BrokerAddress | null {
    return this.#metricsEndpoint === null
      ? null
      : { host: connectableHost(this.#metricsEndpoint.host), port: this.#metricsEndpoint.port };
  }

  get isRunning(): boolean {
    return this.#status === "running";
  }

  /**
   * Starts everything; resolves when clients are served. Rejects with {@link BrokerStartError}, `StorageError`, or what the disk said, and
   * has then undone what it had done.
   */
  async start(): Promise<void> {
    if (this.#status !== "new") throw new Error("a broker is started once");
    this.#status = "starting";
    const startedMs = this.#platform.clock.monotonic();
    try {
      await this.#start();
      if (this.#fault !== null) throw this.#fault;
    } catch (error) {
      await this.#takeDown(false);
      this.#status = "stopped";
      throw error;
    }
    this.#status = "running";
    this.#logger.info("broker.started", {
      nodeId: this.nodeId,
      clusterId: this.#clusterId,
      listeners: this.#endpoints.map(({ name, host, port }) => `${name}://${host}:${port}`),
      milliseconds: Math.round(this.#platform.clock.monotonic() - startedMs),
    });
  }

  /** Answers what is under way, makes everything durable, and leaves the marker of a clean stop. Safe to call twice. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    if (this.#status === "new" || this.#status === "stopped") return;
    this.#status = "stopping";
    this.#logger.info("broker.stopping", { nodeId: this.nodeId });
    await this.#takeDown(this.#fault === null);
    this.#status = "stopped";
    this.#logger.info("broker.stopped", { nodeId: this.nodeId });
  }

  async #takeDown(isSound: boolean): Promise<void> {
    for (const undo of this.#teardown.splice(0).reverse()) {
      try {
        await undo(isSound && this.#fault === null);
      } catch (error) {
        this.#logger.error("broker.stop-failed", { error });
      }
    }
  }

  /** Ends the broker at once: nothing it would still do could be trusted. */
  #fail(error: unknown): void {
    if (this.#fault !== null) return;
    this.#fault = error instanceof Error ? error : new Error(String(error));
    this.#logger.error("broker.fatal", { nodeId: this.nodeId, error: this.#fault });
    if (this.#status !== "running") return;
    const fault = this.#fault;
    this.stop().finally(() => this.#onFatal?.(fault));
  }

  async #start(): Promise<void> {
    const { config } = this;
    checkSupported(config);
    const { clock, timers, random, disk } = this.#platform;
    const common = { clock, timers, random, disk, logger: this.#logger, metrics: this.metrics, config };
    const onFatal = (error: unknown) => this.#fail(error);

    const dispatcher = new Dispatcher({ handlers }, common);
    const server = new Server(serverOptions(config), { ...common, platform: this.#platform, dispatcher });
    this.#teardown.push(isSound => server.stop(isSound ? DRAIN_MS : 0));
    await this.#bind(server);

    const storage = this.#openStorage();
    const directories = storage.directories.map(({ path }) => path);
    const logs = new LogManager(logManagerOptions(config, directories, storage.metadataDirectory.path), {
      platform: this.#platform,
      logger: this.#logger,
      metrics: this.metrics,
      onFatal,
    });
    this.#teardown.push(isSound => (isSound ? logs.close(this.#brokerEpoch) : undefined));
    this.#teardown.push(
      config.subscribe(() => logs.reconfigure(logManagerOptions(config, directories, storage.metadataDirectory.path))),
    );
    const metadataLog = await this.#openMetadataLog(logs, storage, onFatal);
    await logs.open();

    const metadata = new MetadataStore({ ...common, log: metadataLog });
    const unfollow = followDynamicConfigs(this.nodeId, { ...common, store: metadata });
    const replicas = new ReplicaManager({ nodeId: this.nodeId }, { ...common, logs, metadata });
    replicas.start();
    metadata.start();
    this.#teardown.push(() => {
      replicas.stop();
      unfollow();
      metadata.stop();
    });

    const controller = await this.#startController(metadataLog, metadata, replicas, storage);
    this.#startSnapshots(metadataLog, metadata, onFatal);
    const groups = new GroupCoordinator({ ...common, metadata, controller, replicas });
    groups.start();
    this.#teardown.push(() => groups.stop());
    const channel = this.#openChannel(metadataLog, controller);
    await this.#join(channel, metadata, storage, logs, onFatal);

    const fetchSessions = new FetchSessions(
      { maxSlots: config.get("max.incremental.fetch.session.cache.slots") },
      common,
    );
    this.metrics.gauge("samsa_fetch_sessions").source(() => fetchSessions.count);
    const services: BrokerServices = {
      ...common,
      nodeId: this.nodeId,
      clusterId: storage.clusterId,
      metadata,
      controller,
      replicas,
      logs,
      groups,
      quorum: metadataLog.service,
      fetchSessions,
      readBuffers: new ReadBuffers({ limitBytes: config.get("samsa.log.read.buffers.max.bytes") }),
      kraftVersion: () => metadataLog.kraftVersion,
      advertisedApis: role => dispatcher.advertisedApis(role),
    };
    dispatcher.attach(services);
    this.#onAssembled?.({ services, metadataLog });
    await this.#startMetricsEndpoint();
    server.open();
  }

  async #bind(server: Server): Promise<void> {
    for (const listener of this.config.listeners()) {
      const role: ListenerRole = this.config.controllerListenerNames.includes(listener.name) ? "controller" : "broker";
      try {
        await server.bind({
          name: listener.name,
          host: listener.host === "" ? "::" : listener.host,
          port: listener.port,
          role,
          securityProtocol: listener.protocol,
        });
      } catch (error) {
        throw new BrokerStartError(whyNotBound(listener, error), { cause: error });
      }
    }
    this.#endpoints = server.endpoints;
    const unsubscribe = this.config.subscribe(() => server.updateLimits(connectionLimits(this.config)));
    this.#teardown.push(unsubscribe);
  }

  #openStorage(): Storage {
    const { config } = this;
    const storage = openStorage(
      {
        directories: config.logDirs,
        metadataDirectory: config.get("metadata.log.dir"),
        nodeId: this.nodeId,
        clusterId: null,
        endpoints: this.#controllerEndpoints(),
        formatIfNew: this.#formatIfNew,
      },
      { ...this.#platform, logger: this.#logger },
    );
    this.#teardown.push(() => storage.close());
    this.#clusterId = storage.clusterId;
    return storage;
  }

  async #openMetadataLog(logs: LogManager, storage: Storage, onFatal: (error: unknown) => void): Promise<RaftDriver> {
    const log = await logs.openMetadataLog();
    const options = raftDriverOptions(this.config, {
      directoryId: storage.metadataDirectory.directoryId,
      clusterId: storage.clusterId,
      directory: storage.metadataLogDirectory,
      endpoints: this.#controllerEndpoints(),
    });
    const flush = () => logs.flush(log);
    const modules = { platform: this.#platform, logger: this.#logger };
    const connect = (peer: PeerClientOptions) => new RpcClient(peer, modules);
    const metadataLog = new RaftDriver(options, { ...modules, connect, log, flush, onFatal });
    await metadataLog.start();
    this.#teardown.push(() => metadataLog.close());
    return metadataLog;
  }

  async #startController(
    log: RaftDriver,
    metadata: MetadataStore,
    replicas: ReplicaManager,
    storage: Storage,
  ): Promise<Controller> {
    const controller = new Controller(
      { nodeId: this.nodeId, clusterId: storage.clusterId, bootstrapRecords: storage.bootstrapRecords() },
      {
        ...this.#platform,
        log,
        config: this.config,
        logger: this.#logger,
        awaitApplied: offset => replicas.awaitApplied(offset),
      },
    );
    controller.start();
    this.#teardown.push(() => controller.stop());
    await controller.whenActive();
    // The controller has decided its first records; the image holds them once they are committed.
    await metadata.waitFor(log.logEndOffset - 1);
    return controller;
  }

  #startSnapshots(log: RaftDriver, metadata: MetadataStore, onFatal: (error: unknown) => void): void {
    const generator = new SnapshotGenerator(
      {
        maxBytesBetweenSnapshots: this.config.get("metadata.log.max.record.bytes.between.snapshots"),
        maxIntervalMs: this.config.get("metadata.log.max.snapshot.interval.ms"),
      },
      { ...this.#platform, log, logger: this.#logger, source: () => metadata.snapshotImage(), onFatal },
    );
    generator.start();
    this.#teardown.push(() => generator.stop());
  }

  /** Requests of this node to the active controller, which may be in this process. */
  #openChannel(metadataLog: RaftDriver, controller: Controller): QuorumChannel {
    const modules = { platform: this.#platform, logger: this.#logger };
    const connect = (address: { host: string; port: number }) =>
      new RpcClient({ ...address, clientId: `broker-to-controller-${this.nodeId}` }, modules);
    const channel = new QuorumChannel({
      ...this.#platform,
      quorum: metadataLog,
      controller,
      connect,
      logger: this.#logger,
    });
    this.#teardown.push(() => channel.close());
    return channel;
  }

  /** Joins the cluster: registers, and is unfenced once everything committed is applied here. */
  async #join(
    channel: ControllerChannel,
    metadata: MetadataStore,
    storage: Storage,
    logs: LogManager,
    onFatal: (error: unknown) => void,
  ): Promise<void> {
    const incarnationId = randomUuid(this.#platform.random);
    const modules = { ...this.#platform, channel, metadata, logger: this.#logger };
    const controllerRegistered = this.config.hasRole("controller")
      ? registerController(this.config, { incarnationId, endpoints: this.#endpoints }, channel)
      : undefined;
    const lifecycle = new BrokerLifecycle(
      lifecycleOptions(this.config, {
        clusterId: storage.clusterId,
        incarnationId,
        listeners: this.#advertisedEndpoints(),
        directoryIds: storage.directories.map(({ directoryId }) => directoryId),
        previousBrokerEpoch: logs.cleanShutdownEpoch ?? -1,
      }),
      modules,
    );
    this.#teardown.push(async isSound => {
      if (isSound) await lifecycle.shutDown(SHUTDOWN_MS);
      this.#brokerEpoch = lifecycle.brokerEpoch;
      lifecycle.stop();
    });
    await lifecycle.register();
    await Promise.all([lifecycle.start(onFatal), controllerRegistered]);
  }

  /** What clients are told to connect to; where the system chose a port, that one. */
  #advertisedEndpoints(): ReturnType<typeof registeredListener>[] {
    return this.config.advertisedListeners().map(({ name, host, port, protocol }) => {
      const bound = this.#endpoints.find(endpoint => endpoint.name === name);
      return registeredListener({
        name,
        host,
        port: port === 0 ? (bound?.port ?? 0) : port,
        securityProtocol: protocol,
      });
    });
  }

  #controllerEndpoints(): { name: string; host: string; port: number }[] {
    return this.#endpoints
      .filter(({ role }) => role === "controller")
      .map(({ name, host, port }) => ({ name, host: connectableHost(host), port }));
  }

  async #startMetricsEndpoint(): Promise<void> {
    const listener = this.config.get("samsa.metrics.listener");
    if (listener === null) return;
    const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(listener) ?? [];
    const { startMetricsEndpoint } = await import("./metrics/endpoint.ts");
    try {
      this.#metricsEndpoint = await startMetricsEndpoint(
        { host: host || "::", port: Number(port) },
        {
          metrics: this.metrics,
          logger: this.#logger,
          health: () => (this.#status === "running" ? null : `the broker is ${this.#status}`),
        },
      );
    } catch (error) {
      throw new BrokerStartError(`metrics cannot be served on ${listener}: ${systemCodeOf(error)}`, { cause: error });
    }
    this.#teardown.push(() => this.#metricsEndpoint?.close());
  }
}

async function temporaryDirectory(platform: Platform): Promise<string> {
  const { systemTemporaryDirectory } = await import("./platform/node.ts");
  return `${systemTemporaryDirectory()}/samsa-${platform.random.bytes(8).toString("hex")}`;
}
