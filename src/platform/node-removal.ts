/**
 * Removes files without holding up those who sync others meanwhile.
 *
 * A file system frees the space of a file in one transaction, and tells the device; whoever syncs another file waits for that. With segments of a
 * gigabyte this is long, so the space of a large file is given back a piece at a time (docs/performance.md).
 */
import fs from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** Freed at a time: a few milliseconds of a disk's work. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** Between two pieces, for what others sync: some 800 MB a second can go, more than a broker writes. */
const PAUSE_MS = 5;

/**
 * Removes the file at `path`; a missing one is no error. Its name goes first, its space before the promise resolves. Reads under way through other
 * descriptors may then find less than there was; other names of the file (hard links) keep all of it.
 */
export async function removeGradually(path: string): Promise<void> {
  const file = await openIfLarge(path);
  try {
    await fs.unlink(path).catch(ignoreMissing);
    if (file !== null) await free(file);
  } finally {
    await file?.close();
  }
}

/** Null where there is nothing to be gained, or the file cannot be opened. */
async function openIfLarge(path: string): Promise<fs.FileHandle | null> {
  try {
    const { size } = await fs.lstat(path);
    return size > PIECE_BYTES ? await fs.open(path, "r+") : null;
  } catch {
    // Whatever it is, unlinking tells.
    return null;
  }
}

async function free(file: fs.FileHandle): Promise<void> {
  const { size, nlink } = await file.stat();
  // Without a name nobody can give it another: nothing is taken from anyone who links it.
  if (nlink > 0) return;
  for (let sizeBytes = size - PIECE_BYTES; sizeBytes > 0; sizeBytes -= PIECE_BYTES) {
    await file.truncate(sizeBytes);
    await delay(PAUSE_MS);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
