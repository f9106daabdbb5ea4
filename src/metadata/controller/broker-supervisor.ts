/**
 * Looks after the brokers while this node is the active controller: takes registrations and heartbeats, notices who falls silent, and sees each
 * change through to its last step. Decisions are in `brokers.ts`, `heartbeats.ts` and `broker-steps.ts`; here is what needs time and the network.
 *
 * A broker is fenced when its session ends, or at once when something hints at its death (`suspect`) and its port refuses connections.
 */
import type { BrokerHeartbeat } from "../../../protocol/apis/63-broker-heartbeat.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { Logger } from "../../logging/logger.ts";
import type { Clock, Timers } from "../../platform/platform.ts";
import type { BrokerRegistration, Endpoint } from "../cluster-image.ts";
import type { MetadataImage } from "../image.ts";
import { BrokerSessions } from "./broker-sessions.ts";
import {
  type BrokerProcess,
  directoriesStep,
  electStep,
  evictStep,
  fenceStep,
  reconcileStep,
  shutdownStep,
  unfenceStep,
  unregisterStep,
} from "./broker-steps.ts";
import * as brokers from "./brokers.ts";
import { brokerHeartbeat, continuationOf, type HeartbeatOutcome } from "./heartbeats.ts";
import type { Step } from "./memberships.ts";
import type { Operation } from "./operation.ts";

type RegistrationRequest = Parameters<typeof brokers.registerBroker>[0];
type RegistrationResponse = ReturnType<ReturnType<typeof brokers.registerBroker>["decide"]>["response"];
type HeartbeatRequest = RequestOf<typeof BrokerHeartbeat>;
type HeartbeatResponse = ResponseOf<typeof BrokerHeartbeat>;

export interface BrokerSupervisorOptions {
  readonly nodeId: number;
  readonly clusterId: string;
}

export interface BrokerSupervisorModules {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** The image with everything decided so far. */
  readonly image: () => MetadataImage;
  /** Whether this node is the active controller. */
  readonly isActive: () => boolean;
  /** Decides, and resolves once that is committed, with the end of what the decision saw and wrote. */
  readonly run: <R>(operation: Operation<R>) => Promise<{ readonly response: R; readonly endOffset: number }>;
  /** Whether a connection to the endpoint opens; false only when it is refused. Without it nobody is fenced before the session ends. */
  readonly probe?: ((endpoint: Endpoint) => Promise<boolean>) | undefined;
  /** When a broker was last heard of by other means than its heartbeats, on the monotonic clock; null when it was not. */
  readonly heardMs?: ((brokerId: number) => number | null) | undefined;
  /** Resolves once every live broker has applied the metadata up to the offset, or after a while. */
  readonly awaitAppliedEverywhere?: ((offset: number) => Promise<void>) | undefined;
}

/** What the brokers of Apache Kafka call themselves in ApiVersions, and the session that its controllers give by default. */
const KAFKA_SOFTWARE = "apache-kafka-java";
const KAFKA_SESSION_MS = 9_000;

export class BrokerSupervisor {
  readonly #options: BrokerSupervisorOptions;
  readonly #modules: BrokerSupervisorModules;
  readonly #sessions: BrokerSessions;
  /** Brokers that are being probed. */
  readonly #probed = new Set<number>();

  constructor(options: BrokerSupervisorOptions, modules: BrokerSupervisorModules) {
    this.#options = options;
    this.#modules = modules;
    this.#sessions = new BrokerSessions(
      { timeoutMs: modules.config.get("broker.session.timeout.ms"), ownBrokerId: options.nodeId },
      { ...modules, onExpired: brokerId => this.#expired(brokerId) },
    );
  }

  /** This node has become the active controller: sessions begin, and what was left undone is done. */
  activate(): void {
    const { cluster } = this.#modules.image();
    const registered = [...cluster.brokers.values()];
    const unfenced = registered.filter(({ fenced }) => !fenced).map(({ id }) => id);
    this.#sessions.begin(unfenced, id => this.#modules.heardMs?.(id) ?? null);
    for (const { id, fenced } of registered) if (!fenced) this.suspect(id, "the controller changed");
    this.#inBackground("reconcile", async () => {
      for (const { id } of registered) await this.#runSteps(reconcileStep(id, this.#modules));
      await this.electLeaderless();
    });
  }

  /** This node is not the active controller, or stops. */
  deactivate(): void {
    this.#sessions.end();
  }

  /** Whether the process under a registration is known to run. */
  isRunning({ id, fenced }: BrokerRegistration): boolean {
    // The lock on the log directories says that no other process runs under this node's own id.
    return id !== this.#options.nodeId && !fenced && this.#sessions.isLive(id);
  }

  /** Registers a broker, which is fenced until its heartbeats say that it has caught up. Rejects as `registerBroker` throws. */
  async register(request: RegistrationRequest): Promise<RegistrationResponse> {
    const { clusterId } = this.#options;
    const options = { clusterId, isRunning: (broker: BrokerRegistration) => this.isRunning(broker) };
    const { before } = await this.#runOrSuspect(brokers.checkRegistrable(request, options), request.brokerId);
    if (before?.incarnationId !== request.incarnationId) await this.#replace(before, request);
    const response = await this.#run(brokers.registerBroker(request, options));
    // The process before may have been unfenced in between.
    await this.#runSteps(reconcileStep(request.brokerId, this.#modules));
    this.#modules.logger.info("broker.registration-taken", {
      brokerId: request.brokerId,
      brokerEpoch: response.brokerEpoch,
    });
    return response;
  }

  /**
   * The broker speaks over a connection that said what software it is, before what it says is handled. Apache Kafka's brokers send heartbeats every two
   * seconds by default: unless the session was set by somebody, they get what Kafka's controllers give them, or they would be fenced in between.
   */
  speaks(brokerId: number, softwareName: string): void {
    const isPatient = softwareName === KAFKA_SOFTWARE && !this.#modules.config.isSet("broker.session.timeout.ms");
    this.#sessions.allow(brokerId, isPatient ? KAFKA_SESSION_MS : 0);
  }

  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatResponse> {
    const { brokerId } = request;
    const registration = this.#modules.image().cluster.brokers.get(brokerId);
    if (registration?.epoch === request.brokerEpoch && this.#modules.isActive()) {
      const { fenced, inControlledShutdown } = registration;
      this.#sessions.heard(brokerId, { metadataOffset: request.currentMetadataOffset, isFenced: fenced });
      // A controller before this one began it: whatever it did is known here.
      if (inControlledShutdown) this.#sessions.beginShutdown(brokerId, this.#modules.image().offset);
      if (request.offlineLogDirs.some(id => registration.logDirs.includes(id))) await this.#loseDirectories(request);
    }
    let outcome = await this.#decide(request);
    if (outcome.transition === "begin-shutdown") outcome = await this.#awaitShutdown(request, outcome);
    const { isCaughtUp, isFenced, shouldShutDown } = outcome;
    return { throttleTimeMs: 0, errorCode: Errors.NONE, isCaughtUp, isFenced, shouldShutDown };
  }

  /** Lets a registered broker lead, and elects it where it is waited for. */
  async unfence(brokerId: number, brokerEpoch: number): Promise<void> {
    await this.#runSteps(unfenceStep({ brokerId, brokerEpoch }, this.#modules), electStep(this.#modules));
    this.#sessions.heard(brokerId, { metadataOffset: brokerEpoch, isFenced: false });
  }

  /** The broker is about to stop: its leaderships go elsewhere, or wait for it, and it is fenced. */
  async shutDown(brokerId: number, brokerEpoch: number): Promise<void> {
    const broker = { brokerId, brokerEpoch };
    await this.#runSteps(shutdownStep(broker, this.#modules), reconcileStep(brokerId, this.#modules));
    await this.#fence(broker, "it asked to stop");
  }

  /** Forgets a broker that is gone for good. Rejects with `ApiError` BROKER_ID_NOT_REGISTERED, INVALID_REQUEST for one that runs. */
  async unregister(brokerId: number): Promise<void> {
    const registration = this.#modules.image().cluster.brokers.get(brokerId);
    if (registration === undefined) {
      throw new ApiError(Errors.BROKER_ID_NOT_REGISTERED, `Broker ID ${brokerId} is not currently registered`);
    }
    if (brokerId === this.#options.nodeId || (await this.#isAlive(registration))) {
      throw new ApiError(Errors.INVALID_REQUEST, `Broker ID ${brokerId} is running: it must be stopped first`);
    }
    await this.#runSteps(unregisterStep({ brokerId }, this.#modules));
    this.#sessions.forget(brokerId);
    this.#modules.logger.info("broker.unregistered", { brokerId });
  }

  /** Something hints that the broker is gone: it is looked for, and fenced when its port refuses connections. */
  suspect(brokerId: number, why: string): void {
    const registration = this.#modules.image().cluster.brokers.get(brokerId);
    if (registration === undefined || registration.fenced || !this.#modules.isActive()) return;
    if (brokerId === this.#options.nodeId) return;
    this.#inBackground("suspect", async () => {
      if (await this.#isRefusing(registration)) {
        await this.#fence({ brokerId, brokerEpoch: registration.epoch }, why);
      }
    });
  }

  /** Gives leaders to partitions that wait for one and may have it by now. */
  electLeaderless(): Promise<void> {
    return this.#runSteps(electStep(this.#modules));
  }

  async #decide(request: HeartbeatRequest): Promise<HeartbeatOutcome> {
    const facts = {
      isKnownEverywhere: () => this.#sessions.isShutdownKnownTo(this.#activeBrokerIds(), request.brokerId),
    };
    const { response, endOffset } = await this.#modules.run(brokerHeartbeat(request, facts, this.#modules));
    const { brokerId, brokerEpoch } = request;
    const { transition } = response;
    if (!response.isLast) await this.#runSteps(continuationOf(transition, brokerId, this.#modules));
    if (transition === "none") return response;
    const isFenced = response.isFenced;
    this.#sessions.heard(brokerId, { metadataOffset: request.currentMetadataOffset, isFenced });
    if (transition === "begin-shutdown") {
      this.#sessions.beginShutdown(brokerId, Math.max(endOffset - 1, this.#modules.image().offset));
    }
    this.#modules.logger.info(`broker.${EVENTS[transition]}`, { brokerId, brokerEpoch });
    return response;
  }

  /** Waits a little for the others to hear that the broker leads nothing any more: it can then stop at once. */
  async #awaitShutdown(request: HeartbeatRequest, outcome: HeartbeatOutcome): Promise<HeartbeatOutcome> {
    const { awaitAppliedEverywhere } = this.#modules;
    const offset = this.#modules.image().offset;
    if (awaitAppliedEverywhere === undefined) {
      return this.#sessions.isShutdownKnownTo(this.#activeBrokerIds(), request.brokerId)
        ? this.#decide(request)
        : outcome;
    }
    // Who has not heard by the end of that hangs, and is not waited for any longer.
    await awaitAppliedEverywhere(offset);
    for (const id of this.#activeBrokerIds()) {
      if (this.#sessions.isLive(id)) this.#sessions.applied(id, offset);
    }
    return this.#decide(request);
  }

  #activeBrokerIds(): number[] {
    const registered = [...this.#modules.image().cluster.brokers.values()];
    return registered.filter(broker => !broker.fenced && !broker.inControlledShutdown).map(({ id }) => id);
  }

  async #loseDirectories(request: HeartbeatRequest): Promise<void> {
    const { brokerId, offlineLogDirs } = request;
    const first = directoriesStep(request, offlineLogDirs, this.#modules);
    await this.#runSteps(first, reconcileStep(brokerId, this.#modules));
    this.#modules.logger.warn("broker.directories-offline", { brokerId, directories: offlineLogDirs });
  }

  /**
   * Another process takes a broker's place: the old one is fenced, and what it may have lost is no longer counted on. Of a broker that was
   * forgotten meanwhile nobody knows how it stopped.
   */
  async #replace(before: BrokerRegistration | null, request: RegistrationRequest): Promise<void> {
    const { brokerId, logDirs, previousBrokerEpoch } = request;
    if (before !== null) await this.#fence({ brokerId, brokerEpoch: before.epoch }, "another process took its place");
    const restart = { logDirs, isClean: previousBrokerEpoch === before?.epoch };
    await this.#runSteps(evictStep(brokerId, restart, this.#modules));
  }

  async #fence(broker: BrokerProcess, why: string): Promise<void> {
    const { brokerId, brokerEpoch } = broker;
    const wasFenced = this.#modules.image().cluster.brokers.get(brokerId)?.fenced ?? true;
    await this.#runSteps(fenceStep(broker, this.#modules), reconcileStep(brokerId, this.#modules));
    this.#sessions.forget(brokerId);
    if (!wasFenced) this.#modules.logger.warn("broker.fenced", { brokerId, brokerEpoch, why });
  }

  #expired(brokerId: number): void {
    const registration = this.#modules.image().cluster.brokers.get(brokerId);
    if (registration === undefined || registration.fenced || !this.#modules.isActive()) return;
    this.#inBackground("fence", () => this.#fence({ brokerId, brokerEpoch: registration.epoch }, "its session ended"));
  }

  async #isAlive(registration: BrokerRegistration): Promise<boolean> {
    return this.isRunning(registration) && !(await this.#isRefusing(registration));
  }

  /** Whether nobody listens where the broker did. Not when it has spoken since it was asked for. */
  async #isRefusing({ id, endpoints }: BrokerRegistration): Promise<boolean> {
    const { probe, config, clock } = this.#modules;
    const endpoint = endpoints.find(({ name }) => name === config.interBrokerListenerName) ?? endpoints[0];
    if (probe === undefined || endpoint === undefined || this.#probed.has(id)) return false;
    this.#probed.add(id);
    const startedMs = clock.monotonic();
    try {
      return !(await probe(endpoint)) && this.#sessions.heardMs(id) <= startedMs;
    } finally {
      this.#probed.delete(id);
    }
  }

  /** A broker that registers while the one before is believed alive: perhaps that one is not. */
  async #runOrSuspect<R>(operation: Operation<R>, brokerId: number): Promise<R> {
    try {
      return await this.#run(operation);
    } catch (error) {
      if (error instanceof ApiError && error.code === Errors.DUPLICATE_BROKER_REGISTRATION) {
        this.suspect(brokerId, "another process registers under its id");
      }
      throw error;
    }
  }

  async #run<R>(operation: Operation<R>): Promise<R> {
    return (await this.#modules.run(operation)).response;
  }

  /** Runs `first`, and where that was not the last step, `rest` until one is: it does not change the broker's standing once more. */
  async #runSteps(first: Operation<Step>, rest: Operation<Step> = first): Promise<void> {
    let step = await this.#run(first);
    while (!step.isLast) step = await this.#run(rest);
  }

  /** Work that nobody waits for. It ends early when this node ceases to be the active controller: the next one begins it again. */
  #inBackground(task: string, work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      if (error instanceof ApiError && error.code === Errors.NOT_CONTROLLER) return;
      this.#modules.logger.error("controller.task-failed", { task, error });
    });
  }
}

/** What the log says of a heartbeat's transition. */
const EVENTS = {
  fence: "fenced",
  unfence: "unfenced",
  "begin-shutdown": "shutting-down",
  stop: "stopped",
} as const;
