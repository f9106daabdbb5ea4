/**
 * Cuts the byte stream of one connection into frames: a length of four bytes, then that many bytes.
 *
 * Frames that lie whole in the shared receive window are handed over in place. One that does not gets a buffer of its own, which the rest is
 * read straight into. That buffer grows with what has really arrived: a sender that announces 100 MB and sends nothing costs nothing.
 *
 * ```ts
 * const frames = new FrameReader({ maxFrameBytes: 104_857_600 }, { window, budget });
 * const target = frames.buffer(); // read up to target.length bytes into it, then:
 * frames.received(sizeBytes, onFrame);
 * ```
 */
import { FrameBuffers } from "./frame-buffers.ts";
import type { ReceiveWindow } from "./receive-window.ts";
import type { RequestBudget } from "./request-budget.ts";

export interface FrameReaderOptions {
  /** `socket.request.max.bytes`. */
  readonly maxFrameBytes: number;
}

export interface FrameReaderModules {
  readonly window: ReceiveWindow;
  readonly budget: RequestBudget;
  readonly buffers: FrameBuffers;
}

/** The memory of a frame that does not lie in the receive window; whoever has the frame gives it back once it is of no more use. */
export class FrameLease {
  readonly #buffer: Buffer;
  readonly #modules: FrameReaderModules;
  /** Slices of the frame stay valid even after {@link release}: the memory is not used for anything else. */
  readonly isOwned: boolean;

  constructor(buffer: Buffer, modules: FrameReaderModules) {
    this.#buffer = buffer;
    this.#modules = modules;
    this.isOwned = FrameBuffers.isSingle(buffer);
  }

  release(): void {
    this.#modules.budget.release(this.#buffer.length);
    if (!this.isOwned) this.#modules.buffers.give(this.#buffer);
  }
}

/** The sender does not speak the protocol, or asks for more than it may have: the connection is to be closed. */
export class FrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FrameError";
  }
}

/**
 * Takes a frame's body, `buffer[start, end)`. Without a lease it lies in the receive window and is valid during the call only. Returns false
 * to stop: the connection is closed.
 */
export type FrameReceiver = (buffer: Buffer, start: number, end: number, lease: FrameLease | null) => boolean;

/** A first own buffer is this times what has arrived, and each further one this times the one before. */
const GROWTH = 4;
const MINIMUM_CAPACITY_BYTES = 1024;
/** After a large frame, the first read of the next one is kept short: its length arrives, and the rest goes where it is to stay. */
const PEEK_BYTES = 8 * 1024;
/** An announced length is believed up to this, and up to what the connection has sent before. */
const TRUSTED_BYTES = 64 * 1024;

export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #modules: FrameReaderModules;
  readonly #window: ReceiveWindow;
  readonly #budget: RequestBudget;
  /** The four bytes of the length, as far as they are there. */
  #lengthValue = 0;
  #lengthBytes = 0;
  /** Size of the frame under way; -1 while its length is not complete. */
  #frameSizeBytes = -1;
  /** Holds the first `#partialBytes` bytes of the frame under way; may be larger than the frame. */
  #partial: Buffer | null = null;
  #partialBytes = 0;
  /** The largest frame this connection has completed so far, halved with every small one. */
  #recentFrameBytes = 0;
  #readsIntoPartial = false;

  constructor(options: FrameReaderOptions, modules: FrameReaderModules) {
    this.#maxFrameBytes = options.maxFrameBytes;
    this.#modules = modules;
    this.#window = modules.window;
    this.#budget = modules.budget;
  }

  /** Whether a frame has begun and is not complete. */
  get isMidFrame(): boolean {
    return this.#lengthBytes > 0;
  }

  /** Bytes of the frame under way that have arrived, its length included. Grows with every read as long as one is under way. */
  get progressBytes(): number {
    return this.#lengthBytes + this.#partialBytes;
  }

  /** Whether the frame under way cannot go on before the budget has room. The owner stops reading until {@link makeRoom} succeeds. */
  get needsRoom(): boolean {
    return this.#partial !== null && this.#partialBytes === this.#roomBytes();
  }

  /** Makes room for more of the frame under way, whatever the budget says. */
  makeRoom(): void {
    const partial = this.#partial;
    if (partial === null || this.#partialBytes < this.#roomBytes()) return;
    this.#growTo(Math.min(this.#frameSizeBytes, Math.max(partial.length * GROWTH, this.#trustedBytes())));
  }

  /** Where the next bytes are to go. */
  buffer(): Buffer {
    const partial = this.#partial;
    this.#readsIntoPartial = partial !== null && this.#partialBytes < this.#roomBytes();
    if (this.#readsIntoPartial) return partial!.subarray(this.#partialBytes, this.#roomBytes());
    if (!this.#budget.hasRoom) return this.#window.small;
    if (this.#recentFrameBytes > this.#window.buffer.length >> 1) return this.#window.buffer.subarray(0, PEEK_BYTES);
    return this.#window.buffer;
  }

  /**
   * `sizeBytes` bytes have arrived where {@link buffer} said. Calls `onFrame` for each frame that is complete now.
   * Throws {@link FrameError} on a length that is negative or too large, and when memory is overdrawn.
   */
  received(sizeBytes: number, onFrame: FrameReceiver): void {
    if (this.#readsIntoPartial) this.#receivedIntoPartial(sizeBytes, onFrame);
    else this.#receivedIntoWindow(sizeBytes, onFrame);
  }

  /** Gives back the memory of a frame that will not be completed. */
  close(): void {
    if (this.#partial !== null) this.#giveBack(this.#partial);
    this.#partial = null;
  }

  #receivedIntoPartial(sizeBytes: number, onFrame: FrameReceiver): void {
    this.#partialBytes += sizeBytes;
    if (this.#partialBytes === this.#frameSizeBytes) this.#finishPartial(onFrame);
    else if (this.#partialBytes === this.#roomBytes() && this.#budget.hasRoom) this.makeRoom();
  }

  #receivedIntoWindow(sizeBytes: number, onFrame: FrameReceiver): void {
    const window = this.#window.buffer;
    let position = 0;
    while (position < sizeBytes || this.#frameSizeBytes === 0) {
      if (this.#frameSizeBytes < 0) {
        position = this.#readLength(window, position, sizeBytes);
        if (this.#frameSizeBytes < 0) return;
      }
      const frameSizeBytes = this.#frameSizeBytes;
      let goesOn: boolean;
      if (this.#partial === null && sizeBytes - position >= frameSizeBytes) {
        const start = position;
        position += frameSizeBytes;
        this.#completed(frameSizeBytes);
        goesOn = onFrame(window, start, position, null);
      } else {
        position = this.#keep(window, position, sizeBytes);
        if (this.#partialBytes < frameSizeBytes) return;
        goesOn = this.#finishPartial(onFrame);
      }
      if (!goesOn) return;
    }
  }

  /** Reads as much of a length as is there; returns the position after it. */
  #readLength(window: Buffer, start: number, end: number): number {
    let position = start;
    if (this.#lengthBytes === 0 && end - start >= 4) {
      this.#lengthValue = window.readInt32BE(start);
      this.#lengthBytes = 4;
      position += 4;
    } else {
      while (this.#lengthBytes < 4 && position < end) {
        this.#lengthValue = (this.#lengthValue << 8) | window[position]!;
        this.#lengthBytes += 1;
        position += 1;
      }
      if (this.#lengthBytes < 4) return position;
    }
    if (this.#lengthValue < 0 || this.#lengthValue > this.#maxFrameBytes) {
      throw new FrameError(`frame of ${this.#lengthValue} bytes; the limit is ${this.#maxFrameBytes}`);
    }
    this.#frameSizeBytes = this.#lengthValue;
    return position;
  }

  /** Copies what there is of the frame under way out of the window; returns the position after it. */
  #keep(window: Buffer, start: number, end: number): number {
    const takenBytes = Math.min(end - start, this.#frameSizeBytes - this.#partialBytes);
    if (takenBytes === 0) return end;
    if (this.#budget.isOverdrawn) throw new FrameError("memory for requests is exhausted");
    const neededBytes = this.#partialBytes + takenBytes;
    if (this.#partial === null || this.#partial.length < neededBytes) {
      const wantedBytes = this.#budget.hasRoom ? this.#wantedBytes(takenBytes) : neededBytes;
      this.#growTo(Math.min(this.#frameSizeBytes, Math.max(neededBytes, wantedBytes)));
    }
    window.copy(this.#partial!, this.#partialBytes, start, start + takenBytes);
    this.#partialBytes = neededBytes;
    return start + takenBytes;
  }

  /** How much memory a frame deserves of which `arrivedBytes` bytes have come. */
  #wantedBytes(arrivedBytes: number): number {
    const isCredible = arrivedBytes > PEEK_BYTES >> 1;
    return Math.max(arrivedBytes * GROWTH, MINIMUM_CAPACITY_BYTES, isCredible ? this.#trustedBytes() : 0);
  }

  #finishPartial(onFrame: FrameReceiver): boolean {
    const partial = this.#partial!;
    const sizeBytes = this.#partialBytes;
    this.#completed(sizeBytes);
    this.#partial = null;
    return onFrame(partial, 0, sizeBytes, new FrameLease(partial, this.#modules));
  }

  #growTo(capacityBytes: number): void {
    const previous = this.#partial;
    const grown = this.#modules.buffers.take(capacityBytes);
    this.#budget.charge(grown.length);
    if (previous !== null) {
      previous.copy(grown, 0, 0, this.#partialBytes);
      this.#giveBack(previous);
    }
    this.#partial = grown;
  }

  #giveBack(buffer: Buffer): void {
    this.#budget.release(buffer.length);
    this.#modules.buffers.give(buffer);
  }

  /** How much of the frame under way its buffer can hold. */
  #roomBytes(): number {
    return Math.min(this.#partial!.length, this.#frameSizeBytes);
  }

  #trustedBytes(): number {
    return Math.max(TRUSTED_BYTES, this.#recentFrameBytes * 2);
  }

  #completed(frameSizeBytes: number): void {
    this.#frameSizeBytes = -1;
    this.#lengthBytes = 0;
    this.#lengthValue = 0;
    this.#partialBytes = 0;
    this.#recentFrameBytes = Math.max(frameSizeBytes, this.#recentFrameBytes >> 1);
  }
}
