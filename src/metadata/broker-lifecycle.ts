/**
 * A broker's life in the cluster, as the controller knows it (KIP-631): it registers, which gives it an epoch and leaves it fenced, tells by heartbeats
 * that it lives and how far it is, is unfenced once it has applied its own registration, and before it stops has its leaderships moved.
 *
 * ```ts
 * const lifecycle = new BrokerLifecycle(options, { channel, metadata, clock, timers, logger });
 * await lifecycle.start();      // registered and unfenced
 * lifecycle.directoryFailed(id) // told at once
 * await lifecycle.shutDown(timeoutMs);
 * lifecycle.stop();
 * ```
 *
 * A heartbeat goes out when something changed, and otherwise every `broker.heartbeat.interval.ms`; one is under way at a time.
 */

import { BrokerRegistration } from "../../protocol/apis/62-broker-registration.ts";
import { BrokerHeartbeat } from "../../protocol/apis/63-broker-heartbeat.ts";
import { ApiError, Errors, errorMessage, errorName } from "../../protocol/errors.ts";
import type { RequestInputOf, ResponseOf } from "../../protocol/schema.ts";
import type { Logger } from "../logging/logger.ts";
import type { Clock, Timers } from "../platform/platform.ts";
import type { ControllerChannel } from "./controller-channel.ts";
import { MetadataVersion, metadataVersionOf } from "./features.ts";
import type { MetadataStore } from "./metadata-store.ts";

export interface BrokerLifecycleOptions {
  /** What the broker says of itself, but for the epoch it held before. */
  readonly registration: Omit<RequestInputOf<typeof BrokerRegistration>, "previousBrokerEpoch">;
  /** The epoch at the last clean stop; -1 when there was none, so that what was not flushed may be gone. */
  readonly previousBrokerEpoch: number;
  /** `broker.heartbeat.interval.ms`. */
  readonly heartbeatIntervalMs: number;
  /** `broker.session.timeout.ms`: a registration of another process under this id is over by then if that process is. */
  readonly sessionTimeoutMs: number;
  /** `initial.broker.registration.timeout.ms`. */
  readonly registrationTimeoutMs: number;
}

export interface BrokerLifecycleModules {
  readonly channel: ControllerChannel;
  readonly metadata: Pick<MetadataStore, "image" | "isCaughtUp" | "waitFor" | "subscribe">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Ids of the log directories that are to get no new replicas (KIP-1066). */
  readonly cordonedDirectories: () => readonly string[];
}

/** A controller that is silent for this long is asked again; an election is over by then. */
const HEARTBEAT_TIMEOUT_MS = 2_000;
/** Between attempts to register that were refused. */
const REGISTRATION_BACKOFF_MS = 100;
/** Between heartbeats while the controller moves the leaderships of a stopping broker. */
const SHUTDOWN_BACKOFF_MS = 50;
/** Beyond the session timeout: the controller looks after sessions in steps. */
const SESSION_GRACE_MS = 1_000;
/** How many sessions of another process under this id are waited for: controllers may change meanwhile. */
const SESSIONS_WAITED = 4;
/** Twice the session that a controller of Apache Kafka gives by default: it keeps it up also after a clean stop. */
const KAFKA_SESSIONS_MS = 18_000;

/** What no waiting mends. */
const FINAL_REFUSALS: ReadonlySet<number> = new Set([
  Errors.INCONSISTENT_CLUSTER_ID,
  Errors.INVALID_REGISTRATION,
  Errors.UNSUPPORTED_VERSION,
  Errors.CLUSTER_AUTHORIZATION_FAILED,
]);

export class BrokerLifecycle {
  readonly #options: BrokerLifecycleOptions;
  readonly #modules: BrokerLifecycleModules;
  readonly #offlineDirectories = new Set<string>();
  readonly #unfenced = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();
  #brokerEpoch = -1;
  /** The epoch to tell at the next registration. */
  #previousEpoch: number;
  #isFenced = true;
  #wantsShutDown = false;
  #isStopped = false;
  /** Something changed since the last heartbeat was made up. */
  #isDue = false;
  #endPause: (() => void) | null = null;
  /** Ends the look-out for the own unfencing in the image. */
  #stopFollowing: (() => void) | null = null;

  constructor(options: BrokerLifecycleOptions, modules: BrokerLifecycleModules) {
    this.#options = options;
    this.#modules = modules;
    this.#previousEpoch = options.previousBrokerEpoch;
    this.#unfenced.promise.catch(() => {}); // start() tells
  }

  /** The epoch of the registration in force; -1 before the first. */
  get brokerEpoch(): number {
    return this.#brokerEpoch;
  }

  /** Whether the broker may neither lead nor be in sync, by the controller's last word. */
  get isFenced(): boolean {
    return this.#isFenced;
  }

  /**
   * Registers; resolves when the controller has accepted it. Rejects with `ApiError`: what the controller said where waiting mends nothing, or
   * DUPLICATE_BROKER_REGISTRATION when another process holds this id longer than sessions of a dead one last, or REQUEST_TIMED_OUT.
   */
  async register(): Promise<void> {
    await this.#register(this.#options.registrationTimeoutMs);
  }

  /**
   * Begins with heartbeats, after {@link register}; resolves when the broker is unfenced and this node has applied that. Rejects when it is stopped before. `onFault` is told of what
   * is no failure of the controller or the network, but of this node.
   */
  start(onFault: (error: unknown) => void): Promise<void> {
    this.#beat().catch(onFault);
    return this.#unfenced.promise;
  }

  /** A log directory cannot be used any more: the controller elects other leaders for what was there. */
  directoryFailed(directoryId: string): void {
    if (this.#offlineDirectories.has(directoryId)) return;
    this.#offlineDirectories.add(directoryId);
    this.beatNow();
  }

  /** Has the next heartbeat sent at once. */
  beatNow(): void {
    this.#isDue = true;
    this.#endPause?.();
  }

  /** Has all leaderships moved away; resolves when the controller lets the broker go, or `timeoutMs` have passed. */
  async shutDown(timeoutMs: number): Promise<void> {
    if (this.#brokerEpoch < 0 || this.#isStopped) return;
    this.#wantsShutDown = true;
    this.beatNow();
    const timer = this.#modules.timers.after(timeoutMs, () => {
      this.#modules.logger.warn("broker.shutdown-not-granted", { timeoutMs });
      this.#released.resolve();
    });
    await this.#released.promise;
    timer.clear();
  }

  /** Ends the heartbeats. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#endPause?.();
    this.#stopFollowing?.();
    this.#released.resolve();
    this.#unfenced.reject(new ApiError(Errors.BROKER_NOT_AVAILABLE, "the broker stops"));
  }

  async #register(timeoutMs: number): Promise<void> {
    const { channel, clock, logger } = this.#modules;
    const { registration, sessionTimeoutMs } = this.#options;
    const startedMs = clock.monotonic();
    const remainingMs = () => startedMs + timeoutMs - clock.monotonic();
    let reported: number | null = null;
    for (;;) {
      const body = { ...registration, previousBrokerEpoch: this.#previousEpoch };
      const { errorCode, brokerEpoch } = await channel.request(BrokerRegistration, body, { timeoutMs: remainingMs() });
      if (errorCode === Errors.NONE) {
        this.#registered(brokerEpoch);
        return;
      }
      // Once, not with every attempt.
      if (errorCode !== reported)
        logger.warn("broker.registration-refused", { brokerId: registration.brokerId, error: errorName(errorCode) });
      reported = errorCode;
      const isHeld = errorCode === Errors.DUPLICATE_BROKER_REGISTRATION;
      // A session that a dead process has left begins anew with each new controller.
      const sessionsMs = Math.max(SESSIONS_WAITED * sessionTimeoutMs, KAFKA_SESSIONS_MS);
      const heldMs = Math.min(timeoutMs, sessionsMs + SESSION_GRACE_MS);
      const isTimeUp = isHeld ? clock.monotonic() - startedMs >= heldMs : remainingMs() <= REGISTRATION_BACKOFF_MS;
      if (FINAL_REFUSALS.has(errorCode) || isTimeUp) throw new ApiError(errorCode, errorMessage(errorCode));
      await this.#pause(REGISTRATION_BACKOFF_MS);
      if (this.#isStopped) throw new ApiError(Errors.BROKER_NOT_AVAILABLE, "the broker stops");
    }
  }

  #registered(brokerEpoch: number): void {
    const { metadata, logger } = this.#modules;
    this.#brokerEpoch = brokerEpoch;
    this.#previousEpoch = brokerEpoch;
    this.#isFenced = true;
    logger.info("broker.registered", { brokerId: this.#options.registration.brokerId, brokerEpoch });
    // From then on the controller may unfence it.
    metadata.waitFor(brokerEpoch).then(
      () => this.beatNow(),
      () => {}, // the store stops, and so does the broker
    );
  }

  async #beat(): Promise<void> {
    const { heartbeatIntervalMs } = this.#options;
    while (!this.#isStopped) {
      if (!this.#isDue) await this.#pause(heartbeatIntervalMs);
      if (this.#isStopped) return;
      this.#isDue = false;
      const response = await this.#heartbeat();
      if (response === null || this.#isStopped) continue;
      await this.#heard(response);
    }
  }

  /** Null when there was no answer. */
  async #heartbeat(): Promise<ResponseOf<typeof BrokerHeartbeat> | null> {
    const { channel, metadata, logger } = this.#modules;
    const { registration, sessionTimeoutMs } = this.#options;
    const timeoutMs = Math.min(sessionTimeoutMs, HEARTBEAT_TIMEOUT_MS);
    const body = {
      brokerId: registration.brokerId,
      brokerEpoch: this.#brokerEpoch,
      currentMetadataOffset: metadata.isCaughtUp ? metadata.image.offset : -1,
      wantFence: false,
      wantShutDown: this.#wantsShutDown,
      offlineLogDirs: [...this.#offlineDirectories],
      // What is cordoned may be said by the metadata: before that is known here, the controller is not told that nothing is.
      cordonedLogDirs: hasCordoning(metadata) ? [...this.#modules.cordonedDirectories()] : null,
    };
    try {
      return await channel.request(BrokerHeartbeat, body, { timeoutMs });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.#isStopped) return null;
      logger.warn("broker.heartbeat-unanswered", { error: error.message });
      // All nodes may be stopping at once, and nobody be left to move anything.
      if (this.#wantsShutDown) this.#released.resolve();
      return null;
    }
  }

  async #heard({ errorCode, isFenced, shouldShutDown }: ResponseOf<typeof BrokerHeartbeat>): Promise<void> {
    const { logger } = this.#modules;
    if (errorCode === Errors.STALE_BROKER_EPOCH || errorCode === Errors.BROKER_ID_NOT_REGISTERED) {
      logger.warn("broker.registration-lost", { brokerEpoch: this.#brokerEpoch, error: errorName(errorCode) });
      this.#isFenced = true;
      if (this.#wantsShutDown) this.#released.resolve();
      else await this.#registerAgain();
      return;
    }
    if (errorCode !== Errors.NONE) {
      logger.warn("broker.heartbeat-refused", { error: errorName(errorCode) });
      return;
    }
    if (this.#wantsShutDown) {
      if (shouldShutDown) this.#released.resolve();
      else if (!this.#isDue) await this.#pause(SHUTDOWN_BACKOFF_MS).then(() => this.beatNow());
      return;
    }
    if (isFenced !== this.#isFenced) logger.info(isFenced ? "broker.fenced" : "broker.unfenced", {});
    // The controller had lost sight of a broker that lives: that is told at once.
    if (isFenced && !this.#isFenced) this.beatNow();
    this.#isFenced = isFenced;
    if (!isFenced) this.#awaitUnfencingHere();
  }

  /** The start is over once this node's own image has the broker unfenced: the leaderships that it was given come with it. */
  #awaitUnfencingHere(): void {
    const { metadata } = this.#modules;
    const isApplied = () => metadata.image.cluster.brokers.get(this.#options.registration.brokerId)?.fenced === false;
    if (isApplied()) this.#unfenced.resolve();
    if (isApplied() || this.#stopFollowing !== null) return;
    this.#stopFollowing = metadata.subscribe(() => {
      if (!isApplied()) return;
      this.#stopFollowing?.();
      this.#unfenced.resolve();
    });
  }

  async #registerAgain(): Promise<void> {
    try {
      await this.#register(this.#options.registrationTimeoutMs);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#modules.logger.error("broker.not-registered-again", { error: error.message });
      await this.#pause(REGISTRATION_BACKOFF_MS);
      this.beatNow();
    }
  }

  /** Resolves after `ms`, or when something changes. */
  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        timer.clear();
        this.#endPause = null;
        resolve();
      };
      const timer = this.#modules.timers.after(ms, done);
      this.#endPause = done;
    });
  }
}

function hasCordoning({ image, isCaughtUp }: BrokerLifecycleModules["metadata"]): boolean {
  return isCaughtUp && metadataVersionOf(image) >= MetadataVersion.CORDONED_DIRECTORIES;
}
