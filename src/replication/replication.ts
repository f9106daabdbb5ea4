/**
 * What a broker's partitions share to replicate: the fetchers of what it follows, its proposals of ISRs, the watch over followers that lag, and what
 * the controller is told of log directories.
 */
import type { BrokerConfig } from "../config/index.ts";
import type { LogDirectory, LogManager } from "../log/index.ts";
import type { Logger } from "../logging/index.ts";
import type { ControllerChannel } from "../metadata/controller-channel.ts";
import { MetadataVersion, metadataVersionOf } from "../metadata/features.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import { LOST_DIRECTORY, type PartitionImage } from "../metadata/topics-image.ts";
import type { Counter, Metrics } from "../metrics/index.ts";
import type { Clock, Timer, Timers } from "../platform/platform.ts";
import type { RpcClient } from "../rpc/index.ts";
import { isAssigned } from "./assigned-directory.ts";
import { DirectoryAssignments } from "./directory-assignments.ts";
import { DirectoryMoves } from "./directory-moves.ts";
import { type BrokerAddress, Fetchers } from "./fetcher/fetchers.ts";
import { IsrProposals } from "./isr-proposals.ts";
import type { Partition } from "./partition.ts";
import type { HostedPartition, PartitionHost } from "./partition-host.ts";
import { RACK_AWARE_SELECTOR, selectByRack } from "./replica-selector.ts";
import { measureReplication } from "./replication-metrics.ts";
import { ReplicationThrottles } from "./replication-throttles.ts";
import { allowWriteCaching } from "./write-caching.ts";

export interface ReplicationOptions {
  readonly nodeId: number;
}

export interface ReplicationModules {
  readonly logs: LogManager;
  readonly metadata: MetadataStore;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** To the controller, for changes of ISRs and what is in which log directory. */
  readonly channel: Pick<ControllerChannel, "request">;
  /** The epoch of this broker's process; -1 while it is not registered. */
  readonly brokerEpoch: () => number;
  /** Makes a client for another broker; it connects when first used. */
  readonly connect: (address: BrokerAddress) => Pick<RpcClient, "request" | "close">;
  /** All partitions hosted here. */
  readonly partitions: () => Iterable<Partition>;
}

export class Replication {
  readonly host: PartitionHost;
  readonly sentBytes: Counter;
  /** Replicas that move between this broker's log directories. */
  readonly moves: DirectoryMoves;
  readonly #nodeId: number;
  readonly #modules: ReplicationModules;
  readonly #fetchers: Fetchers;
  readonly #proposals: IsrProposals;
  readonly #assignments: DirectoryAssignments;
  readonly #throttles: ReplicationThrottles;
  /** Partitions led here with parked fetches of followers that are to hear of this tick's appends. */
  readonly #untold: HostedPartition[] = [];
  #lagTimer: Timer | null = null;

  constructor({ nodeId }: ReplicationOptions, modules: ReplicationModules) {
    this.#nodeId = nodeId;
    this.#modules = modules;
    const { config, logs, metadata, metrics, clock } = modules;
    this.#throttles = new ReplicationThrottles({ nodeId }, modules);
    this.#fetchers = new Fetchers(
      () => ({
        nodeId,
        partitionMaxBytes: config.get("replica.fetch.max.bytes"),
        maxBytes: config.get("replica.fetch.response.max.bytes"),
        minBytes: config.get("replica.fetch.min.bytes"),
        maxWaitMs: config.get("replica.fetch.wait.max.ms"),
        backoffMs: config.get("replica.fetch.backoff.ms"),
        requestTimeoutMs: config.get("replica.socket.timeout.ms"),
      }),
      {
        ...modules,
        flush: log => logs.flush(log),
        addressOf: brokerId => this.#addressOf(brokerId),
        fetchedBytes: metrics.counter("samsa_replica_received_bytes_total"),
        throttles: this.#throttles,
      },
    );
    const toController = { nodeId, requestTimeoutMs: config.get("controller.socket.timeout.ms") };
    this.#proposals = new IsrProposals(toController, modules);
    this.#assignments = new DirectoryAssignments(toController, modules);
    this.sentBytes = metrics.counter("samsa_replica_fetched_bytes_total");
    this.moves = new DirectoryMoves({
      ...modules,
      tellDirectory: partition => this.#tellDirectory(partition, this.#imageOf(partition)),
      isAgreed: (partition, directory) => this.#isAgreed(partition, directory),
    });
    const shrinks = metrics.counter("samsa_isr_shrinks_total");
    const expands = metrics.counter("samsa_isr_expands_total");
    this.host = {
      clock,
      // Nobody waits for the disk where memory is enough: the background flush is.
      requestFlush: log => {
        if (!log.isWriteCached) logs.flushScheduler.request(log);
      },
      brokerOf: brokerId => metadata.image.cluster.brokers.get(brokerId),
      lagTimeMaxMs: () => config.get("replica.lag.time.max.ms"),
      brokerEpoch: modules.brokerEpoch,
      proposeIsr: (partition, proposal, answered) => this.#proposals.propose(partition, proposal, answered),
      tellFollowersLater: partition => this.#tellLater(partition),
      isrChanged: ({ topic, index, isr }, before) => {
        if (isr.length === before.length) return;
        const isShrunk = isr.length < before.length;
        (isShrunk ? shrinks : expands).increment();
        modules.logger.info(isShrunk ? "isr.shrunk" : "isr.expanded", { partition: `${topic}-${index}`, before, isr });
      },
      hurriesHighWatermark: config.get("replica.selector.class") === RACK_AWARE_SELECTOR,
    };
    measureReplication(modules.partitions, metrics);
  }

  start(): void {
    this.#watchLag();
  }

  stop(): void {
    this.#lagTimer?.clear();
    this.moves.close();
    this.#proposals.close();
    this.#assignments.close();
    this.#fetchers.close();
  }

  /** What holds back replicas that are being moved. */
  get throttles(): ReplicationThrottles {
    return this.#throttles;
  }

  /** Gives `partition` the role that the metadata has for it, and fetches it, or no longer, as that demands. */
  giveRole(partition: Partition, image: PartitionImage, minInSyncReplicas: number): void {
    this.#tellDirectory(partition, image);
    this.moves.wake(partition);
    allowWriteCaching(partition, image.replicas.length, minInSyncReplicas);
    if (image.leader === this.#nodeId) {
      this.#fetchers.unfollow(partition);
      partition.becomeLeader(image, minInSyncReplicas);
      return;
    }
    const { follower } = partition;
    partition.becomeFollower(image);
    if (partition.follower !== follower) this.#fetchers.follow(partition);
  }

  /** The partition leaves this broker. */
  forget(partition: Partition): void {
    this.#fetchers.unfollow(partition);
    this.#assignments.forget(partition.topicId, partition.index);
    this.#throttles.forget(partition);
    this.moves.forget(partition);
  }

  /** A log directory failed: nothing of it is fetched any more, and nobody waits for it. */
  directoryFailed(): void {
    this.moves.directoryFailed();
    for (const partition of this.#modules.partitions()) {
      if (!partition.isOffline) continue;
      this.forget(partition);
      partition.goOffline();
    }
  }

  /** The registration of a broker changed. */
  brokerChanged(brokerId: number): void {
    this.#fetchers.brokerChanged(brokerId);
    // One that was fenced will not join any ISR soon.
    for (const partition of this.#modules.partitions())
      if (partition.isLeader && partition.replicas.includes(brokerId)) partition.checkFollowers();
  }

  /** The replica that a consumer in `clientRack` is to read from instead of this leader (KIP-392); -1 for none. */
  preferredReplica(partition: Partition, clientRack: string, fetchOffset: number): number {
    const { leader } = partition;
    if (leader === null || clientRack === "" || !this.host.hurriesHighWatermark) return -1;
    const { brokers } = this.#modules.metadata.image.cluster;
    const followers = leader.inSyncWith(fetchOffset).filter(({ id }) => brokers.get(id)?.fenced === false);
    const readable = followers.map(({ id, endOffset }) => ({ id, endOffset, rack: brokers.get(id)?.rack ?? null }));
    return selectByRack(clientRack, brokers.get(this.#nodeId)?.rack ?? null, readable) ?? -1;
  }

  /** One that is about to move is told to be in its new directory: that comes first (KIP-858). */
  #tellDirectory(partition: Partition, image: PartitionImage | undefined): void {
    const { directories } = this.#modules.logs;
    if (image === undefined) return;
    const known = image.directories[image.replicas.indexOf(this.#nodeId)];
    if (partition.isOffline) {
      // Nobody else can know that it is in the directory that is offline, and would have it lead.
      const isLost = !isAssigned(known) && directories.some(({ offline }) => offline);
      if (isLost) this.#assignments.noted(partition.topicId, partition.index, LOST_DIRECTORY, known);
      return;
    }
    // The only directory goes without saying, unless another one was told of.
    if (directories.length < 2 && !isAssigned(known)) return;
    const actual = this.moves.announcedTo(partition) ?? directories.find(({ logs }) => logs.has(partition.log));
    this.#assignments.noted(partition.topicId, partition.index, actual?.id ?? null, known);
  }

  /** Whether the metadata has the replica in `directory`, or keeps no directories of replicas. */
  #isAgreed(partition: Partition, directory: LogDirectory): boolean {
    const level = metadataVersionOf(this.#modules.metadata.image);
    if (directory.id === null || level < MetadataVersion.DIRECTORY_ASSIGNMENT) return true;
    const image = this.#imageOf(partition);
    return image?.directories[image.replicas.indexOf(this.#nodeId)] === directory.id;
  }

  #imageOf({ topicId, index }: Partition): PartitionImage | undefined {
    return this.#modules.metadata.image.topics.byId.get(topicId)?.partitions[index];
  }

  /** Where a broker listens for brokers. */
  #addressOf(brokerId: number): BrokerAddress | null {
    const { metadata, config } = this.#modules;
    const name = config.interBrokerListenerName;
    const endpoint = metadata.image.cluster.brokers.get(brokerId)?.endpoints.find(other => other.name === name);
    return endpoint === undefined ? null : { host: endpoint.host, port: endpoint.port };
  }

  #tellLater(partition: HostedPartition): void {
    if (this.#untold.push(partition) > 1) return;
    // Logs write at the end of the tick too, and were asked for that before: what followers get then is in the file.
    this.#modules.timers.endOfTick(() => {
      for (const told of this.#untold.splice(0)) told.tellFollowers();
    });
  }

  /** Looks for followers that do not keep up, twice in the time that they are given. */
  #watchLag(): void {
    const { timers, config, partitions } = this.#modules;
    this.#lagTimer = timers.after(config.get("replica.lag.time.max.ms") / 2, () => {
      for (const partition of partitions()) partition.checkFollowers();
      this.#watchLag();
    });
  }
}
