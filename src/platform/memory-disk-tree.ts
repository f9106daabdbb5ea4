/**
 * What {@link MemoryDisk} is made of: files and directories, each as it is now and as it is on the platter.
 *
 * A file's writes and a directory's entries are volatile until synced. Kept apart are therefore the live state, the durable state, and the
 * list of changes that lead from the one to the other.
 */

export type TreeNode = FileNode | DirectoryNode;

/** A change to a file's bytes that no sync has made durable yet. */
export type FileChange =
  | { readonly kind: "write"; readonly sequence: number; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly sequence: number; readonly sizeBytes: number };

const NOTHING: Buffer = Buffer.alloc(0);
/** A file that grows at all soon has so many bytes. */
const SMALLEST_GROWN_BYTES = 512;

/** Bytes that grow by doubling. */
export class Bytes {
  #buffer: Buffer = NOTHING;
  /** Others have the buffer, too: it is copied before it is changed. */
  #isShared = false;
  sizeBytes = 0;

  static of(contents: Uint8Array): Bytes {
    const bytes = new Bytes();
    bytes.write(contents, 0);
    return bytes;
  }

  /** The same bytes once more. Only when one of the two changes are they copied: most files that a crash leaves never do. */
  share(): Bytes {
    const other = new Bytes();
    other.#buffer = this.#buffer;
    other.#isShared = this.#isShared = true;
    other.sizeBytes = this.sizeBytes;
    return other;
  }

  view(): Buffer {
    return this.#buffer.subarray(0, this.sizeBytes);
  }

  /** Bytes between the old end and `position` become zero. */
  write(contents: Uint8Array, position: number): void {
    const end = position + contents.length;
    this.#reserve(end);
    this.#buffer.set(contents, position);
    this.sizeBytes = Math.max(this.sizeBytes, end);
  }

  truncate(sizeBytes: number): void {
    this.#reserve(sizeBytes);
    if (sizeBytes < this.sizeBytes) this.#buffer.fill(0, sizeBytes, this.sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  /** Invariant: what lies behind `sizeBytes` in the buffer is zero. */
  #reserve(sizeBytes: number): void {
    const hasRoom = sizeBytes <= this.#buffer.length;
    if (hasRoom && !this.#isShared) return;
    const capacityBytes = hasRoom
      ? this.#buffer.length
      : Math.max(sizeBytes, 2 * this.#buffer.length, SMALLEST_GROWN_BYTES);
    const own = Buffer.alloc(capacityBytes);
    own.set(this.view());
    this.#buffer = own;
    this.#isShared = false;
  }
}

export class FileNode {
  readonly kind = "file";
  readonly live: Bytes;
  readonly durable: Bytes;
  changes: FileChange[] = [];
  modifiedMs: number;
  linkCount = 0;

  /** A file that holds `contents`, durably. */
  constructor(modifiedMs: number, contents: Bytes = new Bytes()) {
    this.modifiedMs = modifiedMs;
    this.durable = contents;
    this.live = contents.share();
  }

  /** Makes the changes up to and including `sequence` durable. */
  persist(sequence: number): void {
    const rest: FileChange[] = [];
    for (const change of this.changes) {
      if (change.sequence > sequence) rest.push(change);
      else if (change.kind === "write") this.durable.write(change.bytes, change.position);
      else this.durable.truncate(change.sizeBytes);
    }
    this.changes = rest;
  }

  /** A failed sync: the system takes the changes for written, and no later sync will write them. */
  forget(sequence: number): void {
    this.changes = this.changes.filter(change => change.sequence > sequence);
  }
}

export class DirectoryNode {
  readonly kind = "directory";
  readonly live = new Map<string, TreeNode>();
  readonly durable = new Map<string, TreeNode>();
  modifiedMs: number;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }
}

/** One name in one directory getting a new node, or none. */
export interface EntryPart {
  readonly directory: DirectoryNode;
  readonly name: string;
  readonly node: TreeNode | null;
  /** Already in the durable entries, or overtaken there by a later change. */
  settled: boolean;
}

/** An atomic change of directory entries: one part, or two for a rename. */
export interface EntryChange {
  readonly operation: string;
  readonly parts: readonly EntryPart[];
}

/**
 * Makes the entry changes of `directory` durable and returns those that still are not. Only this directory's: a file system may happen to
 * write others with them, but promises nothing. A rename is atomic, so its other half comes along.
 */
export function persistEntries(directory: DirectoryNode, changes: readonly EntryChange[]): EntryChange[] {
  for (const [index, change] of changes.entries()) {
    if (!change.parts.some(part => part.directory === directory)) continue;
    for (const part of change.parts) {
      persistPart(part);
      if (part.directory !== directory) settleEarlier(part, changes.slice(0, index));
    }
  }
  return changes.filter(change => change.parts.some(part => !part.settled));
}

export function persistPart(part: EntryPart): void {
  if (part.settled) return;
  setEntry(part.directory.durable, part.name, part.node);
  part.settled = true;
}

/** Earlier changes of the same name must not be laid over a later one. */
function settleEarlier(part: EntryPart, earlier: readonly EntryChange[]): void {
  for (const change of earlier) {
    for (const other of change.parts) {
      if (other.directory === part.directory && other.name === part.name) other.settled = true;
    }
  }
}

export function setEntry(entries: Map<string, TreeNode>, name: string, node: TreeNode | null): void {
  if (node === null) entries.delete(name);
  else entries.set(name, node);
}
