/** One TCP connection over a `net.Socket`, opened or accepted. */
import type { Socket } from "node:net";
import type { Connection, ConnectionHandler } from "./platform.ts";

/** Ties a socket's `onread` to the connection made of it a moment later. */
export interface Reception {
  connection: NodeConnection | null;
}

/**
 * Where bytes go that no handler's buffer was there for: the first read of every connection, whose buffer Node fetches at construction, and
 * whatever arrives after `end`. One for the process: bytes in it are consumed before the read callback returns.
 */
const SHARED_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

export class NodeConnection implements Connection {
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly localHost: string;
  readonly localPort: number;
  readonly #socket: Socket;
  readonly #lingerMs: number;
  #handler: ConnectionHandler | null = null;
  #awaitingDrain = false;
  #paused = false;
  /** Bytes that had been read when the handler paused in the middle of copying them. */
  #held: Uint8Array | null = null;
  #ending = false;
  #closed = false;
  #errorCode: string | null = null;
  #lingerTimeout: NodeJS.Timeout | undefined;

  /** The next buffer for `reception`'s socket to read into. */
  static nextBuffer(reception: Reception): Uint8Array {
    return reception.connection === null ? SHARED_BUFFER : reception.connection.#nextBuffer();
  }

  /** `reception` is null for a socket that reads by `data` events. The socket must be connected and paused. */
  constructor(socket: Socket, reception: Reception | null, lingerMs: number) {
    this.#socket = socket;
    this.#lingerMs = lingerMs;
    this.remoteHost = socket.remoteAddress ?? "";
    this.remotePort = socket.remotePort ?? 0;
    this.localHost = socket.localAddress ?? "";
    this.localPort = socket.localPort ?? 0;
    if (reception !== null) reception.connection = this;
    else socket.on("data", (chunk: Buffer) => this.#copyToHandler(chunk, chunk.length));
    socket.pause();
    // A stream resumed and paused within one tick starts to read nevertheless, just before it says so here.
    socket.on("resume", () => {
      if (this.#paused) socket.pause();
    });
    socket.on("drain", () => this.#drained());
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#errorCode ??= error.code ?? "EIO";
    });
    socket.on("close", () => this.#socketClosed());
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  start(handler: ConnectionHandler): void {
    if (this.#handler !== null) throw new Error("the connection was already started");
    this.#handler = handler;
    // Closed before anyone listened: say so, but not from inside `start`.
    if (this.#closed) setImmediate(() => handler.closed(this.#errorCode));
    else if (!this.#paused) this.#socket.resume();
  }

  write(buffers: readonly Uint8Array[], sent?: () => void): boolean {
    const socket = this.#socket;
    const last = buffers.length - 1;
    if (!socket.writable || last < 0) {
      sent?.();
      return true;
    }
    // A stream calls back for each chunk in turn, those it never got to send included, so the last one stands for all.
    if (last === 0) {
      socket.write(buffers[0]!, sent);
    } else {
      socket.cork();
      for (let index = 0; index < last; index++) socket.write(buffers[index]!);
      socket.write(buffers[last]!, sent);
      socket.uncork();
    }
    // What the kernel has taken at once is no longer counted, so this tells more than what `write` returned while corked.
    if (socket.writableLength < socket.writableHighWaterMark) return true;
    this.#awaitingDrain = true;
    return false;
  }

  pause(): void {
    if (this.#ending) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#ending) return;
    this.#paused = false;
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.#copyToHandler(held, held.length);
    if (!this.#paused && this.#handler !== null) this.#socket.resume();
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    // Closing with unread bytes in the kernel resets the connection and may cost the other side our last reply. So what still comes is read
    // and dropped until the other side closes too, for a limited time.
    this.#held = null;
    this.#socket.end(() => {
      if (this.#closed) return;
      this.#lingerTimeout = setTimeout(() => this.#socket.destroy(), this.#lingerMs);
      this.#lingerTimeout.unref();
    });
    this.#socket.resume();
  }

  destroy(): void {
    this.#ending = true;
    this.#socket.destroy();
  }

  /** `sizeBytes` bytes came into `buffer`, the one that the socket last got from {@link NodeConnection.nextBuffer}. */
  received(sizeBytes: number, buffer: Uint8Array): void {
    if (this.#ending) return;
    if (buffer === SHARED_BUFFER) this.#copyToHandler(buffer, sizeBytes);
    else this.#handler!.received(sizeBytes);
  }

  #nextBuffer(): Uint8Array {
    // While bytes are held back the handler must get those first: reading into a buffer of its now would put later bytes before them.
    return this.#ending || this.#handler === null || this.#held !== null ? SHARED_BUFFER : this.#handler.buffer();
  }

  #copyToHandler(source: Uint8Array, sizeBytes: number): void {
    const handler = this.#handler;
    let position = 0;
    while (position < sizeBytes && !this.#ending && handler !== null) {
      if (this.#paused) {
        this.#held = Buffer.from(source.subarray(position, sizeBytes));
        return;
      }
      const target = handler.buffer();
      const count = Math.min(target.length, sizeBytes - position);
      target.set(source.subarray(position, position + count));
      position += count;
      handler.received(count);
    }
  }

  #drained(): void {
    if (!this.#awaitingDrain || this.#closed) return;
    this.#awaitingDrain = false;
    this.#handler?.drained();
  }

  #socketClosed(): void {
    this.#closed = true;
    this.#ending = true;
    clearTimeout(this.#lingerTimeout);
    this.#handler?.closed(this.#errorCode);
  }
}
