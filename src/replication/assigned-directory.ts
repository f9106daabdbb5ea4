/** What the metadata's word on which log directory a replica is in (KIP-858) means for its log. */
import type { LogManager, PartitionLog, TopicPartition } from "../log/index.ts";
import { MIGRATING_DIRECTORY, UNASSIGNED_DIRECTORY } from "../metadata/topics-image.ts";

/**
 * The log of a partition, or null. Where there is only a copy, in the directory `assigned` to the replica, that takes over: it had caught up, and the
 * log that it was made from is gone with its directory.
 * @throws DiskError when the copy's directory fails
 */
export function existingLog(
  { topic, topicId, partition }: TopicPartition,
  assigned: string,
  logs: LogManager,
): PartitionLog | null {
  const log = logs.get(topic, partition);
  if (log !== undefined) return log;
  const future = logs.futures.get(topic, partition);
  if (future === undefined || future.topicPartition.topicId !== topicId) return null;
  if (!logs.directories.some(({ id, futureLogs }) => id === assigned && futureLogs.has(future))) return null;
  logs.futures.promote(future);
  return future;
}

/**
 * Whether a replica's log is in a directory that is offline: an empty one in its place would be taken for all there is. One whose directory was never told,
 * and which is not new, may be in any of them.
 */
export function isElsewhere(assigned: string, { directories }: LogManager, isNew: boolean): boolean {
  if (!directories.some(({ offline }) => offline)) return false;
  if (!isAssigned(assigned)) return !isNew;
  return !directories.some(({ id, offline }) => id === assigned && !offline);
}

/** Whether that is the id of a directory. */
export function isAssigned(directory: string | undefined): boolean {
  return directory !== undefined && directory !== UNASSIGNED_DIRECTORY && directory !== MIGRATING_DIRECTORY;
}
