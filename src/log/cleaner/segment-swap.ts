/**
 * Putting a cleaned segment in the place of the segments it was made from, so that a crash at any point leaves the old ones or the new one.
 *
 * 1. `.cleaned` becomes `.swap`, durably. From here on the new segment will be the one; before, a start throws it away.
 * 2. The old `.log` files become `.deleted`, durably. A start that finds a `.swap` log finishes this step: it removes every segment that the
 *    swapped one covers.
 * 3. The old indexes become `.deleted` and `.swap` goes from the new names. A start finishes this step, too, so it need not be durable at once.
 *
 * Kafka takes the same steps, without waiting for the directory between them. The waits keep a later rename from outliving an earlier one, which
 * would leave an old segment beside a new one with the same offsets.
 */
import { joinPath } from "../../platform/files.ts";
import type { Disk } from "../../platform/platform.ts";
import { CLEANED_SUFFIX, DELETED_SUFFIX, LOG_SUFFIX, offsetPrefix, SWAP_SUFFIX } from "../file-names.ts";
import { SEGMENT_SUFFIXES, type Segment } from "../segment.ts";
import type { CleanedSegment } from "./clean-log.ts";

/**
 * Swaps the files. Afterwards `replaced` are marked as deleted and their files are left to be removed; the new segment is to be opened under its
 * own name. The last step's names become durable with the next sync of the directory.
 * @throws DiskError; what is on disk is then known only to the next start
 */
export function swapSegmentFiles(
  directory: string,
  replaced: readonly Segment[],
  cleaned: CleanedSegment,
  modules: { disk: Disk },
): void {
  const { disk } = modules;
  const base = joinPath(directory, offsetPrefix(cleaned.baseOffset));
  const suffixes = SEGMENT_SUFFIXES.filter(suffix => disk.exists(base + suffix + CLEANED_SUFFIX));
  for (const suffix of suffixes) disk.rename(base + suffix + CLEANED_SUFFIX, base + suffix + SWAP_SUFFIX);
  disk.syncDirectory(directory);
  for (const segment of replaced) {
    const log = segment.path(LOG_SUFFIX);
    disk.rename(log, log + DELETED_SUFFIX);
  }
  disk.syncDirectory(directory);
  for (const segment of replaced) segment.markDeleted();
  for (const suffix of suffixes) disk.rename(base + suffix + SWAP_SUFFIX, base + suffix);
}

/** Removes the files of a cleaned segment that is not wanted any more. */
export function discardCleanedFiles(directory: string, cleaned: CleanedSegment, modules: { disk: Disk }): void {
  const base = joinPath(directory, offsetPrefix(cleaned.baseOffset));
  for (const suffix of SEGMENT_SUFFIXES) modules.disk.remove(base + suffix + CLEANED_SUFFIX);
}
