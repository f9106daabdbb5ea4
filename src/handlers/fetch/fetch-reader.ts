/**
 * Reads the partitions of one fetch, in order, within its limits.
 *
 * Reads are synchronous as long as the data is in memory; the first that has to wait for the disk makes the rest of the walk asynchronous.
 */
import { Errors } from "../../../protocol/errors.ts";
import { attributesAt, batchSizeAt, codecOf, lastOffsetAt } from "../../../protocol/records/batch.ts";
import { CODEC } from "../../../protocol/records/compression/index.ts";
import type { ReadLease, ReadOutcome } from "../../log/index.ts";
import type { FetchIsolation } from "../../replication/delayed-fetch.ts";
import type { Partition } from "../../replication/partition.ts";
import type { ReplicaManager } from "../../replication/replica-manager.ts";
import type { FetchPartition } from "./fetch-partition.ts";
import type { FetchPartitionResponse } from "./fetch-request.ts";

export interface FetchLimits {
  readonly maxBytes: number;
  readonly isolation: FetchIsolation;
  readonly usesTopicIds: boolean;
  /** False for clients from before KIP-110. */
  readonly understandsZstd: boolean;
  /** The broker that fetches in order to replicate; null for consumers. */
  readonly follower: FetchingFollower | null;
  /** Whether a consumer knows that followers may answer it (KIP-392). */
  readonly mayReadFollowers: boolean;
  /** Where the consumer is; empty when it does not say. */
  readonly rackId: string;
}

export interface FetchingFollower {
  readonly replicaId: number;
  /** Of its process; -1 when it does not say. */
  readonly brokerEpoch: number;
}

/** What reading a partition came to. */
export interface FetchedPartition {
  readonly request: FetchPartition;
  /** Null when it is not hosted here. */
  readonly replica: Partition | null;
  readonly response: FetchPartitionResponse;
  readonly sizeBytes: number;
  /** A follower gets nothing of it for now, whatever comes (KIP-73). */
  readonly isHeldBack?: boolean;
}

/** What reading all of them came to. */
export interface FetchedPartitions {
  readonly partitions: readonly FetchedPartition[];
  readonly sizeBytes: number;
  /** Whether the client must hear of something other than records at once: an error, a diverging log. */
  readonly isUrgent: boolean;
}

const NO_RECORDS: readonly Buffer[] = [];

export class FetchReader {
  readonly #limits: FetchLimits;
  readonly #replicas: ReplicaManager;
  readonly #requests: readonly FetchPartition[];
  readonly #lease: ReadLease;
  readonly #credits: boolean;
  readonly #results: FetchedPartition[] = [];
  #sizeBytes = 0;
  #isUrgent = false;

  /**
   * What is read lies in the memory of `lease`. `credits`: what a follower claims is noted, which is to happen once for each request, when it comes.
   */
  constructor(
    options: { limits: FetchLimits; requests: readonly FetchPartition[]; lease: ReadLease; credits: boolean },
    replicas: ReplicaManager,
  ) {
    this.#limits = options.limits;
    this.#requests = options.requests;
    this.#lease = options.lease;
    this.#credits = options.credits;
    this.#replicas = replicas;
  }

  /** Reads everything once. */
  read(): FetchedPartitions | Promise<FetchedPartitions> {
    const requests = this.#requests;
    for (let index = this.#results.length; index < requests.length; index++) {
      const result = this.#readOne(requests[index]!);
      if (result instanceof Promise) return this.#goOn(result);
      this.#take(result);
    }
    return { partitions: this.#results, sizeBytes: this.#sizeBytes, isUrgent: this.#isUrgent };
  }

  async #goOn(pending: Promise<FetchedPartition>): Promise<FetchedPartitions> {
    this.#take(await pending);
    return this.read();
  }

  #take(result: FetchedPartition): void {
    this.#results.push(result);
    this.#sizeBytes += result.sizeBytes;
    const { errorCode, divergingEpoch, preferredReadReplica } = result.response;
    const isElsewhere = divergingEpoch !== undefined || preferredReadReplica !== undefined;
    if (errorCode !== Errors.NONE || isElsewhere) this.#isUrgent = true;
    else if (this.#limits.follower !== null && this.#isNewToFollower(result)) this.#isUrgent = true;
  }

  /** Followers learn at once that the log starts elsewhere: DeleteRecords waits for them. */
  #isNewToFollower({ request, response }: FetchedPartition): boolean {
    const { sentLogStartOffset, sentHighWatermark } = request;
    if (sentLogStartOffset >= 0 && sentLogStartOffset !== response.logStartOffset) return true;
    return this.#replicas.hurriesHighWatermark && sentHighWatermark !== response.highWatermark;
  }

  #readOne(request: FetchPartition): FetchedPartition | Promise<FetchedPartition> {
    const { usesTopicIds, isolation } = this.#limits;
    const replica = usesTopicIds
      ? this.#replicas.getById(request.topicId, request.partition)
      : this.#replicas.get(request.topic, request.partition);
    if (usesTopicIds && request.topic === "") request.topic = this.#replicas.topicName(request.topicId) ?? "";
    if (replica === undefined) {
      const errorCode = usesTopicIds
        ? this.#replicas.whyNotById(request.topicId, request.partition)
        : this.#replicas.whyNot(request.topic, request.partition);
      return failed(request, null, errorCode);
    }
    const errorCode = this.#check(request, replica);
    if (errorCode !== Errors.NONE) return failed(request, replica, errorCode);
    if (request.lastFetchedEpoch >= 0) {
      const answer = checkDivergence(request, replica);
      if (answer !== null) return answer;
    }
    const { follower } = this.#limits;
    if (follower !== null && this.#credits) {
      const { fetchOffset, logStartOffset } = request;
      replica.followerFetched(follower.replicaId, { fetchOffset, logStartOffset, brokerEpoch: follower.brokerEpoch });
    }
    const preferredReadReplica =
      follower === null ? this.#replicas.preferredReplica(replica, this.#limits.rackId, request.fetchOffset) : -1;
    if (preferredReadReplica >= 0) {
      const response = { ...factsOf(request, replica, isolation), preferredReadReplica, records: NO_RECORDS };
      return { request, replica, response, sizeBytes: 0 };
    }
    if (follower !== null && this.#replicas.throttles.holdsBackFollower(replica, follower.replicaId)) {
      const response = { ...factsOf(request, replica, isolation), records: NO_RECORDS };
      return { request, replica, response, sizeBytes: 0, isHeldBack: true };
    }
    const remainingBytes = Math.max(0, this.#limits.maxBytes - this.#sizeBytes);
    const maxBytes = Math.min(request.maxBytes, remainingBytes);
    // What is told of the log is what held when it was read.
    const facts = factsOf(request, replica, isolation);
    const outcome = replica.read(request.fetchOffset, maxBytes, isolation, this.#sizeBytes === 0, this.#lease);
    if (outcome instanceof Promise) return outcome.then(value => this.#answer(request, replica, facts, value));
    return this.#answer(request, replica, facts, outcome);
  }

  #check({ currentLeaderEpoch }: FetchPartition, replica: Partition): number {
    const { follower, mayReadFollowers } = this.#limits;
    if (follower !== null) return replica.checkFollower(follower.replicaId, follower.brokerEpoch, currentLeaderEpoch);
    return mayReadFollowers ? replica.checkReader(currentLeaderEpoch) : replica.check(currentLeaderEpoch);
  }

  #answer(request: FetchPartition, replica: Partition, facts: PartitionFacts, outcome: ReadOutcome): FetchedPartition {
    if (!outcome.ok) return failed(request, replica, outcome.errorCode);
    if (!this.#limits.understandsZstd && holdsZstd(outcome.chunks)) {
      return failed(request, replica, Errors.UNSUPPORTED_COMPRESSION_TYPE);
    }
    const response: FetchPartitionResponse = { ...facts, records: outcome.chunks };
    const { follower } = this.#limits;
    if (follower !== null) this.#replicas.throttles.sentToFollower(replica, follower.replicaId, outcome.sizeBytes);
    if (this.#limits.isolation === "last-stable-offset" && outcome.sizeBytes > 0) {
      response.abortedTransactions = abortedTransactions(replica, outcome);
    }
    return { request, replica, response, sizeBytes: outcome.sizeBytes };
  }
}

type PartitionFacts = Omit<FetchPartitionResponse, "records">;

function factsOf(request: FetchPartition, replica: Partition, isolation: FetchIsolation): PartitionFacts {
  return {
    partitionIndex: request.partition,
    errorCode: Errors.NONE,
    highWatermark: replica.highWatermark,
    lastStableOffset: replica.lastStableOffset,
    logStartOffset: replica.logStartOffset,
    abortedTransactions: isolation === "last-stable-offset" ? [] : null,
  };
}

function failed(request: FetchPartition, replica: Partition | null, errorCode: number): FetchedPartition {
  return {
    request,
    replica,
    response: {
      partitionIndex: request.partition,
      errorCode,
      highWatermark: -1,
      lastStableOffset: -1,
      logStartOffset: -1,
      abortedTransactions: null,
      records: NO_RECORDS,
    },
    sizeBytes: 0,
  };
}

/** Whether the fetcher's log and ours part ways before its fetch offset (KIP-595); null when they agree. */
function checkDivergence(request: FetchPartition, replica: Partition): FetchedPartition | null {
  const end = replica.divergence(request.lastFetchedEpoch, request.fetchOffset);
  if (end === null) return null;
  if (typeof end === "number") return failed(request, replica, end);
  const response = {
    ...factsOf(request, replica, "high-watermark"),
    divergingEpoch: { epoch: end.leaderEpoch, endOffset: end.endOffset },
    records: NO_RECORDS,
  };
  return { request, replica, response, sizeBytes: 0 };
}

/** The aborted transactions that a reader of committed records must leave out of what it was sent (KIP-98). */
function abortedTransactions(
  replica: Partition,
  { chunks, firstOffset }: ReadOutcome & { ok: true },
): { producerId: number; firstOffset: number }[] {
  const last = chunks[chunks.length - 1]!;
  let position = 0;
  for (let next = 0; next < last.length; next += batchSizeAt(last, next)) position = next;
  return replica.log
    .abortedTransactions(firstOffset, lastOffsetAt(last, position) + 1)
    .map(({ producerId, firstOffset: first }) => ({ producerId, firstOffset: first }));
}

/** Whether any batch is compressed with zstd. Chunks hold whole batches. */
function holdsZstd(chunks: readonly Buffer[]): boolean {
  for (const chunk of chunks) {
    for (let position = 0; position < chunk.length; position += batchSizeAt(chunk, position)) {
      if (codecOf(attributesAt(chunk, position)) === CODEC.zstd) return true;
    }
  }
  return false;
}
