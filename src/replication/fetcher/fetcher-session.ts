/**
 * A follower's side of its fetch session at a leader (KIP-227): works out what a request has to say so that the leader knows everything.
 */
import { Errors } from "../../../protocol/errors.ts";
import type { FetchPosition } from "../follower-role.ts";

/** A partition that is to be fetched, and from where. */
export interface WantedPartition {
  readonly topicId: string;
  readonly index: number;
  readonly position: FetchPosition;
}

/** By a name of each partition, which outlives whatever object stands for it at the moment. */
export type Wanted = ReadonlyMap<string, WantedPartition>;

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

export class FetcherSession {
  #id = NO_SESSION_ID;
  /** Of the next request. */
  #epoch = INITIAL_EPOCH;
  /** What the leader knows of each partition in the session. */
  readonly #told = new Map<string, WantedPartition>();
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
  hasNews(wanted: Wanted): boolean {
    if (this.isNew || wanted.size !== this.#told.size) return true;
    for (const [name, partition] of wanted) if (!isSame(this.#told.get(name), partition)) return true;
    return false;
  }

  /** The session's part of a request that fetches just the `wanted` partitions. */
  next(wanted: Wanted, partitionMaxBytes: number): SessionRequest {
    const topics = new Map<string, SessionTopic>();
    for (const [name, partition] of wanted) {
      if (!this.isNew && isSame(this.#told.get(name), partition)) continue;
      const { topicId, index, position } = partition;
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
    for (const [name, partition] of wanted) this.#told.set(name, partition);
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

  #forget(wanted: Wanted): SessionRequest["forgottenTopicsData"] {
    const forgotten = new Map<string, number[]>();
    for (const [name, { topicId, index }] of this.#told) {
      if (wanted.has(name)) continue;
      this.#told.delete(name);
      const partitions = forgotten.get(topicId);
      if (partitions === undefined) forgotten.set(topicId, [index]);
      else partitions.push(index);
    }
    return this.isNew ? [] : [...forgotten].map(([topicId, partitions]) => ({ topic: "", topicId, partitions }));
  }
}

function isSame(before: WantedPartition | undefined, { position }: WantedPartition): boolean {
  const told = before?.position;
  return (
    told !== undefined &&
    told.fetchOffset === position.fetchOffset &&
    told.leaderEpoch === position.leaderEpoch &&
    told.lastFetchedEpoch === position.lastFetchedEpoch &&
    told.logStartOffset === position.logStartOffset
  );
}
