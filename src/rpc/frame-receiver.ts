/**
 * Cuts a stream of bytes into frames: four bytes of length, then that many.
 *
 * Small frames are read many at a time into a window and copied out, those of some size into memory that is used again. What is larger than the window is read straight into a buffer of its
 * own, so that a fetched megabyte is copied by nobody.
 */
import { type AnswerBuffers, FRESH_MEMORY } from "./answer-memory.ts";

const WINDOW_SIZE_BYTES = 16 * 1024;
const LENGTH_SIZE_BYTES = 4;
/** Below, fresh memory comes from Node's own pool at next to no cost. */
const SMALLEST_POOLED_BYTES = 4096;

export class FrameTooLargeError extends Error {
  override readonly name = "FrameTooLargeError";
}

/** Takes a frame, what follows the length, and owns it; `buffer` is what it lies in if that may be used again. */
export type OnFrame = (frame: Buffer, buffer: Buffer | null) => void;

export class FrameReceiver {
  readonly #maxFrameBytes: number;
  readonly #onFrame: OnFrame;
  readonly #buffers: AnswerBuffers;
  readonly #window = Buffer.allocUnsafeSlow(WINDOW_SIZE_BYTES);
  /** Bytes of an incomplete frame at the start of the window. */
  #windowBytes = 0;
  /** The buffer that a large frame is read into, the frame within it, and how much of that is there. */
  #buffer: Buffer | null = null;
  #large: Buffer | null = null;
  #largeBytes = 0;

  /** Large frames are read into memory of `buffers`. */
  constructor(maxFrameBytes: number, onFrame: OnFrame, buffers: AnswerBuffers = FRESH_MEMORY) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#buffers = buffers;
    this.#onFrame = onFrame;
  }

  /** Where the next bytes go. */
  buffer(): Uint8Array {
    return this.#large === null ? this.#window.subarray(this.#windowBytes) : this.#large.subarray(this.#largeBytes);
  }

  /** Takes note of bytes read into {@link buffer}. Throws {@link FrameTooLargeError}, and is of no more use then. */
  received(sizeBytes: number): void {
    if (this.#large !== null) {
      this.#largeBytes += sizeBytes;
      if (this.#largeBytes < this.#large.length) return;
      const frame = this.#large;
      const buffer = this.#buffer;
      this.#large = this.#buffer = null;
      this.#onFrame(frame, buffer);
      return;
    }
    const end = this.#windowBytes + sizeBytes;
    let position = 0;
    while (end - position >= LENGTH_SIZE_BYTES) {
      const frameBytes = this.#window.readInt32BE(position);
      if (frameBytes < 0 || frameBytes > this.#maxFrameBytes) {
        throw new FrameTooLargeError(`a frame of ${frameBytes} bytes; at most ${this.#maxFrameBytes} are taken`);
      }
      const start = position + LENGTH_SIZE_BYTES;
      if (start + frameBytes > end) {
        if (LENGTH_SIZE_BYTES + frameBytes <= WINDOW_SIZE_BYTES) break;
        this.#buffer = this.#buffers.take(frameBytes);
        this.#large = this.#buffer.subarray(0, frameBytes);
        this.#largeBytes = this.#window.copy(this.#large, 0, start, end);
        this.#windowBytes = 0;
        return;
      }
      position = start + frameBytes;
      this.#copyOut(start, position);
    }
    this.#window.copyWithin(0, position, end);
    this.#windowBytes = end - position;
  }

  #copyOut(start: number, end: number): void {
    if (end - start < SMALLEST_POOLED_BYTES) {
      this.#onFrame(Buffer.from(this.#window.subarray(start, end)), null);
      return;
    }
    const buffer = this.#buffers.take(end - start);
    this.#window.copy(buffer, 0, start, end);
    this.#onFrame(buffer.subarray(0, end - start), buffer);
  }
}
