/**
 * Which broker processes are heard of: the active controller's memory of heartbeats. It is not in the log: a controller that becomes active
 * begins all sessions anew, so a broker gets a whole session's time to find it.
 *
 * ```ts
 * const sessions = new BrokerSessions({ timeoutMs: 9_000, ownBrokerId: 1 }, { clock, timers, onExpired: brokerId => … });
 * sessions.begin(unfencedBrokerIds);
 * sessions.heard(3, { metadataOffset: 1_200, isFenced: false });
 * ```
 */
import type { Clock, Timer, Timers } from "../../platform/platform.ts";

export interface BrokerSessionsOptions {
  /** `broker.session.timeout.ms`; single brokers may be allowed more. */
  readonly timeoutMs: number;
  /** The broker of this very process, which lives as long as its controller: its session never ends. */
  readonly ownBrokerId: number;
}

export interface BrokerSessionsModules {
  readonly clock: Clock;
  readonly timers: Timers;
  /** An unfenced broker was not heard of for the whole time. Called once a session. */
  readonly onExpired: (brokerId: number) => void;
}

interface Session {
  /** On the monotonic clock. */
  heardMs: number;
  /** The broker has applied the metadata up to here; -1 before it said so. */
  metadataOffset: number;
  /** Fenced brokers have nothing that could expire. */
  isFenced: boolean;
  /** End of what has to be known everywhere before the broker may stop; null unless it is shutting down. */
  shutdownOffset: number | null;
}

/** A timer this late says that this process was held up, and that what brokers sent meanwhile is still to be read. */
const PAUSE_MS = 100;

/** Time to read that. Without it every pause of the controller as long as a session would fence everybody. */
const CATCH_UP_MS = 500;

const MIN_DELAY_MS = 1;

export class BrokerSessions {
  readonly #options: BrokerSessionsOptions;
  readonly #modules: BrokerSessionsModules;
  readonly #sessions = new Map<number, Session>();
  /** Sessions of brokers that get more time than the others. */
  readonly #allowancesMs = new Map<number, number>();
  #timer: Timer | null = null;
  #dueMs = Number.POSITIVE_INFINITY;
  /** When the timer is to fire: what is due already when a session begins is not late. */
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(options: BrokerSessionsOptions, modules: BrokerSessionsModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /**
   * Forgets everything and gives these brokers, which are unfenced, a session each, from now on or from when `heardMsOf` says that they were last
   * heard of by other means.
   */
  begin(brokerIds: Iterable<number>, heardMsOf: (brokerId: number) => number | null = () => null): void {
    this.end();
    const nowMs = this.#modules.clock.monotonic();
    for (const id of brokerIds) {
      const heardMs = Math.min(heardMsOf(id) ?? nowMs, nowMs);
      this.#sessions.set(id, { heardMs, metadataOffset: -1, isFenced: false, shutdownOffset: null });
    }
    this.#arm();
  }

  /** Forgets everything: this node is not the active controller. */
  end(): void {
    this.#sessions.clear();
    this.#timer?.clear();
    this.#timer = null;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  /** The broker's sessions last as long as this, or as the option says when that is longer, until the next such call. */
  allow(brokerId: number, timeoutMs: number): void {
    if (timeoutMs > this.#options.timeoutMs) this.#allowancesMs.set(brokerId, timeoutMs);
    else this.#allowancesMs.delete(brokerId);
  }

  /** The broker spoke. */
  heard(brokerId: number, { metadataOffset, isFenced }: { metadataOffset: number; isFenced: boolean }): void {
    const heardMs = this.#modules.clock.monotonic();
    const session = this.#sessions.get(brokerId);
    if (session === undefined) {
      this.#sessions.set(brokerId, { heardMs, metadataOffset, isFenced, shutdownOffset: null });
    } else {
      session.heardMs = heardMs;
      session.metadataOffset = metadataOffset;
      session.isFenced = isFenced;
    }
    this.#arm();
  }

  /** The broker is known, by other means than its heartbeat, to have applied the metadata up to the offset. */
  applied(brokerId: number, metadataOffset: number): void {
    const session = this.#sessions.get(brokerId);
    if (session !== undefined) session.metadataOffset = Math.max(session.metadataOffset, metadataOffset);
  }

  /** The broker's session is over: it is fenced, or another process takes its place. */
  forget(brokerId: number): void {
    this.#sessions.delete(brokerId);
  }

  /** Whether an unfenced broker was heard of within the session's time. */
  isLive(brokerId: number): boolean {
    const session = this.#sessions.get(brokerId);
    return (
      session !== undefined && !session.isFenced && !this.#isExpired(brokerId, session, this.#modules.clock.monotonic())
    );
  }

  /** When the broker was last heard of, on the monotonic clock; -Infinity for never. */
  heardMs(brokerId: number): number {
    return this.#sessions.get(brokerId)?.heardMs ?? Number.NEGATIVE_INFINITY;
  }

  /** The broker leads nothing from the metadata offset on. Only the first call counts. */
  beginShutdown(brokerId: number, offset: number): void {
    const session = this.#sessions.get(brokerId);
    if (session !== undefined) session.shutdownOffset ??= offset;
  }

  /** Whether the brokers given have all applied that `brokerId` leads nothing any more. */
  isShutdownKnownTo(brokerIds: Iterable<number>, brokerId: number): boolean {
    const offset = this.#sessions.get(brokerId)?.shutdownOffset ?? null;
    if (offset === null) return false;
    for (const id of brokerIds) {
      if (id !== brokerId && (this.#sessions.get(id)?.metadataOffset ?? -1) < offset) return false;
    }
    return true;
  }

  #isExpired(brokerId: number, session: Session, nowMs: number): boolean {
    return brokerId !== this.#options.ownBrokerId && nowMs >= session.heardMs + this.#timeoutMsOf(brokerId);
  }

  #timeoutMsOf(brokerId: number): number {
    return this.#allowancesMs.get(brokerId) ?? this.#options.timeoutMs;
  }

  /** Sets the timer to the end of the session that ends first. It is not moved when a session is prolonged: it then looks again. */
  #arm(): void {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const [id, { heardMs, isFenced }] of this.#sessions) {
      if (!isFenced && id !== this.#options.ownBrokerId) dueMs = Math.min(dueMs, heardMs + this.#timeoutMsOf(id));
    }
    if (dueMs >= this.#dueMs) return;
    this.#timer?.clear();
    this.#dueMs = dueMs;
    // Never none at all: what rounding leaves of a wait would be waited for again and again.
    const nowMs = this.#modules.clock.monotonic();
    const delayMs = Math.max(MIN_DELAY_MS, dueMs - nowMs);
    this.#timerMs = nowMs + delayMs;
    this.#timer = this.#modules.timers.after(delayMs, () => this.#expire());
  }

  #expire(): void {
    const nowMs = this.#modules.clock.monotonic();
    const pauseMs = nowMs - this.#timerMs;
    this.#timer = null;
    this.#dueMs = Number.POSITIVE_INFINITY;
    if (pauseMs > PAUSE_MS) {
      for (const [id, session] of this.#sessions)
        session.heardMs = Math.max(session.heardMs, nowMs - this.#timeoutMsOf(id) + CATCH_UP_MS);
    }
    const expired: number[] = [];
    for (const [id, session] of this.#sessions) {
      if (!session.isFenced && this.#isExpired(id, session, nowMs)) expired.push(id);
    }
    for (const id of expired) this.#sessions.delete(id);
    this.#arm();
    for (const id of expired) this.#modules.onExpired(id);
  }
}
