/**
 * xxHash32, the checksum of LZ4 frames.
 *
 * @module
 */
const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

/** xxHash32 with seed 0 of `bytes[start, end)`, unsigned. */
export function xxhash32(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  let hash: number;
  if (end - start >= 16) {
    let lane1 = (PRIME_1 + PRIME_2) | 0;
    let lane2 = PRIME_2 | 0;
    let lane3 = 0;
    let lane4 = -PRIME_1 | 0;
    for (; position <= end - 16; position += 16) {
      lane1 = mixLane(lane1, bytes, position);
      lane2 = mixLane(lane2, bytes, position + 4);
      lane3 = mixLane(lane3, bytes, position + 8);
      lane4 = mixLane(lane4, bytes, position + 12);
    }
    hash = (rotate(lane1, 1) + rotate(lane2, 7) + rotate(lane3, 12) + rotate(lane4, 18)) | 0;
  } else {
    hash = PRIME_5 | 0;
  }
  hash = (hash + (end - start)) | 0;
  for (; position <= end - 4; position += 4) {
    hash = Math.imul(rotate((hash + Math.imul(readUint32(bytes, position), PRIME_3)) | 0, 17), PRIME_4);
  }
  for (; position < end; position++) {
    hash = Math.imul(rotate((hash + Math.imul(bytes[position]!, PRIME_5)) | 0, 11), PRIME_1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mixLane(lane: number, bytes: Uint8Array, position: number): number {
  return Math.imul(rotate((lane + Math.imul(readUint32(bytes, position), PRIME_2)) | 0, 13), PRIME_1);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** Little-endian, as a signed number: only its bits matter. */
function readUint32(bytes: Uint8Array, position: number): number {
  return bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16) | (bytes[position + 3]! << 24);
}
