/** One file of a journal: where its next frame goes, and which logs need it. */
import type { File } from "../../platform/platform.ts";
import {
  encodeHeader,
  FRAMES_START,
  type FrameContent,
  frameSizeBytes,
  sealFrame,
  writeFrameHead,
} from "./journal-format.ts";

/** Smaller payloads are copied beside their heads: cheaper than another buffer of the write. */
const SMALLEST_SLICE_BYTES = 4096;
const UNUSED_HEADER = Buffer.alloc(FRAMES_START);

/** A frame to be written: what it is about and its bytes. */
export interface NewFrame {
  readonly content: FrameContent;
  readonly buffers: readonly Buffer[];
  readonly payloadBytes: number;
  /** Of all of the frame. */
  readonly sizeBytes: number;
}

export function newFrame(content: FrameContent, buffers: readonly Buffer[], payloadBytes: number): NewFrame {
  return { content, buffers, payloadBytes, sizeBytes: frameSizeBytes(content, payloadBytes) };
}

/** `L` is what the journal keeps bytes of: a log. */
export class JournalFile<L> {
  /** Logs with frames here, each with the offset after the last batch in them. */
  readonly logs = new Map<L, number>();
  readonly path: string;
  readonly #file: File;
  readonly #sizeBytes: number;
  #generation = 0;
  #previousFrameCount = 0;
  #frameCount = 0;
  #position = 0;
  /** Counts writes, and those that a sync has covered. */
  #writeCount = 0;
  #syncedCount = 0;

  /** `file` is durable, and its header says that it is not in use; it grows up to `sizeBytes`. */
  constructor(file: File, sizeBytes: number) {
    this.path = file.path;
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  get frameCount(): number {
    return this.#frameCount;
  }

  /** Whether frames of `sizeBytes` in all fit behind those that are there. */
  hasRoomFor(sizeBytes: number): boolean {
    return this.#position + sizeBytes <= this.#sizeBytes;
  }

  /** Begins a use of the file. The header is written with the first frames. */
  begin(generation: number, previousFrameCount: number): void {
    this.#generation = generation;
    this.#previousFrameCount = previousFrameCount;
    this.#frameCount = 0;
    this.#position = FRAMES_START;
    this.logs.clear();
  }

  /** Writes frames, for which there must be room, in one go. Durable after {@link sync}. */
  write(frames: readonly NewFrame[]): void {
    const isFirst = this.#frameCount === 0;
    const { buffers, sizeBytes } = this.#encode(frames);
    if (isFirst)
      buffers.unshift(encodeHeader({ generation: this.#generation, previousFrameCount: this.#previousFrameCount }));
    this.#writeCount += 1;
    this.#file.writev(buffers, isFirst ? 0 : this.#position);
    this.#frameCount += frames.length;
    this.#position += sizeBytes;
  }

  /** Ends the use of the file: what stands in it is of no more use to anybody. Durable after {@link sync}. */
  retire(): void {
    this.#writeCount += 1;
    this.#file.writev([UNUSED_HEADER], 0);
    this.logs.clear();
  }

  async sync(): Promise<void> {
    const count = this.#writeCount;
    await this.#file.sync();
    this.#syncedCount = Math.max(this.#syncedCount, count);
  }

  /** As {@link sync}, blocking, and only if something was written since. */
  syncNow(): void {
    if (this.#syncedCount === this.#writeCount) return;
    this.#file.syncNow();
    this.#syncedCount = this.#writeCount;
  }

  close(): void {
    this.#file.close();
  }

  #encode(frames: readonly NewFrame[]): { buffers: Buffer[]; sizeBytes: number } {
    let scratchBytes = 0;
    for (const frame of frames) scratchBytes += scratchSizeBytes(frame);
    const scratch = Buffer.allocUnsafe(scratchBytes);
    const result: Buffer[] = [];
    let sizeBytes = 0;
    let begun = 0;
    let position = 0;
    for (let index = 0; index < frames.length; index += 1) {
      const { content, buffers, payloadBytes, sizeBytes: frameBytes } = frames[index]!;
      const place = { generation: this.#generation, sequence: this.#frameCount + index, payloadBytes };
      const start = position;
      const headEnd = writeFrameHead(scratch, start, content, place);
      position = headEnd;
      sizeBytes += frameBytes;
      if (payloadBytes < SMALLEST_SLICE_BYTES) {
        for (const buffer of buffers) position += buffer.copy(scratch, position);
        sealFrame(scratch, start, position, NO_BUFFERS);
        continue;
      }
      sealFrame(scratch, start, headEnd, buffers);
      for (const buffer of buffers) {
        if (buffer.length < SMALLEST_SLICE_BYTES) {
          position += buffer.copy(scratch, position);
          continue;
        }
        result.push(scratch.subarray(begun, position), buffer);
        begun = position;
      }
    }
    if (begun < position) result.push(scratch.subarray(begun, position));
    return { buffers: result, sizeBytes };
  }
}

const NO_BUFFERS: readonly Buffer[] = [];

/** What of a frame is put together: its head, and what of its payload is not worth a slice. */
function scratchSizeBytes({ buffers, payloadBytes, sizeBytes }: NewFrame): number {
  if (payloadBytes < SMALLEST_SLICE_BYTES) return sizeBytes;
  let scratchBytes = sizeBytes - payloadBytes;
  for (const { length } of buffers) if (length < SMALLEST_SLICE_BYTES) scratchBytes += length;
  return scratchBytes;
}
