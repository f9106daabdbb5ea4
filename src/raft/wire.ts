/**
 * The core's messages as Kafka's: one topic, one partition, a cluster id and addresses around each.
 *
 * Versions from which a directory id is carried are required of peers (Vote v2, BeginQuorumEpoch v1, EndQuorumEpoch v1, Fetch v17): all releases of
 * Kafka that know dynamic voters and pre-votes speak them.
 */
import type { Fetch } from "../../protocol/apis/01-fetch.ts";
import type { Vote } from "../../protocol/apis/52-vote.ts";
import type { BeginQuorumEpoch } from "../../protocol/apis/53-begin-quorum-epoch.ts";
import type { EndQuorumEpoch } from "../../protocol/apis/54-end-quorum-epoch.ts";
import type { FetchSnapshot } from "../../protocol/apis/59-fetch-snapshot.ts";
import { Errors } from "../../protocol/errors.ts";
import type { RequestInputOf, RequestOf, ResponseOf } from "../../protocol/schema.ts";
import type { FetchOrder } from "./actions.ts";
import type {
  BeginEpochRequest,
  EndEpochRequest,
  EpochResponse,
  FetchResponse,
  OffsetAndEpoch,
  VoteRequest,
  VoteResponse,
} from "./messages.ts";
import type { Endpoint, ReplicaKey } from "./voter-set.ts";

export const METADATA_TOPIC = "__cluster_metadata";
/** The metadata log's topic id, fixed by Kafka. */
export const METADATA_TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAQ";
export const METADATA_PARTITION = 0;

/** Stands for an answer that holds no partition of ours: an error of its own, nothing learned. */
const UNKNOWN: EpochResponse = Object.freeze({ errorCode: Errors.UNKNOWN_SERVER_ERROR, leaderId: -1, epoch: -1 });

interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

type Answered<T> = T & { readonly nodeEndpoints: readonly NodeEndpoint[] };

/** The one partition of a request or answer that is about the metadata log alone; null when it is not. */
export function metadataPartition<P extends { readonly partitionIndex: number }>(
  topics: readonly { readonly topicName: string; readonly partitions: readonly P[] }[],
): P | null {
  const [topic] = topics;
  const [partition] = topic?.partitions ?? [];
  if (topics.length !== 1 || topic?.partitions.length !== 1 || topic.topicName !== METADATA_TOPIC) return null;
  return partition?.partitionIndex === METADATA_PARTITION ? partition : null;
}

export function encodeVote(clusterId: string, request: VoteRequest): RequestInputOf<typeof Vote> {
  const { voter, candidate, epoch, lastEpoch, endOffset, isPreVote } = request;
  return {
    clusterId,
    voterId: voter.id,
    topics: [
      {
        topicName: METADATA_TOPIC,
        partitions: [
          {
            partitionIndex: METADATA_PARTITION,
            replicaEpoch: epoch,
            replicaId: candidate.id,
            replicaDirectoryId: candidate.directoryId,
            voterDirectoryId: voter.directoryId,
            lastOffsetEpoch: lastEpoch,
            lastOffset: endOffset,
            preVote: isPreVote,
          },
        ],
      },
    ],
  };
}

/** Null when the request is not about the metadata partition. */
export function decodeVote({ voterId, topics }: RequestOf<typeof Vote>): VoteRequest | null {
  const partition = metadataPartition(topics);
  if (partition === null) return null;
  return {
    voter: { id: voterId, directoryId: partition.voterDirectoryId },
    candidate: { id: partition.replicaId, directoryId: partition.replicaDirectoryId },
    epoch: partition.replicaEpoch,
    lastEpoch: partition.lastOffsetEpoch,
    endOffset: partition.lastOffset,
    isPreVote: partition.preVote,
  };
}

export function decodeVoteResponse(response: Answered<ResponseOf<typeof Vote>>): VoteResponse {
  const partition = metadataPartition(response.topics);
  if (response.errorCode !== Errors.NONE || partition === null) {
    return { ...UNKNOWN, errorCode: response.errorCode || UNKNOWN.errorCode, isGranted: false };
  }
  const { errorCode, leaderId, leaderEpoch, voteGranted } = partition;
  return { errorCode, leaderId, epoch: leaderEpoch, isGranted: voteGranted };
}

export function encodeBeginEpoch(
  clusterId: string,
  { voter, leaderId, epoch }: BeginEpochRequest,
  endpoints: readonly Endpoint[],
): RequestInputOf<typeof BeginQuorumEpoch> {
  const { id, directoryId } = voter;
  const partition = {
    partitionIndex: METADATA_PARTITION,
    voterDirectoryId: directoryId,
    leaderId,
    leaderEpoch: epoch,
  };
  return {
    clusterId,
    voterId: id,
    topics: [{ topicName: METADATA_TOPIC, partitions: [partition] }],
    leaderEndpoints: [...endpoints],
  };
}

export function encodeEndEpoch(
  clusterId: string,
  { leaderId, epoch, successors }: EndEpochRequest,
  endpoints: readonly Endpoint[],
): RequestInputOf<typeof EndQuorumEpoch> {
  const preferredCandidates = successors.map(({ id, directoryId }) => ({
    candidateId: id,
    candidateDirectoryId: directoryId,
  }));
  const partition = {
    partitionIndex: METADATA_PARTITION,
    leaderId,
    leaderEpoch: epoch,
    preferredSuccessors: [],
    preferredCandidates,
  };
  return {
    clusterId,
    topics: [{ topicName: METADATA_TOPIC, partitions: [partition] }],
    leaderEndpoints: [...endpoints],
  };
}

export function decodeEndEpoch({ topics }: RequestOf<typeof EndQuorumEpoch>): EndEpochRequest | null {
  const partition = metadataPartition(topics);
  if (partition === null) return null;
  const { leaderId, leaderEpoch, preferredSuccessors, preferredCandidates } = partition;
  const successors =
    preferredCandidates.length > 0
      ? preferredCandidates.map(({ candidateId, candidateDirectoryId }) => ({
          id: candidateId,
          directoryId: candidateDirectoryId,
        }))
      : preferredSuccessors.map(id => ({ id, directoryId: "" }));
  return { leaderId, epoch: leaderEpoch, successors };
}

/** Of the answers to BeginQuorumEpoch and EndQuorumEpoch. */
export function decodeEpochResponse(response: {
  readonly errorCode: number;
  readonly topics: ResponseOf<typeof BeginQuorumEpoch>["topics"];
}): EpochResponse {
  const partition = metadataPartition(response.topics);
  if (response.errorCode !== Errors.NONE || partition === null) {
    return { ...UNKNOWN, errorCode: response.errorCode || UNKNOWN.errorCode };
  }
  const { errorCode, leaderId, leaderEpoch } = partition;
  return { errorCode, leaderId, epoch: leaderEpoch };
}

export function encodeFetch(
  clusterId: string,
  self: ReplicaKey,
  order: FetchOrder,
  maxBytes: number,
): RequestInputOf<typeof Fetch> {
  return {
    clusterId,
    replicaState: { replicaId: self.id, replicaEpoch: -1 },
    maxWaitMs: order.maxWaitMs,
    minBytes: 0,
    maxBytes,
    topics: [
      {
        topic: METADATA_TOPIC,
        topicId: METADATA_TOPIC_ID,
        partitions: [
          {
            partition: METADATA_PARTITION,
            currentLeaderEpoch: order.epoch,
            fetchOffset: order.fetchOffset,
            lastFetchedEpoch: order.lastFetchedEpoch,
            // As Kafka's: the limit is that of the whole answer.
            partitionMaxBytes: 0,
            replicaDirectoryId: self.directoryId,
            highWatermark: BigInt(order.highWatermark),
          },
        ],
      },
    ],
    forgottenTopicsData: [],
  };
}

export function decodeFetchResponse(response: ResponseOf<typeof Fetch>): FetchResponse {
  const partition = response.responses[0]?.partitions[0];
  const nothing = { highWatermark: -1, diverging: null, snapshotId: null, records: Buffer.alloc(0) };
  if (response.errorCode !== Errors.NONE || partition === undefined) {
    return { ...UNKNOWN, ...nothing, errorCode: response.errorCode || UNKNOWN.errorCode };
  }
  const { errorCode, currentLeader, highWatermark, divergingEpoch, snapshotId, records } = partition;
  return {
    errorCode,
    leaderId: currentLeader.leaderId,
    epoch: currentLeader.leaderEpoch,
    highWatermark,
    diverging: divergingEpoch.epoch < 0 ? null : divergingEpoch,
    snapshotId: snapshotId.endOffset < 0 ? null : snapshotId,
    records: (records as Buffer | null) ?? nothing.records,
  };
}

export function encodeFetchSnapshot(
  clusterId: string,
  self: ReplicaKey,
  { epoch, id, position, maxBytes }: { epoch: number; id: OffsetAndEpoch; position: number; maxBytes: number },
): RequestInputOf<typeof FetchSnapshot> {
  return {
    clusterId,
    replicaId: self.id,
    maxBytes,
    topics: [
      {
        name: METADATA_TOPIC,
        partitions: [
          {
            partition: METADATA_PARTITION,
            currentLeaderEpoch: epoch,
            snapshotId: { endOffset: id.endOffset, epoch: id.epoch },
            position,
            replicaDirectoryId: self.directoryId,
          },
        ],
      },
    ],
  };
}
