/**
 * What a power failure leaves, built from a journal: everything that was synced, and of the rest whatever is chosen.
 *
 * ```ts
 * const image = new CrashImage();
 * for (const entry of disk.journal.slice(0, 40)) image.apply(entry);
 * const pending = image.pending();                      // changes that no sync has made durable by then
 * const left = image.build(pending.map(() => "lost"));  // the file system after the failure
 * ```
 *
 * Any subset may survive, so every order in which the system may have written the changes back is covered. A write may also survive in part.
 */

import { MemoryDisk } from "../../../src/platform/memory.ts";
import { Bytes, DirectoryNode, FileNode } from "../../../src/platform/memory-disk-tree.ts";
import type { EntryPart, ImageDirectory, JournalEntry, NodeReference } from "./journal.ts";

export type FileChange = Extract<JournalEntry, { kind: "write" | "truncate" }>;
type EntriesChange = Extract<JournalEntry, { kind: "entries" }>;

/** A change that may be lost. */
export interface PendingChange {
  /** Its number in the journal. */
  readonly at: number;
  readonly change: FileChange | EntriesChange;
}

/**
 * What becomes of a pending change. A torn write survives in those of its aligned blocks for which `keeps` is true; the file still gets as long
 * as if all of it had, when `sizeKept` says so: the lost blocks read as zeros then.
 */
export type Fate = "kept" | "lost" | Tear;

export interface Tear {
  readonly blockSizeBytes: 512 | 4096;
  readonly keeps: (block: number, blockCount: number) => boolean;
  readonly sizeKept: boolean;
  /** For messages. */
  readonly name: string;
}

interface FileState {
  durable: Buffer;
  pending: { at: number; change: FileChange; doomed: boolean }[];
}

interface PendingEntries {
  readonly at: number;
  readonly change: EntriesChange;
  /** Parts already durable through the sync of one of two directories, or overtaken by a later change. */
  readonly settled: Set<EntryPart>;
}

const EMPTY = Buffer.alloc(0);

export class CrashImage {
  readonly #files = new Map<number, FileState>();
  readonly #directories = new Map<number, Map<string, NodeReference>>();
  #pendingEntries: PendingEntries[] = [];
  #entryCount = 0;
  #durableCount = 0;
  #nodeCount = 0;

  /** The file system before the journal's first entry, all of it durable. */
  constructor(image: ImageDirectory = new Map()) {
    this.#number(image);
  }

  apply(entry: JournalEntry): void {
    const at = this.#entryCount;
    this.#entryCount += 1;
    switch (entry.kind) {
      case "write":
      case "truncate":
        this.#file(entry.file).pending.push({ at, change: entry, doomed: false });
        return;
      case "entries":
        for (const { node } of entry.parts) {
          if (node?.isDirectory && !this.#directories.has(node.number)) this.#directories.set(node.number, new Map());
        }
        this.#pendingEntries.push({ at, change: entry, settled: new Set() });
        return;
      case "sync":
        this.#sync(this.#file(entry.file), entry.before);
        return;
      case "sync-failed":
        for (const pending of this.#file(entry.file).pending) if (pending.at < entry.before) pending.doomed = true;
        return;
      case "sync-directory":
        this.#syncDirectory(entry.directory);
    }
  }

  /** Grows whenever changes become durable: with the kept ones it tells states apart. */
  get durableCount(): number {
    return this.#durableCount;
  }

  /** The changes that may be lost, oldest first. */
  pending(): PendingChange[] {
    const changes: PendingChange[] = this.#pendingEntries.map(({ at, change }) => ({ at, change }));
    for (const file of this.#files.values()) for (const { at, change } of file.pending) changes.push({ at, change });
    return changes.sort((a, b) => a.at - b.at);
  }

  /** The file system after the failure. `fates` are those of {@link pending}, in its order. */
  build(fates: readonly Fate[]): ImageDirectory {
    const fateOf = new Map<number, Fate>();
    for (const [index, { at }] of this.pending().entries()) fateOf.set(at, fates[index]!);
    const directories = new Map<number, Map<string, NodeReference>>();
    const entriesOf = (directory: number): Map<string, NodeReference> => {
      let entries = directories.get(directory);
      if (entries === undefined) {
        entries = new Map(this.#directories.get(directory));
        directories.set(directory, entries);
      }
      return entries;
    };
    for (const { at, change, settled } of this.#pendingEntries) {
      if (fateOf.get(at) === "lost") continue;
      for (const part of change.parts) if (!settled.has(part)) setEntry(entriesOf(part.directory), part);
    }
    const buildDirectory = (number: number): ImageDirectory => {
      const built = new Map<string, ImageDirectory | Buffer>();
      for (const [name, node] of entriesOf(number)) {
        built.set(name, node.isDirectory ? buildDirectory(node.number) : this.#contents(node.number, fateOf));
      }
      return built;
    };
    return buildDirectory(0);
  }

  #contents(number: number, fateOf: ReadonlyMap<number, Fate>): Buffer {
    const file = this.#files.get(number);
    if (file === undefined) return EMPTY;
    let contents = file.durable;
    for (const { at, change } of file.pending) {
      const fate = fateOf.get(at) ?? "lost";
      if (fate === "kept") contents = changed(contents, change);
      else if (fate !== "lost" && change.kind === "write") contents = torn(contents, change, fate);
    }
    return contents;
  }

  #file(number: number): FileState {
    let file = this.#files.get(number);
    if (file === undefined) {
      file = { durable: EMPTY, pending: [] };
      this.#files.set(number, file);
    }
    return file;
  }

  /** What an earlier sync failed to write, and the system has forgotten, is no part of it. */
  #sync(file: FileState, before: number): void {
    const rest: FileState["pending"] = [];
    for (const pending of file.pending) {
      if (pending.at >= before) rest.push(pending);
      else if (!pending.doomed) {
        file.durable = changed(file.durable, pending.change);
        this.#durableCount += 1;
      }
    }
    file.pending = rest;
  }

  #syncDirectory(number: number): void {
    for (const [index, pending] of this.#pendingEntries.entries()) {
      if (!pending.change.parts.some(part => part.directory === number)) continue;
      for (const part of pending.change.parts) {
        if (pending.settled.has(part)) continue;
        setEntry(this.#directories.get(part.directory)!, part);
        pending.settled.add(part);
        this.#durableCount += 1;
        if (part.directory === number) continue;
        // The other half of a rename comes along; what was done before to that name must not be laid over it.
        for (const earlier of this.#pendingEntries.slice(0, index)) {
          for (const other of earlier.change.parts)
            if (other.directory === part.directory && other.name === part.name) earlier.settled.add(other);
        }
      }
    }
    this.#pendingEntries = this.#pendingEntries.filter(({ change, settled }) => settled.size < change.parts.length);
  }

  #number(image: ImageDirectory): number {
    const number = this.#nodeCount;
    const entries = new Map<string, NodeReference>();
    this.#directories.set(number, entries);
    for (const [name, child] of image) {
      this.#nodeCount += 1;
      if (Buffer.isBuffer(child)) {
        this.#files.set(this.#nodeCount, { durable: child, pending: [] });
        entries.set(name, { number: this.#nodeCount, isDirectory: false });
      } else {
        entries.set(name, { number: this.#number(child), isDirectory: true });
      }
    }
    return number;
  }
}

/** A disk that holds `image`, all of it durable. */
export function diskOf(image: ImageDirectory, ...more: ConstructorParameters<typeof MemoryDisk>): MemoryDisk {
  return new MemoryDisk(more[0], more[1], nodeOf(image));
}

function nodeOf(image: ImageDirectory): DirectoryNode {
  const node = new DirectoryNode(0);
  for (const [name, child] of image) {
    const copy = Buffer.isBuffer(child) ? new FileNode(0, Bytes.of(child)) : nodeOf(child);
    if (copy.kind === "file") copy.linkCount += 1;
    node.live.set(name, copy);
    node.durable.set(name, copy);
  }
  return node;
}

/** Finds a file; null when there is none. */
export function fileIn(image: ImageDirectory, path: string): Buffer | null {
  let node: ImageDirectory | Buffer | undefined = image;
  for (const name of path.split("/")) {
    if (name === "") continue;
    if (node === undefined || Buffer.isBuffer(node)) return null;
    node = node.get(name);
  }
  return Buffer.isBuffer(node) ? node : null;
}

/** All files with their contents, by path. */
export function* filesIn(image: ImageDirectory, prefix = ""): IterableIterator<[path: string, contents: Buffer]> {
  for (const [name, child] of image) {
    if (Buffer.isBuffer(child)) yield [`${prefix}/${name}`, child];
    else yield* filesIn(child, `${prefix}/${name}`);
  }
}

/** `contents` with the change made. Bytes between the old end and a write are zero. */
function changed(contents: Buffer, change: FileChange): Buffer {
  if (change.kind === "truncate") return resized(contents, change.sizeBytes);
  const result = resized(contents, Math.max(contents.length, change.position + change.bytes.length));
  change.bytes.copy(result, change.position);
  return result;
}

function torn(contents: Buffer, change: Extract<FileChange, { kind: "write" }>, tear: Tear): Buffer {
  const { position, bytes } = change;
  const end = position + bytes.length;
  const firstBlock = Math.floor(position / tear.blockSizeBytes);
  const blockCount = Math.floor((end - 1) / tear.blockSizeBytes) - firstBlock + 1;
  let result = tear.sizeKept ? resized(contents, Math.max(contents.length, end)) : contents;
  for (let block = 0; block < blockCount; block += 1) {
    if (!tear.keeps(block, blockCount)) continue;
    const from = Math.max(position, (firstBlock + block) * tear.blockSizeBytes);
    const to = Math.min(end, (firstBlock + block + 1) * tear.blockSizeBytes);
    result = changed(result, {
      kind: "write",
      file: change.file,
      position: from,
      bytes: bytes.subarray(from - position, to - position),
    });
  }
  return result;
}

function resized(contents: Buffer, sizeBytes: number): Buffer {
  const result = Buffer.alloc(sizeBytes);
  contents.copy(result, 0, 0, Math.min(contents.length, sizeBytes));
  return result;
}

function setEntry(entries: Map<string, NodeReference>, part: EntryPart): void {
  if (part.node === null) entries.delete(part.name);
  else entries.set(part.name, part.node);
}
