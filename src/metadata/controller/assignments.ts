/**
 * New partitions: checks of replicas that a client assigned, and the first state of a partition.
 */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { BrokerRegistration } from "../cluster-image.ts";
import type { MetadataImage } from "../image.ts";
import { MIGRATING_DIRECTORY, type PartitionImage, RECOVERED, UNASSIGNED_DIRECTORY } from "../topics-image.ts";

/**
 * A partition's replicas as a client assigned them.
 * Throws `ApiError` INVALID_REPLICA_ASSIGNMENT when they are not fit for use.
 */
export function checkedAssignment(
  brokerIds: readonly number[],
  replicationFactor: number,
  image: MetadataImage,
): number[] {
  const replicas = checkedReplicas(brokerIds, image);
  if (brokerIds.length !== replicationFactor) {
    throw invalid(
      `The manual partition assignment includes a partition with ${brokerIds.length} replica(s), but this is not consistent with previous partitions, which have ${replicationFactor} replica(s).`,
    );
  }
  if (!brokerIds.some(id => isActive(image, id))) {
    throw invalid("All brokers specified in the manual partition assignment are fenced or in controlled shutdown.");
  }
  return replicas;
}

/**
 * Replicas that a client chose, all of registered brokers, each once.
 * Throws `ApiError` INVALID_REPLICA_ASSIGNMENT.
 */
export function checkedReplicas(brokerIds: readonly number[], image: MetadataImage): number[] {
  if (brokerIds.length === 0) throw invalid("The manual partition assignment includes an empty replica list.");
  const seen = new Set<number>();
  for (const id of brokerIds) {
    if (!image.cluster.brokers.has(id)) {
      throw invalid(`The manual partition assignment includes broker ${id}, but no such broker is registered.`);
    }
    if (seen.has(id)) {
      throw invalid(`The manual partition assignment includes the broker ${id} more than once.`);
    }
    seen.add(id);
  }
  return [...brokerIds];
}

/** A partition that nobody has written to: in sync are the replicas whose brokers are alive, the first of them leads. */
export function newPartition(partition: number, replicas: readonly number[], image: MetadataImage): PartitionImage {
  const isr = replicas.filter(id => isActive(image, id));
  return {
    partition,
    replicas,
    directories: replicas.map(id => defaultDirectory(image.cluster.brokers.get(id))),
    isr,
    removingReplicas: [],
    addingReplicas: [],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    leader: isr[0] as number,
    leaderRecoveryState: RECOVERED,
    leaderEpoch: 0,
    partitionEpoch: 0,
  };
}

/** Registered, not fenced, not on its way down: may lead and be in an ISR. */
export function isActive(image: MetadataImage, brokerId: number): boolean {
  const broker = image.cluster.brokers.get(brokerId);
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown;
}

/** A broker with one directory to choose from has chosen; one with several tells later (KIP-858). */
export function defaultDirectory(broker: BrokerRegistration | undefined): string {
  const directories = broker?.logDirs.filter(id => !broker.cordonedLogDirs?.includes(id)) ?? [];
  if (directories.length === 1) return directories[0] as string;
  return broker === undefined || broker.logDirs.length === 0 ? MIGRATING_DIRECTORY : UNASSIGNED_DIRECTORY;
}

function invalid(message: string): ApiError {
  return new ApiError(Errors.INVALID_REPLICA_ASSIGNMENT, message);
}
