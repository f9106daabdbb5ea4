/**
 * Reads Kafka's primitive types from a slice of a buffer, checking bounds before each. Slices it returns share the buffer's memory.
 *
 * Every length is compared with the bytes that remain before anything is allocated for it.
 */
import { MAX_STRING_SIZE_BYTES, readInt64, readString, readUuid } from "./primitives.ts";

/** Bytes that are not what the schema says: too few, too many, an impossible length, null where there can be none. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}

export class Reader {
  readonly buffer: Buffer;
  /** Where the next read begins. */
  position: number;
  /** Where the readable bytes end. */
  readonly end: number;

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    if (position < 0 || position > end || end > buffer.length) {
      throw new RangeError(`${position} to ${end} is outside a buffer of ${buffer.length} bytes`);
    }
    this.buffer = buffer;
    this.position = position;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Moves on by `sizeBytes` and gives the position before them. */
  skip(sizeBytes: number): number {
    const position = this.position;
    if (this.end - position < sizeBytes) throwTooShort(sizeBytes, this.end - position);
    this.position = position + sizeBytes;
    return position;
  }

  /** Any byte but zero is true, as in Kafka. */
  bool(): boolean {
    return this.buffer[this.skip(1)] !== 0;
  }

  int8(): number {
    return (this.buffer[this.skip(1)] << 24) >> 24;
  }

  int16(): number {
    return this.buffer.readInt16BE(this.skip(2));
  }

  uint16(): number {
    return this.buffer.readUInt16BE(this.skip(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.skip(4));
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.skip(4));
  }

  /** Saturates at ±Number.MAX_SAFE_INTEGER. */
  int64(): number {
    return readInt64(this.buffer, this.skip(8));
  }

  bigint64(): bigint {
    return this.buffer.readBigInt64BE(this.skip(8));
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.skip(8));
  }

  uuid(): string {
    return readUuid(this.buffer, this.skip(16));
  }

  /** Groups of seven bits, the lowest first; at most 32 bits in five bytes. */
  unsignedVarint(): number {
    const { buffer } = this;
    let value = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = buffer[this.skip(1)];
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new MalformedError("a varint is longer than 32 bits");
  }

  /** A signed varint, zigzag-coded. */
  varint(): number {
    const value = this.unsignedVarint();
    return (value >>> 1) ^ -(value & 1);
  }

  /** The length before a string, null as -1. Throws when there are fewer bytes, or more than a string may have. */
  stringSize(compact: boolean): number {
    const sizeBytes = compact ? this.unsignedVarint() - 1 : this.int16();
    if (sizeBytes > MAX_STRING_SIZE_BYTES) throw new MalformedError(`a string has an impossible size of ${sizeBytes}`);
    return this.#checkedSize(sizeBytes);
  }

  /** The length before bytes or records, null as -1. Throws when there are fewer bytes. */
  bytesSize(compact: boolean): number {
    return this.#checkedSize(compact ? this.unsignedVarint() - 1 : this.int32());
  }

  /**
   * The count before an array, null as -1. Throws when the bytes that remain cannot hold so many elements.
   *
   * @param minElementSizeBytes the fewest bytes an element takes
   */
  arrayCount(compact: boolean, minElementSizeBytes: number): number {
    const count = compact ? this.unsignedVarint() - 1 : this.int32();
    if (count * Math.max(1, minElementSizeBytes) > this.remaining) throwTooMany(count, this.remaining);
    return count < 0 ? -1 : count;
  }

  /** Text of a length that {@link stringSize} gave. */
  text(sizeBytes: number): string {
    return readString(this.buffer, this.skip(sizeBytes), sizeBytes);
  }

  /** A slice of a length that {@link bytesSize} gave; it shares memory. */
  slice(sizeBytes: number): Buffer {
    const position = this.skip(sizeBytes);
    return this.buffer.subarray(position, position + sizeBytes);
  }

  /** A string that may be null, with its length before it. */
  nullableString(compact = false): string | null {
    const sizeBytes = this.stringSize(compact);
    return sizeBytes < 0 ? null : this.text(sizeBytes);
  }

  /** A string, with its length before it. */
  string(compact = false): string {
    return this.nullableString(compact) ?? throwNull("a string");
  }

  /** Skips a section of tagged fields, all of them unknown. Tags must ascend. */
  skipTags(): void {
    let last = -1;
    for (let count = this.unsignedVarint(); count > 0; count--) {
      last = this.tag(last);
      this.skip(this.unsignedVarint());
    }
  }

  /** The number of the next tagged field; throws unless it is above `last`, the one before. */
  tag(last: number): number {
    const tag = this.unsignedVarint();
    if (tag <= last) throwTagOrder(tag, last);
    return tag;
  }

  /** Throws when bytes are left over. */
  expectEnd(): void {
    if (this.position !== this.end) throw new MalformedError(`${this.remaining} bytes too many`);
  }

  #checkedSize(sizeBytes: number): number {
    if (sizeBytes > this.remaining) throwTooShort(sizeBytes, this.remaining);
    return sizeBytes < 0 ? -1 : sizeBytes;
  }
}

/** @throws MalformedError always */
export function throwTooShort(neededBytes: number, remainingBytes: number): never {
  throw new MalformedError(`${neededBytes} bytes needed, ${remainingBytes} left`);
}

/** @throws MalformedError always */
export function throwTooMany(count: number, remainingBytes: number): never {
  throw new MalformedError(`an array of ${count} elements cannot fit in the ${remainingBytes} bytes left`);
}

/** @throws MalformedError always */
export function throwTooLong(sizeBytes: number): never {
  throw new MalformedError(`a string has an impossible size of ${sizeBytes}`);
}

/** @throws MalformedError always */
export function throwNull(path: string): never {
  throw new MalformedError(`${path} is null, which it must not be`);
}

/** @throws MalformedError always */
export function throwTagOrder(tag: number, last: number): never {
  throw new MalformedError(`tag ${tag} comes after tag ${last}`);
}

/** @throws MalformedError always */
export function throwTagSize(path: string): never {
  throw new MalformedError(`the size before the tagged field ${path} is not its size`);
}
