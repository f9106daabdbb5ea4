/** A broker of the model: the real replica manager over real logs on a disk that loses what was not synced. */
import { AlterPartition } from "../../../protocol/apis/56-alter-partition.ts";
import { type BrokerConfig, ConfigResourceType } from "../../../src/config/index.ts";
import type { BrokerServices } from "../../../src/handlers/context.ts";
import { FetchSessions } from "../../../src/handlers/fetch/fetch-sessions.ts";
import { defaultLogManagerOptions, LogManager, ReadBuffers } from "../../../src/log/index.ts";
import { nullLogger } from "../../../src/logging/index.ts";
import { resourceKey } from "../../../src/metadata/configs-image.ts";
import type { MetadataListener, MetadataStore } from "../../../src/metadata/metadata-store.ts";
import { Metrics } from "../../../src/metrics/index.ts";
import { createMemoryPlatform, type MemoryWorld, type Survival } from "../../../src/platform/memory.ts";
import type { Platform, Timers } from "../../../src/platform/platform.ts";
import type { Partition } from "../../../src/replication/partition.ts";
import { ReplicaManager } from "../../../src/replication/replica-manager.ts";
import type { ModelController, ModelImage } from "./controller.ts";
import { ModelClient, type NetworkOptions, type Server } from "./network.ts";

export const TOPIC = "orders";
export const TOPIC_ID = "b3JkZXJzLXRvcGljLWlkLQ";

/** Segments of a few batches, so that some are deleted. */
const TOPIC_CONFIG = new Map([
  ["internal.segment.bytes", "1500"],
  ["file.delete.delay.ms", "10"],
]);
/** At times metadata comes later than any follower may lag. */
const LATE_MS = 600;

export interface NodeModules {
  readonly world: MemoryWorld;
  readonly config: BrokerConfig;
  readonly controller: ModelController;
  readonly network: NetworkOptions;
  /** The process of another broker that runs now. */
  readonly serverOf: (id: number) => Server | null;
  readonly onFatal: (error: unknown) => void;
}

/** One run of a broker's process. */
class Process implements Server {
  isAlive = true;
  readonly services: BrokerServices;
  readonly replicas: ReplicaManager;
  readonly logs: LogManager;
  readonly metadata: ModelMetadata;

  constructor(id: number, brokerEpoch: number, platform: Platform, modules: NodeModules) {
    const { config, controller, network, serverOf } = modules;
    const timers = mortalTimers(platform.timers, () => this.isAlive);
    const { random, disk, clock } = platform;
    const common = { timers, clock, random, disk, config, logger: nullLogger, metrics: new Metrics() };
    this.logs = new LogManager(
      {
        ...defaultLogManagerOptions("/data"),
        tailCacheSizeBytes: 1 << 20,
        backgroundFlushMs: 200,
        checkpointIntervalMs: 900,
        highWatermarkCheckpointIntervalMs: 400,
        retentionCheckIntervalMs: 0,
        producerExpirationCheckIntervalMs: 0,
        cleaner: null,
      },
      {
        ...common,
        platform: { ...platform, timers },
        onFatal: error => {
          if (this.isAlive) modules.onFatal(error);
        },
      },
    );
    this.metadata = new ModelMetadata();
    const metadata = this.metadata as unknown as MetadataStore;
    this.replicas = new ReplicaManager(
      { nodeId: id },
      {
        ...common,
        logs: this.logs,
        metadata,
        brokerEpoch: () => brokerEpoch,
        connect: ({ port }) => new ModelClient(id, port, () => serverOf(port), { ...network, timers }),
        channel: {
          // Lost on the way there or back, or late.
          request: (api, body) =>
            new Promise(resolve => {
              const { random: chance, maxDelayMs } = network;
              const again = () => {
                timers.after(chance.float() * maxDelayMs * 4, () => {
                  if ((api as unknown) !== AlterPartition) throw new Error(`${api.name} is not for this controller`);
                  if (chance.float() < network.controllerLossRate) return again();
                  const response = controller.alterPartition(body as never);
                  if (chance.float() < network.controllerLossRate) return again();
                  timers.after(chance.float() * maxDelayMs * 4, () => resolve(response as never));
                });
              };
              again();
            }),
        },
      },
    );
    this.services = {
      ...common,
      nodeId: id,
      replicas: this.replicas,
      metadata,
      logs: this.logs,
      fetchSessions: new FetchSessions({ maxSlots: 10 }, common),
      readBuffers: new ReadBuffers({ limitBytes: 1 << 20 }),
    } as unknown as BrokerServices;
  }

  get partition(): Partition | undefined {
    return this.replicas.get(TOPIC, 0);
  }
}

export class ModelNode {
  readonly id: number;
  readonly #modules: NodeModules;
  readonly #platform: ReturnType<typeof createMemoryPlatform>;
  #process: Process | null = null;
  /** Images on their way here, in order. */
  #news: ModelImage[] = [];
  #isDelivering = false;
  starts = 0;

  constructor(id: number, modules: NodeModules) {
    this.id = id;
    this.#modules = modules;
    const { world, network } = modules;
    const latencies = world.random.fork(`disk ${id}`);
    this.#platform = createMemoryPlatform({
      world,
      host: `node${id}`,
      disk: { latencyMs: operation => (operation === "sync" ? latencies.float() * network.maxDelayMs : 0) },
    });
    this.#platform.disk.makeDirectory("/data");
    this.#platform.disk.syncDirectory("/");
  }

  get server(): Server | null {
    return this.#process;
  }

  get isUp(): boolean {
    return this.#process !== null;
  }

  get partition(): Partition | null {
    return this.#process?.partition ?? null;
  }

  get replicas(): ReplicaManager | null {
    return this.#process?.replicas ?? null;
  }

  /** Starts a process; it registers, hears of everything up to that, and serves. */
  async start(): Promise<void> {
    this.starts += 1;
    const { controller } = this.#modules;
    const epoch = controller.register(this.id);
    const process = new Process(this.id, epoch, this.#platform, this.#modules);
    await process.logs.open();
    process.replicas.start();
    this.#process = process;
    this.#news = [];
    this.#isDelivering = false;
    process.metadata.publish(controller.image);
    process.replicas.registered();
  }

  /** The process is gone, and of what was not synced all but what `survival` leaves. */
  crash(survival: Survival): void {
    if (this.#process === null) return;
    this.#process.isAlive = false;
    this.#process.replicas.stop();
    this.#process = null;
    this.#news = [];
    this.#platform.disk.crash(survival);
  }

  /** The controller has decided something, which arrives here sooner or later. */
  hear(image: ModelImage): void {
    if (this.#process === null) return;
    this.#news.push(image);
    this.#deliver();
  }

  #deliver(): void {
    if (this.#isDelivering || this.#news.length === 0) return;
    this.#isDelivering = true;
    const { network, world } = this.#modules;
    const process = this.#process;
    const delayMs = network.random.chance(0.05) ? LATE_MS : network.random.float() ** 3 * network.maxDelayMs * 10;
    world.time.after(delayMs, () => {
      // News for a process that is gone.
      if (process !== this.#process) return;
      this.#isDelivering = false;
      // At times several changes are applied at once: what was between them is never seen.
      const count = network.random.chance(0.3) ? this.#news.length : 1;
      const image = this.#news.splice(0, count).at(-1);
      if (image !== undefined) process?.metadata.publish(image);
      this.#deliver();
    });
  }
}

/** The metadata as one process knows it. */
class ModelMetadata {
  readonly isCaughtUp = false;
  image = toImage(null);
  readonly #listeners: MetadataListener[] = [];

  subscribe(listener: MetadataListener): () => void {
    this.#listeners.push(listener);
    return () => {};
  }

  publish(news: ModelImage): void {
    const before = this.image;
    this.image = toImage(news);
    const topic = this.image.topics.byId.get(TOPIC_ID)!;
    const change = { topicId: TOPIC_ID, name: TOPIC, before: null, after: topic, partitions: new Set([0]) };
    const delta = { before, topics: new Map([[TOPIC_ID, change]]), configs: new Map(), brokers: new Set([1, 2, 3]) };
    for (const listener of this.#listeners) listener(this.image as never, delta as never);
  }
}

function toImage(news: ModelImage | null) {
  const topic = { id: TOPIC_ID, name: TOPIC, partitions: news === null ? [] : [news.partition] };
  const topics = news === null ? [] : [topic];
  const brokers = [...(news?.brokers.values() ?? [])].map(broker => ({
    ...broker,
    endpoints: [{ name: "PLAINTEXT", host: `node${broker.id}`, port: broker.id, securityProtocol: 0 }],
    rack: null,
  }));
  return {
    topics: {
      byId: new Map(topics.map(found => [found.id, found])),
      byName: new Map(topics.map(found => [found.name, found])),
    },
    cluster: { brokers: new Map(brokers.map(broker => [broker.id, broker])) },
    configs: { resources: new Map([[resourceKey(ConfigResourceType.TOPIC, TOPIC), { values: TOPIC_CONFIG }]]) },
  };
}

/** Timers that do nothing more once the process is dead. */
function mortalTimers(timers: Timers, isAlive: () => boolean): Timers {
  const whileAlive = (callback: () => void) => () => {
    if (isAlive()) callback();
  };
  return {
    after: (delayMs, callback) => timers.after(delayMs, whileAlive(callback)),
    every: (periodMs, callback) => timers.every(periodMs, whileAlive(callback)),
    endOfTick: callback => timers.endOfTick(whileAlive(callback)),
  };
}
