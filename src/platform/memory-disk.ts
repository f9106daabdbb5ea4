/**
 * A disk in memory that forgets as a real one does.
 *
 * ```ts
 * const disk = new MemoryDisk();
 * const file = disk.open("/data/a", "write");
 * file.writev([Buffer.from("x")], 0);
 * disk.crash();                       // "/data/a" is gone: neither its bytes nor its name were synced
 * disk.addFault({ operation: "sync", path: /\.log$/, code: "EIO", times: 1 });
 * ```
 *
 * Bytes become durable by `sync`, names by `syncDirectory` of the directory that holds them; {@link MemoryDisk.crash} and
 * {@link MemoryDisk.survivor} apply what a crash leaves. Faults fail chosen operations; `capacityBytes` makes it fill up; operations are
 * counted, and a hook sees each one before it happens, so that a test can stop a program at every one of them.
 */

import { LOSE_ALL, type Survival, survivingTree } from "./memory-disk-crash.ts";
import { type DiskFault, type DiskOperation, FaultTable, injectedError } from "./memory-disk-fault.ts";
import {
  DirectoryNode,
  type EntryChange,
  type EntryPart,
  FileNode,
  persistEntries,
  setEntry,
  type TreeNode,
} from "./memory-disk-tree.ts";
import { MemoryFile, type MemoryFileHost } from "./memory-file.ts";
import {
  type Clock,
  type Disk,
  DiskError,
  type File,
  type FileStatus,
  type OpenMode,
  type Timers,
} from "./platform.ts";

export interface MemoryDiskOptions {
  /** Writes beyond it fail with ENOSPC. Default 1 TiB. */
  readonly capacityBytes?: number;
  /** See {@link Disk.cachedBytes}. Default 0. */
  readonly cachedBytes?: number;
  /** How long asynchronous operations take, by the timers given. Default 0. */
  readonly latencyMs?: (operation: DiskOperation) => number;
}

export interface MemoryDiskModules {
  readonly clock?: Pick<Clock, "now">;
  /** Without them, asynchronous operations complete in a microtask. */
  readonly timers?: Pick<Timers, "after">;
}

const DEFAULT_CAPACITY_BYTES = 2 ** 40;

export class MemoryDisk implements Disk {
  /** Called before every operation; what it throws, the operation throws. */
  onOperation: ((operation: DiskOperation, path: string) => void) | null = null;
  readonly #options: MemoryDiskOptions;
  readonly #modules: MemoryDiskModules;
  #root: DirectoryNode;
  #entryChanges: EntryChange[] = [];
  readonly #faults = new FaultTable();
  readonly #counts = new Map<DiskOperation, number>();
  readonly #locks = new Set<string>();
  #usedBytes = 0;
  /** Grows with every crash: files opened before it are dead. */
  #generation = 0;
  #sequence = 0;

  constructor(options: MemoryDiskOptions = {}, modules: MemoryDiskModules = {}, root?: DirectoryNode) {
    this.#options = options;
    this.#modules = modules;
    this.#root = root ?? new DirectoryNode(this.#now());
    this.#usedBytes = liveBytes(this.#root);
  }

  get cachedBytes(): number {
    return this.#options.cachedBytes ?? 0;
  }

  open(path: string, mode: OpenMode): File {
    this.#begin("open", path);
    const { directory, name } = this.#parent("open", path);
    let node = directory.live.get(name);
    if (node === undefined) {
      if (mode === "read") throw new DiskError("ENOENT", "open", path);
      node = new FileNode(this.#now());
      this.#changeEntries("open", [{ directory, name, node }]);
    } else if (mode === "create") {
      throw new DiskError("EEXIST", "open", path);
    }
    if (node.kind === "directory") throw new DiskError("EISDIR", "open", path);
    return new MemoryFile(path, node, mode !== "read", this.#fileHost());
  }

  exists(path: string): boolean {
    return this.#find(path) !== null;
  }

  status(path: string): FileStatus {
    this.#begin("status", path);
    const node = this.#existing("status", path);
    const isDirectory = node.kind === "directory";
    return { sizeBytes: isDirectory ? 0 : node.live.sizeBytes, modifiedMs: node.modifiedMs, isDirectory };
  }

  list(path: string): string[] {
    this.#begin("list", path);
    return [...this.#directory("list", path).live.keys()].sort();
  }

  readFile(path: string): Buffer {
    this.#begin("readFile", path);
    const node = this.#existing("readFile", path);
    if (node.kind === "directory") throw new DiskError("EISDIR", "readFile", path);
    return Buffer.from(node.live.view());
  }

  writeFile(path: string, contents: Uint8Array): void {
    this.#begin("writeFile", path);
    const file = this.open(path, "write");
    try {
      file.truncate(0);
      file.writev([contents], 0);
    } finally {
      file.close();
    }
  }

  makeDirectory(path: string): void {
    this.#begin("makeDirectory", path);
    let directory = this.#root;
    for (const name of partsOf(path)) {
      let node = directory.live.get(name);
      if (node === undefined) {
        node = new DirectoryNode(this.#now());
        this.#changeEntries("makeDirectory", [{ directory, name, node }]);
      }
      if (node.kind === "file") throw new DiskError("ENOTDIR", "makeDirectory", path);
      directory = node;
    }
  }

  rename(from: string, to: string): void {
    this.#begin("rename", from);
    const source = this.#parent("rename", from);
    const node = source.directory.live.get(source.name);
    if (node === undefined) throw new DiskError("ENOENT", "rename", from);
    const target = this.#parent("rename", to);
    const replaced = target.directory.live.get(target.name);
    if (replaced === node) return;
    if (replaced?.kind === "directory") {
      if (node.kind === "file") throw new DiskError("EISDIR", "rename", from);
      if (replaced.live.size > 0) throw new DiskError("ENOTEMPTY", "rename", from);
    } else if (replaced !== undefined && node.kind === "directory") {
      throw new DiskError("ENOTDIR", "rename", from);
    }
    this.#changeEntries("rename", [
      { ...source, node: null },
      { ...target, node },
    ]);
  }

  link(from: string, to: string): void {
    this.#begin("link", from);
    const node = this.#existing("link", from);
    if (node.kind === "directory") throw new DiskError("EPERM", "link", from);
    const target = this.#parent("link", to);
    if (target.directory.live.has(target.name)) throw new DiskError("EEXIST", "link", from);
    this.#changeEntries("link", [{ ...target, node }]);
  }

  remove(path: string): void {
    this.#begin("remove", path);
    const node = this.#find(path);
    if (node === null) return;
    if (node.kind === "directory") throw new DiskError("EPERM", "remove", path);
    this.#changeEntries("remove", [{ ...this.#parent("remove", path), node: null }]);
  }

  removeAsync(path: string): Promise<void> {
    return this.#later("remove", () => this.remove(path));
  }

  removeDirectory(path: string): void {
    this.#begin("removeDirectory", path);
    const node = this.#find(path);
    if (node === null) return;
    const place = this.#parent("removeDirectory", path);
    // One change for each entry, so that a crash can leave the directory half removed.
    if (node.kind === "directory") this.#empty(node);
    this.#changeEntries("removeDirectory", [{ ...place, node: null }]);
  }

  syncDirectory(path: string): void {
    this.#begin("syncDirectory", path);
    this.#entryChanges = persistEntries(this.#directory("syncDirectory", path), this.#entryChanges);
  }

  space(path: string): { freeBytes: number; totalBytes: number } {
    this.#begin("space", path);
    this.#existing("space", path);
    const totalBytes = this.#capacityBytes();
    return { freeBytes: Math.max(totalBytes - this.#usedBytes, 0), totalBytes };
  }

  lock(path: string): (() => void) | null {
    this.#begin("lock", path);
    const key = `/${partsOf(path).join("/")}`;
    if (this.#locks.has(key)) return null;
    this.open(path, "write").close();
    this.#locks.add(key);
    const generation = this.#generation;
    let released = false;
    return () => {
      if (!released && generation === this.#generation) this.#locks.delete(key);
      released = true;
    };
  }

  /**
   * The machine goes down and comes up again: open files are dead (EIO), locks are free, operations under way never complete, and of what
   * was not synced there is what `survival` keeps. Default: nothing.
   */
  crash(survival: Survival = LOSE_ALL): void {
    this.#root = survivingTree(this.#root, this.#entryChanges, survival);
    this.#entryChanges = [];
    this.#locks.clear();
    this.#usedBytes = liveBytes(this.#root);
    this.#generation++;
  }

  /** Another disk, with what {@link crash} would leave; this one goes on. For looking at many outcomes of one moment. */
  survivor(survival: Survival = LOSE_ALL): MemoryDisk {
    return new MemoryDisk(this.#options, this.#modules, survivingTree(this.#root, this.#entryChanges, survival));
  }

  /** Fails matching operations from now on; returns what takes the fault away. */
  addFault(fault: DiskFault): () => void {
    return this.#faults.add(fault);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** How often an operation was called, failures included; without an argument, all of them. */
  operationCount(operation?: DiskOperation): number {
    if (operation !== undefined) return this.#counts.get(operation) ?? 0;
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  #fileHost(): MemoryFileHost {
    const generation = this.#generation;
    return {
      begin: (operation, path) => {
        if (generation !== this.#generation)
          throw new DiskError("EIO", operation, path, new Error("opened before a crash"));
        this.#count(operation, path);
        return this.#faults.match(operation, path);
      },
      later: (operation, action) => this.#later(operation, action),
      reserve: growthBytes => {
        const grantedBytes = Math.min(growthBytes, Math.max(this.#capacityBytes() - this.#usedBytes, 0));
        this.#usedBytes += grantedBytes;
        return grantedBytes;
      },
      nextSequence: () => ++this.#sequence,
      lastSequence: () => this.#sequence,
      now: () => this.#now(),
    };
  }

  #begin(operation: DiskOperation, path: string): void {
    this.#count(operation, path);
    const fault = this.#faults.match(operation, path);
    if (fault !== null) throw injectedError(fault, operation, path);
  }

  #count(operation: DiskOperation, path: string): void {
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1);
    this.onOperation?.(operation, path);
  }

  /** Settles with what `action` does, later; never, when the machine crashes before. */
  #later<T>(operation: DiskOperation, action: () => T): Promise<T> {
    const generation = this.#generation;
    const { timers } = this.#modules;
    return new Promise((resolve, reject) => {
      const run = (): void => {
        if (generation !== this.#generation) return;
        try {
          resolve(action());
        } catch (error) {
          reject(error);
        }
      };
      if (timers === undefined) queueMicrotask(run);
      else timers.after(this.#options.latencyMs?.(operation) ?? 0, run);
    });
  }

  #changeEntries(operation: string, parts: readonly Omit<EntryPart, "settled">[]): void {
    const change: EntryChange = { operation, parts: parts.map(part => ({ ...part, settled: false })) };
    for (const { directory, name, node } of change.parts) {
      const before = directory.live.get(name);
      if (before?.kind === "file" && --before.linkCount === 0 && !parts.some(part => part.node === before)) {
        this.#usedBytes -= before.live.sizeBytes;
      }
      if (node?.kind === "file") node.linkCount++;
      setEntry(directory.live, name, node);
      directory.modifiedMs = this.#now();
    }
    this.#entryChanges.push(change);
  }

  #empty(directory: DirectoryNode): void {
    for (const [name, child] of [...directory.live]) {
      if (child.kind === "directory") this.#empty(child);
      this.#changeEntries("remove", [{ directory, name, node: null }]);
    }
  }

  #find(path: string): TreeNode | null {
    let node: TreeNode = this.#root;
    for (const name of partsOf(path)) {
      const child: TreeNode | undefined = node.kind === "directory" ? node.live.get(name) : undefined;
      if (child === undefined) return null;
      node = child;
    }
    return node;
  }

  #existing(operation: DiskOperation, path: string): TreeNode {
    const node = this.#find(path);
    if (node === null) throw new DiskError("ENOENT", operation, path);
    return node;
  }

  #directory(operation: DiskOperation, path: string): DirectoryNode {
    const node = this.#existing(operation, path);
    if (node.kind === "file") throw new DiskError("ENOTDIR", operation, path);
    return node;
  }

  #parent(operation: DiskOperation, path: string): { directory: DirectoryNode; name: string } {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) throw new DiskError("EISDIR", operation, path);
    let directory = this.#root;
    for (const part of parts) {
      const node = directory.live.get(part);
      if (node === undefined) throw new DiskError("ENOENT", operation, path);
      if (node.kind === "file") throw new DiskError("ENOTDIR", operation, path);
      directory = node;
    }
    return { directory, name };
  }

  #capacityBytes(): number {
    return this.#options.capacityBytes ?? DEFAULT_CAPACITY_BYTES;
  }

  #now(): number {
    return this.#modules.clock?.now() ?? 0;
  }
}

/** The names that lead from the root to `path`; relative paths begin at the root. */
function partsOf(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

function liveBytes(root: DirectoryNode): number {
  const seen = new Set<TreeNode>();
  const visit = (node: TreeNode): number => {
    if (seen.has(node)) return 0;
    seen.add(node);
    if (node.kind === "file") return node.live.sizeBytes;
    let sum = 0;
    for (const child of node.live.values()) sum += visit(child);
    return sum;
  };
  return visit(root);
}
