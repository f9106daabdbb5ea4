/** When elections are held: the waits of a quorum member, each with its share of chance so that members do not act in step. */
import type { Random } from "../platform/platform.ts";

/** All in ms. Keys are Kafka's but for the last. */
export interface QuorumTimeouts {
  /** `controller.quorum.election.timeout.ms`: the longest an election may take, and what a voter without a leader waits at least. */
  readonly electionTimeoutMs: number;
  /** `controller.quorum.election.backoff.max.ms`. */
  readonly electionBackoffMaxMs: number;
  /** `controller.quorum.fetch.timeout.ms`: silence after which a follower gives up its leader. */
  readonly fetchTimeoutMs: number;
  /** `controller.quorum.request.timeout.ms`. */
  readonly requestTimeoutMs: number;
  /** `controller.quorum.retry.backoff.ms`. */
  readonly retryBackoffMs: number;
  /** `samsa.quorum.suspicion.jitter.ms`: most that a voter waits before it asks for votes when its leader's connection is gone. */
  readonly suspicionJitterMs: number;
}

export const DEFAULT_QUORUM_TIMEOUTS: QuorumTimeouts = Object.freeze({
  electionTimeoutMs: 500,
  electionBackoffMaxMs: 1_000,
  fetchTimeoutMs: 1_000,
  requestTimeoutMs: 1_000,
  retryBackoffMs: 20,
  suspicionJitterMs: 10,
});

/** Kafka's longest wait of a fetch; shorter where the fetch timeout is, so that a few answers fit in. */
const MAX_FETCH_WAIT_MS = 500;

export class ElectionTiming {
  readonly timeouts: QuorumTimeouts;
  readonly #random: Random;

  constructor(timeouts: QuorumTimeouts, modules: { random: Random }) {
    this.timeouts = timeouts;
    this.#random = modules.random;
  }

  /** How long a follower lets its leader hold a fetch that finds nothing. */
  get fetchWaitMs(): number {
    return Math.min(MAX_FETCH_WAIT_MS, Math.floor(this.timeouts.fetchTimeoutMs / 4));
  }

  /** How long a leader goes on without a majority's fetches: half as long again as followers wait (Kafka's check-quorum). */
  get checkQuorumMs(): number {
    return this.timeouts.fetchTimeoutMs * 1.5;
  }

  /** How often a leader tells voters that do not fetch that it leads. */
  get beginEpochIntervalMs(): number {
    return Math.max(1, Math.floor(this.timeouts.fetchTimeoutMs / 2));
  }

  /** How long a voter that would vote for another waits before it stands itself. */
  get giveWayMs(): number {
    return Math.min(this.timeouts.electionTimeoutMs, this.timeouts.retryBackoffMs * 10);
  }

  electionTimeoutMs(): number {
    const { electionTimeoutMs } = this.timeouts;
    return electionTimeoutMs * (1 + this.#random.float());
  }

  /** The wait of a voter that has just started. Pre-vote makes asking early harmless: whoever hears a leader refuses. */
  initialElectionMs(): number {
    return (this.timeouts.electionTimeoutMs / 2) * this.#random.float();
  }

  /** The wait of a voter whose leader's connection is gone. */
  suspicionMs(): number {
    return this.timeouts.suspicionJitterMs * this.#random.float();
  }

  /** The wait after the `retries`-th election lost in a row: chance doubles, up to a limit (Kafka's binary exponential backoff). */
  backoffMs(retries: number): number {
    const { retryBackoffMs, electionBackoffMaxMs } = this.timeouts;
    const steps = 2 ** Math.min(Math.max(retries, 1), 10);
    return Math.min(electionBackoffMaxMs, retryBackoffMs * (1 + this.#random.float() * (steps - 1)));
  }

  /** The wait of the successor in `position` when a leader resigns: the first begins at once (KIP-595, EndQuorumEpoch). */
  successionMs(position: number): number {
    if (position === 0) return 0;
    const { retryBackoffMs, electionBackoffMaxMs } = this.timeouts;
    return Math.min(electionBackoffMaxMs, retryBackoffMs * 2 ** Math.min(position, 10));
  }

  randomIndex(count: number): number {
    return this.#random.integer(count);
  }
}
