/** Disk operations that fail on order. */
import { DiskError } from "./platform.ts";

/** An operation of a disk or of one of its files, as it is counted and failed. */
export type DiskOperation =
  | "open"
  | "status"
  | "list"
  | "readFile"
  | "writeFile"
  | "makeDirectory"
  | "rename"
  | "link"
  | "remove"
  | "removeDirectory"
  | "syncDirectory"
  | "space"
  | "lock"
  | "writev"
  | "read"
  | "sync"
  | "truncate"
  | "size";

/** Which operations fail, and how. All conditions given must hold. */
export interface DiskFault {
  readonly operation?: DiskOperation | readonly DiskOperation[];
  /** A part of the path, or a pattern. */
  readonly path?: string | RegExp;
  /** `EIO`, `ENOSPC`, … */
  readonly code: string;
  /** Lets this many matching operations pass first. Default 0. */
  readonly skip?: number;
  /** Fails this many, then no more. Default: for good. */
  readonly times?: number;
  /** For `writev`: how many bytes reach the file before it fails. Default 0. */
  readonly writtenBytes?: number;
}

interface ActiveFault {
  readonly fault: DiskFault;
  matchedCount: number;
}

export class FaultTable {
  #active: ActiveFault[] = [];

  /** Returns what takes the fault away. */
  add(fault: DiskFault): () => void {
    const active: ActiveFault = { fault, matchedCount: 0 };
    this.#active.push(active);
    return () => {
      this.#active = this.#active.filter(other => other !== active);
    };
  }

  clear(): void {
    this.#active = [];
  }

  /** The fault that this operation is to fail with, or null. Counts as a match of every fault up to it. */
  match(operation: DiskOperation, path: string): DiskFault | null {
    for (const active of this.#active) {
      if (!applies(active.fault, operation, path)) continue;
      const index = active.matchedCount++ - (active.fault.skip ?? 0);
      if (index >= 0 && index < (active.fault.times ?? Infinity)) return active.fault;
    }
    return null;
  }
}

export function injectedError(fault: DiskFault, operation: DiskOperation, path: string): DiskError {
  return new DiskError(fault.code, operation, path, new Error("injected"));
}

function applies(fault: DiskFault, operation: DiskOperation, path: string): boolean {
  if (fault.operation !== undefined && ![fault.operation].flat().includes(operation)) return false;
  if (typeof fault.path === "string") return path.includes(fault.path);
  return fault.path === undefined || fault.path.test(path);
}
