/**
 * Replaying a journal after a crash: what it holds is written into the segment files, synced there, and the journal removed. Before that nobody may
 * look at the directory. A crash on the way is harmless: the next start does the same again.
 */
import type { Logger } from "../../logging/index.ts";
import { joinPath, readFileIfExists } from "../../platform/files.ts";
import type { Disk, File } from "../../platform/platform.ts";
import { batchSizeWithin, isIntact, MAX_BATCH_SIZE_BYTES } from "../batch-walk.ts";
import { CheckpointError, decodePartitionMetadata } from "../checkpoints.ts";
import {
  LOG_SUFFIX,
  offsetPrefix,
  PARTITION_METADATA,
  parseDirectoryName,
  parseSegmentFileName,
} from "../file-names.ts";
import { forEachParallel } from "../parallel.ts";
import { listJournal, removeJournal } from "./journal-files.ts";
import { decodeHeader, FRAMES_START, readFrames } from "./journal-format.ts";
import { type FoundJournalFile, planReplay, type ReplayExtent, type ReplayTarget } from "./replay-plan.ts";

export interface ReplayModules {
  readonly disk: Disk;
  readonly logger: Logger;
}

/**
 * Replays the journal in `directory`, if there is one. `parallelism` logs are written at a time.
 * @throws DiskError; JournalDamagedError, and nothing was changed
 */
export async function replayJournal(
  directory: string,
  options: { readonly parallelism: number },
  modules: ReplayModules,
): Promise<void> {
  const { disk, logger } = modules;
  const names = listJournal(disk, directory);
  if (names.length === 0) return;
  const found: FoundJournalFile[] = [];
  for (const name of names) found.push(await readJournalFile(disk, directory, name));
  const plan = planReplay(found, name => targetOf(disk, directory, name));
  const files = new Map(names.map(name => [name, disk.open(joinPath(directory, name), "read")]));
  let writtenBytes = 0;
  try {
    await forEachParallel([...plan.extents], options.parallelism, async ([name, extents]) => {
      writtenBytes += await replayInto(joinPath(directory, name), extents, files, modules);
    });
  } finally {
    for (const file of files.values()) file.close();
  }
  removeJournal(disk, directory, plan.fileNames);
  logger.info("journal.replayed", { directory, logs: plan.extents.size, bytes: writtenBytes });
}

async function readJournalFile(disk: Disk, directory: string, name: string): Promise<FoundJournalFile> {
  const file = disk.open(joinPath(directory, name), "read");
  try {
    const head = Buffer.alloc(FRAMES_START);
    const headBytes = await file.readAsync(head, 0);
    const header = decodeHeader(head.subarray(0, headBytes));
    if (typeof header === "string") return { name, header, frames: [] };
    const bytes = Buffer.allocUnsafe(file.size());
    const sizeBytes = await file.readAsync(bytes, 0);
    return { name, header, frames: readFrames(bytes.subarray(0, sizeBytes), header.generation) };
  } finally {
    file.close();
  }
}

function targetOf(disk: Disk, directory: string, name: string): ReplayTarget | null {
  const path = joinPath(directory, name);
  const { kind } = parseDirectoryName(name);
  if ((kind !== "partition" && kind !== "future") || !disk.exists(path)) return null;
  let newestSegment: number | null = null;
  for (const fileName of disk.list(path)) {
    const parsed = parseSegmentFileName(fileName);
    if (parsed?.kind === "log" && parsed.state === "live") newestSegment = Math.max(newestSegment ?? 0, parsed.offset);
  }
  return { topicId: topicIdIn(disk, path), newestSegment };
}

/** The topic id in a partition's directory; null when there is none that can be read. */
function topicIdIn(disk: Disk, path: string): string | null {
  const contents = readFileIfExists(disk, joinPath(path, PARTITION_METADATA));
  if (contents === null) return null;
  try {
    return decodePartitionMetadata(contents.toString("latin1"));
  } catch (error) {
    if (error instanceof CheckpointError) return null;
    throw error;
  }
}

/** Writes the extents of one log into its newest segment and syncs it. Returns how many bytes were not there yet. */
async function replayInto(
  path: string,
  extents: readonly ReplayExtent[],
  journalFiles: ReadonlyMap<string, File>,
  modules: ReplayModules,
): Promise<number> {
  const { disk, logger } = modules;
  const segmentPath = joinPath(path, offsetPrefix(extents[0]!.frame.baseOffset) + LOG_SUFFIX);
  const file = disk.open(segmentPath, "write");
  let writtenBytes = 0;
  try {
    for (const { fileName, frame } of extents) {
      const bytes = Buffer.allocUnsafe(frame.payloadBytes);
      await journalFiles.get(fileName)!.readAsync(bytes, frame.payloadPosition);
      const there = Buffer.alloc(bytes.length);
      await file.readAsync(there, frame.position);
      if (there.equals(bytes)) continue;
      if (await holdsAnother(file, frame.position, bytes)) {
        logger.warn("journal.overtaken", { segment: segmentPath, position: frame.position });
        break;
      }
      file.writev([bytes], frame.position);
      writtenBytes += bytes.length;
    }
    await file.sync();
  } finally {
    file.close();
  }
  return writtenBytes;
}

/**
 * Whether a sound batch other than the journal's stands in its place. This broker never leaves that: another program has worked on the directory since,
 * and what it wrote stays.
 */
async function holdsAnother(file: File, position: number, bytes: Buffer): Promise<boolean> {
  for (let at = 0; at < bytes.length; ) {
    const sizeBytes = batchSizeWithin(bytes, at, bytes.length);
    if (sizeBytes <= 0) return false;
    const head = Buffer.alloc(Math.min(sizeBytes, 64));
    await file.readAsync(head, position + at);
    const foundBytes = Math.abs(batchSizeWithin(head, 0, head.length));
    if (foundBytes > 0 && foundBytes <= Math.min(MAX_BATCH_SIZE_BYTES, file.size() - position - at)) {
      const found = Buffer.allocUnsafe(foundBytes);
      await file.readAsync(found, position + at);
      const isSame = found.equals(bytes.subarray(at, at + sizeBytes));
      if (!isSame && batchSizeWithin(found, 0, foundBytes) === foundBytes && isIntact(found, 0, foundBytes))
        return true;
    }
    at += sizeBytes;
  }
  return false;
}
