/**
 * Everything the broker needs from the machine it runs on, as interfaces.
 *
 * Core code takes a {@link Platform} by constructor and touches time, chance, disk and network only through it, so that a whole cluster can
 * run in one process under a seed. `node.ts` holds the real implementation, `memory.ts` the deterministic one used by tests.
 */
export interface Platform {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  /** Absent where everything has to run in one thread, as in a simulation. */
  readonly threads?: Threads;
}

/** Where time comes from. Wall time goes into records; monotonic time measures waits. */
export interface Clock {
  /** Milliseconds since the epoch, an integer. May jump. */
  now(): number;
  /** Milliseconds since some fixed point, with fractions. Never goes back. */
  monotonic(): number;
}

/** A pending call made by {@link Timers}. Clearing one that has run is harmless. */
export interface Timer {
  clear(): void;
}

export interface Timers {
  /** Calls `callback` once after `delayMs`. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
  /** Calls `callback` every `periodMs` until cleared. Does not keep the process alive. */
  every(periodMs: number, callback: () => void): Timer;
  /** Calls `callback` once this tick's I/O callbacks have run: the place where the work of a tick is merged (`setImmediate`). */
  endOfTick(callback: () => void): void;
}

export interface Random {
  /** A float in [0, 1). */
  float(): number;
  /** An integer in [0, bound). `bound` is at most 2^32. */
  integer(bound: number): number;
  /** `sizeBytes` random bytes; unpredictable in the real implementation. */
  bytes(sizeBytes: number): Buffer;
}

/** A file's facts. */
export interface FileStatus {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly isDirectory: boolean;
}

/**
 * - `read`: the file must exist; opened for reading only.
 * - `write`: created when missing, kept when there; read and write.
 * - `create`: created; it must not exist; read and write.
 */
export type OpenMode = "read" | "write" | "create";

/**
 * An open file. Synchronous calls are for what the page cache makes cheap (appends, cached reads); everything that may wait for the device has
 * an asynchronous form. All failures throw or reject with {@link DiskError}.
 */
export interface File {
  readonly path: string;
  /** Writes all bytes of `buffers`, in order, at `position`; never short. */
  writev(buffers: readonly Uint8Array[], position: number): void;
  /** Reads up to `target.length` bytes at `position`; returns how many, less only at the end of the file. */
  read(target: Uint8Array, position: number): number;
  /** As {@link read}, off the event loop: for ranges that may not be in the page cache. */
  readAsync(target: Uint8Array, position: number): Promise<number>;
  /** Makes data and size durable (`fdatasync`), off the event loop. A rejection is final: the caller must not retry. */
  sync(): Promise<void>;
  /**
   * As {@link sync}, blocking: start, stop, recovery, cuts and rolls only. Beside a {@link sync} of the same file that is under way it fails whenever
   * that one does, where the system can tell (Linux).
   */
  syncNow(): void;
  truncate(sizeBytes: number): void;
  size(): number;
  close(): void;
}

/** The file system. Paths are absolute or relative to the process; separators are `/`. */
export interface Disk {
  /** Of what was written last, so much is in the system's memory still, as far as one can tell: reading it does not wait for a device. */
  readonly cachedBytes: number;
  open(path: string, mode: OpenMode): File;
  exists(path: string): boolean;
  /** Throws {@link DiskError} with code `ENOENT` when there is none. */
  status(path: string): FileStatus;
  /** Names in a directory, sorted. */
  list(path: string): string[];
  readFile(path: string): Buffer;
  /** Creates or overwrites in place; neither atomic nor durable: see `atomicWrite` in `files.ts` for that. */
  writeFile(path: string, contents: Uint8Array): void;
  /** Creates a directory and its missing parents. */
  makeDirectory(path: string): void;
  /** Atomic; replaces the target. Durable only after {@link syncDirectory} of the parent. */
  rename(from: string, to: string): void;
  /** A hard link `to` → `from`'s contents. */
  link(from: string, to: string): void;
  /** Removes a file; a missing one is no error. */
  remove(path: string): void;
  /** As {@link remove}, off the event loop: freeing a large cached file takes milliseconds. */
  removeAsync(path: string): Promise<void>;
  /** Removes a directory and all in it; a missing one is no error. */
  removeDirectory(path: string): void;
  /** Makes creations, removals and renames in the directory durable. */
  syncDirectory(path: string): void;
  /** Free and total bytes of the volume that holds `path`. */
  space(path: string): { freeBytes: number; totalBytes: number };
  /** Takes an exclusive lock by `path`; returns its release, or null when another process holds it. Gone with the process. */
  lock(path: string): (() => void) | null;
}

/** Threads for work over files that would hold up the event loop. */
export interface Threads {
  /** Runs the module `script` in a thread of its own, which does not keep the process alive unless told to. */
  start(script: URL, handler: ThreadHandler): Thread;
}

export interface ThreadHandler {
  /** A message from the thread; what the structured clone algorithm makes of it. */
  received(message: unknown): void;
  /** The thread is gone without having been told to; called at most once. */
  ended(error: Error): void;
}

export interface Thread {
  post(message: unknown): void;
  /** Whether the process stays alive for the thread's sake. */
  keepAlive(isWanted: boolean): void;
  /** Ends the thread at once. */
  terminate(): void;
}

/** A failed disk operation. `code` is the system's (`EIO`, `ENOSPC`, `ENOENT`, …). */
export class DiskError extends Error {
  readonly code: string;
  readonly operation: string;
  readonly path: string;

  constructor(code: string, operation: string, path: string, cause?: unknown) {
    super(`${operation} ${path}: ${code}`, { cause });
    this.name = "DiskError";
    this.code = code;
    this.operation = operation;
    this.path = path;
  }
}

/** TCP, and nothing else: framing lives above. */
export interface Network {
  /**
   * Listens on `host`:`port` (0 picks a free one). Resolves once bound; rejects with the system's error code when it cannot.
   * `onConnection` runs synchronously on accept; the connection reads nothing before {@link Connection.start}.
   */
  listen(options: ListenOptions, onConnection: (connection: Connection) => void): Promise<Listener>;
  /** Opens a connection; rejects with the system's error code. */
  connect(host: string, port: number, options?: { timeoutMs?: number }): Promise<Connection>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly backlog?: number;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Stops accepting; open connections stay. */
  close(): Promise<void>;
}

/** What a connection tells its owner. All calls are synchronous, one at a time. */
export interface ConnectionHandler {
  /**
   * Returns where the next bytes are to be read into: at least one byte, valid until {@link received} is called for it. Asked again before every
   * read, so the owner may hand out one shared window for small frames and a frame's own buffer for large ones.
   */
  buffer(): Uint8Array;
  /** `sizeBytes` bytes were read into the start of the buffer last handed out. */
  received(sizeBytes: number): void;
  /** Everything written so far has gone to the kernel after {@link Connection.write} had returned false. */
  drained(): void;
  /** The connection is gone, for whatever reason; called exactly once. `error` is the system's code, if one was seen. */
  closed(error: string | null): void;
}

export interface Connection {
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly localHost: string;
  readonly localPort: number;
  /** Bytes written but not yet taken by the kernel. */
  readonly unsentBytes: number;
  /** Begins reading. Called once. */
  start(handler: ConnectionHandler): void;
  /**
   * Queues all `buffers` as one write. Their bytes must not change before `sent` is called, which happens once, perhaps before this returns: the
   * system has taken them all, or the connection is gone. Returns false when the owner should wait for `drained`.
   */
  write(buffers: readonly Uint8Array[], sent?: () => void): boolean;
  /** Stops and resumes reading (back-pressure). */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}
