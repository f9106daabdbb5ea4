/**
 * One end of a TCP connection in memory.
 *
 * What an end writes goes through: its own queue (unsent) → on the way and in the reader's kernel (`#inKernelBytes`, bounded) → the
 * reader's handler. Deliveries carry no bytes of their own: each takes the next segment in line, so that whatever order they come in, the
 * bytes stay in order.
 */
import type { Connection, ConnectionHandler, Timer, Timers } from "./platform.ts";

export interface MemoryConnectionOptions
  extends Pick<Connection, "localHost" | "localPort" | "remoteHost" | "remotePort"> {
  readonly hostName: string;
  readonly peerName: string;
  readonly bufferBytes: number;
  readonly lingerMs: number;
}

export interface MemoryConnectionModules {
  readonly timers: Pick<Timers, "after">;
  /** Calls back at the other host, when the link lets it through. */
  readonly send: (deliver: () => void) => void;
  /** This end is gone. */
  readonly gone: () => void;
}

/** `null` is the end of the stream. */
type Segment = Uint8Array | null;

/** A write whose owner wants its bytes back: `sent` is due once so many more bytes have left the queue. */
interface AwaitedWrite {
  restBytes: number;
  readonly sent: () => void;
}

/** As Node's sockets: with more than this unsent, a writer is asked to wait. */
const HIGH_WATER_BYTES = 64 * 1024;

export class MemoryConnection implements Connection {
  readonly hostName: string;
  readonly peerName: string;
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly #options: MemoryConnectionOptions;
  readonly #modules: MemoryConnectionModules;
  #peer!: MemoryConnection;
  #handler: ConnectionHandler | null = null;
  #paused = false;

  // Sending
  #unsent: Segment[] = [];
  #unsentBytes = 0;
  /** Oldest first; each counts from the one before it. */
  #awaited: AwaitedWrite[] = [];
  #awaitedBytes = 0;
  #onTheWay: Segment[] = [];
  /** Sent and not yet read by the other side. */
  #inKernelBytes = 0;
  #awaitingDrain = false;
  #ending = false;
  #endSent = false;

  // Receiving
  #arrived: Segment[] = [];
  #endReceived = false;
  #readScheduled = false;

  #gone = false;
  /** Gone without a trace: not even resets are sent. */
  #silent = false;
  #closedWith: { error: string | null } | null = null;
  #lingerTimer: Timer | null = null;

  constructor(options: MemoryConnectionOptions, modules: MemoryConnectionModules) {
    this.hostName = options.hostName;
    this.peerName = options.peerName;
    this.localHost = options.localHost;
    this.localPort = options.localPort;
    this.remoteHost = options.remoteHost;
    this.remotePort = options.remotePort;
    this.#options = options;
    this.#modules = modules;
  }

  /** Called once, before anything else. */
  pairWith(peer: MemoryConnection): void {
    this.#peer = peer;
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  start(handler: ConnectionHandler): void {
    if (this.#handler !== null) throw new Error("the connection was already started");
    const closed = this.#closedWith;
    if (closed !== null) {
      this.#modules.timers.after(0, () => handler.closed(closed.error));
      return;
    }
    this.#handler = handler;
    this.#scheduleRead();
  }

  write(buffers: readonly Uint8Array[], sent?: () => void): boolean {
    if (this.#gone || this.#ending) {
      sent?.();
      return true;
    }
    for (const buffer of buffers) {
      if (buffer.length === 0) continue;
      this.#unsent.push(buffer);
      this.#unsentBytes += buffer.length;
    }
    if (sent !== undefined) {
      const restBytes = this.#unsentBytes - this.#awaitedBytes;
      this.#awaited.push({ restBytes, sent });
      this.#awaitedBytes += restBytes;
    }
    this.#pump();
    if (this.#unsentBytes < HIGH_WATER_BYTES) return true;
    this.#awaitingDrain = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#scheduleRead();
  }

  end(): void {
    if (this.#ending || this.#gone) return;
    this.#ending = true;
    this.#paused = false;
    this.#unsent.push(null);
    this.#pump();
    this.#scheduleRead();
  }

  destroy(): void {
    if (this.#gone) return;
    // Closing with unread bytes resets; otherwise the other side sees an ordinary end after what is already on the way.
    if (this.#arrived.some(segment => segment !== null)) {
      this.#sendReset();
    } else if (!this.#endSent) {
      this.#unsent = [null];
      this.#inKernelBytes = 0;
      this.#pump();
    }
    this.#close(null);
  }

  /** Both ends hear of a reset at once. */
  reset(): void {
    this.#close("ECONNRESET");
    this.#peer.#close("ECONNRESET");
  }

  /** The owner is gone without closing: its handler is never called again. */
  abandon(silent: boolean): void {
    if (this.#gone) return;
    this.#handler = null;
    this.#awaited = [];
    if (!silent) this.#sendReset();
    this.#closedWith = { error: null };
    this.#leave(silent);
  }

  /** Moves what fits to the other side's kernel. */
  #pump(): void {
    while (this.#unsent.length > 0) {
      const first = this.#unsent[0]!;
      if (first === null) {
        this.#unsent.shift();
        this.#endSent = true;
        this.#dispatch(null);
        this.#endWasSent();
        break;
      }
      const room = this.#options.bufferBytes - this.#inKernelBytes;
      if (room <= 0) break;
      // The kernel copies: the owner may write over what has been sent.
      const segment = this.#awaited.length > 0 ? new Uint8Array(first.subarray(0, room)) : first.subarray(0, room);
      if (segment.length === first.length) this.#unsent.shift();
      else this.#unsent[0] = first.subarray(room);
      this.#unsentBytes -= segment.length;
      this.#inKernelBytes += segment.length;
      this.#dispatch(segment);
      this.#tellSent(segment.length);
    }
    this.#tellSent(0);
  }

  /** `sizeBytes` more bytes have left the queue. */
  #tellSent(sizeBytes: number): void {
    let rest = sizeBytes;
    for (let write = this.#awaited[0]; write !== undefined; write = this.#awaited[0]) {
      const count = Math.min(rest, write.restBytes);
      write.restBytes -= count;
      this.#awaitedBytes -= count;
      rest -= count;
      if (write.restBytes > 0) return;
      this.#awaited.shift();
      write.sent();
    }
  }

  #dispatch(segment: Segment): void {
    this.#onTheWay.push(segment);
    this.#modules.send(() => this.#arrive());
  }

  /** At the other side: the next segment in line has come. */
  #arrive(): void {
    const segment = this.#onTheWay.shift();
    if (segment === undefined) return;
    const peer = this.#peer;
    if (peer.#gone) {
      // A kernel answers bytes for a connection it no longer has by a reset; a machine without power answers nothing.
      if (segment !== null && !peer.#silent) peer.#sendReset();
      return;
    }
    peer.#arrived.push(segment);
    // This is the reader's event loop already; what came before and is not read yet has an event of its own.
    if (!peer.#readScheduled) peer.#read();
  }

  #scheduleRead(): void {
    if (this.#readScheduled || this.#arrived.length === 0) return;
    this.#readScheduled = true;
    this.#modules.timers.after(0, () => {
      this.#readScheduled = false;
      this.#read();
    });
  }

  #read(): void {
    while (this.#arrived.length > 0 && !this.#gone && (this.#ending || (this.#handler !== null && !this.#paused))) {
      const segment = this.#arrived[0]!;
      if (segment === null) {
        this.#arrived.shift();
        this.#receivedEnd();
        return;
      }
      let count = segment.length;
      // After `end` nobody wants what still comes; it is read so that the other side can finish.
      if (!this.#ending) {
        const target = this.#handler!.buffer();
        count = Math.min(count, target.length);
        target.set(segment.subarray(0, count));
      }
      if (count === segment.length) this.#arrived.shift();
      else this.#arrived[0] = segment.subarray(count);
      if (!this.#ending) this.#handler!.received(count);
      this.#peer.#acknowledged(count);
    }
  }

  /** The other side has read `count` bytes; its kernel says so when the link lets it, which nobody notices while there is plenty of room. */
  #acknowledged(count: number): void {
    if (this.#unsent.length === 0 && !this.#awaitingDrain && this.#inKernelBytes < this.#options.bufferBytes / 4) {
      this.#inKernelBytes -= count;
      return;
    }
    this.#peer.#modules.send(() => {
      if (this.#gone) return;
      this.#inKernelBytes -= count;
      this.#pump();
      if (this.#awaitingDrain && this.#unsentBytes === 0) {
        this.#awaitingDrain = false;
        this.#handler?.drained();
      }
    });
  }

  #receivedEnd(): void {
    this.#endReceived = true;
    if (this.#endSent) this.#close(null);
    else this.end();
  }

  #endWasSent(): void {
    if (this.#endReceived) this.#close(null);
    else if (!this.#gone)
      this.#lingerTimer = this.#modules.timers.after(this.#options.lingerMs, () => this.#close(null));
  }

  #sendReset(): void {
    this.#modules.send(() => this.#peer.#close("ECONNRESET"));
  }

  #close(error: string | null): void {
    if (this.#gone) return;
    this.#closedWith = { error };
    this.#leave(false);
    // The owner is told from the event loop, never from inside its own call.
    this.#modules.timers.after(0, () => {
      const handler = this.#handler;
      this.#handler = null;
      handler?.closed(error);
    });
  }

  #leave(silent: boolean): void {
    this.#gone = true;
    this.#silent = silent;
    this.#lingerTimer?.clear();
    this.#unsentBytes = 0;
    this.#arrived = [];
    const awaited = this.#awaited;
    this.#awaited = [];
    this.#awaitedBytes = 0;
    for (const { sent } of awaited) sent();
    this.#modules.gone();
  }
}
