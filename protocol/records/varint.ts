/**
 * Zigzag variable-length integers of record bodies.
 *
 * Readers return the value and leave the position after it in {@link varintEnd}: two results without an allocation. Hot loops read
 * one-byte values in place and call these for the rest.
 *
 * @module
 */

/** Position after the integer last read by {@link readVarint} or {@link readVarlong}; -1 when it was malformed or cut. */
export let varintEnd = 0;

/** Longest encoding of a 32-bit integer; Kafka refuses a sixth byte. */
const VARINT_MAX_BYTES = 5;
/** Longest encoding of a 64-bit integer. */
const VARLONG_MAX_BYTES = 10;

/** Reads a zigzag 32-bit integer at `position`, reading no byte at or past `end`. Bits above the 32nd are dropped, as Kafka does. */
export function readVarint(buffer: Uint8Array, position: number, end: number): number {
  const limit = Math.min(end, position + VARINT_MAX_BYTES);
  let raw = 0;
  for (let shift = 0; position < limit; shift += 7) {
    const byte = buffer[position++]!;
    raw |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      varintEnd = position;
      return (raw >>> 1) ^ -(raw & 1);
    }
  }
  varintEnd = -1;
  return 0;
}

/** Reads a zigzag 64-bit integer as a number, exact within the safe integers and outside of them not a safe integer either. */
export function readVarlong(buffer: Uint8Array, position: number, end: number): number {
  const limit = Math.min(end, position + VARLONG_MAX_BYTES);
  let magnitude = 0;
  let isNegative = 0;
  for (let scale = 0.5; position < limit; scale *= 128) {
    const byte = buffer[position++]!;
    if (scale === 0.5) {
      isNegative = byte & 1;
      magnitude = (byte & 0x7f) >>> 1;
    } else {
      magnitude += (byte & 0x7f) * scale;
    }
    if (byte < 0x80) {
      varintEnd = position;
      return isNegative === 1 ? -magnitude - 1 : magnitude;
    }
  }
  varintEnd = -1;
  return 0;
}

/** Bytes that {@link writeVarlong} takes for `value`; the same as {@link writeVarint} takes for a 32-bit one. */
export function varintSizeBytes(value: number): number {
  let magnitude = value < 0 ? -(value + 1) : value;
  let sizeBytes = 1;
  for (magnitude = Math.floor(magnitude / 64); magnitude > 0; magnitude = Math.floor(magnitude / 128)) sizeBytes++;
  return sizeBytes;
}

/** Writes a zigzag 32-bit integer at `position`; returns the position after it. */
export function writeVarint(buffer: Uint8Array, position: number, value: number): number {
  let raw = ((value << 1) ^ (value >> 31)) >>> 0;
  for (; raw >= 0x80; raw >>>= 7) buffer[position++] = (raw & 0x7f) | 0x80;
  buffer[position++] = raw;
  return position;
}

/** Writes a zigzag 64-bit integer, given as a safe integer, at `position`; returns the position after it. */
export function writeVarlong(buffer: Uint8Array, position: number, value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return writeVarint(buffer, position, value);
  const magnitude = value < 0 ? -(value + 1) : value;
  let byte = ((magnitude % 64) << 1) | (value < 0 ? 1 : 0);
  for (let rest = Math.floor(magnitude / 64); rest > 0; rest = Math.floor(rest / 128)) {
    buffer[position++] = byte | 0x80;
    byte = rest % 128;
  }
  buffer[position++] = byte;
  return position;
}
