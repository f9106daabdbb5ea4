/** How a cluster is, as `samsa cluster status` and `Cluster.status()` tell it: its nodes, what each leads and holds, how far replicas and voters are behind, and which partitions are in trouble. */
import { DescribeLogDirs } from "../../protocol/apis/35-describe-log-dirs.ts";
import { DescribeQuorum } from "../../protocol/apis/55-describe-quorum.ts";
import { DescribeCluster } from "../../protocol/apis/60-describe-cluster.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { ResponseOf } from "../../protocol/schema.ts";
import type { ClusterClient, ClusterMetadata } from "./cluster-client.ts";
import { listReassignments } from "./reassignments.ts";
import { isRetriable } from "./retry.ts";

export interface ClusterStatus {
  readonly clusterId: string;
  readonly nodes: readonly NodeStatus[];
  readonly quorum: QuorumStatus;
  readonly partitions: PartitionsStatus;
}

export interface NodeStatus {
  readonly node: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  /** Registered, but not to be relied on: starting, stopping or gone. */
  readonly fenced: boolean;
  /** Partitions it leads, has a replica of, and is in sync with. */
  readonly leads: number;
  readonly replicas: number;
  readonly inSync: number;
  /** Null when the node does not answer. */
  readonly directories: readonly DirectoryStatus[] | null;
}

export interface DirectoryStatus {
  readonly path: string;
  readonly offline: boolean;
  readonly sizeBytes: number;
  /** Of the volume; null when not told. */
  readonly usableBytes: number | null;
  readonly totalBytes: number | null;
  /** Records that replicas here are behind the high watermark, in all and of the worst partition. */
  readonly lag: number;
  readonly maxLag: number;
}

export interface QuorumStatus {
  /** -1 when there is none. */
  readonly leader: number;
  readonly epoch: number;
  readonly highWatermark: number;
  readonly voters: readonly QuorumReplica[];
  readonly observers: readonly QuorumReplica[];
}

export interface QuorumReplica {
  readonly node: number;
  readonly logEndOffset: number;
  /** Records behind the leader. */
  readonly lag: number;
  /** How long ago the replica had all there was; null when not told. */
  readonly caughtUpMsAgo: number | null;
}

/** Partitions of all topics, internal ones included. Those in trouble are named, `topic-partition`. */
export interface PartitionsStatus {
  readonly topics: number;
  readonly count: number;
  /** Without a leader. */
  readonly offline: readonly string[];
  /** With fewer replicas in sync than there are. */
  readonly underReplicated: readonly string[];
  /** Led by another than the first of their replicas. */
  readonly notPreferred: readonly string[];
  /** Whose replicas are being moved. */
  readonly moving: readonly string[];
}

const METADATA_TOPIC = "__cluster_metadata";

export async function clusterStatus(cluster: ClusterClient): Promise<ClusterStatus> {
  const [metadata, described] = await cluster.retry(async () => {
    const answers = await Promise.all([cluster.metadata(null), describeCluster(cluster)]);
    return answers;
  });
  const partitions = allPartitions(metadata);
  const [quorum, moves, directories] = await Promise.all([
    cluster.retry(() => quorumStatus(cluster)),
    listReassignments(cluster),
    Promise.all(
      described.brokers.map(({ brokerId, isFenced }) => (isFenced ? null : directoriesOf(cluster, brokerId))),
    ),
  ]);
  const nodes = described.brokers.map(({ brokerId, host, port, rack, isFenced }, index) => ({
    node: brokerId,
    host,
    port,
    rack,
    fenced: isFenced,
    leads: partitions.filter(({ leaderId }) => leaderId === brokerId).length,
    replicas: partitions.filter(({ replicaNodes }) => replicaNodes.includes(brokerId)).length,
    inSync: partitions.filter(({ isrNodes }) => isrNodes.includes(brokerId)).length,
    directories: directories[index] ?? null,
  }));
  return {
    clusterId: described.clusterId,
    nodes: nodes.sort((left, right) => left.node - right.node),
    quorum,
    partitions: {
      topics: metadata.topics.length,
      count: partitions.length,
      offline: namesOf(partitions.filter(({ leaderId }) => leaderId < 0)),
      underReplicated: namesOf(
        partitions.filter(({ isrNodes, replicaNodes }) => isrNodes.length < replicaNodes.length),
      ),
      notPreferred: namesOf(
        partitions.filter(({ leaderId, replicaNodes }) => leaderId >= 0 && leaderId !== replicaNodes[0]),
      ),
      moving: moves.map(({ topic, partition }) => `${topic}-${partition}`),
    },
  };
}

type Partition = ClusterMetadata["topics"][number]["partitions"][number] & { readonly name: string };

function allPartitions({ topics }: ClusterMetadata): Partition[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(partition => ({ ...partition, name: `${name}-${partition.partitionIndex}` })),
  );
}

function namesOf(partitions: readonly Partition[]): string[] {
  return partitions.map(({ name }) => name).sort();
}

async function describeCluster(cluster: ClusterClient): Promise<ResponseOf<typeof DescribeCluster>> {
  const body = { includeClusterAuthorizedOperations: false, includeFencedBrokers: true };
  const described = await cluster.request(DescribeCluster, body);
  if (described.errorCode === Errors.NONE) return described;
  throw new ApiError(described.errorCode, described.errorMessage ?? undefined);
}

async function quorumStatus(cluster: ClusterClient): Promise<QuorumStatus> {
  const response = await cluster.request(DescribeQuorum, {
    topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }],
  });
  const quorum = response.topics[0]?.partitions[0];
  const errorCode = response.errorCode || (quorum?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR);
  if (errorCode !== Errors.NONE || quorum === undefined) throw new ApiError(errorCode);
  const { leaderId, leaderEpoch, highWatermark, currentVoters, observers } = quorum;
  const leader = currentVoters.find(({ replicaId }) => replicaId === leaderId);
  const nowMs = leader?.lastFetchTimestamp ?? -1;
  const replicaOf = (replica: typeof leader & object): QuorumReplica => ({
    node: replica.replicaId,
    logEndOffset: replica.logEndOffset,
    lag: Math.max(0, (leader?.logEndOffset ?? replica.logEndOffset) - replica.logEndOffset),
    caughtUpMsAgo:
      nowMs < 0 || replica.lastCaughtUpTimestamp < 0 ? null : Math.max(0, nowMs - replica.lastCaughtUpTimestamp),
  });
  return {
    leader: leaderId,
    epoch: leaderEpoch,
    highWatermark,
    voters: currentVoters.map(replicaOf),
    observers: observers.map(replicaOf),
  };
}

/** Null when the node cannot be asked. */
async function directoriesOf(cluster: ClusterClient, node: number): Promise<DirectoryStatus[] | null> {
  try {
    const { results } = await cluster.request(DescribeLogDirs, { topics: null }, { node });
    return results.map(({ errorCode, logDir, topics, totalBytes, usableBytes }) => {
      const replicas = topics.flatMap(({ partitions }) => partitions);
      return {
        path: logDir,
        offline: errorCode !== Errors.NONE,
        sizeBytes: replicas.reduce((sum, { partitionSize }) => sum + partitionSize, 0),
        usableBytes: usableBytes < 0 ? null : usableBytes,
        totalBytes: totalBytes < 0 ? null : totalBytes,
        lag: replicas.reduce((sum, { offsetLag }) => sum + offsetLag, 0),
        maxLag: replicas.reduce((max, { offsetLag }) => Math.max(max, offsetLag), 0),
      };
    });
  } catch (error) {
    if (isRetriable(error)) return null;
    throw error;
  }
}
