/**
 * Answers what the members of the quorum, observers and administrators ask of this node, in the protocol's own terms.
 *
 * Every answer names the leader as this node knows it, and where that is to be reached, so that whoever asked the wrong node finds the right one.
 */
import type { Fetch } from "../../protocol/apis/01-fetch.ts";
import type { Vote } from "../../protocol/apis/52-vote.ts";
import type { BeginQuorumEpoch } from "../../protocol/apis/53-begin-quorum-epoch.ts";
import type { EndQuorumEpoch } from "../../protocol/apis/54-end-quorum-epoch.ts";
import type { DescribeQuorum } from "../../protocol/apis/55-describe-quorum.ts";
import type { FetchSnapshot } from "../../protocol/apis/59-fetch-snapshot.ts";
import type { AddRaftVoter } from "../../protocol/apis/80-add-raft-voter.ts";
import type { RemoveRaftVoter } from "../../protocol/apis/81-remove-raft-voter.ts";
import type { UpdateRaftVoter } from "../../protocol/apis/82-update-raft-voter.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { RequestOf, ResponseInputOf } from "../../protocol/schema.ts";
import { joinPath } from "../platform/files.ts";
import { type Disk, DiskError } from "../platform/platform.ts";
import type { VoterChangeOutcome } from "./actions.ts";
import type { AppliedPositions } from "./applied-positions.ts";
import type { RaftDriver } from "./driver.ts";
import type { EpochResponse } from "./messages.ts";
import type { ParkedFetches } from "./parked-fetches.ts";
import {
  changed,
  decided,
  describeNode,
  describeReplica,
  type FetchAnswer,
  type FetchedPartition,
  FIRST_DESCRIBE_VERSION_WITH_NODES,
  fetchError,
  hasRecords,
  readPartition,
  unknownPartition,
} from "./quorum-answers.ts";
import type { RaftLog } from "./raft-log.ts";
import { snapshotFileName } from "./snapshot-id.ts";
import {
  decodeEndEpoch,
  decodeVote,
  METADATA_PARTITION,
  METADATA_TOPIC,
  METADATA_TOPIC_ID,
  metadataPartition,
} from "./wire.ts";

type FetchRequest = RequestOf<typeof Fetch>;

export interface QuorumServiceOptions {
  readonly clusterId: string;
  readonly fetchMaxBytes: number;
  readonly snapshotMaxBytes: number;
  /** Of the metadata log, where its snapshots are. */
  readonly directory: string;
}

export interface QuorumServiceModules {
  readonly driver: RaftDriver;
  readonly log: RaftLog;
  readonly parked: ParkedFetches;
  /** Told how far replicas say that they are. */
  readonly applied: AppliedPositions;
  readonly disk: Disk;
}

/** Where a fetch stands, decoded. */
interface MetadataFetch {
  readonly replica: { readonly id: number; readonly directoryId: string };
  readonly epoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  /** What the replica takes the high watermark for; one that does not say is not woken by it (KIP-1166). */
  readonly highWatermark: number;
  readonly maxBytes: number;
}

const CLUSTER_ID_ERROR = Object.freeze({ errorCode: Errors.INCONSISTENT_CLUSTER_ID, topics: [] });
const REQUEST_ERROR = Object.freeze({ errorCode: Errors.INVALID_REQUEST, topics: [] });
const FIRST_FETCH_VERSION_WITH_TOPIC_IDS = 13;
const FIRST_FETCH_VERSION_WITH_REPLICA_STATE = 15;

export class QuorumService {
  readonly #options: QuorumServiceOptions;
  readonly #modules: QuorumServiceModules;

  constructor(options: QuorumServiceOptions, modules: QuorumServiceModules) {
    this.#options = options;
    this.#modules = modules;
  }

  vote(request: RequestOf<typeof Vote>): ResponseInputOf<typeof Vote> {
    if (this.#isOtherCluster(request.clusterId)) return CLUSTER_ID_ERROR as never;
    const decoded = decodeVote(request);
    if (decoded === null) return REQUEST_ERROR as never;
    const reply = this.#modules.driver.decide((core, nowMs) => core.vote(decoded, nowMs));
    return this.#epochAnswer(reply, { voteGranted: reply.isGranted });
  }

  beginQuorumEpoch(request: RequestOf<typeof BeginQuorumEpoch>): ResponseInputOf<typeof BeginQuorumEpoch> {
    if (this.#isOtherCluster(request.clusterId)) return CLUSTER_ID_ERROR as never;
    const partition = metadataPartition(request.topics);
    if (partition === null) return REQUEST_ERROR as never;
    const { leaderId, leaderEpoch: epoch, voterDirectoryId: directoryId } = partition;
    const { driver } = this.#modules;
    // The address first: to follow is to fetch from there.
    if (epoch >= driver.leaderAndEpoch.epoch) driver.learnAddress(leaderId, request.leaderEndpoints);
    const voter = { id: request.voterId, directoryId };
    const reply = driver.decide((core, nowMs) => core.beginEpoch({ voter, leaderId, epoch }, nowMs));
    return this.#epochAnswer(reply, {});
  }

  endQuorumEpoch(request: RequestOf<typeof EndQuorumEpoch>): ResponseInputOf<typeof EndQuorumEpoch> {
    if (this.#isOtherCluster(request.clusterId)) return CLUSTER_ID_ERROR as never;
    const decoded = decodeEndEpoch(request);
    if (decoded === null) return REQUEST_ERROR as never;
    const reply = this.#modules.driver.decide((core, nowMs) => core.endEpoch(decoded, nowMs));
    return this.#epochAnswer(reply, {});
  }

  /** Whether a Fetch is for the metadata log: to be answered by {@link fetch}, whatever else is in it. */
  isMetadataFetch({ topics }: FetchRequest): boolean {
    return topics.some(({ topic, topicId }) => topic === METADATA_TOPIC || topicId === METADATA_TOPIC_ID);
  }

  /**
   * Fetch of the metadata log by a replica. Answered when there is something that the replica does not have, or it has waited `maxWaitMs`.
   *
   * @param apiVersion of the request
   */
  fetch(request: FetchRequest, apiVersion: number): FetchAnswer | Promise<FetchAnswer> {
    if (this.#isOtherCluster(request.clusterId)) return fetchError(Errors.INCONSISTENT_CLUSTER_ID);
    const decoded = this.#decodeFetch(request, apiVersion);
    if (decoded === null) return fetchError(Errors.INVALID_REQUEST);
    const decision = this.#modules.driver.decide((core, nowMs) => core.fetch(decoded, nowMs));
    if (decision.kind !== "read") return this.#fetchAnswer(decided(decision));
    this.#modules.applied.note(decoded.replica.id, decoded.highWatermark);
    const read = this.#read(decoded);
    if (read instanceof Promise)
      return read.then(partition => this.#answerOrPark(decoded, request.maxWaitMs, partition));
    return this.#answerOrPark(decoded, request.maxWaitMs, read);
  }

  fetchSnapshot(request: RequestOf<typeof FetchSnapshot>): ResponseInputOf<typeof FetchSnapshot> {
    const failed = (errorCode: number) => ({ throttleTimeMs: 0, errorCode, topics: [] });
    if (this.#isOtherCluster(request.clusterId)) return failed(Errors.INCONSISTENT_CLUSTER_ID);
    const [topic] = request.topics;
    const [partition] = topic?.partitions ?? [];
    if (topic?.name !== METADATA_TOPIC || partition?.partition !== METADATA_PARTITION) {
      return failed(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    }
    const { currentLeaderEpoch, snapshotId, position, replicaDirectoryId: directoryId } = partition;
    const replica = { id: request.replicaId, directoryId };
    const head = this.#modules.driver.decide((core, nowMs) => core.fetchSnapshot(replica, currentLeaderEpoch, nowMs));
    const part = head.errorCode === Errors.NONE ? this.#readSnapshot(snapshotId, position, request.maxBytes) : head;
    const { leaderId, epoch: leaderEpoch } = head;
    const { errorCode, size = 0, bytes = Buffer.alloc(0) } = part as SnapshotPart;
    return {
      throttleTimeMs: 0,
      errorCode: Errors.NONE,
      topics: [
        {
          name: METADATA_TOPIC,
          partitions: [
            {
              index: METADATA_PARTITION,
              errorCode,
              snapshotId,
              currentLeader: { leaderId, leaderEpoch },
              size,
              position: errorCode === Errors.NONE ? position : 0,
              unalignedRecords: bytes,
            },
          ],
        },
      ],
      nodeEndpoints: this.#leaderEndpoints(leaderId),
    };
  }

  /** Throws `ApiError` NOT_LEADER_OR_FOLLOWER on any other node than the leader. */
  describeQuorum(
    { topics }: RequestOf<typeof DescribeQuorum>,
    apiVersion: number,
  ): ResponseInputOf<typeof DescribeQuorum> {
    const { driver } = this.#modules;
    const replicas = driver.status();
    if (replicas === null) throw new ApiError(Errors.NOT_LEADER_OR_FOLLOWER);
    const { leaderId, epoch: leaderEpoch } = driver.leaderAndEpoch;
    const quorum = {
      partitionIndex: METADATA_PARTITION,
      errorCode: Errors.NONE,
      errorMessage: null,
      leaderId,
      leaderEpoch,
      highWatermark: driver.highWatermark,
      currentVoters: replicas.voters.map(status => describeReplica(status, apiVersion)),
      observers: replicas.observers.map(status => describeReplica(status, apiVersion)),
    };
    return {
      errorCode: Errors.NONE,
      errorMessage: null,
      topics: topics.map(({ topicName, partitions }) => ({
        topicName,
        partitions: partitions.map(({ partitionIndex }) =>
          topicName === METADATA_TOPIC && partitionIndex === METADATA_PARTITION
            ? quorum
            : unknownPartition(partitionIndex),
        ),
      })),
      nodes: apiVersion < FIRST_DESCRIBE_VERSION_WITH_NODES ? [] : driver.voters.map(describeNode),
    };
  }

  async addVoter(request: RequestOf<typeof AddRaftVoter>): Promise<ResponseInputOf<typeof AddRaftVoter>> {
    const { clusterId, voterId: id, voterDirectoryId: directoryId, listeners, timeoutMs, ackWhenCommitted } = request;
    if (this.#isOtherCluster(clusterId)) return changed(WRONG_CLUSTER);
    const add = { key: { id, directoryId }, endpoints: listeners, timeoutMs, ackWhenCommitted };
    return changed(await this.#modules.driver.changeVoters((core, nowMs) => core.addVoter(add, nowMs)));
  }

  async removeVoter(request: RequestOf<typeof RemoveRaftVoter>): Promise<ResponseInputOf<typeof RemoveRaftVoter>> {
    const { clusterId, voterId: id, voterDirectoryId: directoryId } = request;
    if (this.#isOtherCluster(clusterId)) return changed(WRONG_CLUSTER);
    return changed(
      await this.#modules.driver.changeVoters((core, nowMs) => core.removeVoter({ id, directoryId }, nowMs)),
    );
  }

  async updateVoter(request: RequestOf<typeof UpdateRaftVoter>): Promise<ResponseInputOf<typeof UpdateRaftVoter>> {
    const { driver } = this.#modules;
    const { clusterId, currentLeaderEpoch: epoch, voterId: id, voterDirectoryId: directoryId, listeners } = request;
    const update = { epoch, key: { id, directoryId }, endpoints: listeners, ...request.kRaftVersionFeature };
    const { errorCode } = this.#isOtherCluster(clusterId)
      ? WRONG_CLUSTER
      : await driver.changeVoters((core, nowMs) => core.updateVoter(update, nowMs));
    const { leaderId, epoch: leaderEpoch } = driver.leaderAndEpoch;
    const { host, port } = driver.addressOf(leaderId) ?? { host: "", port: 0 };
    return { throttleTimeMs: 0, errorCode, currentLeader: { leaderId, leaderEpoch, host, port } };
  }

  #isOtherCluster(clusterId: string | null): boolean {
    return clusterId !== null && clusterId !== this.#options.clusterId;
  }

  #epochAnswer<E extends object>({ errorCode, leaderId, epoch }: EpochResponse, extra: E) {
    const partition = { partitionIndex: METADATA_PARTITION, errorCode, leaderId, leaderEpoch: epoch, ...extra };
    return {
      errorCode: Errors.NONE,
      topics: [{ topicName: METADATA_TOPIC, partitions: [partition] }],
      nodeEndpoints: this.#leaderEndpoints(leaderId),
    };
  }

  #leaderEndpoints(leaderId: number): { nodeId: number; host: string; port: number }[] {
    const address = leaderId < 0 ? null : this.#modules.driver.addressOf(leaderId);
    return address === null ? [] : [{ nodeId: leaderId, host: address.host, port: address.port }];
  }

  #decodeFetch(request: FetchRequest, apiVersion: number): MetadataFetch | null {
    const [topic] = request.topics;
    const [partition] = topic?.partitions ?? [];
    if (request.topics.length !== 1 || topic?.partitions.length !== 1 || partition === undefined) return null;
    const usesTopicIds = apiVersion >= FIRST_FETCH_VERSION_WITH_TOPIC_IDS;
    if (usesTopicIds ? topic.topicId !== METADATA_TOPIC_ID : topic.topic !== METADATA_TOPIC) return null;
    if (partition.partition !== METADATA_PARTITION) return null;
    const hasState = apiVersion >= FIRST_FETCH_VERSION_WITH_REPLICA_STATE;
    return {
      replica: {
        id: hasState ? request.replicaState.replicaId : request.replicaId,
        directoryId: partition.replicaDirectoryId,
      },
      epoch: partition.currentLeaderEpoch,
      fetchOffset: partition.fetchOffset,
      lastFetchedEpoch: partition.lastFetchedEpoch,
      highWatermark: Number(partition.highWatermark),
      maxBytes: Math.min(request.maxBytes, this.#options.fetchMaxBytes),
    };
  }

  #answerOrPark(
    fetch: MetadataFetch,
    maxWaitMs: number,
    partition: Partial<FetchedPartition>,
  ): FetchAnswer | Promise<FetchAnswer> {
    const { parked } = this.#modules;
    if (maxWaitMs <= 0 || parked.isFull || this.#isNews(fetch, partition)) return this.#fetchAnswer(partition);
    return new Promise(resolve => {
      let isReading = false;
      const answerIfNews = (found: Partial<FetchedPartition>, isLast: boolean): boolean => {
        if (!isLast && !this.#isNews(fetch, found)) return false;
        resolve(this.#fetchAnswer(found));
        return true;
      };
      parked.add(
        {
          tryAnswer: isLast => {
            const found = this.#read(fetch);
            if (!(found instanceof Promise)) return answerIfNews(found, isLast);
            // What has to be read from the disk is news.
            if (!isReading) found.then(later => answerIfNews(later, true));
            isReading = true;
            return true;
          },
        },
        maxWaitMs,
      );
    });
  }

  #isNews({ highWatermark }: MetadataFetch, partition: Partial<FetchedPartition>): boolean {
    if ((partition.errorCode ?? Errors.NONE) !== Errors.NONE) return true;
    return hasRecords(partition) || this.#toldHighWatermark > highWatermark;
  }

  /** What there is for a replica whose position was found right; an error when this node leads that epoch no more. */
  #read(fetch: MetadataFetch): Partial<FetchedPartition> | Promise<Partial<FetchedPartition>> {
    const { log, driver } = this.#modules;
    const refusal = (): Partial<FetchedPartition> | null => {
      const { epoch } = driver.leaderAndEpoch;
      if (driver.isLeader() && epoch === fetch.epoch) return null;
      return { errorCode: epoch > fetch.epoch ? Errors.FENCED_LEADER_EPOCH : Errors.NOT_LEADER_OR_FOLLOWER };
    };
    const refused = refusal();
    if (refused !== null) return refused;
    const outcome = log.read(fetch.fetchOffset, fetch.maxBytes, log.logEndOffset, { minOneBatch: true });
    if (!(outcome instanceof Promise)) return readPartition(outcome);
    return outcome.then(
      read => refusal() ?? readPartition(read),
      () => ({ errorCode: Errors.KAFKA_STORAGE_ERROR }),
    );
  }

  /**
   * As followers are told it: -1 until this leader has committed in its own epoch. Before, it may know less than they have heard of the leader before it,
   * and one of Kafka's whose high watermark is to go back ends its process.
   */
  get #toldHighWatermark(): number {
    const { core } = this.#modules.driver;
    return core.isHighWatermarkCurrent ? core.highWatermark : -1;
  }

  #fetchAnswer(found: Partial<FetchedPartition>): FetchAnswer {
    const { driver, log } = this.#modules;
    const { leaderId, epoch: leaderEpoch } = driver.leaderAndEpoch;
    const errorCode = found.errorCode ?? Errors.NONE;
    const partition = {
      partitionIndex: METADATA_PARTITION,
      highWatermark: errorCode === Errors.NONE ? this.#toldHighWatermark : -1,
      logStartOffset: log.logStartOffset,
      currentLeader: { leaderId, leaderEpoch },
      abortedTransactions: [],
      records: Buffer.alloc(0),
      ...found,
      errorCode,
    };
    return {
      throttleTimeMs: 0,
      errorCode: Errors.NONE,
      responses: [{ topic: METADATA_TOPIC, topicId: METADATA_TOPIC_ID, partitions: [partition] }],
      nodeEndpoints: this.#leaderEndpoints(leaderId).map(endpoint => ({ ...endpoint, rack: null })),
    };
  }

  #readSnapshot(id: { endOffset: number; epoch: number }, position: number, maxBytes: number): SnapshotPart {
    const { disk } = this.#modules;
    const { directory } = this.#options;
    try {
      const file = disk.open(joinPath(directory, snapshotFileName(id)), "read");
      try {
        const size = file.size();
        if (position < 0 || position >= size) return { errorCode: Errors.POSITION_OUT_OF_RANGE };
        const wanted = Math.max(1, Math.min(maxBytes, this.#options.snapshotMaxBytes, size - position));
        const bytes = Buffer.allocUnsafe(wanted);
        return { errorCode: Errors.NONE, size, bytes: bytes.subarray(0, file.read(bytes, position)) };
      } finally {
        file.close();
      }
    } catch (error) {
      if (error instanceof DiskError && error.code === "ENOENT") return { errorCode: Errors.SNAPSHOT_NOT_FOUND };
      throw error;
    }
  }
}

const WRONG_CLUSTER: VoterChangeOutcome = Object.freeze({
  errorCode: Errors.INCONSISTENT_CLUSTER_ID,
  message: "the request is for another cluster",
});

interface SnapshotPart {
  readonly errorCode: number;
  readonly size?: number;
  readonly bytes?: Buffer;
}
