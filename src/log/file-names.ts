/**
 * Names of the files and directories of a log, exactly as Apache Kafka spells them.
 *
 * Files of a segment start with its base offset, padded to twenty digits. A partition's directory is `<topic>-<partition>`; one that is being
 * deleted is `<topic>-<partition>.<uuid as 32 hex digits>-delete`, shortened so that it fits into 255 characters. The copy of a replica that moves to
 * another log directory is in `<topic>-<partition>.<uuid>-future` until it takes over.
 */

export const LOG_SUFFIX = ".log";
export const OFFSET_INDEX_SUFFIX = ".index";
export const TIME_INDEX_SUFFIX = ".timeindex";
export const TRANSACTION_INDEX_SUFFIX = ".txnindex";
export const SNAPSHOT_SUFFIX = ".snapshot";
export const DELETED_SUFFIX = ".deleted";
export const CLEANED_SUFFIX = ".cleaned";
export const SWAP_SUFFIX = ".swap";
export const TEMPORARY_SUFFIX = ".tmp";

export const LEADER_EPOCH_CHECKPOINT = "leader-epoch-checkpoint";
export const PARTITION_METADATA = "partition.metadata";
export const RECOVERY_POINT_CHECKPOINT = "recovery-point-offset-checkpoint";
export const LOG_START_OFFSET_CHECKPOINT = "log-start-offset-checkpoint";
export const HIGH_WATERMARK_CHECKPOINT = "replication-offset-checkpoint";
export const CLEANER_CHECKPOINT = "cleaner-offset-checkpoint";
/** In a partition's directory, ours: why the log is not to be opened. Kafka passes over it. */
export const QUARANTINE_MARKER = "samsa.quarantine";
export const CLEAN_SHUTDOWN_MARKER = ".kafka_cleanshutdown";
export const METADATA_TOPIC = "__cluster_metadata";
export const METADATA_DIRECTORY = `${METADATA_TOPIC}-0`;
/** The topic id of the metadata log, fixed by Kafka. */
export const METADATA_TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAQ";

const MAX_FILE_NAME_LENGTH = 255;

/** The base of a segment's file names: its base offset in twenty digits. */
export function offsetPrefix(offset: number): string {
  return offset.toString().padStart(20, "0");
}

/** A file that belongs to a segment (or a producer snapshot): which, and in what state. */
export interface SegmentFileName {
  readonly offset: number;
  readonly kind: "log" | "index" | "timeindex" | "txnindex" | "snapshot";
  readonly state: "live" | "deleted" | "cleaned" | "swap";
}

const SEGMENT_FILE = /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)(\.deleted|\.cleaned|\.swap)?$/;

/** Reads a file name; null for a file that is not a segment's. */
export function parseSegmentFileName(name: string): SegmentFileName | null {
  const match = SEGMENT_FILE.exec(name);
  if (match === null) return null;
  const offset = Number(match[1]);
  if (!Number.isSafeInteger(offset)) return null;
  return {
    offset,
    kind: match[2] as SegmentFileName["kind"],
    state: match[3] === undefined ? "live" : (match[3].slice(1) as SegmentFileName["state"]),
  };
}

export function partitionDirectoryName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** The name a partition's directory gets when the partition is deleted. `uuidHex` is 32 hex digits. */
export function deletedDirectoryName(topic: string, partition: number, uuidHex: string): string {
  const suffix = `-${partition}.${uuidHex}-delete`;
  return topic.slice(0, MAX_FILE_NAME_LENGTH - suffix.length) + suffix;
}

/** The name of the directory of a replica that moves here from another log directory, until it takes over. */
export function futureDirectoryName(topic: string, partition: number, uuidHex: string): string {
  return `${topic}-${partition}.${uuidHex}-future`;
}

/** What a directory inside a log directory is, by its name. */
export type DirectoryName =
  | { readonly kind: "partition" | "future"; readonly topic: string; readonly partition: number }
  | { readonly kind: "deleted" | "stray" | "other" };

const DELETED_DIRECTORY = /^(\S+)-(\S+)\.(\S+)-delete$/;
const STRAY_DIRECTORY = /^(\S+)-(\S+)\.(\S+)-stray$/;
const FUTURE_DIRECTORY = /^(\S+)-(\d+)\.(\S+)-future$/;
const PARTITION_DIRECTORY = /^([a-zA-Z0-9._-]{1,249})-(\d{1,10})$/;

export function parseDirectoryName(name: string): DirectoryName {
  if (DELETED_DIRECTORY.test(name)) return { kind: "deleted" };
  if (STRAY_DIRECTORY.test(name)) return { kind: "stray" };
  const future = FUTURE_DIRECTORY.exec(name);
  if (future !== null) return { kind: "future", topic: future[1] as string, partition: Number(future[2]) };
  const match = PARTITION_DIRECTORY.exec(name);
  if (match === null) return { kind: "other" };
  const partition = Number(match[2]);
  if (partition > 0x7fffffff || partitionDirectoryName(match[1] as string, partition) !== name)
    return { kind: "other" };
  return { kind: "partition", topic: match[1] as string, partition };
}
