/** Names and removal of journal files, plain files in a log directory: Kafka passes over them there. */
import { joinPath } from "../../platform/files.ts";
import type { Disk } from "../../platform/platform.ts";

const JOURNAL_FILE = /^samsa\.journal\.\d+$/;

export function journalFileName(number: number): string {
  return `samsa.journal.${number}`;
}

/** The journal files in `directory`. */
export function listJournal(disk: Disk, directory: string): string[] {
  return disk.list(directory).filter(name => JOURNAL_FILE.test(name));
}

/**
 * Removes journal files, durably; what they hold is durable elsewhere. The last of `names` is the newest in use: it may say of a log that what older
 * ones hold of it is void, so it goes last. Of the older ones any may be left by a crash, for what stands before a missing file is not replayed.
 */
export function removeJournal(disk: Disk, directory: string, names: readonly string[]): void {
  for (const name of names.slice(0, -1)) disk.remove(joinPath(directory, name));
  if (names.length > 1) disk.syncDirectory(directory);
  for (const name of names.slice(-1)) disk.remove(joinPath(directory, name));
  if (names.length > 0) disk.syncDirectory(directory);
}

/** Removes a journal whose directory was stopped cleanly by somebody else since: it says nothing any more. */
export function discardJournal(directory: string, modules: { readonly disk: Disk }): void {
  removeJournal(modules.disk, directory, listJournal(modules.disk, directory));
}
