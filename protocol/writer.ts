/**
 * Writes Kafka's primitive types into as few buffers as it can, without knowing the size beforehand.
 *
 * A writer bumps a position through a slab, a larger buffer that all writers of the process use up one after the other; when a slab is full
 * it goes on in the next one. Large buffers that a caller hands in (record batches) are spliced between, never copied. What comes out is a
 * list of chunks for one vectored write.
 *
 * While a writer is at work the rest of its slab is its own, so writers may be open side by side; {@link Writer.finish} hands it back.
 */
import {
  MAX_BYTES_PER_CODE_UNIT,
  MAX_VARINT_SIZE_BYTES,
  writeInt64,
  writeString,
  writeUnsignedVarint,
  writeUuid,
} from "./primitives.ts";

const SLAB_SIZE_BYTES = 65536;
/** A slab with less room than this is not used any further. */
const SMALLEST_REST_BYTES = 1024;
/** Buffers up to this size are copied: one more chunk in a vectored write costs more than the copy. */
const LARGEST_COPY_BYTES = 1024;

const NO_BUFFER = Buffer.alloc(0);

/** The slab that the next writer continues, and where. */
let spareSlab: Buffer = NO_BUFFER;
let sparePosition = 0;

export class Writer {
  /**
   * The slab being written. Compiled encoders write into it directly: they read these three fields, call {@link room} before they write,
   * and store the position back.
   */
  buffer: Buffer = NO_BUFFER;
  /** Where the next byte goes. */
  position = 0;
  /** Where the room in the slab ends. */
  end = 0;
  /** Where the part of the slab begins that is not in {@link #chunks} yet. */
  #start = 0;
  #chunks: Buffer[] = [];
  #sealedBytes = 0;

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.#sealedBytes + this.position - this.#start;
  }

  /** Makes sure that `sizeBytes` can be written in one piece at {@link position}, which may move to another slab. */
  room(sizeBytes: number): void {
    if (this.end - this.position >= sizeBytes) return;
    this.#seal();
    this.#release();
    if (spareSlab.length - sparePosition >= sizeBytes) {
      this.buffer = spareSlab;
      this.position = sparePosition;
      spareSlab = NO_BUFFER;
      sparePosition = 0;
    } else {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(SLAB_SIZE_BYTES, sizeBytes));
      this.position = 0;
    }
    this.#start = this.position;
    this.end = this.buffer.length;
  }

  /** The chunks written, in order. The writer begins anew. */
  finish(): Buffer[] {
    if (this.#chunks.length === 0 && this.position > this.#start) {
      // Most answers are one piece: a list that never grows takes a fifth of the memory of one that might.
      const chunk = this.buffer.subarray(this.#start, this.position);
      this.#release();
      return [chunk];
    }
    this.#seal();
    this.#release();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#sealedBytes = 0;
    return chunks;
  }

  bool(value: boolean): void {
    if (typeof value !== "boolean") throwRange("bool", value);
    this.int8(value ? 1 : 0);
  }

  int8(value: number): void {
    if (value !== (value << 24) >> 24) throwRange("int8", value);
    this.room(1);
    this.buffer[this.position++] = value;
  }

  int16(value: number): void {
    if (value !== (value << 16) >> 16) throwRange("int16", value);
    this.room(2);
    this.position = this.buffer.writeInt16BE(value, this.position);
  }

  uint16(value: number): void {
    if (value !== (value & 0xffff)) throwRange("uint16", value);
    this.room(2);
    this.position = this.buffer.writeUInt16BE(value, this.position);
  }

  int32(value: number): void {
    if (value !== (value | 0)) throwRange("int32", value);
    this.room(4);
    this.position = this.buffer.writeInt32BE(value, this.position);
  }

  uint32(value: number): void {
    if (value !== value >>> 0) throwRange("uint32", value);
    this.room(4);
    this.position = this.buffer.writeUInt32BE(value, this.position);
  }

  /** Throws a RangeError unless it is a safe integer. */
  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throwRange("int64", value);
    this.room(8);
    this.position = writeInt64(this.buffer, this.position, value);
  }

  bigint64(value: bigint | number): void {
    this.room(8);
    this.position = writeBigint64(this.buffer, this.position, value);
  }

  float64(value: number): void {
    if (typeof value !== "number") throwRange("float64", value);
    this.room(8);
    this.position = this.buffer.writeDoubleBE(value, this.position);
  }

  /** Takes 22 letters of base64url. */
  uuid(value: string): void {
    this.room(16);
    this.position = writeUuid(this.buffer, this.position, value);
  }

  /** Takes a number from 0 to 2^32 - 1. */
  unsignedVarint(value: number): void {
    if (value !== value >>> 0) throwRange("an unsigned varint", value);
    this.room(MAX_VARINT_SIZE_BYTES);
    this.position = writeUnsignedVarint(this.buffer, this.position, value);
  }

  /** A signed varint, zigzag-coded. Takes an int32. */
  varint(value: number): void {
    this.unsignedVarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** A string with its length before it. */
  string(value: string, compact = false): void {
    if (typeof value !== "string") throwType("string", value);
    this.room(MAX_VARINT_SIZE_BYTES + MAX_BYTES_PER_CODE_UNIT * value.length);
    this.position = writeString(this.buffer, this.position, value, compact);
  }

  /** A string or null, with its length before it. */
  nullableString(value: string | null, compact = false): void {
    if (value !== null) this.string(value, compact);
    else if (compact) this.unsignedVarint(0);
    else this.int16(-1);
  }

  /** Bytes with their length before them. Large ones are spliced in: they must not change until they are sent. */
  bytes(value: Buffer | readonly Buffer[], compact = false): void {
    const sizeBytes = sizeOfBytes(value);
    if (compact) this.unsignedVarint(sizeBytes + 1);
    else this.int32(sizeBytes);
    this.raw(value);
  }

  /** Bytes alone. Large ones are spliced in: they must not change until they are sent. */
  raw(value: Buffer | readonly Buffer[]): void {
    if (!Array.isArray(value)) this.#append(value as Buffer);
    else for (const chunk of value) this.#append(chunk);
  }

  /** Everything that `content` holds, with its size as an unsigned varint before it. `content` begins anew. */
  sized(content: Writer): void {
    this.unsignedVarint(content.sizeBytes);
    for (const chunk of content.finish()) this.#append(chunk);
  }

  #append(chunk: Buffer): void {
    if (!(chunk instanceof Uint8Array)) throwType("Buffer", chunk);
    if (chunk.length <= LARGEST_COPY_BYTES) {
      this.room(chunk.length);
      this.buffer.set(chunk, this.position);
      this.position += chunk.length;
    } else {
      this.#seal();
      this.#chunks.push(chunk);
      this.#sealedBytes += chunk.length;
    }
  }

  #seal(): void {
    if (this.position === this.#start) return;
    this.#chunks.push(this.buffer.subarray(this.#start, this.position));
    this.#sealedBytes += this.position - this.#start;
    this.#start = this.position;
  }

  /** Offers the rest of the slab to the next writer, if it is the best there is. */
  #release(): void {
    const restBytes = this.end - this.position;
    if (restBytes >= SMALLEST_REST_BYTES && restBytes > spareSlab.length - sparePosition) {
      spareSlab = this.buffer;
      sparePosition = this.position;
    }
    this.buffer = NO_BUFFER;
    this.position = 0;
    this.end = 0;
    this.#start = 0;
  }
}

/** Writes an integer of either type as a signed 64-bit one. */
export function writeBigint64(buffer: Buffer, position: number, value: bigint | number): number {
  if (typeof value === "bigint") return buffer.writeBigInt64BE(value, position);
  if (!Number.isSafeInteger(value)) throwRange("int64", value);
  return writeInt64(buffer, position, value);
}

/** The size of bytes or of a list of chunks. */
export function sizeOfBytes(value: Buffer | readonly Buffer[]): number {
  if (value instanceof Uint8Array) return value.length;
  if (!Array.isArray(value)) throwType("Buffer or a list of them", value);
  let sizeBytes = 0;
  for (const chunk of value) sizeBytes += chunk.length;
  return sizeBytes;
}

/** @throws RangeError always */
export function throwRange(what: string, value: unknown): never {
  throw new RangeError(`${String(value)} does not fit ${what}`);
}

/** @throws TypeError always */
export function throwType(what: string, value: unknown): never {
  throw new TypeError(`${String(value)} is no ${what}`);
}
