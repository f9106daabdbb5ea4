/** Copies of a log's directory that share what never changes again: files of full segments are linked, the small files and the active segment copied. */
import { joinPath, makeDirectoryDurably } from "../../platform/files.ts";
import type { Disk } from "../../platform/platform.ts";
import { LOG_SUFFIX } from "../file-names.ts";

/** Files on their way out or in. */
const PASSING = /\.(deleted|tmp|cleaned|swap)$/;

/**
 * Makes `to`, durably, what `from` is: the partition's directory `name` and the checkpoints beside it. Both must lie on one file system. Nothing
 * may change in `from` meanwhile, which synchronous code sees to.
 * @throws DiskError; Error when `to` exists
 */
export function copyLog(disk: Disk, from: string, to: string, name: string): void {
  if (disk.exists(to)) throw new Error(`${to} exists`);
  makeDirectoryDurably(disk, joinPath(to, name));
  const names = disk.list(joinPath(from, name));
  const active = names.filter(file => file.endsWith(LOG_SUFFIX)).at(-1);
  for (const file of names) {
    if (file.endsWith(LOG_SUFFIX) && file !== active) disk.link(joinPath(from, name, file), joinPath(to, name, file));
    else if (!PASSING.test(file)) copyFile(disk, joinPath(from, name, file), joinPath(to, name, file));
  }
  for (const file of disk.list(from))
    if (file.endsWith("-checkpoint")) copyFile(disk, joinPath(from, file), joinPath(to, file));
  disk.syncDirectory(joinPath(to, name));
  disk.syncDirectory(to);
}

function copyFile(disk: Disk, from: string, to: string): void {
  const file = disk.open(to, "create");
  try {
    file.writev([disk.readFile(from)], 0);
    file.syncNow();
  } finally {
    file.close();
  }
}
