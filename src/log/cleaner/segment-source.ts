/** Reads a segment window by window, whole and undamaged batches only. */
import type { File } from "../../platform/platform.ts";
import { batchSizeWithin, isIntact } from "../batch-walk.ts";

/** A log that cannot be cleaned, and why. */
export class CleaningError extends Error {
  override name = "CleaningError";
}

export class SegmentSource {
  /** The window: whole batches in `buffer[0, endPosition)`. Written over by the next {@link read}. */
  buffer: Buffer;
  endPosition = 0;
  readonly #file: File;
  readonly #sizeBytes: number;
  #filePosition: number;

  constructor(file: File, options: { sizeBytes: number; from: number; bufferBytes: number }) {
    this.#file = file;
    this.#sizeBytes = options.sizeBytes;
    this.#filePosition = options.from;
    this.buffer = Buffer.allocUnsafe(Math.max(1, Math.min(options.bufferBytes, options.sizeBytes - options.from)));
  }

  /**
   * Reads the next window; false at the end of the segment.
   * @throws CleaningError when what stands there is no sound batch; DiskError
   */
  read(): boolean {
    while (this.#filePosition < this.#sizeBytes) {
      const wanted = Math.min(this.buffer.length, this.#sizeBytes - this.#filePosition);
      const readBytes = this.#file.read(this.buffer.subarray(0, wanted), this.#filePosition);
      if (readBytes < wanted) throw new CleaningError(`${this.#file.path} ends early`);
      const needed = this.#check(readBytes);
      if (this.endPosition > 0) {
        this.#filePosition += this.endPosition;
        return true;
      }
      if (needed > this.#sizeBytes - this.#filePosition) throw this.#damaged(0, "a batch is cut off");
      this.buffer = Buffer.allocUnsafe(Math.max(needed, Math.min(this.buffer.length * 2, this.#sizeBytes)));
    }
    return false;
  }

  /** Finds the end of the whole batches in what was read. Returns how many bytes the one behind them needs. */
  #check(readBytes: number): number {
    let position = 0;
    let needed = 0;
    while (position < readBytes) {
      const sizeBytes = batchSizeWithin(this.buffer, position, readBytes);
      if (sizeBytes === 0) throw this.#damaged(position, "not a record batch");
      if (sizeBytes < 0) {
        needed = -sizeBytes;
        break;
      }
      if (!isIntact(this.buffer, position, sizeBytes)) throw this.#damaged(position, "a batch fails its checksum");
      position += sizeBytes;
    }
    this.endPosition = position;
    return needed;
  }

  #damaged(position: number, reason: string): CleaningError {
    return new CleaningError(`${this.#file.path} is damaged at byte ${this.#filePosition + position}: ${reason}`);
  }
}
