/**
 * The real file system.
 *
 * Calls that the page cache answers are synchronous, because a synchronous system call of microseconds beats a trip through the thread
 * pool by an order of magnitude (docs/performance.md); waiting for the device (`sync`, cold reads, freeing large files) goes to the pool.
 */
import fs from "node:fs";
import { lockFile } from "./node-lock.ts";
import { removeGradually } from "./node-removal.ts";
import { type Disk, DiskError, type File, type FileStatus, type OpenMode } from "./platform.ts";

const OPEN_FLAGS: Record<OpenMode, number> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR | fs.constants.O_CREAT,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
};

/** Of the memory that is free or can be had when the process starts: the rest is for other programs, and for what is read. */
const CACHED_SHARE = 0.25;

export class NodeDisk implements Disk {
  // The global one: to import `node:process` is to open the standard streams.
  readonly cachedBytes = Math.floor(process.availableMemory() * CACHED_SHARE);

  open(path: string, mode: OpenMode): File {
    return new NodeFile(
      path,
      attempt("open", path, () => fs.openSync(path, OPEN_FLAGS[mode])),
    );
  }

  exists(path: string): boolean {
    return fs.existsSync(path);
  }

  status(path: string): FileStatus {
    const stats = attempt("status", path, () => fs.statSync(path));
    return { sizeBytes: stats.size, modifiedMs: Math.floor(stats.mtimeMs), isDirectory: stats.isDirectory() };
  }

  list(path: string): string[] {
    return attempt("list", path, () => fs.readdirSync(path)).sort();
  }

  readFile(path: string): Buffer {
    return attempt("readFile", path, () => fs.readFileSync(path));
  }

  writeFile(path: string, contents: Uint8Array): void {
    attempt("writeFile", path, () => fs.writeFileSync(path, contents));
  }

  makeDirectory(path: string): void {
    attempt("makeDirectory", path, () => fs.mkdirSync(path, { recursive: true }));
  }

  rename(from: string, to: string): void {
    attempt("rename", from, () => fs.renameSync(from, to));
  }

  link(from: string, to: string): void {
    attempt("link", from, () => fs.linkSync(from, to));
  }

  remove(path: string): void {
    try {
      fs.unlinkSync(path);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw diskError("remove", path, error);
    }
  }

  async removeAsync(path: string): Promise<void> {
    try {
      await removeGradually(path);
    } catch (error) {
      throw diskError("remove", path, error);
    }
  }

  removeDirectory(path: string): void {
    attempt("removeDirectory", path, () => fs.rmSync(path, { recursive: true, force: true }));
  }

  syncDirectory(path: string): void {
    // Windows cannot open a directory for syncing; NTFS journals its entries.
    if (process.platform === "win32") return;
    attempt("syncDirectory", path, () => {
      const descriptor = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
      try {
        fs.fsyncSync(descriptor);
      } finally {
        fs.closeSync(descriptor);
      }
    });
  }

  space(path: string): { freeBytes: number; totalBytes: number } {
    const stats = attempt("space", path, () => fs.statfsSync(path));
    return { freeBytes: stats.bavail * stats.bsize, totalBytes: stats.blocks * stats.bsize };
  }

  lock(path: string): (() => void) | null {
    return lockFile(path);
  }
}

class NodeFile implements File {
  readonly path: string;
  #descriptor: number;
  /** Calls on the thread pool that use the descriptor: it must not be closed, and its number reused, under them. */
  #pendingCount = 0;
  /** Those of them that are syncs. */
  #syncCount = 0;
  #closed = false;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  writev(buffers: readonly Uint8Array[], position: number): void {
    const descriptor = this.#open("writev");
    try {
      let written =
        buffers.length === 1
          ? fs.writeSync(descriptor, buffers[0]!, 0, buffers[0]!.length, position)
          : buffers.length === 0
            ? 0
            : fs.writevSync(descriptor, buffers, position);
      // A write is short when the disk fills up, a signal arrives, or it exceeds what one call takes (2 GiB); the next call tells which.
      let rest = dropBytes(buffers, written);
      while (rest.length > 0) {
        position += written;
        written = fs.writevSync(descriptor, rest, position);
        rest = dropBytes(rest, written);
      }
    } catch (error) {
      throw diskError("writev", this.path, error);
    }
  }

  read(target: Uint8Array, position: number): number {
    const descriptor = this.#open("read");
    try {
      let count = 0;
      while (count < target.length) {
        const read = fs.readSync(descriptor, target, count, target.length - count, position + count);
        if (read === 0) break;
        count += read;
      }
      return count;
    } catch (error) {
      throw diskError("read", this.path, error);
    }
  }

  readAsync(target: Uint8Array, position: number): Promise<number> {
    const descriptor = this.#open("read");
    this.#pendingCount++;
    return new Promise((resolve, reject) => {
      let count = 0;
      const next = (error: NodeJS.ErrnoException | null, read: number): void => {
        count += read;
        if (error === null && read > 0 && count < target.length) {
          fs.read(descriptor, target, count, target.length - count, position + count, next);
          return;
        }
        this.#finish();
        if (error === null) resolve(count);
        else reject(diskError("read", this.path, error));
      };
      fs.read(descriptor, target, 0, target.length, position, next);
    });
  }

  sync(): Promise<void> {
    const descriptor = this.#open("sync");
    this.#pendingCount++;
    this.#syncCount++;
    return new Promise((resolve, reject) => {
      fs.fdatasync(descriptor, error => {
        this.#syncCount--;
        this.#finish();
        if (error === null) resolve();
        else reject(diskError("sync", this.path, error));
      });
    });
  }

  syncNow(): void {
    const descriptor = this.#open("sync");
    attempt("sync", this.path, () => {
      // Each open file is told of a failed write but once, and a sync under way may be the one that is: this one asks for itself.
      const own = this.#syncCount === 0 ? null : reopen(descriptor);
      try {
        fs.fdatasyncSync(own ?? descriptor);
      } finally {
        if (own !== null) fs.closeSync(own);
      }
    });
  }

  truncate(sizeBytes: number): void {
    const descriptor = this.#open("truncate");
    attempt("truncate", this.path, () => fs.ftruncateSync(descriptor, sizeBytes));
  }

  size(): number {
    const descriptor = this.#open("size");
    return attempt("size", this.path, () => fs.fstatSync(descriptor).size);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#pendingCount === 0) this.#closeDescriptor();
  }

  #open(operation: string): number {
    if (this.#closed) throw new DiskError("EBADF", operation, this.path);
    return this.#descriptor;
  }

  #finish(): void {
    this.#pendingCount--;
    if (this.#closed && this.#pendingCount === 0) this.#closeDescriptor();
  }

  #closeDescriptor(): void {
    attempt("close", this.path, () => fs.closeSync(this.#descriptor));
    this.#descriptor = -1;
  }
}

/** Opens the file of `descriptor` once more, whatever its name is now; null where the system has no way to. */
function reopen(descriptor: number): number | null {
  try {
    return fs.openSync(`/proc/self/fd/${descriptor}`, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** What is left of `buffers` after their first `count` bytes; the same array when `count` is zero. */
function dropBytes(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let index = 0;
  while (index < buffers.length && count >= buffers[index]!.length) {
    count -= buffers[index]!.length;
    index++;
  }
  if (index === buffers.length) return [];
  const rest = buffers.slice(index);
  rest[0] = rest[0]!.subarray(count);
  return rest;
}

function attempt<T>(operation: string, path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw diskError(operation, path, error);
  }
}

function diskError(operation: string, path: string, error: unknown): DiskError {
  return new DiskError(codeOf(error), operation, path, error);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "EIO";
}
