/**
 * One client connection: receives frames, has them dispatched in order, and sends the replies in that order.
 *
 * A request is dispatched when the one before it has been accepted. Most requests are accepted when they are answered, as in Kafka; Produce is
 * as soon as its batches are appended, so that a pipelining producer keeps several requests going. What cannot be dispatched yet is kept, and the
 * connection stops reading: at most one read's worth of frames waits.
 *
 * All replies that become ready in one turn of the event loop leave in one write.
 */
import type { ConnectionFacts, ListenerRole, Principal } from "../handlers/context.ts";
import { ANONYMOUS } from "../handlers/context.ts";
import { CloseConnectionError, type ReplyMemory } from "../handlers/handler.ts";
import type { ConnectionHandler, Connection as Transport } from "../platform/platform.ts";
import type { Dispatcher, Next, ReplySink } from "./dispatcher.ts";
import type { FrameBuffers } from "./frame-buffers.ts";
import { FrameError, type FrameLease, FrameReader } from "./frame-reader.ts";
import type { ListenerCounters } from "./listener-counters.ts";
import type { ReceiveWindow } from "./receive-window.ts";
import { describeFault, RefusedRequestError } from "./refused-request.ts";
import { type Reply, ReplyQueue } from "./reply-queue.ts";
import type { BudgetWaiter, RequestBudget } from "./request-budget.ts";

/** Limits that hold for every connection of a broker. All times are in ms, all sizes in bytes. */
export interface ConnectionOptions {
  readonly maxFrameBytes: number;
  readonly maxIdleMs: number;
  readonly frameTimeoutMs: number;
  readonly maxUnsentBytes: number;
  readonly unsentTimeoutMs: number;
  /** Requests of one connection whose reply has not left. */
  readonly maxInFlight: number;
  /** Requests of one connection that wait for the one before them, before the connection stops reading (`queued.max.requests`). */
  readonly maxQueued: number;
}

/** What the server that owns a connection does for it. */
export interface ConnectionOwner {
  readonly options: ConnectionOptions;
  readonly window: ReceiveWindow;
  readonly budget: RequestBudget;
  readonly buffers: FrameBuffers;
  readonly dispatcher: Dispatcher;
  /** Monotonic milliseconds. */
  now(): number;
  /** Has {@link ClientConnection.flush} called at the end of this tick. */
  flushLater(connection: ClientConnection): void;
  /** The broker closed the connection, or is about to. */
  closing(connection: ClientConnection, reason: CloseReason, detail: string): void;
  /** The connection is gone. Called once. */
  closed(connection: ClientConnection): void;
}

/** Why the broker closes a connection; label of a metric. */
export type CloseReason =
  | "client"
  | "frame"
  | "malformed"
  | "refused"
  | "failed"
  | "idle"
  | "frame-timeout"
  | "unsent-timeout"
  | "acks-0"
  | "stopping";

interface QueuedFrame {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  /** Null for a copy, which is charged by its size. */
  readonly lease: FrameLease | null;
}

export class ClientConnection implements ConnectionHandler, BudgetWaiter, ConnectionFacts {
  readonly id: number;
  readonly listenerName: string;
  readonly listenerRole: ListenerRole;
  readonly securityProtocol: string;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly localHost: string;
  readonly localPort: number;
  readonly principal: Principal = ANONYMOUS;
  brokerId = -1;
  clientSoftwareName = "";
  clientSoftwareVersion = "";
  onClosed: (() => void) | null = null;
  readonly counters: ListenerCounters;

  readonly #transport: Transport;
  readonly #owner: ConnectionOwner;
  readonly #frames: FrameReader;
  readonly #replies = new ReplyQueue();
  /** Frames that wait for the request before them, oldest first. */
  #queue: QueuedFrame[] = [];
  #queueHead = 0;
  #queuedBytes = 0;
  readonly #onAccepted = (): void => this.#accepted();
  /** Whether the newest dispatched request has not been accepted yet. */
  #isOccupied = false;
  #isStarted = false;
  #isPaused = false;
  #needsRoom = false;
  #isClosed = false;
  #isDraining = false;
  /** Whether this connection is on the owner's list of those to flush. */
  #isFlushScheduled = false;
  #isReceiving = false;
  #lastActivityMs: number;
  /** Since when the frame under way has made no progress worth the name, and how far it was then. */
  #frameMarkMs = 0;
  #frameMarkBytes = 0;
  #overUnsentSinceMs = -1;
  readonly #onFrame = (buffer: Buffer, start: number, end: number, lease: FrameLease | null): boolean =>
    this.#frame(buffer, start, end, lease);

  constructor(
    options: { id: number; listenerName: string; listenerRole: ListenerRole; securityProtocol: string },
    modules: { transport: Transport; owner: ConnectionOwner; counters: ListenerCounters },
  ) {
    const { transport, owner } = modules;
    this.id = options.id;
    this.listenerName = options.listenerName;
    this.listenerRole = options.listenerRole;
    this.securityProtocol = options.securityProtocol;
    this.remoteHost = transport.remoteHost;
    this.remotePort = transport.remotePort;
    this.localHost = transport.localHost;
    this.localPort = transport.localPort;
    this.counters = modules.counters;
    this.#transport = transport;
    this.#owner = owner;
    this.#frames = new FrameReader(owner.options, owner);
    this.#lastActivityMs = owner.now();
  }

  /** Begins to read. */
  start(): void {
    if (this.#isStarted || this.#isClosed || this.#isDraining) return;
    this.#lastActivityMs = this.#owner.now();
    this.#listen();
  }

  /** The transport tells of its end only whom it was started for: one that nothing was read from yet has to be, before it ends. */
  #listen(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#transport.start(this);
  }

  /** Requests that were dispatched and whose replies have not left. */
  get inFlight(): number {
    return this.#replies.length;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get unsentBytes(): number {
    return this.#transport.unsentBytes;
  }

  // --- ConnectionHandler: what the transport tells

  buffer(): Uint8Array {
    return this.#frames.buffer();
  }

  received(sizeBytes: number): void {
    if (this.#isClosed || this.#isDraining) return;
    const now = this.#owner.now();
    this.#lastActivityMs = now;
    this.counters.receivedBytes.increment(sizeBytes);
    this.#isReceiving = true;
    try {
      this.#frames.received(sizeBytes, this.#onFrame);
    } catch (error) {
      this.#refuse(error);
    }
    this.#isReceiving = false;
    if (this.#isClosed) return;
    if (this.#frames.isMidFrame) this.#markProgress(now);
    else this.#frameMarkBytes = 0;
    this.flush();
    this.#updateReading();
  }

  drained(): void {
    if (!this.#isClosed) this.#proceed();
  }

  closed(_error: string | null): void {
    const wasClosed = this.#isClosed;
    if (!wasClosed) this.#owner.closing(this, "client", "");
    this.#letGo();
    this.#owner.closed(this);
  }

  // --- BudgetWaiter

  budgetAvailable(): void {
    if (this.#isClosed) return;
    this.#needsRoom = false;
    this.#frames.makeRoom();
    this.#updateReading();
  }

  // --- What the server asks

  /** Sends the replies that are ready, in one write, and takes on what waited for that. */
  flush(): void {
    this.#isFlushScheduled = false;
    if (this.#isClosed || !this.#replies.hasReady) return;
    this.#sendReady();
    if (!this.#isDraining) this.#proceed();
    else if (this.#replies.length === 0) this.#endWithoutReplies();
  }

  /** Looks for what has taken too long. Called about once a second. */
  sweep(nowMs: number): void {
    const { options } = this.#owner;
    if (this.#isClosed) return;
    if (this.#isOverUnsentLimit()) {
      if (this.#overUnsentSinceMs < 0) this.#overUnsentSinceMs = nowMs;
      else if (nowMs - this.#overUnsentSinceMs >= options.unsentTimeoutMs) {
        this.close("unsent-timeout", `${this.#transport.unsentBytes} bytes of replies are not being read`);
        return;
      }
    } else {
      this.#overUnsentSinceMs = -1;
      // A transport that never said it is drained would otherwise leave the connection paused for good.
      if (this.#isPaused) this.#proceed();
    }
    // Time during which this side does not read is not the client's.
    if (this.#frames.isMidFrame && !this.#isPaused && nowMs - this.#frameMarkMs >= options.frameTimeoutMs) {
      this.close("frame-timeout", `${this.#frames.progressBytes} bytes of a request, then nothing`);
      return;
    }
    // A connection that does not read cannot tell whether its client is still there, so having requests under way does not keep it.
    const isQuiet = this.#isPaused || (this.#replies.length === 0 && this.#transport.unsentBytes === 0);
    if (isQuiet && nowMs - this.#lastActivityMs >= options.maxIdleMs) this.close("idle", "");
  }

  /** Closes at once. */
  close(reason: CloseReason, detail: string): void {
    if (this.#isClosed) return;
    this.#owner.closing(this, reason, detail);
    this.#letGo();
    this.#transport.destroy();
  }

  /** Cuts the connection off, whatever is under way. */
  destroy(): void {
    this.close("stopping", "");
    this.#transport.destroy();
  }

  /** Takes no more requests; closes once what was accepted is answered. Parked requests are not waited for. */
  drain(): void {
    if (this.#isClosed || this.#isDraining) return;
    // What still arrives is read and dropped, so that the end of the stream is seen.
    this.#isDraining = true;
    this.#dropQueue();
    if (this.#isPaused) this.#transport.resume();
    if (this.onClosed !== null || this.#replies.length === 0) this.#endWithoutReplies();
  }

  #endWithoutReplies(): void {
    if (this.#isClosed) return;
    this.#owner.closing(this, "stopping", "");
    this.#letGo();
    this.#transport.end();
  }

  // --- Requests

  #frame(buffer: Buffer, start: number, end: number, lease: FrameLease | null): boolean {
    this.#frameMarkBytes = 0;
    if (this.#queueHead === this.#queue.length && !this.#isBlocked()) {
      this.#dispatch(buffer, start, end, lease?.isOwned ?? false, lease);
    } else if (lease !== null) {
      this.#queuedBytes += end - start;
      this.#queue.push({ buffer, start, end, lease });
    } else {
      this.#queuedBytes += end - start;
      const copy = Buffer.from(buffer.subarray(start, end));
      this.#owner.budget.charge(copy.length);
      this.#queue.push({ buffer: copy, start: 0, end: copy.length, lease: null });
    }
    return !this.#isClosed;
  }

  #isBlocked(): boolean {
    return this.#isOccupied || this.#replies.length >= this.#owner.options.maxInFlight || this.#isOverUnsentLimit();
  }

  #isOverUnsentLimit(): boolean {
    return this.#transport.unsentBytes + this.#replies.heldBytes > this.#owner.options.maxUnsentBytes;
  }

  /** Dispatches a frame and gives back its memory. Throws what makes the request one to close the connection for. */
  #dispatch(buffer: Buffer, start: number, end: number, isOwned: boolean, lease: FrameLease | null): void {
    const request = new PendingRequest(this);
    this.#replies.push(request);
    let next: Next;
    try {
      next = this.#owner.dispatcher.dispatch(buffer, start, end, this, isOwned, request);
    } catch (error) {
      lease?.release();
      throw error;
    }
    // A handler may look at bytes of its own for as long as it works; of shared ones the dispatcher has made copies.
    if (lease?.isOwned && !request.isDone) request.lease = lease;
    else lease?.release();
    if (next === undefined || (next === "reply" && request.isDone)) return;
    this.#isOccupied = true;
    if (next === "reply") request.isAwaited = true;
    else next.then(this.#onAccepted, this.#onAccepted);
  }

  /** A request has got its reply; called by {@link PendingRequest}. */
  replied(request: PendingRequest, chunks: readonly Buffer[] | null, memory: ReplyMemory | null): void {
    if (this.#isClosed) {
      memory?.release();
      return;
    }
    // A request without a reply takes its turn with nothing to send.
    this.#replies.complete(request, chunks ?? NO_CHUNKS, memory);
    this.#scheduleFlush();
    if (request.isAwaited) this.#accepted();
  }

  /** A request can have no reply; called by {@link PendingRequest}. */
  failed(error: unknown): void {
    this.#refuse(error);
  }

  /** The newest request is accepted: the next may begin. */
  #accepted(): void {
    this.#isOccupied = false;
    this.onClosed = null;
    if (!this.#isClosed) this.#proceed();
  }

  #sendReady(): void {
    const { chunks, memory } = this.#replies.takeReady();
    let sizeBytes = 0;
    for (let index = 0; index < chunks.length; index++) sizeBytes += chunks[index]!.length;
    if (sizeBytes === 0) {
      releaseAll(memory);
      return;
    }
    this.#lastActivityMs = this.#owner.now();
    this.counters.sentBytes.increment(sizeBytes);
    this.#transport.write(chunks, memory.length === 0 ? undefined : () => releaseAll(memory));
  }

  #refuse(error: unknown): void {
    if (this.#isClosed) return;
    // What came before the request at fault has its answer.
    if (this.#replies.hasReady) this.#sendReady();
    if (error instanceof CloseConnectionError) this.close("acks-0", error.message);
    else if (error instanceof FrameError) this.close("frame", error.message);
    else if (error instanceof RefusedRequestError && error.reason !== "failed") this.close(error.reason, error.message);
    else this.close("failed", describeFault(error));
  }

  /** Something that held requests back may be gone: dispatches those that wait, and reads on. */
  #proceed(): void {
    if (this.#isClosed || this.#isDraining) return;
    while (this.#queueHead < this.#queue.length && !this.#isBlocked()) {
      const { buffer, start, end, lease } = this.#queue[this.#queueHead++]!;
      this.#queuedBytes -= end - start;
      if (lease === null) this.#owner.budget.release(buffer.length);
      try {
        this.#dispatch(buffer, start, end, lease?.isOwned ?? true, lease);
      } catch (error) {
        this.#refuse(error);
        return;
      }
    }
    if (this.#queueHead > 0 && this.#queueHead === this.#queue.length) {
      this.#queue = [];
      this.#queueHead = 0;
    } else if (this.#queueHead > 1024 && this.#queueHead * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#queueHead);
      this.#queueHead = 0;
    }
    if (!this.#isReceiving) this.#updateReading();
  }

  #updateReading(): void {
    if (this.#isClosed || this.#isDraining) return;
    if (this.#frames.needsRoom && !this.#needsRoom) {
      this.#needsRoom = true;
      this.#owner.budget.wait(this);
    }
    // Reading goes on while little waits, for only a reader hears that the other side is gone.
    const shouldPause =
      this.#needsRoom ||
      this.#queuedBytes >= MAXIMUM_QUEUED_BYTES ||
      this.#queue.length - this.#queueHead >= this.#owner.options.maxQueued ||
      this.#replies.length >= this.#owner.options.maxInFlight ||
      this.#isOverUnsentLimit();
    if (shouldPause === this.#isPaused) return;
    this.#isPaused = shouldPause;
    if (shouldPause) {
      this.#transport.pause();
    } else {
      this.#frameMarkMs = this.#owner.now();
      this.#transport.resume();
    }
  }

  #scheduleFlush(): void {
    if (this.#isReceiving || this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#owner.flushLater(this);
  }

  /** A frame must advance by this much, or end, within the time limit: one byte now and then is no progress. */
  #markProgress(nowMs: number): void {
    const progressBytes = this.#frames.progressBytes;
    const isNewFrame = progressBytes < this.#frameMarkBytes || this.#frameMarkBytes === 0;
    if (!isNewFrame && progressBytes - this.#frameMarkBytes < MINIMUM_PROGRESS_BYTES) return;
    this.#frameMarkBytes = progressBytes;
    this.#frameMarkMs = nowMs;
  }

  /** Frees everything that the connection holds. */
  #letGo(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#frames.close();
    this.#owner.budget.cancel(this);
    this.#dropQueue();
    this.#replies.clear();
    const { onClosed } = this;
    this.onClosed = null;
    onClosed?.();
    this.#listen();
  }

  #dropQueue(): void {
    for (const { buffer, lease } of this.#queue.slice(this.#queueHead)) {
      if (lease === null) this.#owner.budget.release(buffer.length);
      else lease.release();
    }
    this.#queue = [];
    this.#queueHead = 0;
  }
}

/** A request from its dispatch until its reply has left. */
class PendingRequest implements Reply, ReplySink {
  readonly #connection: ClientConnection;
  chunks: readonly Buffer[] | null = null;
  sizeBytes = 0;
  memory: ReplyMemory | null = null;
  /** The request's memory, where it is needed until the reply. */
  lease: FrameLease | null = null;
  /** The connection's next request waits for this one's reply. */
  isAwaited = false;
  isDone = false;

  constructor(connection: ClientConnection) {
    this.#connection = connection;
  }

  replied(chunks: readonly Buffer[] | null, memory: ReplyMemory | null): void {
    this.#finish();
    this.#connection.replied(this, chunks, memory);
  }

  failed(error: unknown): void {
    this.#finish();
    this.#connection.failed(error);
  }

  #finish(): void {
    this.isDone = true;
    this.lease?.release();
    this.lease = null;
  }
}

function releaseAll(memory: readonly ReplyMemory[]): void {
  for (let index = 0; index < memory.length; index++) memory[index]!.release();
}

const NO_CHUNKS: readonly Buffer[] = [];

const MINIMUM_PROGRESS_BYTES = 1024;
/** Of requests that wait for the one before them. */
const MAXIMUM_QUEUED_BYTES = 64 * 1024;
