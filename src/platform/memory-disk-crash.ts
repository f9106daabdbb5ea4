/**
 * What a crash leaves of a {@link MemoryDisk}: all that was synced, and of the rest what a {@link Survival} decides, block by block.
 */

import { type Bytes, DirectoryNode, type EntryChange, FileNode, setEntry, type TreeNode } from "./memory-disk-tree.ts";
import type { Random } from "./platform.ts";

/** Decides about what was not synced when the machine went down. Asked in the order in which the changes were made, file by file. */
export interface Survival {
  /** Unsynced writes survive or die in aligned blocks of this size: 512 for a sector, 4096 for a page, Infinity for whole writes. */
  readonly blockSizeBytes: number;
  keepsEntry(): boolean;
  keepsTruncation(): boolean;
  keepsBlock(): boolean;
}

/** Only what was synced. */
export const LOSE_ALL: Survival = {
  blockSizeBytes: Infinity,
  keepsEntry: () => false,
  keepsTruncation: () => false,
  keepsBlock: () => false,
};

/** Everything, as after `kill -9` of the process: the page cache is the system's. */
export const KEEP_ALL: Survival = {
  blockSizeBytes: Infinity,
  keepsEntry: () => true,
  keepsTruncation: () => true,
  keepsBlock: () => true,
};

/** Each unsynced piece survives with probability `kept`. */
export function randomSurvival(random: Random, options: { blockSizeBytes?: number; kept?: number } = {}): Survival {
  const kept = options.kept ?? 0.5;
  const keeps = (): boolean => random.float() < kept;
  return {
    blockSizeBytes: options.blockSizeBytes ?? 4096,
    keepsEntry: keeps,
    keepsTruncation: keeps,
    keepsBlock: keeps,
  };
}

/** The tree found after the crash, made of nodes of its own, all of it durable; `root` and `changes` stay as they are. */
export function survivingTree(root: DirectoryNode, changes: readonly EntryChange[], survival: Survival): DirectoryNode {
  const entries = new Map<DirectoryNode, Map<string, TreeNode>>();
  const entriesOf = (directory: DirectoryNode): Map<string, TreeNode> => {
    let copy = entries.get(directory);
    if (copy === undefined) {
      copy = new Map(directory.durable);
      entries.set(directory, copy);
    }
    return copy;
  };
  for (const change of changes) {
    if (!survival.keepsEntry()) continue;
    for (const part of change.parts) {
      if (!part.settled) setEntry(entriesOf(part.directory), part.name, part.node);
    }
  }
  const copies = new Map<TreeNode, TreeNode>();
  const copyOf = (node: TreeNode): TreeNode => {
    const known = copies.get(node);
    if (known !== undefined) return known;
    if (node.kind === "file") {
      const file = new FileNode(node.modifiedMs, survivingBytes(node, survival));
      copies.set(node, file);
      return file;
    }
    const directory = new DirectoryNode(node.modifiedMs);
    copies.set(node, directory);
    for (const [name, child] of entriesOf(node)) {
      const copy = copyOf(child);
      if (copy.kind === "file") copy.linkCount++;
      directory.live.set(name, copy);
      directory.durable.set(name, copy);
    }
    return directory;
  };
  return copyOf(root) as DirectoryNode;
}

function survivingBytes(file: FileNode, survival: Survival): Bytes {
  const bytes = file.durable.share();
  for (const change of file.changes) {
    if (change.kind === "truncate") {
      if (survival.keepsTruncation()) bytes.truncate(change.sizeBytes);
      continue;
    }
    const end = change.position + change.bytes.length;
    for (let start = change.position; start < end; ) {
      const blockEnd = Math.min(end, nextBoundary(start, survival.blockSizeBytes));
      if (survival.keepsBlock())
        bytes.write(change.bytes.subarray(start - change.position, blockEnd - change.position), start);
      start = blockEnd;
    }
  }
  return bytes;
}

function nextBoundary(position: number, blockSizeBytes: number): number {
  return blockSizeBytes === Infinity ? Infinity : (Math.floor(position / blockSizeBytes) + 1) * blockSizeBytes;
}
