/**
 * Where a client should go instead (KIP-951): the current leader in the partition's answer, its address once at the top of the response.
 */
import type { MetadataImage } from "../metadata/image.ts";
import type { HandlerContext } from "./context.ts";

export interface LeaderHint {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** The leader of a partition as the metadata has it; leader -1 when there is none or no such partition. */
export function leaderHint(image: MetadataImage, topic: string, partition: number): LeaderHint {
  const known = image.topics.byName.get(topic)?.partitions[partition];
  return { leaderId: known?.leader ?? -1, leaderEpoch: known?.leaderEpoch ?? -1 };
}

/** The endpoints of the brokers named, on the listener that the client came in by; brokers without one are left out. */
export function nodeEndpoints(context: HandlerContext, brokerIds: Iterable<number>): NodeEndpoint[] {
  const endpoints: NodeEndpoint[] = [];
  for (const nodeId of new Set(brokerIds)) {
    const broker = context.metadata.image.cluster.brokers.get(nodeId);
    const endpoint = broker?.endpoints.find(({ name }) => name === context.connection.listenerName);
    if (broker === undefined || endpoint === undefined) continue;
    endpoints.push({ nodeId, host: endpoint.host, port: endpoint.port, rack: broker.rack });
  }
  return endpoints;
}
