/**
 * Forgetting a broker that is gone for good (UnregisterBroker, KIP-631): it leaves the ISRs first, then its registration goes.
 */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { BrokerRegistration } from "../cluster-image.ts";
import type { MetadataImage } from "../image.ts";
import { type MetadataRecord, record } from "../records.ts";
import { NO_LEADER, type PartitionImage } from "../topics-image.ts";
import type { Step } from "./brokers.ts";
import type { Operation } from "./operation.ts";
import { electionOf, type PartitionChange, partitionChangeRecord } from "./partitions.ts";

export interface UnregisterBrokerOptions {
  /** Whether a process is known to run under the registration. It would be left without one, and the cluster without its partitions. */
  isRunning(registration: BrokerRegistration): boolean;
}

/** Partitions changed by one operation: few enough that others get their turn in between. */
const PARTITIONS_PER_STEP = 5_000;

/**
 * Decides a step of UnregisterBroker, to be repeated until the last, which removes the registration.
 * Throws `ApiError` BROKER_ID_NOT_REGISTERED; INVALID_REQUEST for a broker that runs, which Kafka lets go and is then without.
 */
export function unregisterStep(brokerId: number, { isRunning }: UnregisterBrokerOptions): Operation<Step> {
  return {
    name: "unregister-broker",
    decide(image) {
      const registration = image.cluster.brokers.get(brokerId);
      if (registration === undefined) {
        throw new ApiError(Errors.BROKER_ID_NOT_REGISTERED, `Broker ID ${brokerId} is not currently registered`);
      }
      if (isRunning(registration)) {
        throw new ApiError(Errors.INVALID_REQUEST, `Broker ID ${brokerId} is running: it must be stopped first`);
      }
      const records = leaveIsrs(image, brokerId, PARTITIONS_PER_STEP);
      if (records.length === PARTITIONS_PER_STEP) return { records, response: { isLast: false } };
      const removal = record("UnregisterBrokerRecord", 0, { brokerId, brokerEpoch: registration.epoch });
      return { records: [...records, removal], response: { isLast: true } };
    },
  };
}

/** Takes a broker out of the ISRs and ELRs that others are left in, and its leaderships from it. */
function leaveIsrs(image: MetadataImage, brokerId: number, limit: number): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  const brokers = new Map([...image.cluster.brokers].filter(([id]) => id !== brokerId));
  const remaining: MetadataImage = { ...image, cluster: { ...image.cluster, brokers } };
  for (const topic of image.topics.byId.values()) {
    for (const partition of topic.partitions) {
      const change = changeWithout(partition, brokerId, remaining);
      if (change === null) continue;
      records.push(partitionChangeRecord(topic.id, partition.partition, change, image));
      if (records.length === limit) return records;
    }
  }
  return records;
}

/** Null when the partition can stay as it is. An ISR keeps its last member: nobody else holds what was committed. */
function changeWithout(partition: PartitionImage, brokerId: number, remaining: MetadataImage): PartitionChange | null {
  const isr = partition.isr.filter(id => id !== brokerId);
  const eligibleLeaderReplicas = partition.eligibleLeaderReplicas.filter(id => id !== brokerId);
  const leavesIsr = isr.length > 0 && isr.length < partition.isr.length;
  const leavesElr = eligibleLeaderReplicas.length < partition.eligibleLeaderReplicas.length;
  const leads = partition.leader === brokerId;
  if (!leavesIsr && !leavesElr && !leads) return null;
  const without = { ...partition, isr: leavesIsr ? isr : partition.isr, eligibleLeaderReplicas };
  return {
    ...(leavesIsr ? { isr } : {}),
    ...(leavesElr ? { eligibleLeaderReplicas } : {}),
    ...(leads ? (electionOf(without, remaining) ?? { leader: NO_LEADER }) : {}),
  };
}
