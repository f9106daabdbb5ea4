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
import type { UpdateFeatures } from "../../../protocol/apis/57-update-features.ts";
import type { BrokerRegistration } from "../../../protocol/apis/62-broker-registration.ts";
import type { BrokerHeartbeat } from "../../../protocol/apis/63-broker-heartbeat.ts";
import type { AllocateProducerIds } from "../../../protocol/apis/67-allocate-producer-ids.ts";
import type { ControllerRegistration } from "../../../protocol/apis/70-controller-registration.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { type RequestOf, type ResponseOf, ZERO_UUID } from "../../../protocol/schema.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { Logger } from "../../logging/logger.ts";
import { MachineRuntime } from "../../machine/runtime.ts";
import type { Clock, Random, Timers } from "../../platform/platform.ts";
import type { Voter } from "../../raft/quorum-history.ts";
import { MAX_BATCH_SIZE_BYTES, type ReplicatedLog } from "../../raft/replicated-log.ts";
import { type MetadataRecord, metadataRecordCodec } from "../records.ts";
import { randomUuid } from "../storage/ids.ts";
import { unregisterStep } from "./broker-removal.ts";
import * as brokers from "./brokers.ts";
import * as configs from "./configs.ts";
import { type Answer, ControllerMachine } from "./controller-machine.ts";
import type { ControllerState } from "./controller-state.ts";
import * as features from "./features.ts";
import { electLeadersOperation } from "./leader-elections.ts";
import { type Operation, unchanged } from "./operation.ts";
import * as partitions from "./partitions.ts";
import * as producerIds from "./producer-ids.ts";
import { createTopics } from "./topic-creation.ts";
import { deleteTopics } from "./topic-deletion.ts";

export interface ControllerOptions {
  readonly nodeId: number;
  readonly clusterId: string;
  /** What the first controller writes into an empty metadata log, encoded: features and their levels. */
  readonly bootstrapRecords: readonly Buffer[];
}

/** The log, and what it knows of its voters; null or nothing where voters are configured rather than logged (KIP-853). */
export type ControllerLog = ReplicatedLog & { readonly voters?: readonly Voter[] | null };

export interface ControllerModules {
  readonly log: ControllerLog;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /**
   * Resolves once this broker has applied everything up to and including the metadata offset: its image holds it and new partitions have
   * leaders that answer. Responses wait for it, so that a client which got one finds what it asked for.
   */
  readonly awaitApplied: (offset: number) => Promise<void>;
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
  }

  /** True while this node is the active controller and has all that was committed before. */
  get isActive(): boolean {
    return this.#runtime.isActive;
  }

  /** Node id of the active controller as far as this node knows; -1 when it knows none. */
  get leaderId(): number {
    return this.#modules.log.leaderAndEpoch.leaderId;
  }

  /** The log this controller works on: epochs, offsets and voters for DescribeQuorum. */
  get log(): ControllerLog {
    return this.#modules.log;
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
    const lastOffset = await this.#run(readLastOffset);
    await this.#modules.awaitApplied(lastOffset);
  }

  /** Stops; requests that wait are rejected with NOT_CONTROLLER. */
  stop(): void {
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

  incrementalAlterConfigs(
    request: RequestOf<typeof IncrementalAlterConfigs>,
  ): Promise<ResponseOf<typeof IncrementalAlterConfigs>> {
    return this.#run(configs.incrementalAlterConfigs(request, this.#modules));
  }

  alterConfigs(request: RequestOf<typeof AlterConfigs>): Promise<ResponseOf<typeof AlterConfigs>> {
    return this.#run(configs.alterConfigs(request, this.#modules));
  }

  /** Rejects when an update is refused; nothing is changed then. v0 of the API says `allowDowngrade` in place of a type. */
  updateFeatures(request: RequestOf<typeof UpdateFeatures>, apiVersion: number): Promise<void> {
    return this.#run(features.updateFeatures(request, apiVersion === 0, this.#modules), request.timeoutMs);
  }

  allocateProducerIds(request: RequestOf<typeof AllocateProducerIds>): Promise<ResponseOf<typeof AllocateProducerIds>> {
    return this.#run(producerIds.allocateProducerIds(request));
  }

  registerController(
    request: RequestOf<typeof ControllerRegistration>,
  ): Promise<ResponseOf<typeof ControllerRegistration>> {
    return this.#run(brokers.registerController(request));
  }

  /**
   * Registers a broker; it stays fenced. What another process of the same id led before is led by nobody, or by somebody else, from then on.
   */
  async registerBroker(request: RegistrationRequest): Promise<ResponseOf<typeof BrokerRegistration>> {
    const { nodeId, clusterId } = this.#options;
    const before = this.#runtime.state.image.cluster.brokers.get(request.brokerId);
    if (before !== undefined && before.incarnationId !== request.incarnationId) {
      await this.#runSteps(() => brokers.resignStep(request.brokerId));
    }
    // The lock on the log directories says that no other process runs under this node's id. Others have no sessions yet: they are fenced
    // when they are gone.
    const isRunning = ({ id, fenced }: { id: number; fenced: boolean }) => id !== nodeId && !fenced;
    return this.#run(brokers.registerBroker(request, { clusterId, isRunning }));
  }

  /** A broker lives; it is unfenced once it has applied its own registration, and let go once its leaderships are elsewhere. */
  async brokerHeartbeat(request: RequestOf<typeof BrokerHeartbeat>): Promise<ResponseOf<typeof BrokerHeartbeat>> {
    const { brokerId, brokerEpoch, currentMetadataOffset, wantFence, wantShutDown } = request;
    const broker = await this.#run(brokers.readBroker(brokerId, brokerEpoch));
    const isCaughtUp = currentMetadataOffset >= brokerEpoch;
    const mayRun = isCaughtUp && !wantFence && !wantShutDown;
    if (wantShutDown) await this.shutDownBroker(brokerId, brokerEpoch);
    else if (mayRun && broker.fenced) await this.unfenceBroker(brokerId, brokerEpoch);
    return {
      throttleTimeMs: 0,
      errorCode: Errors.NONE,
      isCaughtUp,
      isFenced: wantShutDown || (broker.fenced && !mayRun),
      shouldShutDown: wantShutDown,
    };
  }

  /** Lets a registered broker lead, and elects it where it is waited for. Resolves once this broker has applied it. */
  async unfenceBroker(brokerId: number, brokerEpoch: number): Promise<void> {
    await this.#run(brokers.unfenceBroker(brokerId, brokerEpoch));
    await this.#runSteps(() => brokers.electStep(brokerId));
  }

  /** The broker is about to stop: its leaderships go elsewhere, or wait for it, and it is fenced. */
  async shutDownBroker(brokerId: number, brokerEpoch: number): Promise<void> {
    await this.#run(brokers.beginControlledShutdown(brokerId, brokerEpoch));
    await this.#runSteps(() => brokers.resignStep(brokerId));
    await this.#run(brokers.fenceBroker(brokerId, brokerEpoch));
  }

  /** Forgets a broker that is gone for good. Rejects for one that is not registered, or runs. */
  async unregisterBroker(brokerId: number): Promise<void> {
    // Of no other broker than this one is it known here that it runs.
    const isRunning = ({ id }: { id: number }) => id === this.#options.nodeId;
    await this.#runSteps(() => unregisterStep(brokerId, { isRunning }));
    this.#modules.logger.info("broker.unregistered", { brokerId });
  }

  async #runSteps(operation: () => Operation<brokers.Step>): Promise<void> {
    let step: brokers.Step;
    do step = await this.#run(operation());
    while (!step.isLast);
  }

  /** Decides, waits for the commit, and then for this broker to have applied it. */
  async #run<R>(operation: Operation<R>, timeoutMs?: number): Promise<R> {
    const answered = this.#answer(operation);
    return timeoutMs === undefined ? answered : this.#within(timeoutMs, answered);
  }

  async #answer<R>(operation: Operation<R>): Promise<R> {
    const { response, lastOffset } = (await this.#runtime.submit(operation)) as Answer<R>;
    if (lastOffset >= 0) await this.#modules.awaitApplied(lastOffset);
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

  #placementStart(): number {
    return this.#modules.random.integer(PLACEMENT_STARTS);
  }
}
