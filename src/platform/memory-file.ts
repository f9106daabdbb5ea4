/** An open file of a {@link MemoryDisk}. */
import { type DiskFault, type DiskOperation, injectedError } from "./memory-disk-fault.ts";
import type { FileNode } from "./memory-disk-tree.ts";
import { DiskError, type File } from "./platform.ts";

/** What a file asks of its disk. */
export interface MemoryFileHost {
  /** Counts the operation; returns the fault it is to fail with. Throws when the file did not survive a crash. */
  begin(operation: DiskOperation, path: string): DiskFault | null;
  later<T>(operation: DiskOperation, action: () => T): Promise<T>;
  /** Takes space for growth, or gives it back (negative); returns how much was granted. */
  reserve(growthBytes: number): number;
  nextSequence(): number;
  lastSequence(): number;
  now(): number;
}

export class MemoryFile implements File {
  readonly path: string;
  readonly #node: FileNode;
  readonly #writable: boolean;
  readonly #host: MemoryFileHost;
  #closed = false;

  constructor(path: string, node: FileNode, writable: boolean, host: MemoryFileHost) {
    this.path = path;
    this.#node = node;
    this.#writable = writable;
    this.#host = host;
  }

  writev(buffers: readonly Uint8Array[], position: number): void {
    const fault = this.#begin("writev");
    if (!this.#writable) throw new DiskError("EBADF", "writev", this.path);
    const bytes = Buffer.concat(buffers);
    if (fault !== null) {
      this.#writeWhatFits(bytes.subarray(0, fault.writtenBytes ?? 0), position);
      throw injectedError(fault, "writev", this.path);
    }
    if (!this.#writeWhatFits(bytes, position)) throw new DiskError("ENOSPC", "writev", this.path);
  }

  read(target: Uint8Array, position: number): number {
    const fault = this.#begin("read");
    if (fault !== null) throw injectedError(fault, "read", this.path);
    const bytes = this.#node.live.view().subarray(position, position + target.length);
    target.set(bytes);
    return bytes.length;
  }

  readAsync(target: Uint8Array, position: number): Promise<number> {
    const fault = this.#begin("read");
    return this.#host.later("read", () => {
      if (fault !== null) throw injectedError(fault, "read", this.path);
      const bytes = this.#node.live.view().subarray(position, position + target.length);
      target.set(bytes);
      return bytes.length;
    });
  }

  sync(): Promise<void> {
    const fault = this.#begin("sync");
    // What is written from here on may or may not be in this sync: it is not promised, so it is not.
    const sequence = this.#host.lastSequence();
    return this.#host.later("sync", () => this.#finishSync(fault, sequence));
  }

  syncNow(): void {
    const fault = this.#begin("sync");
    this.#finishSync(fault, this.#host.lastSequence());
  }

  truncate(sizeBytes: number): void {
    const fault = this.#begin("truncate");
    if (fault !== null) throw injectedError(fault, "truncate", this.path);
    if (!this.#writable) throw new DiskError("EINVAL", "truncate", this.path);
    const node = this.#node;
    if (sizeBytes === node.live.sizeBytes) return;
    const growthBytes = sizeBytes - node.live.sizeBytes;
    const grantedBytes = this.#host.reserve(growthBytes);
    if (grantedBytes < growthBytes) {
      this.#host.reserve(-grantedBytes);
      throw new DiskError("ENOSPC", "truncate", this.path);
    }
    node.live.truncate(sizeBytes);
    node.changes.push({ kind: "truncate", sequence: this.#host.nextSequence(), sizeBytes });
    node.modifiedMs = this.#host.now();
  }

  size(): number {
    const fault = this.#begin("size");
    if (fault !== null) throw injectedError(fault, "size", this.path);
    return this.#node.live.sizeBytes;
  }

  close(): void {
    this.#closed = true;
  }

  #begin(operation: DiskOperation): DiskFault | null {
    if (this.#closed) throw new DiskError("EBADF", operation, this.path);
    return this.#host.begin(operation, this.path);
  }

  /** `bytes` are a copy already. False when the disk is full and only a part was written. */
  #writeWhatFits(bytes: Uint8Array, position: number): boolean {
    if (bytes.length === 0) return true;
    const node = this.#node;
    const growthBytes = Math.max(position + bytes.length - node.live.sizeBytes, 0);
    const missingBytes = growthBytes - this.#host.reserve(growthBytes);
    const fitting = bytes.subarray(0, Math.max(bytes.length - missingBytes, 0));
    if (fitting.length > 0) {
      node.live.write(fitting, position);
      node.changes.push({ kind: "write", sequence: this.#host.nextSequence(), position, bytes: fitting });
      node.modifiedMs = this.#host.now();
    }
    return missingBytes === 0;
  }

  #finishSync(fault: DiskFault | null, sequence: number): void {
    if (fault === null) {
      this.#node.persist(sequence);
      return;
    }
    this.#node.forget(sequence);
    throw injectedError(fault, "sync", this.path);
  }
}
