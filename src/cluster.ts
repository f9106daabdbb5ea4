/**
 * A cluster of several brokers inside one program: real listeners, real logs, real replication.
 *
 * ```ts
 * const cluster = await Cluster.start({ brokers: 3 });
 * const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(",") });
 * await cluster.stopBroker(2);  // its leaderships move first, as in a rolling restart
 * await cluster.startBroker(2);
 * await cluster.stop();
 * ```
 *
 * Every node is controller and broker. To see what a crash does, let the nodes be processes: `samsa cluster --brokers 3` and `samsa cluster kill 2`.
 */
import { Broker, BrokerStartError } from "./broker.ts";
import { ClusterClient } from "./client/cluster-client.ts";
import { type ClusterStatus, clusterStatus } from "./client/cluster-status.ts";
import { formatAddress, formatListener } from "./config/index.ts";
import { type Logger, nullLogger } from "./logging/index.ts";
import type { Platform } from "./platform/platform.ts";

export interface ClusterOptions {
  /** How many nodes; their numbers begin with 1. Default 3. */
  readonly brokers?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Where the nodes keep their data, a folder each. Without it they lie in a temporary directory that is removed when the cluster stops. */
  readonly dataDir?: string;
  /** Settings of all nodes by their Kafka keys. Topics have as many replicas as there are nodes, but no more than 3, unless they say otherwise. */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** Silent by default; each node's events carry its number. */
  readonly logger?: Logger;
  /** The machine to run on; the real one by default. */
  readonly platform?: Platform;
  /** Told when a broker has ended itself after a fault. */
  readonly onFatal?: (nodeId: number, error: Error) => void;
}

/** Where a node listens. */
interface NodePlace {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
}

const DEFAULT_BROKERS = 3;
const MAX_DEFAULT_REPLICAS = 3;
const FILE_NAME = "samsa-cluster.json";
/** Somebody else may take a port between its choice and its use. */
const START_ATTEMPTS = 3;

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #platform: Platform;
  readonly #host: string;
  readonly #dataDir: string;
  readonly #places: readonly NodePlace[];
  /** Those that run, by number. */
  readonly #brokers = new Map<number, Broker>();

  private constructor(options: ClusterOptions, platform: Platform, dataDir: string, places: readonly NodePlace[]) {
    this.#options = options;
    this.#platform = platform;
    this.#host = options.host ?? "127.0.0.1";
    this.#dataDir = dataDir;
    this.#places = places;
  }

  /**
   * Starts all nodes; resolves when each is a member of the cluster and serves clients. Throws `RangeError` for a number of brokers below 1, and what
   * `Broker.start` throws; nothing is left running then.
   */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const { brokers = DEFAULT_BROKERS, host = "127.0.0.1" } = options;
    if (!Number.isSafeInteger(brokers) || brokers < 1)
      throw new RangeError(`a cluster has 1 broker or more, not ${brokers}`);
    const node = await import("./platform/node.ts");
    const platform = options.platform ?? node.createNodePlatform();
    const dataDir =
      options.dataDir ?? `${node.systemTemporaryDirectory()}/samsa-${platform.random.bytes(8).toString("hex")}`;
    const known = readPlaces(platform, dataDir);
    if (known !== null && known.length !== brokers) {
      throw new RangeError(`the cluster in ${dataDir} has ${known.length} brokers, not ${brokers}`);
    }
    for (let attempt = 1; ; attempt++) {
      const places = known ?? (await freePlaces(platform, host, brokers));
      const cluster = new Cluster(options, platform, dataDir, places);
      try {
        await cluster.#startAll();
        if (known === null) writePlaces(platform, dataDir, places);
        return cluster;
      } catch (error) {
        await cluster.stop();
        const isTaken = error instanceof BrokerStartError && error.message.includes("in use");
        if (!isTaken || known !== null || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  /** What clients are to be told: `host:port` of every node, separated by commas, whether it runs or not. */
  get bootstrapServers(): string {
    return this.#places.map(({ port }) => formatAddress(this.#host, port)).join(",");
  }

  /** The brokers that run, by number. */
  get brokers(): readonly Broker[] {
    return this.#places.flatMap(({ id }) => this.#brokers.get(id) ?? []);
  }

  /** Throws for a node that there is not, or that does not run. */
  broker(nodeId: number): Broker {
    const broker = this.#brokers.get(nodeId);
    if (broker === undefined) throw new Error(`node ${nodeId} does not run`);
    return broker;
  }

  /**
   * How the cluster is, as a client sees it that asks the nodes which run: who leads what, who is in sync, how far replicas and voters are behind, which
   * partitions are in trouble. Rejects when no node answers, or none leads the quorum, for 15 s.
   */
  async status(): Promise<ClusterStatus> {
    const running = this.#places.filter(({ id }) => this.#brokers.has(id));
    const bootstrapServers = running.map(({ port }) => formatAddress(this.#host, port)).join(",");
    const client = new ClusterClient({ bootstrapServers, clientId: "samsa-status" }, { platform: this.#platform });
    try {
      return await clusterStatus(client);
    } finally {
      client.close();
    }
  }

  /** Stops a broker: its leaderships move to others first. The others go on, as long as a majority of the nodes runs. */
  async stopBroker(nodeId: number): Promise<void> {
    const broker = this.broker(nodeId);
    this.#brokers.delete(nodeId);
    await broker.stop();
  }

  /** Starts a broker that was stopped, where it was and with what it had. Resolves when it serves again. */
  async startBroker(nodeId: number): Promise<Broker> {
    const place = this.#places.find(candidate => candidate.id === nodeId);
    if (place === undefined) throw new Error(`the cluster has no node ${nodeId}`);
    if (this.#brokers.has(nodeId)) throw new Error(`node ${nodeId} runs`);
    const broker = await this.#start(place);
    this.#brokers.set(nodeId, broker);
    return broker;
  }

  /** Stops all brokers, and removes a temporary directory. */
  async stop(): Promise<void> {
    const brokers = [...this.#brokers.values()];
    this.#brokers.clear();
    await Promise.all(brokers.map(broker => broker.stop({ movesLeaderships: false })));
    if (this.#options.dataDir === undefined && this.#platform.disk.exists(this.#dataDir)) {
      this.#platform.disk.removeDirectory(this.#dataDir);
    }
  }

  /** All at once, for none is up before a majority is. What has started is known even when another has not. */
  async #startAll(): Promise<void> {
    const starts = await Promise.allSettled(this.#places.map(place => this.#start(place)));
    for (const [index, start] of starts.entries()) {
      if (start.status === "fulfilled") this.#brokers.set(this.#places[index]!.id, start.value);
    }
    const failed = starts.find(start => start.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  #start({ id: nodeId, port, controllerPort }: NodePlace): Promise<Broker> {
    const { config, logger = nullLogger, onFatal } = this.#options;
    const host = this.#host;
    const peers = this.#places.map(place => `${place.id}@${formatAddress(host, place.port)}`).join(",");
    return Broker.start({
      nodeId,
      dataDir: `${this.#dataDir}/node-${nodeId}`,
      platform: this.#platform,
      logger: logger.child({ node: nodeId }),
      ...(onFatal === undefined ? {} : { onFatal: error => onFatal(nodeId, error) }),
      config: {
        listeners: [
          formatListener({ name: "PLAINTEXT", host, port }),
          formatListener({ name: "CONTROLLER", host, port: controllerPort }),
        ].join(","),
        ...(this.#places.length > 1 ? { "samsa.peers": peers } : {}),
        "default.replication.factor": Math.min(MAX_DEFAULT_REPLICAS, this.#places.length),
        ...config,
      },
    });
  }
}

/**
 * The nodes that a folder is known to have; null for a new one. A quorum knows its voters by their addresses, so these stay. The file is that of
 * `samsa cluster`, which can so take the folder over.
 */
function readPlaces({ disk }: Platform, dataDir: string): readonly NodePlace[] | null {
  const path = `${dataDir}/${FILE_NAME}`;
  if (!disk.exists(path)) return null;
  const { nodes } = JSON.parse(disk.readFile(path).toString("utf8")) as { readonly nodes: readonly NodePlace[] };
  return nodes.map(({ id, port, controllerPort }) => ({ id, port, controllerPort }));
}

function writePlaces({ disk }: Platform, dataDir: string, places: readonly NodePlace[]): void {
  const nodes = places.map(place => ({ ...place, pid: null }));
  disk.writeFile(`${dataDir}/${FILE_NAME}`, Buffer.from(`${JSON.stringify({ nodes, settings: {} }, null, 2)}\n`));
}

/** Ports that are free now: all are held before any is let go, so that none is found twice. */
async function freePlaces(platform: Platform, host: string, count: number): Promise<NodePlace[]> {
  const listeners = await Promise.all(
    Array.from({ length: 2 * count }, () =>
      platform.network.listen({ host, port: 0 }, connection => connection.destroy()),
    ),
  );
  const ports = listeners.map(({ port }) => port);
  await Promise.all(listeners.map(listener => listener.close()));
  return Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    port: ports[2 * index]!,
    controllerPort: ports[2 * index + 1]!,
  }));
}
