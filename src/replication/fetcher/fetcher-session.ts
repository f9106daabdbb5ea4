/**
 * A follower's side of its fetch session at a leader (KIP-227): works out what a request has to say so that the leader knows everything.
 */
import { Errors } from "../../../protocol/errors.ts";
import type { FetchPosition } from "../follower-role.ts";

/** A partition as a fetch names it. */
export interface FetchedPartitionKey {
  readonly topicId: string;
  readonly index: number;
}

export interface SessionTopic {
  /** Topics go by id. */
  readonly topic: "";
  readonly topicId: string;
  readonly partitions: {
    readonly partition: number;
    readonly currentLeaderEpoch: number;
    readonly fetchOffset: number;
    readonly lastFetchedEpoch: number;
    readonly logStartOffset: number;
    readonly partitionMaxBytes: number;
  }[];
}

export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly topics: SessionTopic[];
  readonly forgottenTopicsData: { readonly topic: ""; readonly topicId: string; readonly partitions: number[] }[];
}

const NO_SESSION_ID = 0;
const INITIAL_EPOCH = 0;
const MAX_EPOCH = 0x7fffffff;

export class FetcherSession<P extends FetchedPartitionKey> {
  #id = NO_SESSION_ID;
  /** Of the next request. */
  #epoch = INITIAL_EPOCH;
  /** What the leader knows of each partition in the session. */
  readonly #told = new Map<P, FetchPosition>();
  /** Counts sessions begun: what comes back for an earlier one says nothing about this one. */
  #generation = 0;
  #isRefused = false;

  /** Whether the next request names everything and asks for a new session. */
  get isNew(): boolean {
    return this.#epoch === INITIAL_EPOCH;
  }

  /** The leader keeps no session for us: each request is a full one. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Whether a request would tell the leader anything that it does not know. */
  hasNews(wanted: ReadonlyMap<P, FetchPosition>): boolean {
    if (this.isNew || wanted.size !== this.#told.size) return true;
    for (const [partition, position] of wanted) if (!isSame(this.#told.get(partition), position)) return true;
    return false;
  }

  /** The session's part of a request that fetches just the `wanted` partitions. */
  next(wanted: ReadonlyMap<P, FetchPosition>, partitionMaxBytes: number): SessionRequest {
    const topics = new Map<string, SessionTopic>();
    for (const [partition, position] of wanted) {
      if (!this.isNew && isSame(this.#told.get(partition), position)) continue;
      const { topicId, index } = partition;
      let topic = topics.get(topicId);
      if (topic === undefined) {
        topic = { topic: "", topicId, partitions: [] };
        topics.set(topicId, topic);
      }
      const { leaderEpoch, fetchOffset, lastFetchedEpoch, logStartOffset } = position;
      topic.partitions.push({
        partition: index,
        currentLeaderEpoch: leaderEpoch,
        fetchOffset,
        lastFetchedEpoch,
        logStartOffset,
        partitionMaxBytes,
      });
    }
    const forgottenTopicsData = this.#forget(wanted);
    for (const [partition, position] of wanted) this.#told.set(partition, position);
    const request = {
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      topics: [...topics.values()],
      forgottenTopicsData,
    };
    if (!this.isNew) this.#epoch = this.#epoch === MAX_EPOCH ? 1 : this.#epoch + 1;
    return request;
  }

  /** Takes the answer to a request of `generation`. False when the session is lost, and the next request has to name everything. */
  answered(generation: number, response: { readonly errorCode: number; readonly sessionId: number }): boolean {
    if (generation !== this.#generation) return response.errorCode === Errors.NONE;
    if (response.errorCode !== Errors.NONE) {
      this.reset();
      return false;
    }
    if (this.isNew) {
      this.#id = response.sessionId;
      this.#isRefused = response.sessionId === NO_SESSION_ID;
      if (!this.#isRefused) this.#epoch = 1;
    }
    return true;
  }

  /** What the leader remembers is not what we think, or the connection is lost: begin a new session. */
  reset(): void {
    this.#id = NO_SESSION_ID;
    this.#epoch = INITIAL_EPOCH;
    this.#told.clear();
    this.#generation += 1;
  }

  #forget(wanted: ReadonlyMap<P, FetchPosition>): SessionRequest["forgottenTopicsData"] {
    const forgotten = new Map<string, number[]>();
    for (const partition of this.#told.keys()) {
      if (wanted.has(partition)) continue;
      this.#told.delete(partition);
      const { topicId, index } = partition;
      const partitions = forgotten.get(topicId);
      if (partitions === undefined) forgotten.set(topicId, [index]);
      else partitions.push(index);
    }
    return this.isNew ? [] : [...forgotten].map(([topicId, partitions]) => ({ topic: "", topicId, partitions }));
  }
}

function isSame(told: FetchPosition | undefined, position: FetchPosition): boolean {
  return (
    told !== undefined &&
    told.fetchOffset === position.fetchOffset &&
    told.leaderEpoch === position.leaderEpoch &&
    told.lastFetchedEpoch === position.lastFetchedEpoch &&
    told.logStartOffset === position.logStartOffset
  );
}
