/**
 * Notices that this broker is cut off, and has its clients look elsewhere.
 *
 * A leader that hears neither a controller nor its followers, but is heard by clients, can acknowledge nothing, and cannot know that others lead
 * by now. Clients that wait for it wait for as long as they wait for any answer: librdkafka for 60 s, Java's for 30. So it closes the connections
 * over which somebody waits, and its Metadata names no leader where it leads others, so that clients ask another broker and stay there. Nothing else
 * changes: it leads for itself until it hears better, and who reads from it may. Kafka's brokers let clients wait.
 */
import type { Logger } from "../logging/index.ts";
import type { Clock, Timers } from "../platform/platform.ts";
import type { Partition } from "../replication/partition.ts";

export interface CutOffWatchOptions {
  /** `broker.session.timeout.ms`: after so long the controller, if there is one, has given this broker up. */
  readonly sessionTimeoutMs: number;
}

export interface CutOffWatchModules {
  readonly clock: Pick<Clock, "monotonic">;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Node id of the active controller as far as this node knows; -1 when it knows none. */
  readonly controllerId: () => number;
  readonly partitions: () => Iterable<Pick<Partition, "leader">>;
  /** Closes the connections of clients that wait for an answer. Returns how many. */
  readonly closeWaiting: () => number;
}

const LOOK_INTERVAL_MS = 100;
/** The others have elected by then, and clients that ask them are told. */
const ELECTION_MS = 200;
/** While it stays cut off, clients that come back are sent away again: after this time, then after twice as long, and so on. */
const FIRST_BACKOFF_MS = 200;

export class CutOffWatch {
  readonly #options: CutOffWatchOptions;
  readonly #modules: CutOffWatchModules;
  #timer: { clear(): void } | null = null;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** How long it was seen to be cut off, its own pauses not counted. */
  #cutOffMs = 0;
  #nextMs = 0;

  constructor(options: CutOffWatchOptions, modules: CutOffWatchModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** Whether neither a controller nor a follower has been heard of for so long that others lead by now, where there are others. */
  get isCutOff(): boolean {
    return this.#nextMs > 0;
  }

  start(): void {
    this.#lookedMs = this.#modules.clock.monotonic();
    this.#timer = this.#modules.timers.every(LOOK_INTERVAL_MS, () => this.#look());
  }

  stop(): void {
    this.#timer?.clear();
  }

  #look(): void {
    const nowMs = this.#modules.clock.monotonic();
    const elapsedMs = Math.min(nowMs - this.#lookedMs, LOOK_INTERVAL_MS);
    this.#lookedMs = nowMs;
    if (this.#modules.controllerId() >= 0 || !this.#isDeserted()) {
      if (this.isCutOff)
        this.#modules.logger.info("broker.cut-off-ended", { milliseconds: Math.round(this.#cutOffMs) });
      this.#cutOffMs = this.#nextMs = 0;
      return;
    }
    this.#cutOffMs += elapsedMs;
    if (this.#cutOffMs < this.#nextMs) return;
    this.#nextMs = Math.max(FIRST_BACKOFF_MS, this.#nextMs * 2);
    this.#modules.logger.warn("broker.cut-off", { connectionsClosed: this.#modules.closeWaiting() });
  }

  /** Whether something led here has followers in sync, none of which was heard of for longer than the cluster waits for this broker. */
  #isDeserted(): boolean {
    const silentMs = this.#options.sessionTimeoutMs + ELECTION_MS;
    for (const { leader } of this.#modules.partitions()) if (leader?.isDeserted(silentMs) === true) return true;
    return false;
  }
}
