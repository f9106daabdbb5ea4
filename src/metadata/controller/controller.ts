/**
 * The controller: decides everything that changes the cluster's metadata, and answers once the change is committed and applied on this broker.
 *
 * ```ts
 * const controller = new Controller(options, { log, config, clock, timers, random, logger, awaitApplied });
 * controller.start();
 * await controller.whenActive();
 * const response = await controller.createTopics(request);
 * ```
 *
 * Requests and responses are the protocol's own. A method rejects with `ApiError` when the whole request fails: NOT_CONTROLLER when this node
 * does not lead the quorum (or ceased to before the commit was seen: the change may then have happened or not), REQUEST_TIMED_OUT,
 * POLICY_VIOLATION. Errors of single topics or resources are in the response.
 */
import type { CreateTopics } from "../../../protocol/apis/19-create-topics.ts";
import type { DeleteTopics } from "../../../protocol/apis/20-delete-topics.ts";
import type { AlterConfigs } from "../../../protocol/apis/33-alter-configs.ts";
import type { CreatePartitions } from "../../../protocol/apis/37-create-partitions.ts";
import type { ElectLeaders } from "../../../protocol/apis/43-elect-leaders.ts";
import type { IncrementalAlterConfigs } from "../../../protocol/apis/44-incremental-alter-configs.ts";
import type { AlterPartitionReassignments } from "../../../protocol/apis/45-alter-partition-reassignments.ts";
import type { ListPartitionReassignments } from "../../../protocol/apis/46-list-partition-reassignments.ts";
import type { AlterPartition } from "../../../protocol/apis/56-alter-partition.ts";
import type { UpdateFeatures } from "../../../protocol/apis/57-update-features.ts";
import type { BrokerRegistration } from "../../../protocol/apis/62-broker-registration.ts";
import type { BrokerHeartbeat } from "../../../protocol/apis/63-broker-heartbeat.ts";
import type { AllocateProducerIds } from "../../../protocol/apis/67-allocate-producer-ids.ts";
import type { ControllerRegistration } from "../../../protocol/apis/70-controller-registration.ts";
import type { AssignReplicasToDirs } from "../../../protocol/apis/73-assign-replicas-to-dirs.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { type RequestOf, type ResponseOf, ZERO_UUID } from "../../../protocol/schema.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { Logger } from "../../logging/logger.ts";
import { MachineRuntime } from "../../machine/runtime.ts";
import type { Metrics } from "../../metrics/metrics.ts";
import type { Clock, Random, Timers } from "../../platform/platform.ts";
import { MAX_BATCH_SIZE_BYTES, type ReplicatedLog } from "../../raft/replicated-log.ts";
import type { Endpoint } from "../cluster-image.ts";
import { type MetadataRecord, metadataRecordCodec } from "../records.ts";
import { randomUuid } from "../storage/ids.ts";
import { alterPartition } from "./alter-partition.ts";
import { BrokerSupervisor } from "./broker-supervisor.ts";
import * as brokers from "./brokers.ts";
import * as configs from "./configs.ts";
import { type Answer, ControllerMachine } from "./controller-machine.ts";
import { ControllerMetrics } from "./controller-metrics.ts";
import type { ControllerState } from "./controller-state.ts";
import * as features from "./features.ts";
import { electLeadersOperation } from "./leader-elections.ts";
import { type Operation, unchanged } from "./operation.ts";
import * as partitions from "./partitions.ts";
import { PeriodicTasks } from "./periodic-tasks.ts";
import * as producerIds from "./producer-ids.ts";
import { alterPartitionReassignments, completeMoves, listPartitionReassignments } from "./reassignments.ts";
import { assignReplicasToDirs } from "./replica-directories.ts";
import { createTopics } from "./topic-creation.ts";
import { deleteTopics } from "./topic-deletion.ts";
import { UNCLEAN_LEADER_ELECTION } from "./topic-settings.ts";
import { YoungMoves } from "./young-moves.ts";

export interface ControllerOptions {
  readonly nodeId: number;
  readonly clusterId: string;
  /** What the first controller writes into an empty metadata log, encoded: features and their levels. */
  readonly bootstrapRecords: readonly Buffer[];
}

export interface ControllerModules {
  readonly log: ReplicatedLog;
  readonly quorumVersion: features.QuorumVersion;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics?: Metrics | undefined;
  /**
   * Resolves once this broker has applied everything up to and including the metadata offset: its image holds it and new partitions have
   * leaders that answer. Responses wait for it, so that a client which got one finds what it asked for.
   */
  readonly awaitApplied: (offset: number) => Promise<void>;
  /** Whether a connection to a broker opens; false only when it is refused, which fences the broker at once. */
  readonly probe?: ((endpoint: Endpoint) => Promise<boolean>) | undefined;
  /** When a broker was last heard of by other means than its heartbeats: the active controller before this one fell silent, and was a broker too. */
  readonly heardMs?: ((brokerId: number) => number | null) | undefined;
  /** Resolves once every live broker has applied everything up to the offset, or after a while. */
  readonly awaitAppliedEverywhere?: ((offset: number) => Promise<void>) | undefined;
}

/** Most requests that wait for their commit. */
const MAX_UNCOMMITTED_REQUESTS = 10_000;

/** A client that gives no time at all is still told how its request went, if that comes soon. */
const MIN_TIMEOUT_MS = 1_000;

/** Where placement begins is chance, so that small topics do not all land on the first brokers. */
const PLACEMENT_STARTS = 65_536;

/** Answers, once all before it is committed, where that ends. */
const readLastOffset: Operation<number> = {
  name: "read-last-offset",
  decide: (_image, { nextOffset }) => unchanged(nextOffset - 1),
};

/** What a broker process knows of itself, see {@link Controller.registerBroker}. */
type RegistrationRequest = RequestOf<typeof BrokerRegistration>;

export class Controller {
  readonly #options: ControllerOptions;
  readonly #modules: ControllerModules;
  readonly #machine: ControllerMachine;
  readonly #runtime: MachineRuntime<ControllerState, Operation<unknown>, Answer<unknown>, MetadataRecord, Buffer>;
  readonly #supervisor: BrokerSupervisor;
  readonly #tasks: PeriodicTasks;
  readonly #youngMoves: YoungMoves;

  constructor(options: ControllerOptions, modules: ControllerModules) {
    this.#options = options;
    this.#modules = modules;
    this.#machine = new ControllerMachine(options.bootstrapRecords.map(metadataRecordCodec.decode), modules.config);
    this.#runtime = new MachineRuntime(
      {
        name: "controller",
        notLeaderErrorCode: Errors.NOT_CONTROLLER,
        maxUncommittedRequests: MAX_UNCOMMITTED_REQUESTS,
        maxBatchSizeBytes: MAX_BATCH_SIZE_BYTES,
      },
      { ...modules, machine: this.#machine, codec: metadataRecordCodec, log: modules.log },
    );
    this.#supervisor = new BrokerSupervisor(options, {
      ...modules,
      image: () => this.#runtime.state.image,
      isActive: () => this.#runtime.isActive,
      run: operation => this.#commit(operation),
    });
    const isActive = () => this.#runtime.isActive;
    this.#tasks = new PeriodicTasks({
      ...modules,
      isActive,
      electLeaderless: () => this.#supervisor.electLeaderless(),
      run: operation => this.#commit(operation),
    });
    this.#machine.observe(this.#tasks);
    this.#youngMoves = new YoungMoves({ ...modules, onAged: () => this.#completeMoves() });
    this.#machine.onLoaded(() => {
      this.#supervisor.activate();
      this.#tasks.start();
      this.#youngMoves.clear();
      this.#completeMoves();
    });
    if (modules.metrics !== undefined) {
      const view = () => (isActive() ? this.#runtime.state : null);
      this.#machine.observe(new ControllerMetrics({ metrics: modules.metrics, config: modules.config, view }));
    }
  }

  /** True while this node is the active controller and has all that was committed before. */
  get isActive(): boolean {
    return this.#runtime.isActive;
  }

  /** Node id of the active controller as far as this node knows; -1 when it knows none. */
  get leaderId(): number {
    return this.#modules.log.leaderAndEpoch.leaderId;
  }

  /** Calls `listener` each time that this node has become the active controller. Returns the end of it. */
  onActive(listener: () => void): () => void {
    return this.#machine.onLoaded(listener);
  }

  /** Begins to follow the metadata log. */
  start(): void {
    this.#runtime.start();
  }

  /** Resolves when this node leads and this broker has applied all there was, bootstrap records included. */
  async whenActive(): Promise<void> {
    await this.#machine.whenLoaded;
    await this.#awaitAllApplied();
  }

  /** Stops; requests that wait are rejected with NOT_CONTROLLER. */
  stop(): void {
    this.#tasks.stop();
    this.#youngMoves.clear();
    this.#supervisor.deactivate();
    this.#runtime.stop();
  }

  async createTopics(request: RequestOf<typeof CreateTopics>): Promise<ResponseOf<typeof CreateTopics>> {
    const chance = {
      topicIds: request.topics.map(() => randomUuid(this.#modules.random)),
      start: this.#placementStart(),
    };
    const response = await this.#run(createTopics(request, chance, this.#modules), request.timeoutMs);
    if (request.validateOnly) return response;
    for (const { name, topicId, errorCode, numPartitions, replicationFactor } of response.topics) {
      if (errorCode !== Errors.NONE) continue;
      this.#modules.logger.info("topic.created", {
        topic: name,
        topicId,
        partitions: numPartitions,
        replicationFactor,
      });
    }
    return response;
  }

  async deleteTopics(request: RequestOf<typeof DeleteTopics>): Promise<ResponseOf<typeof DeleteTopics>> {
    const byName = request.topicNames.map(name => ({ name, topicId: ZERO_UUID }));
    const responses = await this.#run(deleteTopics([...request.topics, ...byName], this.#modules), request.timeoutMs);
    for (const { name, topicId, errorCode } of responses) {
      if (errorCode === Errors.NONE) this.#modules.logger.info("topic.deleted", { topic: name, topicId });
    }
    return { throttleTimeMs: 0, responses };
  }

  createPartitions(request: RequestOf<typeof CreatePartitions>): Promise<ResponseOf<typeof CreatePartitions>> {
    return this.#run(partitions.createPartitions(request, this.#placementStart(), this.#modules), request.timeoutMs);
  }

  electLeaders(request: RequestOf<typeof ElectLeaders>): Promise<ResponseOf<typeof ElectLeaders>> {
    return this.#run(electLeadersOperation(request, this.#modules), request.timeoutMs);
  }

  async incrementalAlterConfigs(
    request: RequestOf<typeof IncrementalAlterConfigs>,
  ): Promise<ResponseOf<typeof IncrementalAlterConfigs>> {
    const response = await this.#run(configs.incrementalAlterConfigs(request, this.#modules));
    this.#configsAltered(request.resources);
    return response;
  }

  async alterConfigs(request: RequestOf<typeof AlterConfigs>): Promise<ResponseOf<typeof AlterConfigs>> {
    const response = await this.#run(configs.alterConfigs(request, this.#modules));
    this.#configsAltered(request.resources);
    return response;
  }

  /** Rejects when an update is refused; nothing is changed then. v0 of the API says `allowDowngrade` in place of a type. */
  updateFeatures(request: RequestOf<typeof UpdateFeatures>, apiVersion: number): Promise<void> {
    const run = <R>(operation: Operation<R>) => this.#run(operation);
    const updated = features.updateFeatures(request, apiVersion === 0, { ...this.#modules, run });
    return this.#within(request.timeoutMs, updated);
  }

  async allocateProducerIds(
    request: RequestOf<typeof AllocateProducerIds>,
  ): Promise<ResponseOf<typeof AllocateProducerIds>> {
    return (await this.#commit(producerIds.allocateProducerIds(request))).response;
  }

  async registerController(
    request: RequestOf<typeof ControllerRegistration>,
  ): Promise<ResponseOf<typeof ControllerRegistration>> {
    return (await this.#commit(brokers.registerController(request))).response;
  }

  /**
   * Registers a broker; it stays fenced. What another process of the same id led before is led by nobody, or by somebody else, from then on.
   */
  async registerBroker(request: RegistrationRequest): Promise<ResponseOf<typeof BrokerRegistration>> {
    return this.#supervisor.register(request);
  }

  /** Takes a broker's heartbeat: it may be unfenced by it, fenced, or told that it can stop. This node's own broker has then applied that. */
  async brokerHeartbeat(request: RequestOf<typeof BrokerHeartbeat>): Promise<ResponseOf<typeof BrokerHeartbeat>> {
    const response = await this.#supervisor.heartbeat(request);
    if (request.brokerId === this.#options.nodeId) await this.#awaitAllApplied();
    return response;
  }

  /** A leader says who is in sync. Answers once that is committed; whether this broker has applied it by then is open. */
  async alterPartition(request: RequestOf<typeof AlterPartition>): Promise<ResponseOf<typeof AlterPartition>> {
    return (await this.#commit(alterPartition(request, this.#moveModules))).response;
  }

  /** Begins to move replicas, or takes that back. Answers once that is committed; the move itself takes its time. */
  async alterPartitionReassignments(
    request: RequestOf<typeof AlterPartitionReassignments>,
  ): Promise<ResponseOf<typeof AlterPartitionReassignments>> {
    const { byName } = this.#runtime.state.image.topics;
    for (const { name, partitions } of request.topics) {
      const topicId = byName.get(name)?.id;
      if (topicId === undefined) continue;
      for (const { partitionIndex } of partitions) this.#youngMoves.begin(topicId, partitionIndex);
    }
    const committed = this.#commit(alterPartitionReassignments(request, this.#modules));
    return (await this.#within(request.timeoutMs, committed)).response;
  }

  async listPartitionReassignments(
    request: RequestOf<typeof ListPartitionReassignments>,
  ): Promise<ResponseOf<typeof ListPartitionReassignments>> {
    const committed = this.#commit(listPartitionReassignments(request));
    return (await this.#within(request.timeoutMs, committed)).response;
  }

  /** A broker tells in which directories its replicas are. Answers once that is committed. */
  async assignReplicasToDirs(
    request: RequestOf<typeof AssignReplicasToDirs>,
  ): Promise<ResponseOf<typeof AssignReplicasToDirs>> {
    return (await this.#commit(assignReplicasToDirs(request, this.#modules))).response;
  }

  /** The broker speaks over a connection that said what software it is. */
  brokerSpeaks(brokerId: number, softwareName: string): void {
    this.#supervisor.speaks(brokerId, softwareName);
  }

  /** Something hints that a broker has died, as its connection's end does: the active controller tries its port, and fences it when that refuses. */
  suspect(brokerId: number, why: string): void {
    this.#supervisor.suspect(brokerId, why);
  }

  /** Lets a registered broker lead, and elects it where it is waited for. Resolves once this broker has applied it. */
  async unfenceBroker(brokerId: number, brokerEpoch: number): Promise<void> {
    await this.#supervisor.unfence(brokerId, brokerEpoch);
    await this.#awaitAllApplied();
  }

  /** The broker is about to stop: its leaderships go elsewhere, or wait for it, and it is fenced. */
  async shutDownBroker(brokerId: number, brokerEpoch: number): Promise<void> {
    await this.#supervisor.shutDown(brokerId, brokerEpoch);
    await this.#awaitAllApplied();
  }

  /** Forgets a broker that is gone for good. Rejects for one that is not registered, or runs. */
  async unregisterBroker(brokerId: number): Promise<void> {
    await this.#supervisor.unregister(brokerId);
    await this.#awaitAllApplied();
  }

  /** Decides, waits for the commit, and then for this broker to have applied it. */
  async #run<R>(operation: Operation<R>, timeoutMs?: number): Promise<R> {
    const answered = this.#answer(operation);
    return timeoutMs === undefined ? answered : this.#within(timeoutMs, answered);
  }

  /** Decides, and waits for the commit only. */
  async #commit<R>(operation: Operation<R>): Promise<{ response: R; endOffset: number }> {
    const { response, lastOffset } = (await this.#runtime.submit(operation)) as Answer<R>;
    return { response, endOffset: lastOffset + 1 };
  }

  get #moveModules() {
    const isYoungMove = (topicId: string, partition: number) => this.#youngMoves.isYoung(topicId, partition);
    return { config: this.#modules.config, isYoungMove };
  }

  /** Where it fails another controller does it. */
  #completeMoves(): void {
    if (!this.#runtime.isActive || this.#runtime.state.index.reassigning.size === 0) return;
    this.#commit(completeMoves(this.#moveModules)).then(
      ({ response }) => (response.isLast ? undefined : this.#completeMoves()),
      error => this.#modules.logger.warn("controller.task-failed", { task: "complete-moves", error }),
    );
  }

  async #awaitAllApplied(): Promise<void> {
    await this.#modules.awaitApplied(await this.#run(readLastOffset));
  }

  async #answer<R>(operation: Operation<R>): Promise<R> {
    const { response, lastOffset } = (await this.#runtime.submit(operation)) as Answer<R>;
    if (lastOffset >= 0) {
      await this.#modules.awaitApplied(lastOffset);
      // The client may turn to any broker next.
      await this.#modules.awaitAppliedEverywhere?.(lastOffset);
    }
    return response;
  }

  #within<R>(timeoutMs: number, answered: Promise<R>): Promise<R> {
    return new Promise((resolve, reject) => {
      const timer = this.#modules.timers.after(Math.max(timeoutMs, MIN_TIMEOUT_MS), () =>
        reject(new ApiError(Errors.REQUEST_TIMED_OUT, "The change was not committed in time; it may yet be.")),
      );
      answered.then(resolve, reject).finally(() => timer.clear());
    });
  }

  /** A topic that allows unclean elections from now on does not wait for the next look. */
  #configsAltered(resources: readonly { readonly configs: readonly { readonly name: string }[] }[]): void {
    const isConcerned = resources.some(({ configs }) => configs.some(({ name }) => name === UNCLEAN_LEADER_ELECTION));
    if (isConcerned) this.#tasks.electNow();
  }

  #placementStart(): number {
    return this.#modules.random.integer(PLACEMENT_STARTS);
  }
}
