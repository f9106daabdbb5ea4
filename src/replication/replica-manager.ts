/**
 * All partitions that this broker hosts. It follows the metadata: creates and deletes logs, gives partitions their roles, and hands on what
 * changes in topics' configuration.
 *
 * ```ts
 * const replicas = new ReplicaManager({ nodeId }, { logs, metadata, config, clock, timers, logger, metrics });
 * replicas.start(); // from now on it does what the metadata says
 * replicas.registered(); // and leads and follows
 * const partition = replicas.get("orders", 3);
 * ```
 */
import { Errors } from "../../protocol/errors.ts";
import { ConfigResourceType, TopicConfig } from "../config/index.ts";
import { LogCorruptError, logConfigOf, type PartitionLog } from "../log/index.ts";
import { resourceKey } from "../metadata/configs-image.ts";
import type { MetadataDelta } from "../metadata/delta.ts";
import type { MetadataImage } from "../metadata/image.ts";
import {
  type PartitionImage,
  type TopicChange,
  type TopicImage,
  UNASSIGNED_DIRECTORY,
} from "../metadata/topics-image.ts";
import type { Counter } from "../metrics/index.ts";
import { DiskError } from "../platform/platform.ts";
import { existingLog, isElsewhere } from "./assigned-directory.ts";
import { Partition } from "./partition.ts";
import type { TopicCounters } from "./partition-host.ts";
import { Replication, type ReplicationModules } from "./replication.ts";
import type { ReplicationThrottles } from "./replication-throttles.ts";
import { TimerWheel } from "./timer-wheel.ts";
import { allowWriteCaching } from "./write-caching.ts";

export interface ReplicaManagerOptions {
  readonly nodeId: number;
}

export type ReplicaManagerModules = Omit<ReplicationModules, "partitions">;

/** A topic of which at least one partition is hosted here. */
interface HostedTopic {
  readonly id: string;
  readonly name: string;
  readonly counters: TopicCounters;
  /** By partition number; undefined where the partition lives elsewhere. */
  readonly partitions: (Partition | undefined)[];
}

/** Time limits of requests are kept to within so many milliseconds. */
const TIMEOUT_BUCKET_MS = 5;

export class ReplicaManager {
  readonly #nodeId: number;
  readonly #modules: ReplicaManagerModules;
  readonly #byName = new Map<string, HostedTopic>();
  readonly #byId = new Map<string, HostedTopic>();
  /** Time limits of parked requests. */
  readonly timeouts: TimerWheel;
  readonly #unsubscribes: (() => void)[] = [];
  readonly #replication: Replication;
  /** How to end what the metrics say of each partition. */
  #afterWrites: Promise<void> | null = null;
  #isFirst = true;
  #isRegistered = false;
  #isStopped = false;

  constructor(options: ReplicaManagerOptions, modules: ReplicaManagerModules) {
    this.#nodeId = options.nodeId;
    this.#modules = modules;
    this.timeouts = new TimerWheel({ bucketMs: TIMEOUT_BUCKET_MS }, modules);
    this.#replication = new Replication(options, { ...modules, partitions: () => this.partitions() });
  }

  /** Follows the metadata from what it is now. Nothing is served before the first image. */
  start(): void {
    const { metadata, config } = this.#modules;
    this.#unsubscribes.push(
      metadata.subscribe((image, delta) => this.#apply(image, delta)),
      config.subscribe(() => this.#reconfigureAll()),
    );
    if (metadata.isCaughtUp) for (const topic of metadata.image.topics.byId.values()) this.#hostTopic(topic, null);
    this.#replication.start();
  }

  /**
   * This process is registered, and the metadata up to there is applied: partitions get their roles from now on. What the metadata said before was about
   * an earlier process, whose leaderships have ended: a log that lost its unflushed end with that process must not go on in the same epoch.
   */
  registered(): void {
    if (this.#isRegistered || this.#isStopped) return;
    this.#isRegistered = true;
    for (const topic of this.#modules.metadata.image.topics.byId.values()) this.#hostTopic(topic, null);
  }

  /** Lets go of everything that waits. Logs are closed by their manager. */
  stop(): void {
    this.#isStopped = true;
    for (const unsubscribe of this.#unsubscribes.splice(0)) unsubscribe();
    this.#replication.stop();
    for (const partition of this.partitions()) partition.close();
    this.timeouts.close();
  }

  /** A partition hosted here, or undefined; {@link whyNot} then tells what to answer. */
  get(topic: string, partition: number): Partition | undefined {
    return this.#byName.get(topic)?.partitions[partition];
  }

  getById(topicId: string, partition: number): Partition | undefined {
    return this.#byId.get(topicId)?.partitions[partition];
  }

  /** The name of a topic known to the cluster. */
  topicName(topicId: string): string | undefined {
    return this.#byId.get(topicId)?.name ?? this.#modules.metadata.image.topics.byId.get(topicId)?.name;
  }

  /** The error code for a partition that is not hosted here: it lives elsewhere, or nowhere. */
  whyNot(topic: string, partition: number): number {
    return this.#whyNot(this.#modules.metadata.image.topics.byName.get(topic), partition);
  }

  whyNotById(topicId: string, partition: number): number {
    const topic = this.#modules.metadata.image.topics.byId.get(topicId);
    return topic === undefined ? Errors.UNKNOWN_TOPIC_ID : this.#whyNot(topic, partition);
  }

  /** Whether followers hear of a higher watermark at once, for consumers may read from them (KIP-392). */
  get hurriesHighWatermark(): boolean {
    return this.#replication.host.hurriesHighWatermark;
  }

  /** The replica that a consumer in `clientRack` is to read from instead of this leader (KIP-392); -1 for none. */
  preferredReplica(partition: Partition, clientRack: string, fetchOffset: number): number {
    return this.#replication.preferredReplica(partition, clientRack, fetchOffset);
  }

  /** Counts what followers were sent. */
  get sentBytes(): Counter {
    return this.#replication.sentBytes;
  }

  /** What holds back replicas that are being moved (KIP-73). */
  get throttles(): ReplicationThrottles {
    return this.#replication.throttles;
  }

  /** Moves a replica to the log directory `path` of this broker: see `DirectoryMoves.alter`. Returns an error code. */
  alterLogDirectory(topic: string, index: number, path: string): number {
    return this.#replication.moves.alter(topic, index, path, this.get(topic, index), this.whyNot(topic, index));
  }

  /** A log directory failed: its partitions are offline here. Takes effect at the end of the tick. */
  directoryFailed(): void {
    this.#modules.timers.endOfTick(() => {
      if (!this.#isStopped) this.#replication.directoryFailed();
    });
  }

  /** Every partition hosted here. */
  partitions(): readonly Partition[] {
    const hosted: Partition[] = [];
    for (const topic of this.#byId.values()) {
      for (const partition of topic.partitions) if (partition !== undefined) hosted.push(partition);
    }
    return hosted;
  }

  /** Resolves once everything up to and including metadata offset `offset` is applied: partitions it creates can be written. */
  awaitApplied(offset: number): Promise<void> {
    return this.#modules.metadata.waitFor(offset);
  }

  /** Resolves when what was appended in this tick has been handed to the files. */
  afterWrites(): Promise<void> {
    this.#afterWrites ??= new Promise(resolve => {
      // Logs write at the end of the tick too, and asked for that when they were appended to: before this.
      this.#modules.timers.endOfTick(() => {
        this.#afterWrites = null;
        resolve();
      });
    });
    return this.#afterWrites;
  }

  #whyNot(topic: TopicImage | undefined, partition: number): number {
    if (topic?.partitions[partition] === undefined) return Errors.UNKNOWN_TOPIC_OR_PARTITION;
    return topic.partitions[partition].replicas.includes(this.#nodeId)
      ? Errors.KAFKA_STORAGE_ERROR
      : Errors.NOT_LEADER_OR_FOLLOWER;
  }

  #apply(_image: MetadataImage, delta: MetadataDelta): void {
    if (this.#isStopped) return;
    // A name may have been deleted and given away again in one go: the old topic's logs go first.
    for (const change of delta.topics.values()) if (change.after === null) this.#unhostTopic(change);
    for (const change of delta.topics.values())
      if (change.after !== null) this.#hostTopic(change.after, change.partitions);
    for (const brokerId of delta.brokers) this.#replication.brokerChanged(brokerId);
    for (const { type, name } of delta.configs.values()) if (type === ConfigResourceType.TOPIC) this.#reconfigure(name);
    if (this.#isFirst) this.#reportStrays();
    this.#isFirst = false;
  }

  /** Logs of topics that the cluster does not know are left alone: they may be all that is left of something. */
  #reportStrays(): void {
    for (const { topicPartition } of this.#modules.logs.all()) {
      const { topic, topicId, partition } = topicPartition;
      if (this.getById(topicId, partition) === undefined)
        this.#modules.logger.warn("log.stray", { topic, topicId, partition });
    }
  }

  /** Brings what is hosted of a topic in line with `topic`; of all its partitions when `changed` is null. */
  #hostTopic(topic: TopicImage, changed: ReadonlySet<number> | null): void {
    let config: TopicConfig | null = null;
    for (const image of topic.partitions) {
      if (changed !== null && !changed.has(image.partition)) continue;
      const hosted = this.#byId.get(topic.id);
      let partition = hosted?.partitions[image.partition];
      if (!image.replicas.includes(this.#nodeId)) {
        if (partition !== undefined) this.#unhost(partition);
        continue;
      }
      config ??= this.#configOf(topic.name);
      partition ??= this.#create(hosted ?? this.#addTopic(topic), image, config);
      if (partition === undefined) continue;
      const minInSyncReplicas = config.minInsyncReplicas(image.replicas.length);
      this.#replication.throttles.configure(partition, config);
      if (this.#isRegistered) this.#replication.giveRole(partition, image, minInSyncReplicas);
    }
  }

  #addTopic({ id, name }: TopicImage): HostedTopic {
    const { metrics } = this.#modules;
    const topic: HostedTopic = {
      id,
      name,
      partitions: [],
      counters: {
        producedRecords: metrics.counter("samsa_produced_records_total", { topic: name }),
        producedBytes: metrics.counter("samsa_produced_bytes_total", { topic: name }),
        fetchedBytes: metrics.counter("samsa_fetched_bytes_total", { topic: name }),
      },
    };
    this.#byId.set(id, topic);
    this.#byName.set(name, topic);
    return topic;
  }

  #create(topic: HostedTopic, image: PartitionImage, config: TopicConfig): Partition {
    const { partition: index } = image;
    const partition = new Partition(
      { nodeId: this.#nodeId, topic: topic.name, topicId: topic.id, index },
      {
        log: this.#openLog(topic, image, config),
        counters: topic.counters,
        host: this.#replication.host,
      },
    );
    while (topic.partitions.length < index) topic.partitions.push(undefined);
    topic.partitions[index] = partition;
    this.#replication.moves.resume(partition);
    return partition;
  }

  /** Null when the disk will not have it; the partition is then offline here. */
  #openLog(topic: HostedTopic, image: PartitionImage, config: TopicConfig): PartitionLog | null {
    const { logs, logger } = this.#modules;
    const { partition: index } = image;
    const assigned = image.directories[image.replicas.indexOf(this.#nodeId)] ?? UNASSIGNED_DIRECTORY;
    const existing = existingLog({ topic: topic.name, topicId: topic.id, partition: index }, assigned, logs);
    if (existing !== null) {
      if (existing.topicPartition.topicId === topic.id) {
        existing.updateConfig(logConfigOf(config));
        return existing;
      }
      // Left behind by a topic of this name that was deleted while the broker was down.
      this.#deleteLog(topic.name, index);
    }
    try {
      // What was there before this process registered may have a log, wherever that is.
      if (existing === null && isElsewhere(assigned, logs, this.#isRegistered))
        throw new DiskError("EIO", "create", `a log of directory ${assigned}`);
      const wanted = this.#replication.moves.takeWish(topic.name, index) ?? assigned;
      return logs.create(topic.name, topic.id, index, logConfigOf(config), wanted);
    } catch (error) {
      if (!(error instanceof DiskError) && !(error instanceof LogCorruptError)) throw error;
      logger.error("partition.offline", { partition: `${topic.name}-${index}`, error });
      return null;
    }
  }

  #unhostTopic({ topicId, name }: TopicChange): void {
    const topic = this.#byId.get(topicId);
    if (topic === undefined) return;
    for (const partition of topic.partitions) if (partition !== undefined) this.#unhost(partition);
    this.#byId.delete(topicId);
    if (this.#byName.get(name) === topic) this.#byName.delete(name);
  }

  #unhost(partition: Partition): void {
    const { topic, topicId, index } = partition;
    this.#replication.forget(partition);
    partition.close();
    const hosted = this.#byId.get(topicId);
    if (hosted !== undefined) hosted.partitions[index] = undefined;
    if (!partition.isOffline) this.#deleteLog(topic, index);
  }

  #deleteLog(topic: string, index: number): void {
    const { logs, logger } = this.#modules;
    logs.delete(topic, index).catch((error: unknown) => {
      logger.error("partition.delete-failed", { partition: `${topic}-${index}`, error });
    });
  }

  #reconfigure(topicName: string): void {
    const topic = this.#byName.get(topicName);
    if (topic === undefined) return;
    const config = this.#configOf(topicName);
    for (const partition of topic.partitions) {
      if (partition === undefined) continue;
      this.#replication.throttles.configure(partition, config);
      const minInSyncReplicas = config.minInsyncReplicas(partition.replicas.length);
      allowWriteCaching(partition, partition.replicas.length, minInSyncReplicas);
      partition.updateMinInSyncReplicas(minInSyncReplicas);
      if (!partition.isOffline) partition.log.updateConfig(logConfigOf(config));
    }
  }

  /** The broker's own settings are the topics' defaults. */
  #reconfigureAll(): void {
    for (const topic of this.#byName.keys()) this.#reconfigure(topic);
  }

  #configOf(topic: string): TopicConfig {
    const { metadata, config } = this.#modules;
    const resource = metadata.image.configs.resources.get(resourceKey(ConfigResourceType.TOPIC, topic));
    return TopicConfig.resolve(resource?.values ?? NO_OVERRIDES, config);
  }
}

const NO_OVERRIDES: ReadonlyMap<string, string> = new Map();
