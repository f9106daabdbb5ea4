/**
 * What a program did to a disk, in order, as far as it matters for what a power failure leaves.
 *
 * Files and directories are numbered: names change, and two names may stand for one file. The root directory is number 0.
 */
import type { DiskOperation } from "../../../src/platform/memory.ts";

export type JournalEntry =
  | { readonly kind: "write"; readonly file: number; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly file: number; readonly sizeBytes: number }
  /** Names getting a new meaning, all at once: one part, or two for a rename. */
  | { readonly kind: "entries"; readonly label: string; readonly parts: readonly EntryPart[] }
  /** The file's changes before entry number `before` are durable. */
  | { readonly kind: "sync"; readonly file: number; readonly before: number }
  /** They are not, and no later sync makes them so: the system has forgotten that they were never written. */
  | { readonly kind: "sync-failed"; readonly file: number; readonly before: number }
  | { readonly kind: "sync-directory"; readonly directory: number };

export interface EntryPart {
  readonly directory: number;
  readonly name: string;
  /** Null: the name is gone. */
  readonly node: NodeReference | null;
}

export interface NodeReference {
  readonly number: number;
  readonly isDirectory: boolean;
}

/** A whole file system at rest: directories are maps, files buffers. Never changed once made, so that many images share what they have in common. */
export type ImageDirectory = ReadonlyMap<string, ImageDirectory | Buffer>;

/** Where in a run something happened: how many disk operations had begun, and what the next one was. For messages and fault injection. */
export interface OperationSite {
  readonly index: number;
  readonly operation: DiskOperation;
  readonly path: string;
}
