/**
 * Partitions as clients see them: of which brokers a client can reach by the listener it came in on, and which replicas are away.
 */
import { Errors } from "../../../protocol/errors.ts";
import type { BrokerRegistration, ClusterImage, Endpoint } from "../../metadata/cluster-image.ts";
import type { MetadataImage } from "../../metadata/image.ts";
import {
  LOST_DIRECTORY,
  NO_LEADER,
  type PartitionImage,
  type TopicImage,
  type TopicsImage,
} from "../../metadata/topics-image.ts";

export interface PartitionView {
  readonly errorCode: number;
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  readonly offlineReplicas: readonly number[];
}

/** A broker as clients see it. */
export interface BrokerView {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** Brokers that are alive and can be reached on the listener, by id. */
export function aliveBrokers(cluster: ClusterImage, listenerName: string): BrokerView[] {
  const brokers: BrokerView[] = [];
  for (const broker of cluster.brokers.values()) {
    const endpoint = endpointOf(broker.endpoints, listenerName);
    if (broker.fenced || endpoint === undefined) continue;
    brokers.push({ nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack });
  }
  return brokers.sort((a, b) => a.nodeId - b.nodeId);
}

export function endpointOf(endpoints: readonly Endpoint[], listenerName: string): Endpoint | undefined {
  return endpoints.find(({ name }) => name === listenerName);
}

/**
 * A broker for clients to send administrative requests to: the active controller if it is a broker within reach, else this broker, which
 * passes them on, else any.
 */
export function controllerFor(brokers: readonly BrokerView[], controllerId: number, nodeId: number): number {
  const ids = brokers.map(broker => broker.nodeId);
  return [controllerId, nodeId].find(id => ids.includes(id)) ?? ids[0] ?? -1;
}

/**
 * A topic's partitions. The same array for as long as neither topic nor brokers change: asked for by every client every few minutes, and at
 * once by all of them when something fails.
 */
export function partitionViews(
  topic: TopicImage,
  image: MetadataImage,
  listenerName: string,
): readonly PartitionView[] {
  const byTopic = entryOf(entryOf(views, image.cluster, newListenerMap), listenerName, newTopicMap);
  return entryOf(byTopic, topic, () =>
    topic.partitions.map(partition => viewOf(partition, image.cluster, listenerName)),
  );
}

/** All topics, by name. */
export function sortedTopics(topics: TopicsImage): readonly TopicImage[] {
  return entryOf(sorted, topics, () => [...topics.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)));
}

function viewOf(partition: PartitionImage, cluster: ClusterImage, listenerName: string): PartitionView {
  const { leader, replicas, directories } = partition;
  const isReachable = (id: number) => {
    const broker = cluster.brokers.get(id);
    return broker !== undefined && !broker.fenced && endpointOf(broker.endpoints, listenerName) !== undefined;
  };
  const errorCode = isReachable(leader) ? Errors.NONE : unreachableError(cluster.brokers.get(leader));
  return {
    errorCode,
    partitionIndex: partition.partition,
    leaderId: errorCode === Errors.NONE ? leader : NO_LEADER,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: replicas,
    isrNodes: partition.isr,
    offlineReplicas: replicas.filter((id, index) => !isReachable(id) || directories[index] === LOST_DIRECTORY),
  };
}

/** A leader that lives but has no such listener is another matter than none at all, or one that is about to be replaced. */
function unreachableError(leader: BrokerRegistration | undefined): number {
  return leader === undefined || leader.fenced ? Errors.LEADER_NOT_AVAILABLE : Errors.LISTENER_NOT_FOUND;
}

type ViewsByTopic = WeakMap<TopicImage, readonly PartitionView[]>;

const views = new WeakMap<ClusterImage, Map<string, ViewsByTopic>>();
const sorted = new WeakMap<TopicsImage, readonly TopicImage[]>();

const newListenerMap = () => new Map<string, ViewsByTopic>();
const newTopicMap = (): ViewsByTopic => new WeakMap();

function entryOf<K, V>(map: { get(key: K): V | undefined; set(key: K, value: V): unknown }, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
