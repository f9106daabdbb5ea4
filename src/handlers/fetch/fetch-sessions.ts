/**
 * Fetch sessions (KIP-227): the broker remembers what a client fetches, so that a request names only what changed and a response only what is
 * new.
 *
 * The cache has a fixed number of slots (`max.incremental.fetch.session.cache.slots`). A new session takes a free one; else that of the session
 * unused for longest, if that is longer than two minutes; else that of the smallest one, if the new session is larger and the small one has had
 * two minutes. Followers' sessions are not given up for consumers'. Who gets no slot fetches in full each time, told by session id 0.
 */
import { Errors } from "../../../protocol/errors.ts";
import { ZERO_UUID } from "../../../protocol/schema.ts";
import type { Clock, Random } from "../../platform/platform.ts";
import type { DelayedFetch } from "../../replication/delayed-fetch.ts";
import { FetchPartition } from "./fetch-partition.ts";
import type { FetchRequest } from "./fetch-request.ts";

/** Session id and epoch of requests outside any session. */
export const NO_SESSION_ID = 0;
/** Asks for a new session. */
export const INITIAL_EPOCH = 0;
/** Closes the session named, or asks for none. */
export const FINAL_EPOCH = -1;

const EVICTION_MS = 120_000;
const MAX_INT32 = 0x7fffffff;

/** One client's session. Partitions stand in the order in which they are to be served. */
export class FetchSession {
  readonly id: number;
  readonly isPrivileged: boolean;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  lastUsedMs: number;
  /** The epoch that the next request must have. */
  epoch: number;
  readonly partitions = new Map<string, FetchPartition>();
  /** A follower's request that is parked: its next one ends the wait. */
  parked: DelayedFetch | null = null;

  constructor(options: { id: number; isPrivileged: boolean; usesTopicIds: boolean; nowMs: number }) {
    this.id = options.id;
    this.isPrivileged = options.isPrivileged;
    this.usesTopicIds = options.usesTopicIds;
    this.createdMs = options.nowMs;
    this.lastUsedMs = options.nowMs;
    this.epoch = 1;
  }

  /** Puts a partition at the end of the order, behind those that had nothing: each gets its turn. */
  rotate(partition: FetchPartition): void {
    const key = keyOf(this.usesTopicIds, partition.topicId, partition.topic, partition.partition);
    if (!this.partitions.delete(key)) return;
    this.partitions.set(key, partition);
  }
}

/** What a fetch request comes down to. */
export type FetchContext =
  | { readonly kind: "error"; readonly errorCode: number }
  /** All partitions asked for are answered; a `wantsSession` one may become a session. */
  | { readonly kind: "full"; readonly partitions: readonly FetchPartition[]; readonly wantsSession: boolean }
  /** Only partitions with news are answered. */
  | { readonly kind: "incremental"; readonly partitions: readonly FetchPartition[]; readonly session: FetchSession };

export interface FetchSessionsOptions {
  readonly maxSlots: number;
}

export interface FetchSessionsModules {
  readonly clock: Clock;
  readonly random: Random;
}

export class FetchSessions {
  readonly #maxSlots: number;
  readonly #modules: FetchSessionsModules;
  /** In order of last use, the longest unused first. */
  readonly #sessions = new Map<number, FetchSession>();

  constructor(options: FetchSessionsOptions, modules: FetchSessionsModules) {
    this.#maxSlots = options.maxSlots;
    this.#modules = modules;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Works out what a request asks for, and brings its session up to date. */
  begin(request: FetchRequest, usesTopicIds: boolean): FetchContext {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      if (sessionId !== NO_SESSION_ID) this.#sessions.delete(sessionId);
      return { kind: "full", partitions: partitionsOf(request), wantsSession: sessionEpoch === INITIAL_EPOCH };
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return { kind: "error", errorCode: Errors.FETCH_SESSION_ID_NOT_FOUND };
    if (session.epoch !== sessionEpoch) return { kind: "error", errorCode: Errors.INVALID_FETCH_SESSION_EPOCH };
    if (session.usesTopicIds !== usesTopicIds) {
      return { kind: "error", errorCode: Errors.FETCH_SESSION_TOPIC_ID_ERROR };
    }
    updateSession(session, request);
    if (session.partitions.size === 0) {
      this.#sessions.delete(sessionId);
      return { kind: "full", partitions: [], wantsSession: false };
    }
    session.epoch = nextEpoch(session.epoch);
    session.lastUsedMs = this.#modules.clock.monotonic();
    this.#sessions.delete(sessionId);
    this.#sessions.set(sessionId, session);
    return { kind: "incremental", partitions: [...session.partitions.values()], session };
  }

  /** Makes a session of what a full fetch has asked for, if there is room; null when there is none. */
  create(partitions: readonly FetchPartition[], usesTopicIds: boolean, isPrivileged: boolean): FetchSession | null {
    const nowMs = this.#modules.clock.monotonic();
    if (this.#maxSlots <= 0 || partitions.length === 0) return null;
    if (this.#sessions.size >= this.#maxSlots && !this.#evict(partitions.length, isPrivileged, nowMs)) return null;
    const session = new FetchSession({ id: this.#freeId(), isPrivileged, usesTopicIds, nowMs });
    for (const partition of partitions) {
      session.partitions.set(keyOf(usesTopicIds, partition.topicId, partition.topic, partition.partition), partition);
    }
    this.#sessions.set(session.id, session);
    return session;
  }

  #evict(size: number, isPrivileged: boolean, nowMs: number): boolean {
    let smallest: FetchSession | null = null;
    for (const session of this.#sessions.values()) {
      if (nowMs - session.lastUsedMs > EVICTION_MS) return this.#sessions.delete(session.id);
      if (session.isPrivileged && !isPrivileged) continue;
      if (nowMs - session.createdMs <= EVICTION_MS && !(isPrivileged && !session.isPrivileged)) continue;
      if (smallest === null || session.partitions.size < smallest.partitions.size) smallest = session;
    }
    if (smallest === null) return false;
    const isWorthLess = smallest.partitions.size < size || (isPrivileged && !smallest.isPrivileged);
    return isWorthLess && this.#sessions.delete(smallest.id);
  }

  #freeId(): number {
    for (;;) {
      const id = 1 + this.#modules.random.integer(MAX_INT32);
      if (id <= MAX_INT32 && !this.#sessions.has(id)) return id;
    }
  }
}

/** Epochs go round without ever being 0 or -1 again. */
function nextEpoch(epoch: number): number {
  return epoch === MAX_INT32 ? 1 : epoch + 1;
}

function partitionsOf(request: FetchRequest): FetchPartition[] {
  const partitions: FetchPartition[] = [];
  for (const topic of request.topics) {
    for (const requested of topic.partitions) {
      const partition = new FetchPartition(topic.topic, topic.topicId, requested.partition);
      partition.update(requested);
      partitions.push(partition);
    }
  }
  return partitions;
}

function updateSession(session: FetchSession, request: FetchRequest): void {
  const { partitions, usesTopicIds } = session;
  for (const topic of request.topics) {
    for (const requested of topic.partitions) {
      const key = keyOf(usesTopicIds, topic.topicId, topic.topic, requested.partition);
      let partition = partitions.get(key);
      if (partition === undefined) {
        partition = new FetchPartition(topic.topic, topic.topicId, requested.partition);
        partitions.set(key, partition);
      }
      partition.update(requested);
    }
  }
  for (const topic of request.forgottenTopicsData) {
    for (const partition of topic.partitions) {
      partitions.delete(keyOf(usesTopicIds, topic.topicId, topic.topic, partition));
    }
  }
}

function keyOf(usesTopicIds: boolean, topicId: string, topic: string, partition: number): string {
  return `${usesTopicIds && topicId !== ZERO_UUID ? topicId : topic}:${partition}`;
}
