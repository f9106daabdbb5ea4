/** The `partition.metadata` file, which ties a partition's directory to its topic's id. */
import { atomicWrite, joinPath, readFileIfExists, removeDurably } from "../platform/files.ts";
import type { Disk } from "../platform/platform.ts";
import { CheckpointError, decodePartitionMetadata, encodePartitionMetadata } from "./checkpoints.ts";
import { PARTITION_METADATA } from "./file-names.ts";

/** The topic id of a directory that does not know its own. */
export const ZERO_UUID = "AAAAAAAAAAAAAAAAAAAAAA";

/**
 * The topic id in a partition's directory; {@link ZERO_UUID} when there is none. The file becomes durable with the log's first flush, so what a
 * crash left of it before that – `mustHold` is false – is not believed, and removed: the metadata log knows the id.
 * @throws CheckpointError when the file must hold an id and holds something else
 */
export function readTopicId(disk: Disk, directory: string, mustHold: boolean): string {
  const path = joinPath(directory, PARTITION_METADATA);
  const contents = readFileIfExists(disk, path);
  if (contents === null) return ZERO_UUID;
  try {
    return decodePartitionMetadata(contents.toString("latin1"));
  } catch (error) {
    if (!(error instanceof CheckpointError) || mustHold) throw error;
    removeDurably(disk, path);
    return ZERO_UUID;
  }
}

/** Makes the file durable, off the event loop; its directory entry is the caller's to sync. */
export async function syncPartitionMetadata(disk: Disk, directory: string): Promise<void> {
  const path = joinPath(directory, PARTITION_METADATA);
  if (!disk.exists(path)) return;
  const file = disk.open(path, "read");
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

export function writePartitionMetadata(disk: Disk, directory: string, topicId: string): void {
  atomicWrite(disk, joinPath(directory, PARTITION_METADATA), encodePartitionMetadata(topicId));
}

/** As {@link syncPartitionMetadata}, blocking. */
export function syncPartitionMetadataNow(disk: Disk, directory: string): void {
  const path = joinPath(directory, PARTITION_METADATA);
  if (!disk.exists(path)) return;
  const file = disk.open(path, "read");
  try {
    file.syncNow();
  } finally {
    file.close();
  }
}
