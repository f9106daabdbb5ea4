/**
 * Single values over a buffer, without state: readers give a value, writers give the position after it.
 *
 * Nothing here checks bounds; {@link Reader}, {@link Writer} and compiled codecs do that, for many fields at once where they can. 64-bit
 * numbers are assembled from two halves, since BigInt would cost an allocation each.
 */
const TWO_TO_32 = 4294967296;

/** The most bytes that the unsigned varint of a 32-bit number takes. */
export const MAX_VARINT_SIZE_BYTES = 5;
/** The most bytes that a string may have; its length was once an int16, and compact strings keep the limit. */
export const MAX_STRING_SIZE_BYTES = 0x7fff;
/** UTF-8 bytes per UTF-16 code unit, at most. */
export const MAX_BYTES_PER_CODE_UNIT = 3;

/** A signed 64-bit integer, saturated at ±Number.MAX_SAFE_INTEGER. */
export function readInt64(buffer: Buffer, position: number): number {
  const high =
    (buffer[position] << 24) | (buffer[position + 1] << 16) | (buffer[position + 2] << 8) | buffer[position + 3];
  const low =
    (buffer[position + 4] << 24) | (buffer[position + 5] << 16) | (buffer[position + 6] << 8) | buffer[position + 7];
  const value = high * TWO_TO_32 + (low >>> 0);
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  if (value < Number.MIN_SAFE_INTEGER) return Number.MIN_SAFE_INTEGER;
  return value;
}

/** Writes a safe integer as a signed 64-bit one. */
export function writeInt64(buffer: Buffer, position: number, value: number): number {
  const low = value >>> 0;
  const high = (value - low) / TWO_TO_32;
  writeInt32(buffer, position, high);
  return writeInt32(buffer, position + 4, low);
}

export function writeInt32(buffer: Buffer, position: number, value: number): number {
  buffer[position] = value >>> 24;
  buffer[position + 1] = value >>> 16;
  buffer[position + 2] = value >>> 8;
  buffer[position + 3] = value;
  return position + 4;
}

/** Writes an unsigned number below 2^32 in groups of seven bits, the lowest first. */
export function writeUnsignedVarint(buffer: Buffer, position: number, value: number): number {
  let rest = value;
  let end = position;
  while (rest > 0x7f) {
    buffer[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[end++] = rest;
  return end;
}

/** How many bytes {@link writeUnsignedVarint} takes. */
export function sizeOfUnsignedVarint(value: number): number {
  let sizeBytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) sizeBytes += 1;
  return sizeBytes;
}

/**
 * Strings seen lately, by a hash of their bytes. Topic names, group ids and client ids come again with every request: comparing them with
 * the last string of that hash is cheaper than making a new one.
 */
const recentStrings: string[] = new Array(1024).fill("");
const LONGEST_RECENT_STRING = 48;

/** UTF-8 text. Invalid sequences become U+FFFD, as in Java. */
export function readString(buffer: Buffer, position: number, sizeBytes: number): string {
  if (sizeBytes > LONGEST_RECENT_STRING) return buffer.toString("utf8", position, position + sizeBytes);
  if (sizeBytes === 0) return "";
  let hash = sizeBytes;
  let bits = 0;
  const end = position + sizeBytes;
  for (let at = position; at < end; at++) {
    const byte = buffer[at];
    hash = (Math.imul(hash, 31) + byte) | 0;
    bits |= byte;
  }
  if (bits > 0x7f) return buffer.toString("utf8", position, end);
  const slot = (hash ^ (hash >>> 10) ^ (hash >>> 20)) & 1023;
  const recent = recentStrings[slot];
  if (recent.length === sizeBytes) {
    let index = 0;
    while (index < sizeBytes && recent.charCodeAt(index) === buffer[position + index]) index++;
    if (index === sizeBytes) return recent;
  }
  const fresh = buffer.toString("latin1", position, end);
  recentStrings[slot] = fresh;
  return fresh;
}

/** Above this, the loop over characters is slower than the call into native code. */
const LONGEST_LOOPED_STRING = 64;

/**
 * Writes a string with its length: an unsigned varint of the size plus one (compact), or an int16.
 *
 * Needs room for {@link MAX_VARINT_SIZE_BYTES} + 3 × the string's length. Throws a RangeError when it has more than 32,767 bytes.
 */
export function writeString(buffer: Buffer, position: number, value: string, compact: boolean): number {
  const length = value.length;
  if (length <= LONGEST_LOOPED_STRING) {
    const start = compact ? position + 1 : position + 2;
    let bits = 0;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      bits |= unit;
      buffer[start + index] = unit;
    }
    if (bits <= 0x7f) {
      writeStringSize(buffer, position, length, compact);
      return start + length;
    }
  }
  const sizeBytes = Buffer.byteLength(value, "utf8");
  if (sizeBytes > MAX_STRING_SIZE_BYTES) {
    throw new RangeError(`a string of ${sizeBytes} bytes is longer than ${MAX_STRING_SIZE_BYTES}`);
  }
  const start = writeStringSize(buffer, position, sizeBytes, compact);
  buffer.write(value, start, sizeBytes, "utf8");
  return start + sizeBytes;
}

function writeStringSize(buffer: Buffer, position: number, sizeBytes: number, compact: boolean): number {
  if (compact) return writeUnsignedVarint(buffer, position, sizeBytes + 1);
  buffer[position] = sizeBytes >>> 8;
  buffer[position + 1] = sizeBytes;
  return position + 2;
}

const UUID_SIZE_BYTES = 16;
const UUID_LETTERS = 22;
const ZERO = "AAAAAAAAAAAAAAAAAAAAAA";

/** Uuids seen lately, in both forms; topic ids come with every Produce and Fetch. */
const recentUuids: string[] = new Array(256).fill(ZERO);
const recentUuidWords = new Int32Array(256 * 4);

/** A uuid in Kafka's 22 letters of base64url. */
export function readUuid(buffer: Buffer, position: number): string {
  const a = readWord(buffer, position);
  const b = readWord(buffer, position + 4);
  const c = readWord(buffer, position + 8);
  const d = readWord(buffer, position + 12);
  if ((a | b | c | d) === 0) return ZERO;
  const hash = a ^ b ^ c ^ d;
  const slot = (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & 255;
  const words = slot * 4;
  if (
    recentUuidWords[words] === a &&
    recentUuidWords[words + 1] === b &&
    recentUuidWords[words + 2] === c &&
    recentUuidWords[words + 3] === d
  ) {
    return recentUuids[slot];
  }
  const fresh = buffer.toString("base64url", position, position + UUID_SIZE_BYTES);
  recentUuids[slot] = fresh;
  recentUuidWords[words] = a;
  recentUuidWords[words + 1] = b;
  recentUuidWords[words + 2] = c;
  recentUuidWords[words + 3] = d;
  return fresh;
}

/** Writes the 16 bytes of a uuid. Throws a TypeError when the text is not 22 letters of base64url. */
export function writeUuid(buffer: Buffer, position: number, value: string): number {
  if (typeof value !== "string" || value.length !== UUID_LETTERS) throwNoUuid(value);
  // Four letters make three bytes, five times; the last two letters make one. A letter outside the alphabet counts as -1 and shows as
  // negative bits, which stay when all are combined.
  let bits = 0;
  let at = position;
  for (let index = 0; index < 20; index += 4) {
    const a = letterValue(value, index);
    const b = letterValue(value, index + 1);
    const c = letterValue(value, index + 2);
    const d = letterValue(value, index + 3);
    bits |= a | b | c | d;
    buffer[at++] = (a << 2) | (b >> 4);
    buffer[at++] = (b << 4) | (c >> 2);
    buffer[at++] = (c << 6) | d;
  }
  const a = letterValue(value, 20);
  const b = letterValue(value, 21);
  bits |= a | b;
  if (bits < 0) throwNoUuid(value);
  buffer[at++] = (a << 2) | (b >> 4);
  return at;
}

/** The value of each letter of base64url by its character code; -1 for others. */
const letterValues = new Int8Array(128).fill(-1);
for (const [index, letter] of [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].entries()) {
  letterValues[letter.charCodeAt(0)] = index;
}

function letterValue(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 128 ? letterValues[code] : -1;
}

function throwNoUuid(value: unknown): never {
  throw new TypeError(`"${String(value)}" is no uuid of ${UUID_LETTERS} base64url letters`);
}

function readWord(buffer: Buffer, position: number): number {
  return (buffer[position] << 24) | (buffer[position + 1] << 16) | (buffer[position + 2] << 8) | buffer[position + 3];
}
