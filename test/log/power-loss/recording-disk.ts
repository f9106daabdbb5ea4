/**
 * A disk that writes down everything that is done to it, so that all the states a power failure could leave can be built afterwards, and that fails
 * operations on order.
 *
 * Behaviour is that of {@link MemoryDisk}; only the journal is added.
 */
import type { DiskOperation, MemoryDisk } from "../../../src/platform/memory.ts";
import { type Disk, DiskError, type File, type FileStatus, type OpenMode } from "../../../src/platform/platform.ts";
import type { EntryPart, ImageDirectory, JournalEntry, NodeReference, OperationSite } from "./journal.ts";

interface FileNode {
  readonly number: number;
  readonly isDirectory: false;
}

interface DirectoryNode {
  readonly number: number;
  readonly isDirectory: true;
  readonly entries: Map<string, Node>;
}

type Node = FileNode | DirectoryNode;

/** Decides about an operation before it happens: null lets it pass, a code (`EIO`, `ENOSPC`) fails it. */
export type FaultInjector = (site: OperationSite) => string | null;

export class RecordingDisk implements Disk {
  get cachedBytes(): number {
    return this.#inner.cachedBytes;
  }

  readonly journal: JournalEntry[] = [];
  /** How many operations that change or sync anything were begun. */
  operationCount = 0;
  /** How many of them failed on order. */
  failureCount = 0;
  inject: FaultInjector | null = null;
  readonly #inner: MemoryDisk;
  readonly #root: DirectoryNode;
  #nodeCount = 0;

  /** `inner` must hold exactly `image`, all of it durable. */
  constructor(inner: MemoryDisk, image: ImageDirectory = new Map()) {
    this.#inner = inner;
    this.#root = this.#number(image);
  }

  open(path: string, mode: OpenMode): File {
    const existed = this.#inner.exists(path);
    if (!existed && mode !== "read") this.#begin("open", path);
    const file = this.#inner.open(path, mode);
    if (!existed) {
      const { directory, name } = this.#place(path);
      const node: FileNode = { number: ++this.#nodeCount, isDirectory: false };
      this.#change(`create ${path}`, [{ directory, name, node }]);
    }
    return new RecordingFile(file, this.#find(path)!.number, this);
  }

  exists(path: string): boolean {
    return this.#inner.exists(path);
  }

  status(path: string): FileStatus {
    return this.#inner.status(path);
  }

  list(path: string): string[] {
    return this.#inner.list(path);
  }

  readFile(path: string): Buffer {
    return this.#inner.readFile(path);
  }

  writeFile(path: string, contents: Uint8Array): void {
    const file = this.open(path, "write");
    try {
      file.truncate(0);
      file.writev([contents], 0);
    } finally {
      file.close();
    }
  }

  makeDirectory(path: string): void {
    let made = "";
    for (const name of path.split("/").filter(part => part !== "")) {
      made += `/${name}`;
      if (this.#inner.exists(made)) continue;
      this.#begin("makeDirectory", made);
      this.#inner.makeDirectory(made);
      const { directory } = this.#place(made);
      const node: DirectoryNode = { number: ++this.#nodeCount, isDirectory: true, entries: new Map() };
      this.#change(`make directory ${made}`, [{ directory, name, node }]);
    }
  }

  rename(from: string, to: string): void {
    this.#begin("rename", from);
    this.#inner.rename(from, to);
    const node = this.#find(from)!;
    this.#change(`rename ${from} to ${to}`, [
      { ...this.#place(from), node: null },
      { ...this.#place(to), node },
    ]);
  }

  link(from: string, to: string): void {
    this.#begin("link", from);
    this.#inner.link(from, to);
    this.#change(`link ${from} as ${to}`, [{ ...this.#place(to), node: this.#find(from)! }]);
  }

  remove(path: string): void {
    if (!this.#inner.exists(path)) return;
    this.#begin("remove", path);
    this.#inner.remove(path);
    this.#change(`remove ${path}`, [{ ...this.#place(path), node: null }]);
  }

  async removeAsync(path: string): Promise<void> {
    await Promise.resolve();
    this.remove(path);
  }

  removeDirectory(path: string): void {
    if (!this.#inner.exists(path)) return;
    for (const name of this.list(path)) {
      const child = `${path}/${name}`;
      if (this.status(child).isDirectory) this.removeDirectory(child);
      else this.remove(child);
    }
    this.#begin("removeDirectory", path);
    this.#inner.removeDirectory(path);
    this.#change(`remove directory ${path}`, [{ ...this.#place(path), node: null }]);
  }

  syncDirectory(path: string): void {
    this.#begin("syncDirectory", path);
    this.#inner.syncDirectory(path);
    this.journal.push({ kind: "sync-directory", directory: this.#find(path)!.number });
  }

  space(path: string): { freeBytes: number; totalBytes: number } {
    return this.#inner.space(path);
  }

  lock(path: string): (() => void) | null {
    return this.#inner.lock(path);
  }

  /** For the files of this disk: counts an operation, and throws when it is to fail. */
  begin(operation: DiskOperation, path: string): void {
    this.#begin(operation, path);
  }

  #begin(operation: DiskOperation, path: string): void {
    const code = this.inject?.({ index: this.operationCount, operation, path }) ?? null;
    this.operationCount += 1;
    if (code === null) return;
    this.failureCount += 1;
    throw new DiskError(code, operation, path, new Error("injected"));
  }

  #change(label: string, parts: readonly { directory: DirectoryNode; name: string; node: Node | null }[]): void {
    const recorded: EntryPart[] = [];
    for (const { directory, name, node } of parts) {
      if (node === null) directory.entries.delete(name);
      else directory.entries.set(name, node);
      recorded.push({ directory: directory.number, name, node: node === null ? null : referenceTo(node) });
    }
    this.journal.push({ kind: "entries", label, parts: recorded });
  }

  #find(path: string): Node | null {
    let node: Node = this.#root;
    for (const name of path.split("/")) {
      if (name === "") continue;
      const child: Node | undefined = node.isDirectory ? node.entries.get(name) : undefined;
      if (child === undefined) return null;
      node = child;
    }
    return node;
  }

  #place(path: string): { directory: DirectoryNode; name: string } {
    const parts = path.split("/").filter(part => part !== "");
    const name = parts.pop()!;
    const directory = this.#find(parts.join("/")) as DirectoryNode;
    return { directory, name };
  }

  /** Numbers the nodes of an image depth first: `crash-image.ts` does the same. */
  #number(image: ImageDirectory): DirectoryNode {
    const node: DirectoryNode = { number: this.#nodeCount, isDirectory: true, entries: new Map() };
    for (const [name, child] of image) {
      this.#nodeCount += 1;
      node.entries.set(
        name,
        Buffer.isBuffer(child) ? { number: this.#nodeCount, isDirectory: false } : this.#number(child),
      );
    }
    return node;
  }
}

class RecordingFile implements File {
  readonly path: string;
  readonly #inner: File;
  readonly #number: number;
  readonly #disk: RecordingDisk;
  /** What a sync under way will fail with. */
  #failing: unknown = null;

  constructor(inner: File, number: number, disk: RecordingDisk) {
    this.path = inner.path;
    this.#inner = inner;
    this.#number = number;
    this.#disk = disk;
  }

  writev(buffers: readonly Uint8Array[], position: number): void {
    const bytes = Buffer.concat(buffers);
    try {
      this.#disk.begin("writev", this.path);
    } catch (error) {
      // A write that fails may have written a part of its bytes, whole batches among them.
      this.#write(bytes.subarray(0, Math.ceil(bytes.length * 0.6)), position);
      throw error;
    }
    this.#write(bytes, position);
  }

  read(target: Uint8Array, position: number): number {
    return this.#inner.read(target, position);
  }

  readAsync(target: Uint8Array, position: number): Promise<number> {
    return this.#inner.readAsync(target, position);
  }

  async sync(): Promise<void> {
    let before = 0;
    try {
      before = this.#beginSync();
    } catch (error) {
      // It is told of later, as the system does it.
      this.#failing = error;
      await this.#inner.sync();
      this.#failing = null;
      throw error;
    }
    await this.#inner.sync();
    this.#disk.journal.push({ kind: "sync", file: this.#number, before });
  }

  syncNow(): void {
    if (this.#failing !== null) throw this.#failing;
    const before = this.#beginSync();
    this.#inner.syncNow();
    this.#disk.journal.push({ kind: "sync", file: this.#number, before });
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes === this.#inner.size()) return;
    this.#disk.begin("truncate", this.path);
    this.#inner.truncate(sizeBytes);
    this.#disk.journal.push({ kind: "truncate", file: this.#number, sizeBytes });
  }

  size(): number {
    return this.#inner.size();
  }

  close(): void {
    this.#inner.close();
  }

  #write(bytes: Buffer, position: number): void {
    if (bytes.length === 0) return;
    this.#inner.writev([bytes], position);
    this.#disk.journal.push({ kind: "write", file: this.#number, position, bytes });
  }

  #beginSync(): number {
    const before = this.#disk.journal.length;
    try {
      this.#disk.begin("sync", this.path);
    } catch (error) {
      this.#disk.journal.push({ kind: "sync-failed", file: this.#number, before });
      throw error;
    }
    return before;
  }
}

function referenceTo(node: Node): NodeReference {
  return { number: node.number, isDirectory: node.isDirectory };
}
