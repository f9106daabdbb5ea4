/** Whole brokers on the machines of a simulated world, in virtual time: started, killed, cut off and asked as clients ask. */

import { Metadata } from "../../../protocol/apis/03-metadata.ts";
import { CreateTopics } from "../../../protocol/apis/19-create-topics.ts";
import { DescribeQuorum } from "../../../protocol/apis/55-describe-quorum.ts";
import type { Api, RequestInputOf, ResponseOf, VersionRange } from "../../../protocol/schema.ts";
import { Broker } from "../../../src/broker.ts";
import { BrokerConfig } from "../../../src/config/index.ts";
import type { BrokerServices } from "../../../src/handlers/context.ts";
import { memoryLogger, nullLogger } from "../../../src/logging/index.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import type { Partition } from "../../../src/replication/partition.ts";
import type { ReplicaManager } from "../../../src/replication/replica-manager.ts";
import { RpcClient } from "../../../src/rpc/index.ts";
import type { EndOfProcess, Machine } from "../../simulation/machine.ts";
import { World } from "../../simulation/world.ts";

export const PORT = 9092;

export interface BrokerClusterOptions {
  readonly seed?: number;
  /** How many machines there are, n1, n2, …, and one more for clients. */
  readonly count: number;
  /** Settings of every node. */
  readonly config?: Readonly<Record<string, string>>;
}

export class BrokerCluster {
  readonly world: World;
  readonly brokers = new Map<number, Broker>();
  /** By node id; one for each process. */
  readonly loggers = new Map<number, ReturnType<typeof memoryLogger>>();
  /** Shown each node's parts before it joins. */
  onAssembled: ((services: BrokerServices) => void) | null = null;
  readonly #options: BrokerClusterOptions;
  readonly #client: Platform;
  readonly #clients = new Map<string, RpcClient>();
  readonly #replicas = new Map<number, ReplicaManager>();

  constructor(options: BrokerClusterOptions) {
    this.#options = options;
    const names = Array.from({ length: options.count }, (_one, index) => `n${index + 1}`);
    this.world = new World({ seed: options.seed ?? 1, machineNames: [...names, "client"] });
    this.#client = this.world.machine("client").boot();
  }

  get nowMs(): number {
    return this.world.nowMs;
  }

  machine(id: number): Machine {
    return this.world.machine(`n${id}`);
  }

  /** All machines as peers. */
  get peers(): string {
    return Array.from({ length: this.#options.count }, (_one, index) => `n${index + 1}:${PORT}`).join(",");
  }

  /** Boots a machine and starts its node, which the caller awaits with {@link complete}. Peers are all machines unless `config` says otherwise. */
  start(id: number, config: Readonly<Record<string, string>> = {}): Promise<Broker> {
    const platform = this.machine(id).boot();
    const logger = memoryLogger();
    this.loggers.set(id, logger);
    const broker = new Broker(
      {
        config: BrokerConfig.load({
          overrides: {
            "node.id": String(id),
            "log.dirs": "/data",
            listeners: `PLAINTEXT://n${id}:${PORT}`,
            "samsa.log.disk.reserve.bytes": "0",
            "samsa.log.disk.reserve.ratio": "0",
            "samsa.peers": this.peers,
            ...this.#options.config,
            ...config,
          },
        }),
      },
      {
        platform,
        logger,
        observer: {
          quorumJoined: () => {},
          assembled: services => {
            this.#replicas.set(id, services.replicas);
            this.onAssembled?.(services);
          },
        },
      },
    );
    this.brokers.set(id, broker);
    return broker.start().then(() => broker);
  }

  /** Starts all, at once. */
  async startAll(config: Readonly<Record<string, string>> = {}): Promise<Broker[]> {
    const ids = Array.from({ length: this.#options.count }, (_one, index) => index + 1);
    return this.complete(Promise.all(ids.map(id => this.start(id, config))));
  }

  /** A partition as the node hosts it. */
  partitionOf(id: number, topic: string, index = 0): Partition {
    return this.#replicas.get(id)!.get(topic, index)!;
  }

  /** Ends a node's process. */
  end(id: number, how: EndOfProcess = "kill"): void {
    this.machine(id).end(how);
    this.brokers.delete(id);
  }

  async stop(id: number): Promise<void> {
    await this.complete(this.brokers.get(id)!.stop());
    this.end(id);
  }

  complete<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    promise.catch(() => {}); // told by what follows
    return this.world.memory.time.complete(promise, limitMs);
  }

  async until(condition: () => boolean, limitMs = 60_000): Promise<void> {
    await this.world.memory.time.until(condition, limitMs);
  }

  async advance(durationMs: number): Promise<void> {
    await this.world.memory.time.advance(durationMs);
  }

  /** Asks a node as a client does. */
  ask<A extends Api>(
    id: number,
    api: A,
    body: RequestInputOf<A>,
    { port = PORT, versions = {} }: { port?: number; versions?: Partial<VersionRange> } = {},
  ): Promise<ResponseOf<A>> {
    const name = `n${id}:${port}`;
    let client = this.#clients.get(name);
    if (client === undefined) {
      const options = { host: `n${id}`, port, clientId: "test", reconnectBackoffMaxMs: 50 };
      client = new RpcClient(options, { platform: this.#client, logger: nullLogger });
      this.#clients.set(name, client);
    }
    return this.complete(client.request(api, body, { versions }));
  }

  /** Error code of creating a topic by way of a node. */
  async createTopic(id: number, name: string, replicationFactor = 3, partitions = 1): Promise<number> {
    const topic = { name, numPartitions: partitions, replicationFactor, assignments: [], configs: [] };
    const { topics } = await this.ask(id, CreateTopics, { topics: [topic], timeoutMs: 10_000, validateOnly: false });
    return topics[0]!.errorCode;
  }

  async metadata(id: number, topic: string): Promise<ResponseOf<typeof Metadata>> {
    return this.ask(
      id,
      Metadata,
      {
        topics: [{ name: topic, topicId: "AAAAAAAAAAAAAAAAAAAAAA" }],
        allowAutoTopicCreation: false,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      },
      { versions: { max: 12 } },
    );
  }

  /** The quorum as the leader describes it, by way of a node. */
  async quorum(id: number) {
    const topics = [{ topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] }];
    const response = await this.ask(id, DescribeQuorum, { topics });
    return response.topics[0]!.partitions[0]!;
  }

  /** The node whose controller became active last, among those that run. */
  get activeController(): number {
    let found = -1;
    let epoch = -1;
    for (const [id, logger] of this.loggers) {
      if (!this.brokers.has(id)) continue;
      for (const { event, fields } of logger.entries) {
        if (event !== "machine.active" || (fields.epoch as number) <= epoch) continue;
        epoch = fields.epoch as number;
        found = id;
      }
    }
    return found;
  }
}
