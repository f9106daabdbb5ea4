/** What the broker does to whole files, in terms of {@link Disk}: replace one so that a crash leaves the old or the new contents. */
import { type Disk, DiskError } from "./platform.ts";

/** Ends the name of a file being written by {@link atomicWrite}; one found at start is the leftover of a crash. */
export const TEMPORARY_SUFFIX = ".tmp";

/**
 * Replaces `path` by `contents`: after a crash at any point the file holds either what it held or `contents`, whole. When the call returns,
 * `contents` is durable (temporary file, sync, rename, sync of the directory).
 *
 * @throws DiskError; the old contents are then still there
 */
export function atomicWrite(disk: Disk, path: string, contents: Uint8Array | string): void {
  const temporary = path + TEMPORARY_SUFFIX;
  const bytes = typeof contents === "string" ? Buffer.from(contents, "utf8") : contents;
  const file = disk.open(temporary, "write");
  try {
    file.truncate(0);
    file.writev([bytes], 0);
    file.syncNow();
  } finally {
    file.close();
  }
  disk.rename(temporary, path);
  disk.syncDirectory(parentOf(path));
}

/** The contents of `path`, or null when there is no such file. */
export function readFileIfExists(disk: Disk, path: string): Buffer | null {
  try {
    return disk.readFile(path);
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Creates `path` and its missing parents, and makes each new entry durable, from the top down. */
export function makeDirectoryDurably(disk: Disk, path: string): void {
  if (disk.exists(path)) return;
  const parent = parentOf(path);
  makeDirectoryDurably(disk, parent);
  disk.makeDirectory(path);
  disk.syncDirectory(parent);
}

/** Removes a file and makes the removal durable; a missing one is no error. */
export function removeDurably(disk: Disk, path: string): void {
  if (!disk.exists(path)) return;
  disk.remove(path);
  disk.syncDirectory(parentOf(path));
}

/** Joins path parts by `/`, dropping doubled separators. */
export function joinPath(...parts: readonly string[]): string {
  return parts
    .filter(part => part !== "")
    .join("/")
    .replace(/\/{2,}/g, "/");
}

/** The directory that holds `path`: `.` for a bare name, `/` for an entry of the root. */
export function parentOf(path: string): string {
  const trimmed = path.length > 1 ? path.replace(/\/+$/, "") : path;
  const slash = trimmed.lastIndexOf("/");
  if (slash < 0) return ".";
  return slash === 0 ? "/" : trimmed.slice(0, slash);
}

/** The last part of a path. */
export function nameOf(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("/") + 1);
}
