/**
 * Fetches from one leader all partitions that this broker follows there: one connection, one session, one request at a time.
 *
 * ```ts
 * const fetcher = new FollowerFetcher(options, { client, flush, brokerEpoch, timers, logger, fetchedBytes });
 * fetcher.follow(partition); // from now on it has what the leader has
 * fetcher.unfollow(partition);
 * ```
 *
 * What comes back is appended and flushed, in the group commit that all of this broker shares, and then claimed by the next fetch. So an acks=all write
 * takes the leader's append, the parked fetch that it answers, two flushes side by side, and one more fetch. While a fetch is parked at the leader,
 * partitions may be added or come out of their backoff; a second request tells the leader at once, which then answers the first.
 *
 * A request for a partition that fails is tried again, sooner than `replica.fetch.backoff.ms` at first: after an election followers often know before
 * their leader does.
 */

import { Fetch } from "../../../protocol/apis/01-fetch.ts";
import { ListOffsets } from "../../../protocol/apis/02-list-offsets.ts";
import { Errors, errorName } from "../../../protocol/errors.ts";
import type { RequestInputOf, ResponseOf } from "../../../protocol/schema.ts";
import type { PartitionLog } from "../../log/index.ts";
import type { Logger } from "../../logging/index.ts";
import type { Counter } from "../../metrics/index.ts";
import type { Timer, Timers } from "../../platform/platform.ts";
import { AnswerMemory, type RpcClient, RpcError } from "../../rpc/index.ts";
import type { FetchPosition } from "../follower-role.ts";
import type { Partition } from "../partition.ts";
import { FetcherSession, type WantedPartition } from "./fetcher-session.ts";

/** Read again before each request: settings may change. */
export interface FollowerFetcherOptions {
  readonly nodeId: number;
  readonly leaderId: number;
  /** `replica.fetch.max.bytes`, of one partition. */
  readonly partitionMaxBytes: number;
  /** `replica.fetch.response.max.bytes`. */
  readonly maxBytes: number;
  /** `replica.fetch.min.bytes`. */
  readonly minBytes: number;
  /** `replica.fetch.wait.max.ms`. */
  readonly maxWaitMs: number;
  /** `replica.fetch.backoff.ms`. */
  readonly backoffMs: number;
  /** `replica.socket.timeout.ms`. */
  readonly requestTimeoutMs: number;
}

export interface FollowerFetcherModules {
  /** To the leader; closed with the fetcher. */
  readonly client: Pick<RpcClient, "request" | "close">;
  /** Resolves once all that was appended to a log is durable. */
  readonly flush: (log: PartitionLog) => Promise<void>;
  readonly brokerEpoch: () => number;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly fetchedBytes: Counter;
  /** Holds back what is being moved (KIP-73). */
  readonly throttles: {
    holdsBackFetch(partition: Partition): boolean;
    fetched(partition: Partition, sizeBytes: number): void;
  };
}

/** A partition that is followed. */
interface Followed {
  readonly partition: Partition;
  readonly topicId: string;
  readonly index: number;
  /** Failures in a row. */
  failureCount: number;
  /** Set while it waits before it is tried again. */
  retry: Timer | null;
  isFlushing: boolean;
}

type FetchResponse = ResponseOf<typeof Fetch>;
type PartitionData = FetchResponse["responses"][number]["partitions"][number];

/** A partition as one request asks for it. */
interface AskedPartition extends WantedPartition {
  readonly followed: Followed;
}

type Asked = ReadonlyMap<string, AskedPartition>;

const FIRST_BACKOFF_MS = 10;
/** So many failures in a row, and the log says so. */
const REPORTED_FAILURES = 5;
/** How long a partition that is held back by the quota is left alone at a time. */
const THROTTLED_MS = 100;
/** From here on the follower's epoch is in the request (KIP-903); topics go by id. */
const MIN_VERSION = 15;
const LATEST = -1;
const EARLIEST_LOCAL = -4;

export class FollowerFetcher {
  readonly #options: () => FollowerFetcherOptions;
  readonly #modules: FollowerFetcherModules;
  readonly #followed = new Map<string, Followed>();
  readonly #session = new FetcherSession();
  #inFlight = 0;
  /** Partitions of the last answer whose records are not durable yet. */
  #flushing = 0;
  #failureCount = 0;
  #pause: Timer | null = null;
  #isScheduled = false;
  #isClosed = false;

  constructor(options: () => FollowerFetcherOptions, modules: FollowerFetcherModules) {
    this.#options = options;
    this.#modules = modules;
  }

  get partitionCount(): number {
    return this.#followed.size;
  }

  /** Fetches for `partition`, whose follower's role names this leader, until {@link unfollow}. Also when it follows in a new epoch. */
  follow(partition: Partition): void {
    this.unfollow(partition);
    const { topicId, index } = partition;
    this.#followed.set(keyOf(topicId, index), {
      partition,
      topicId,
      index,
      failureCount: 0,
      retry: null,
      isFlushing: false,
    });
    this.#schedule();
  }

  unfollow({ topicId, index }: { readonly topicId: string; readonly index: number }): void {
    const key = keyOf(topicId, index);
    this.#followed.get(key)?.retry?.clear();
    this.#followed.delete(key);
  }

  /** Lets go of the connection; what is under way comes to nothing. */
  close(): void {
    this.#isClosed = true;
    for (const followed of this.#followed.values()) followed.retry?.clear();
    this.#followed.clear();
    this.#pause?.clear();
    this.#modules.client.close();
  }

  /** Looks at the end of this tick whether there is something to ask. */
  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#modules.timers.endOfTick(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  /** Sends a request if there is room for one and something to ask. */
  #pump(): void {
    if (this.#isClosed || this.#pause !== null || this.#flushing > 0 || this.#inFlight > 1) return;
    // A second request only interrupts a parked one, for the leader to hear something new.
    if (this.#inFlight === 1 && this.#session.isNew) return;
    const wanted = this.#wanted();
    if (this.#inFlight === 1 ? !this.#session.hasNews(wanted) : wanted.size === 0) return;
    this.#send(wanted);
  }

  /** From where to fetch each partition that can be fetched now. What is not durable yet is flushed first. */
  #wanted(): Asked {
    const wanted = new Map<string, AskedPartition>();
    for (const [name, followed] of this.#followed) {
      if (followed.retry !== null || followed.isFlushing || followed.partition.follower === null) continue;
      if (this.#modules.throttles.holdsBackFetch(followed.partition)) {
        this.#retryAfter(followed, THROTTLED_MS);
        continue;
      }
      const position = followed.partition.fetchPosition;
      const { topicId, index } = followed;
      if (position !== null) wanted.set(name, { topicId, index, position, followed });
      else if (!followed.partition.isOffline) this.#flushBefore(followed);
    }
    return wanted;
  }

  #flushBefore(followed: Followed): void {
    followed.isFlushing = true;
    this.#modules.flush(followed.partition.log).then(() => {
      followed.isFlushing = false;
      this.#schedule();
    });
  }

  #send(asked: Asked): void {
    const { nodeId, partitionMaxBytes, maxBytes, minBytes, maxWaitMs, requestTimeoutMs } = this.#options();
    // The first answer makes the session; only then can a request be interrupted, so only then may the leader let it wait.
    const mayWait = !this.#session.isNew || this.#session.isRefused;
    const { generation } = this.#session;
    const body: RequestInputOf<typeof Fetch> = {
      replicaState: { replicaId: nodeId, replicaEpoch: this.#modules.brokerEpoch() },
      maxWaitMs: mayWait ? maxWaitMs : 0,
      minBytes,
      maxBytes,
      ...this.#session.next(asked, partitionMaxBytes),
    };
    this.#inFlight += 1;
    const memory = new AnswerMemory();
    const options = { timeoutMs: requestTimeoutMs, versions: { min: MIN_VERSION }, memory };
    this.#modules.client.request(Fetch, body, options).then(
      response => {
        this.#received(response, asked, generation, memory);
        // What logs keep of it, they have retained.
        memory.release();
      },
      error => this.#failed(error, generation),
    );
  }

  #received(response: FetchResponse, asked: Asked, generation: number, memory: AnswerMemory): void {
    this.#inFlight -= 1;
    if (this.#isClosed) return;
    if (this.#failureCount >= REPORTED_FAILURES)
      this.#modules.logger.info("replica.leader-reachable", { leaderId: this.#options().leaderId });
    this.#failureCount = 0;
    if (!this.#session.answered(generation, response)) {
      this.#modules.logger.info("replica.session-lost", {
        leaderId: this.#options().leaderId,
        error: errorName(response.errorCode),
      });
      this.#schedule();
      return;
    }
    const appended: PartitionLog[] = [];
    for (const topic of response.responses) {
      for (const data of topic.partitions) {
        const name = keyOf(topic.topicId, data.partitionIndex);
        const entry = asked.get(name);
        if (entry !== undefined && this.#followed.get(name) === entry.followed)
          this.#take(entry, data, memory, appended);
      }
    }
    if (appended.length > 0) this.#flush(appended);
    else this.#schedule();
  }

  #take(entry: AskedPartition, data: PartitionData, memory: AnswerMemory, appended: PartitionLog[]): void {
    const { followed, position: asked } = entry;
    const { partition } = followed;
    if (data.errorCode === Errors.OFFSET_OUT_OF_RANGE && partition.follower?.leaderEpoch === asked.leaderEpoch) {
      this.#askRange(followed, asked);
      return;
    }
    const outcome = partition.takeFetched(asked, data, memory);
    switch (outcome.kind) {
      case "appended":
        followed.failureCount = 0;
        if (outcome.sizeBytes > 0) {
          appended.push(partition.log);
          this.#modules.fetchedBytes.increment(outcome.sizeBytes);
          this.#modules.throttles.fetched(partition, outcome.sizeBytes);
        }
        return;
      case "refused":
        this.#backOff(followed, errorName(outcome.errorCode), outcome.message);
        return;
      case "truncated":
        followed.failureCount = 0;
        return;
      case "stale":
        return;
    }
  }

  /** The next request follows once everything just appended can be claimed. */
  #flush(logs: readonly PartitionLog[]): void {
    this.#flushing += logs.length;
    for (const log of logs) {
      this.#modules.flush(log).then(() => {
        this.#flushing -= 1;
        if (this.#flushing === 0) this.#pump();
      });
    }
  }

  /** Our position lies outside of the leader's log: asks where that is, and goes there. */
  #askRange(followed: Followed, asked: FetchPosition): void {
    const { partition, index } = followed;
    const { nodeId } = this.#options();
    followed.isFlushing = true;
    const ask = (timestamp: number) =>
      this.#modules.client.request(ListOffsets, {
        replicaId: nodeId,
        isolationLevel: 0,
        topics: [
          {
            name: partition.topic,
            partitions: [{ partitionIndex: index, currentLeaderEpoch: asked.leaderEpoch, timestamp }],
          },
        ],
        timeoutMs: this.#options().requestTimeoutMs,
      });
    Promise.all([ask(LATEST), ask(EARLIEST_LOCAL)])
      .then(
        ([latest, earliest]) => {
          const end = offsetIn(latest);
          const start = offsetIn(earliest);
          if (end === null || start === null) {
            this.#backOff(followed, "OFFSET_OUT_OF_RANGE", "no range to be had");
            return;
          }
          const outcome = partition.takeRange(asked, start, end);
          if (outcome.kind === "refused") this.#backOff(followed, errorName(outcome.errorCode), outcome.message);
        },
        error => this.#backOff(followed, "OFFSET_OUT_OF_RANGE", String(error)),
      )
      .finally(() => {
        followed.isFlushing = false;
        this.#schedule();
      });
  }

  /** Leaves a partition alone for a while, longer after each failure in a row. */
  #backOff(followed: Followed, error: string, message: string): void {
    const { leaderId, backoffMs } = this.#options();
    const delayMs = Math.min(FIRST_BACKOFF_MS * 2 ** followed.failureCount, backoffMs);
    followed.failureCount += 1;
    const event = { partition: nameOf(followed), leaderId, error, message, delayMs };
    if (delayMs < backoffMs) this.#modules.logger.debug("replica.fetch-refused", event);
    else this.#modules.logger.warn("replica.fetch-refused", event);
    this.#retryAfter(followed, delayMs);
    this.#schedule();
  }

  #retryAfter(followed: Followed, delayMs: number): void {
    followed.retry?.clear();
    followed.retry = this.#modules.timers.after(delayMs, () => {
      followed.retry = null;
      this.#schedule();
    });
  }

  /** No answer. The client waits by itself before it connects again; whatever else it was, we wait here. */
  #failed(error: unknown, generation: number): void {
    this.#inFlight -= 1;
    if (this.#isClosed) return;
    if (!(error instanceof RpcError)) throw error;
    if (generation !== this.#session.generation) {
      this.#schedule();
      return;
    }
    const { leaderId, backoffMs } = this.#options();
    this.#session.reset();
    const delayMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#failureCount, backoffMs);
    this.#failureCount += 1;
    const event = { leaderId, partitions: this.#followed.size, error: error.message };
    if (this.#failureCount === REPORTED_FAILURES) this.#modules.logger.warn("replica.leader-unreachable", event);
    else this.#modules.logger.debug("replica.fetch-failed", event);
    this.#pause?.clear();
    this.#pause = this.#modules.timers.after(delayMs, () => {
      this.#pause = null;
      this.#pump();
    });
  }
}

function keyOf(topicId: string, index: number): string {
  return `${topicId}:${index}`;
}

function nameOf({ partition }: Followed): string {
  return `${partition.topic}-${partition.index}`;
}

function offsetIn(response: ResponseOf<typeof ListOffsets>): number | null {
  const partition = response.topics[0]?.partitions[0];
  return partition === undefined || partition.errorCode !== Errors.NONE ? null : partition.offset;
}
