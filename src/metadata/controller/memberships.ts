/**
 * Brokers leave ISRs and leaderships, and come back to those that wait for them. A broker may be in ten thousand partitions, so it goes in
 * steps of bounded size: each changes what the index still lists, leaderships first, as clients wait for those.
 */
import type { BrokerConfig } from "../../config/index.ts";
import type { MetadataImage } from "../image.ts";
import type { MetadataRecord } from "../records.ts";
import { LOST_DIRECTORY, type PartitionImage, type TopicImage, UNASSIGNED_DIRECTORY } from "../topics-image.ts";
import { without } from "./partition-change.ts";
import type { PartitionIndex } from "./partition-index.ts";
import { isOnline, mayServe, PartitionChanger } from "./partition-rules.ts";

/** What a step decides by. */
export interface StepContext {
  /** As it will be: a registration that changes in the same decision has changed. */
  readonly image: MetadataImage;
  readonly index: PartitionIndex;
  readonly config: BrokerConfig;
  /** Most partitions that it changes. */
  readonly limit: number;
}

/** Partitions changed by one operation: few enough that others get their turn in between. */
export const PARTITIONS_PER_STEP = 1_000;

/** A step of something that may take several operations. */
export interface Step {
  readonly isLast: boolean;
}

/**
 * Takes a broker out of the ISRs and leaderships that it may not have: all when it is not active, else those of replicas whose directory is
 * offline. Where it is the last in sync it stays in the ELR. Fewer records than the limit say that nothing is left to do.
 */
export function leaveIsrs(brokerId: number, { image, index, config, limit }: StepContext): MetadataRecord[] {
  const changer = new PartitionChanger(image, config);
  const records: MetadataRecord[] = [];
  const led = index.ledBy.of(brokerId);
  const leave = (topicId: string, number: number) => {
    const { topic, partition } = partitionAt(image, topicId, number);
    if (mayServe(image, brokerId, directoryOn(partition, brokerId))) return;
    const record = changer.change(topic, number, { isr: without(partition.isr, [brokerId]) });
    if (record !== null) records.push(record);
  };
  for (const [topicId, number] of led) {
    if (records.length === limit) return records;
    leave(topicId, number);
  }
  for (const [topicId, number] of index.inIsrOf.of(brokerId)) {
    if (records.length === limit) return records;
    if (!led.has(topicId, number)) leave(topicId, number);
  }
  return records;
}

/**
 * Gives leaderless partitions a leader that have a replica on `brokerId`; all of them when it is null.
 * Fewer records than the limit say that nothing is left to do.
 */
export function electForLeaderless(brokerId: number | null, context: StepContext): MetadataRecord[] {
  const { image, index, config, limit } = context;
  const changer = new PartitionChanger(image, config);
  const records: MetadataRecord[] = [];
  for (const [topicId, number] of index.leaderless) {
    if (records.length === limit) return records;
    const { topic, partition } = partitionAt(image, topicId, number);
    if (brokerId !== null && !partition.replicas.includes(brokerId)) continue;
    const record = changer.change(topic, number, {});
    if (record !== null) records.push(record);
  }
  return records;
}

/** How a broker's process begins. */
export interface Restart {
  /** Its log directories that are online. */
  readonly logDirs: readonly string[];
  /** The process before stopped with everything on disk, and said so. */
  readonly isClean: boolean;
}

/**
 * Takes a broker, which is not active, out of the ISRs and ELRs of partitions whose committed records it may have lost: the directory that
 * held the replica is gone, or the process died while acknowledged records were in memory only. Elsewhere all that was acknowledged had been
 * synced (Kafka, which acknowledges from memory, takes an unclean stop as loss everywhere).
 *
 * The only replica of a partition stays where it is: its directory may come back, with all that there is. Nobody leads until it does, or until the broker,
 * which knows whether a directory is offline or is none of its own any more, tells of another one (AssignReplicasToDirs).
 */
export function evictLossy(brokerId: number, { logDirs, isClean }: Restart, context: StepContext): MetadataRecord[] {
  const { image, index, config, limit } = context;
  const before = image.cluster.brokers.get(brokerId)?.logDirs ?? [];
  // A replica whose directory was never told may have been in one that is gone.
  const mayBeGone = before.length === 0 || before.some(id => !logDirs.includes(id));
  const changer = new PartitionChanger(image, config);
  const records: MetadataRecord[] = [];
  const seen = new Set<string>();
  for (const set of [index.inElrOf.of(brokerId), index.inIsrOf.of(brokerId)]) {
    for (const [topicId, number] of set) {
      if (records.length === limit) return records;
      const { topic, partition } = partitionAt(image, topicId, number);
      const directory = directoryOn(partition, brokerId);
      const isGone = !logDirs.includes(directory) && (mayBeGone || !isOnline(directory, logDirs));
      if (isGone && partition.replicas.length === 1) continue;
      if (!isGone && (isClean || !changer.settings.isWriteCached(topic.name))) continue;
      const key = `${topicId}:${number}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const record = changer.change(topic, number, {
        isr: without(partition.isr, [brokerId]),
        lossy: [brokerId],
        ...(isGone ? { directories: new Map([[brokerId, newDirectory(logDirs)]]) } : {}),
      });
      if (record !== null) records.push(record);
    }
  }
  return records;
}

/** Where a broker with these directories puts a replica that it has to begin anew. */
function newDirectory(logDirs: readonly string[]): string {
  const [only] = logDirs;
  return only !== undefined && logDirs.length === 1 ? only : UNASSIGNED_DIRECTORY;
}

/** Takes a broker that is to be forgotten out of ELRs that others are left in. */
export function leaveElrs(brokerId: number, { image, index, config, limit }: StepContext): MetadataRecord[] {
  const changer = new PartitionChanger(image, config);
  const records: MetadataRecord[] = [];
  for (const [topicId, number] of index.inElrOf.of(brokerId)) {
    if (records.length === limit) return records;
    const { topic, partition } = partitionAt(image, topicId, number);
    // The last holder of what was committed stays named: it may be registered again.
    if (partition.isr.length === 0 && partition.eligibleLeaderReplicas.length === 1) continue;
    const record = changer.change(topic, number, { lossy: [brokerId] });
    if (record !== null) records.push(record);
  }
  return records;
}

function partitionAt(
  image: MetadataImage,
  topicId: string,
  number: number,
): { topic: TopicImage; partition: PartitionImage } {
  const topic = image.topics.byId.get(topicId);
  const partition = topic?.partitions[number];
  if (topic === undefined || partition === undefined) {
    throw new Error(`the index lists partition ${topicId}-${number}, which the image does not have`);
  }
  return { topic, partition };
}

function directoryOn(partition: PartitionImage, brokerId: number): string {
  return partition.directories[partition.replicas.indexOf(brokerId)] ?? LOST_DIRECTORY;
}
