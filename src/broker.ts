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
import { assembleBroker, joinCluster } from "./broker/broker-part.ts";
import { announceController, startController } from "./broker/controller-part.ts";
import { Formation } from "./broker/formation/formation.ts";
import { bindListeners, controllerEndpoints } from "./broker/listeners.ts";
import type { NodeModules } from "./broker/node.ts";
import { followMetadata, joinQuorum, leaderKnown, openChannel } from "./broker/quorum.ts";
import { envelopeRunner, nodeServices } from "./broker/services.ts";
import { BrokerStartError, checkSupported } from "./broker/supported.ts";
import { Teardown } from "./broker/teardown.ts";
import { BrokerConfig, formatListener } from "./config/index.ts";
import type { BrokerServices } from "./handlers/context.ts";
import { handlers } from "./handlers/index.ts";
import { type LogDirectory, LogManager, logManagerOptions } from "./log/index.ts";
import { type Logger, nullLogger } from "./logging/index.ts";
import type { BrokerLifecycle } from "./metadata/broker-lifecycle.ts";
import { randomUuid } from "./metadata/storage/ids.ts";
import type { Storage } from "./metadata/storage/storage.ts";
import type { MetricsEndpoint } from "./metrics/endpoint.ts";
import { Metrics } from "./metrics/index.ts";
import type { Platform } from "./platform/platform.ts";
import type { RaftDriver } from "./raft/driver.ts";
import { Dispatcher } from "./server/dispatcher.ts";
import { connectableHost, systemCodeOf } from "./server/endpoints.ts";
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
  /** For the simulation, whose checks look into the node. */
  readonly observer?: BrokerObserver | undefined;
}

/** Told of a node's parts, once each, as soon as they are there. */
export interface BrokerObserver {
  /** The node takes part in the quorum; its logs are being opened. */
  quorumJoined(driver: RaftDriver, logs: LogManager): void;
  /** The broker part is put together, and not served yet. */
  assembled(services: BrokerServices): void;
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

export class Broker {
  readonly config: BrokerConfig;
  readonly metrics: Metrics;
  readonly #formatIfNew: boolean;
  readonly #platform: Platform;
  readonly #logger: Logger;
  readonly #onFatal: ((error: Error) => void) | undefined;
  readonly #observer: BrokerObserver | undefined;
  #status: "new" | "starting" | "running" | "stopping" | "stopped" = "new";
  #fault: Error | null = null;
  #endpoints: readonly Endpoint[] = [];
  #clusterId = "";
  #lifecycle: BrokerLifecycle | null = null;
  /** Tells those who have to know that a log directory is of no more use. */
  #directoryFailed: ((directoryId: string | null) => void) | null = null;
  #metricsEndpoint: MetricsEndpoint | null = null;
  #stopped: Promise<void> | null = null;
  readonly #teardown: Teardown;

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
        listeners: formatListener({ name: "PLAINTEXT", host, port }),
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
    this.#observer = modules.observer;
    this.#teardown = new Teardown(modules.logger);
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

  /** Whether {@link stop} was called. */
  get isStopping(): boolean {
    return this.#stopped !== null;
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
      if (this.isStopping) throw new BrokerStartError("the node was stopped while it started");
    } catch (error) {
      await this.#takeDown(false);
      this.#status = "stopped";
      // What goes wrong behind a fault is its consequence.
      throw this.#fault ?? error;
    }
    this.#status = "running";
    this.#logger.info("broker.started", {
      nodeId: this.nodeId,
      clusterId: this.#clusterId,
      listeners: this.#endpoints.map(({ name, host, port }) => `${name}://${host}:${port}`),
      milliseconds: Math.round(this.#platform.clock.monotonic() - startedMs),
    });
  }

  /**
   * Answers what is under way, makes everything durable, and leaves the marker of a clean stop. Safe to call twice. Leaderships are moved to other
   * brokers first (controlled shutdown), unless `movesLeaderships` is false: where all stop at once there is nobody to take them.
   */
  stop({ movesLeaderships = true }: { readonly movesLeaderships?: boolean } = {}): Promise<void> {
    if (!movesLeaderships) this.#lifecycle?.stop();
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    if (this.#status === "new" || this.#status === "stopped") return;
    const wasRunning = this.#status === "running";
    this.#status = "stopping";
    this.#logger.info("broker.stopping", { nodeId: this.nodeId });
    await this.#takeDown(wasRunning);
    this.#status = "stopped";
    this.#logger.info("broker.stopped", { nodeId: this.nodeId });
  }

  #takeDown(isSound: boolean): Promise<void> {
    return this.#teardown.run(() => isSound && this.#fault === null);
  }

  /** Ends the broker at once: nothing it would still do could be trusted. */
  #fail(error: unknown): void {
    if (this.#fault !== null) return;
    this.#fault = error instanceof Error ? error : new Error(String(error));
    this.#logger.error("broker.fatal", { nodeId: this.nodeId, error: this.#fault });
    // What the start waits for is given up, and it rejects with the fault.
    if (this.#status === "starting") void this.stop({ movesLeaderships: false });
    if (this.#status !== "running") return;
    const fault = this.#fault;
    this.stop().finally(() => this.#onFatal?.(fault));
  }

  async #start(): Promise<void> {
    const { config } = this;
    checkSupported(config);
    const formation = new Formation({ config, platform: this.#platform, logger: this.#logger });
    const dispatcher = new Dispatcher(
      { handlers, early: [formation.handler] },
      { ...this.#platform, logger: this.#logger, metrics: this.metrics },
    );
    const node = this.#nodeModules(dispatcher);
    const { server, teardown } = node;
    teardown.push(isSound => {
      dispatcher.refuseWaiting();
      return server.stop(isSound ? DRAIN_MS : 0);
    });
    const endpoints = await bindListeners(config, server);
    this.#endpoints = endpoints;
    teardown.push(config.subscribe(() => server.updateLimits(connectionLimits(config))));
    await this.#startMetricsEndpoint();
    server.open();
    teardown.push(() => formation.stop());
    const storage = await formation.open(endpoints, { formatIfNew: this.#formatIfNew });
    teardown.push(() => storage.close());
    this.#clusterId = storage.clusterId;
    const logs = this.#openLogs(storage, node);

    const driver = await joinQuorum(
      { storage, endpoints: controllerEndpoints(config, endpoints), controllers: formation.controllers },
      { ...node, logs },
    );
    this.#observer?.quorumJoined(driver, logs);
    formation.formed(storage, driver, endpoints);
    const metadata = followMetadata(driver, node);
    const controller = config.hasRole("controller")
      ? startController({ storage }, { ...node, driver, metadata })
      : null;
    const runEnvelope = envelopeRunner(config, { dispatcher, controller });
    const channel = openChannel(driver, controller, { ...node, runEnvelope });
    const services = nodeServices(
      { storage },
      { ...node, driver, metadata, controller, channel, dispatcher, runEnvelope },
    );
    const incarnationId = randomUuid(this.#platform.random);
    if (controller !== null) {
      dispatcher.attach("controller", services);
      announceController({ incarnationId, endpoints }, { ...node, channel });
    }
    if (!config.hasRole("broker")) {
      await leaderKnown(driver);
      return;
    }
    const modules = { ...node, logs, metadata, channel };
    const part = await assembleBroker({ storage, endpoints, incarnationId }, services, modules);
    this.#lifecycle = part.lifecycle;
    this.#directoryFailed = part.directoryFailed;
    // What could not be opened to begin with.
    for (const { id, offline } of logs.directories) if (offline) part.directoryFailed(id);
    this.#observer?.assembled(part.services);
    await joinCluster(part, { ...modules, quorum: driver });
    dispatcher.attach("broker", part.services);
  }

  #nodeModules(dispatcher: Dispatcher): NodeModules {
    const { clock, timers, random, disk } = this.#platform;
    const { config, metrics } = this;
    const logger = this.#logger;
    const platform = this.#platform;
    const server = new Server(serverOptions(config), { logger, metrics, platform, dispatcher });
    const onFatal = (error: unknown) => this.#fail(error);
    return {
      config,
      platform,
      clock,
      timers,
      random,
      disk,
      logger,
      metrics,
      server,
      teardown: this.#teardown,
      onFatal,
    };
  }

  #openLogs(storage: Storage, { platform, logger, metrics, config, onFatal, teardown }: NodeModules): LogManager {
    const directories = [...storage.directories.map(({ path }) => path), ...storage.unusable.keys()];
    const options = () => ({
      ...logManagerOptions(config, directories, storage.metadataDirectory.path),
      unusableDirectories: storage.unusable,
    });
    const onDirectoryOffline = ({ id }: LogDirectory) => this.#directoryFailed?.(id);
    const logs = new LogManager(options(), { platform, logger, metrics, onFatal, onDirectoryOffline });
    teardown.push(isSound => (isSound ? logs.close(this.#lifecycle?.brokerEpoch ?? -1) : undefined));
    teardown.push(config.subscribe(() => logs.reconfigure(options())));
    return logs;
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
