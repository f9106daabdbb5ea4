/** Where `write.caching` may be heeded: acknowledged records are then in the memory of several brokers, and perhaps on no disk. */
import { isInternalTopicName } from "../metadata/internal-topics.ts";
import type { Partition } from "./partition.ts";

const MIN_REPLICAS = 3;
const MIN_IN_SYNC_REPLICAS = 2;

/**
 * Tells the log of `partition` whether it may. It takes three replicas of which two must be in sync: the loss of one broker's memory then loses nothing,
 * and a broker that stopped uncleanly is no candidate for leading (KIP-966). Offsets of groups and states of transactions are always on disk.
 */
export function allowWriteCaching(partition: Partition, replicaCount: number, minInSyncReplicas: number): void {
  if (partition.isOffline) return;
  const isKeptByOthers = replicaCount >= MIN_REPLICAS && minInSyncReplicas >= MIN_IN_SYNC_REPLICAS;
  partition.log.allowWriteCaching(isKeptByOthers && !isInternalTopicName(partition.topic));
}
