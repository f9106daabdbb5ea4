/** A controller over a log in memory, with brokers to place partitions on. */
import type { CreateTopics } from "../../../protocol/apis/19-create-topics.ts";
import type { AlterPartition } from "../../../protocol/apis/56-alter-partition.ts";
import type { BrokerRegistration } from "../../../protocol/apis/62-broker-registration.ts";
import type { BrokerHeartbeat } from "../../../protocol/apis/63-broker-heartbeat.ts";
import type { RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import { BrokerConfig } from "../../../src/config/index.ts";
import { memoryLogger } from "../../../src/logging/index.ts";
import { Controller, type ControllerModules } from "../../../src/metadata/controller/controller.ts";
import { supportedFeatures } from "../../../src/metadata/features.ts";
import type { MetadataImage } from "../../../src/metadata/image.ts";
import { MetadataStore } from "../../../src/metadata/metadata-store.ts";
import { ProducerIdSupply } from "../../../src/metadata/producer-id-supply.ts";
import { initialBootstrapRecords } from "../../../src/metadata/storage/bootstrap.ts";
import type { PartitionImage } from "../../../src/metadata/topics-image.ts";
import { Metrics } from "../../../src/metrics/index.ts";
import { SeededRandom } from "../../../src/platform/memory-random.ts";
import { SimulatedTime } from "../../../src/platform/memory-time.ts";
import { MemoryLog } from "./memory-log.ts";
import { MemoryQuorumVersion } from "./memory-quorum-version.ts";

export const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";

export interface FixtureOptions {
  /** Brokers to register and unfence; 1 by default. */
  readonly brokerIds?: readonly number[];
  readonly config?: Readonly<Record<string, string>>;
  readonly seed?: number;
  readonly probe?: ControllerModules["probe"];
  readonly awaitAppliedEverywhere?: ControllerModules["awaitAppliedEverywhere"];
}

export class ControllerFixture {
  readonly time = new SimulatedTime();
  readonly log = new MemoryLog(this.time);
  readonly quorumVersion = new MemoryQuorumVersion();
  readonly logger = memoryLogger();
  readonly metrics = new Metrics();
  readonly config: BrokerConfig;
  readonly store: MetadataStore;
  readonly controller: Controller;
  /** Producer ids for the clients of broker 1. */
  readonly producerIds = new ProducerIdSupply(() => this.#producerIdBlock());
  readonly #options: FixtureOptions;

  constructor(options: FixtureOptions = {}) {
    this.#options = options;
    // The brokers of tests send no heartbeats unless that is what they test, and nothing is written while time passes.
    const quiet = { "broker.session.timeout.ms": "9000", "metadata.max.idle.interval.ms": "0" };
    const overrides = { "node.id": "1", ...quiet, ...options.config };
    this.config = BrokerConfig.load({ overrides });
    this.store = new MetadataStore({ log: this.log, logger: this.logger });
    this.controller = new Controller(
      { nodeId: 1, clusterId: CLUSTER_ID, bootstrapRecords: initialBootstrapRecords() },
      {
        log: this.log,
        quorumVersion: this.quorumVersion,
        config: this.config,
        clock: this.time,
        timers: this.time,
        random: new SeededRandom(options.seed ?? 1),
        logger: this.logger,
        metrics: this.metrics,
        probe: options.probe,
        awaitAppliedEverywhere: options.awaitAppliedEverywhere,
        awaitApplied: offset => this.store.waitFor(offset),
      },
    );
  }

  /** Starts store and controller, and registers the brokers. */
  static async start(options: FixtureOptions = {}): Promise<ControllerFixture> {
    const fixture = new ControllerFixture(options);
    fixture.store.start();
    fixture.controller.start();
    await fixture.complete(fixture.controller.whenActive());
    for (const id of options.brokerIds ?? [1]) await fixture.addBroker(id);
    return fixture;
  }

  get image(): MetadataImage {
    return this.store.image;
  }

  get options(): FixtureOptions {
    return this.#options;
  }

  /** Lets time pass until `promise` settles. */
  complete<T>(promise: Promise<T>): Promise<T> {
    return this.time.complete(promise);
  }

  async #producerIdBlock(): Promise<{ first: number; count: number }> {
    const brokerEpoch = this.image.cluster.brokers.get(1)?.epoch ?? -1;
    const block = await this.controller.allocateProducerIds({ brokerId: 1, brokerEpoch });
    return { first: block.producerIdStart, count: block.producerIdLen };
  }

  async register(id: number, changes: Partial<RequestOf<typeof BrokerRegistration>> = {}): Promise<number> {
    const { brokerEpoch } = await this.complete(this.controller.registerBroker({ ...registration(id), ...changes }));
    return brokerEpoch;
  }

  async addBroker(id: number, changes: Partial<RequestOf<typeof BrokerRegistration>> = {}): Promise<number> {
    const epoch = await this.register(id, changes);
    await this.complete(this.controller.unfenceBroker(id, epoch));
    return epoch;
  }
}

/** A 22-letter id that stands for a number. */
export function uuidOf(number: number): string {
  const bytes = Buffer.alloc(16, 0x40);
  bytes.writeUInt32BE(number, 12);
  return bytes.toString("base64url");
}

export function registration(id: number): RequestOf<typeof BrokerRegistration> {
  return {
    brokerId: id,
    clusterId: CLUSTER_ID,
    incarnationId: uuidOf(1000 + id),
    listeners: [{ name: "PLAINTEXT", host: `broker-${id}`, port: 9092, securityProtocol: 0 }],
    features: [...supportedFeatures],
    rack: null,
    isMigratingZkBroker: false,
    logDirs: [uuidOf(2000 + id)],
    previousBrokerEpoch: -1,
  };
}

type CreatableTopic = RequestOf<typeof CreateTopics>["topics"][number];

/** A topic of a CreateTopics request: one partition, one replica, unless `changes` says otherwise. */
export function newTopic(name: string, changes: Partial<CreatableTopic> = {}): CreatableTopic {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...changes };
}

/** Creates one topic, which must succeed; gives its id. */
export async function createTopic(
  fixture: ControllerFixture,
  name: string,
  changes: Partial<CreatableTopic> = {},
): Promise<string> {
  const request = { topics: [newTopic(name, changes)], timeoutMs: 1000, validateOnly: false };
  const { topics } = await fixture.complete(fixture.controller.createTopics(request));
  if (topics[0]?.errorCode !== 0) throw new Error(`${name}: ${topics[0]?.errorMessage}`);
  return topics[0].topicId;
}

/** `broker.session.timeout.ms`, unless configured otherwise. */
export const SESSION_TIMEOUT_MS = 9_000;

/** A broker's heartbeat: it has applied all there is, unless `changes` say otherwise. */
export function beat(
  fixture: ControllerFixture,
  brokerId: number,
  brokerEpoch: number,
  changes: Partial<RequestOf<typeof BrokerHeartbeat>> = {},
): Promise<ResponseOf<typeof BrokerHeartbeat>> {
  const request = {
    brokerId,
    brokerEpoch,
    currentMetadataOffset: fixture.image.offset,
    wantFence: false,
    wantShutDown: false,
    offlineLogDirs: [],
    cordonedLogDirs: null,
    ...changes,
  };
  return fixture.complete(fixture.controller.brokerHeartbeat(request));
}

/** Every leader finds `brokerId` in sync, where it has a replica, and says so. */
export async function joinIsrs(fixture: ControllerFixture, brokerId: number): Promise<void> {
  const { topics, cluster } = fixture.image;
  for (const topic of topics.byId.values()) {
    for (const partition of topic.partitions) {
      const { leader, isr, replicas } = partition;
      if (leader < 0 || isr.includes(brokerId) || !replicas.includes(brokerId)) continue;
      await alterIsr(
        fixture,
        topic.id,
        partition,
        [...isr, brokerId].map(id => [id, cluster.brokers.get(id)!.epoch]),
      );
    }
  }
}

/** The leader of a partition proposes an ISR of brokers with their epochs; gives the answer for the partition. */
export async function alterIsr(
  fixture: ControllerFixture,
  topicId: string,
  partition: PartitionImage,
  isr: readonly (readonly [brokerId: number, brokerEpoch: number])[],
  changes: Partial<ProposedPartition> = {},
): Promise<AlteredPartition> {
  const brokerEpoch = fixture.image.cluster.brokers.get(partition.leader)?.epoch ?? -1;
  const proposed: ProposedPartition = {
    partitionIndex: partition.partition,
    leaderEpoch: partition.leaderEpoch,
    newIsr: [],
    newIsrWithEpochs: isr.map(([id, epoch]) => ({ brokerId: id, brokerEpoch: epoch })),
    leaderRecoveryState: partition.leaderRecoveryState,
    partitionEpoch: partition.partitionEpoch,
    ...changes,
  };
  const request = { brokerId: partition.leader, brokerEpoch, topics: [{ topicId, partitions: [proposed] }] };
  const { topics } = await fixture.complete(fixture.controller.alterPartition(request));
  return topics[0]!.partitions[0]!;
}

type ProposedPartition = RequestOf<typeof AlterPartition>["topics"][number]["partitions"][number];
type AlteredPartition = ResponseOf<typeof AlterPartition>["topics"][number]["partitions"][number];
