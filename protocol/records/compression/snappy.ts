/**
 * Snappy, codec 2: raw blocks inside the framing of snappy-java ("xerial"), or one raw block as some clients send it.
 *
 * The framing is a 16-byte header (magic, version, lowest compatible version) and then blocks, each after its 4-byte size.
 *
 * @module
 */
import { compressSync } from "snappy";
import { readInt32 } from "../batch.ts";
import { copyLiterals, copyMatch } from "./copy.ts";
import { DecompressionError } from "./errors.ts";
import type { Allocate } from "./scratch.ts";

const FRAME_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const FRAME_HEADER = Buffer.concat([FRAME_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);
const BLOCK_SIZE_BYTES = 32 * 1024;
/** A block's densest element turns 3 bytes into 64: a preamble that promises more than this ratio is a lie. */
const MAX_RATIO = 22;

/** Snappy in the framing Kafka writes. There are no levels. */
export function compressSnappy(payload: Uint8Array): Buffer {
  const chunks: Buffer[] = [FRAME_HEADER];
  let sizeBytes = FRAME_HEADER.length;
  for (let position = 0; position < payload.length; position += BLOCK_SIZE_BYTES) {
    const block = compressSync(payload.subarray(position, position + BLOCK_SIZE_BYTES));
    const blockSize = Buffer.allocUnsafe(4);
    blockSize.writeInt32BE(block.length);
    chunks.push(blockSize, block);
    sizeBytes += 4 + block.length;
  }
  return Buffer.concat(chunks, sizeBytes);
}

/** Reads both forms. What all blocks promise is checked before anything is allocated, and then exactly that is. */
export function decompressSnappy(
  payload: Uint8Array,
  maxSizeBytes: number,
  allocate: Allocate = Buffer.allocUnsafe,
): Buffer {
  if (!startsWithMagic(payload, 0)) {
    const output = allocate(promisedSizeBytes(payload, 0, payload.length, maxSizeBytes));
    decodeBlock(payload, 0, payload.length, output, 0);
    return output;
  }

  let sizeBytes = 0;
  for (let position = firstBlock(payload, 0); position < payload.length; ) {
    const end = blockEnd(payload, position);
    sizeBytes += promisedSizeBytes(payload, position + 4, end, maxSizeBytes - sizeBytes);
    position = firstBlock(payload, end);
  }
  const output = allocate(sizeBytes);
  let outputPosition = 0;
  for (let position = firstBlock(payload, 0); position < payload.length; ) {
    const end = blockEnd(payload, position);
    outputPosition = decodeBlock(payload, position + 4, end, output, outputPosition);
    position = firstBlock(payload, end);
  }
  return output;
}

/** The position of the next block's size. Streams may be joined: a header may stand wherever a block may. */
function firstBlock(payload: Uint8Array, position: number): number {
  while (startsWithMagic(payload, position)) {
    position += FRAME_HEADER.length;
    if (position > payload.length) throw new DecompressionError("snappy: cut in a header");
  }
  return position;
}

function blockEnd(payload: Uint8Array, position: number): number {
  if (payload.length - position < 4) throw new DecompressionError("snappy: cut in a block size");
  const sizeBytes = readInt32(payload, position);
  const left = payload.length - position - 4;
  if (sizeBytes < 0 || sizeBytes > left)
    throw new DecompressionError(`snappy: block of ${sizeBytes} bytes, ${left} left`);
  return position + 4 + sizeBytes;
}

/** What the preamble of the block `payload[start, end)` says its content has, if that can be and is within the bound. */
function promisedSizeBytes(payload: Uint8Array, start: number, end: number, maxSizeBytes: number): number {
  const sizeBytes = readPreamble(payload, start, end);
  if (sizeBytes > maxSizeBytes) throw new DecompressionError("snappy: more bytes than allowed");
  if (sizeBytes > (end - start) * MAX_RATIO)
    throw new DecompressionError(`snappy: ${end - start} bytes cannot hold ${sizeBytes}`);
  return sizeBytes;
}

/** Position after the preamble last read. */
let preambleEnd = 0;

/** The length of a block's content, an unsigned 32-bit varint. */
function readPreamble(payload: Uint8Array, start: number, end: number): number {
  let sizeBytes = 0;
  let position = start;
  for (let scale = 1; position < end && position < start + 5; scale *= 128) {
    const byte = payload[position++]!;
    sizeBytes += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      preambleEnd = position;
      return sizeBytes;
    }
  }
  throw new DecompressionError("snappy: malformed preamble");
}

/**
 * Decodes the block `input[start, end)` into `output` at `outputPosition`, where there is room for what its preamble promises. Returns
 * the position after it. Done here rather than by the native library, which takes longer for the 32 KiB blocks of the framing.
 */
function decodeBlock(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputPosition: number,
): number {
  const outputStart = outputPosition;
  const limit = outputStart + readPreamble(input, start, end);
  let position = preambleEnd;
  while (position < end) {
    const tag = input[position++]!;
    let sizeBytes: number;
    let distance: number;
    if ((tag & 3) === 0) {
      sizeBytes = (tag >>> 2) + 1;
      if (sizeBytes > 60) {
        const lengthBytes = sizeBytes - 60;
        if (end - position < lengthBytes) throw new DecompressionError("snappy: cut in a literal length");
        sizeBytes = 1;
        for (let index = 0, scale = 1; index < lengthBytes; index++, scale *= 256) {
          sizeBytes += input[position++]! * scale;
        }
      }
      if (sizeBytes > end - position) throw new DecompressionError("snappy: literals beyond the block");
      if (sizeBytes > limit - outputPosition) throw new DecompressionError("snappy: more bytes than promised");
      copyLiterals(input, position, output, outputPosition, sizeBytes);
      position += sizeBytes;
      outputPosition += sizeBytes;
      continue;
    }
    if ((tag & 3) === 1) {
      if (position >= end) throw new DecompressionError("snappy: cut in a copy");
      sizeBytes = ((tag >>> 2) & 7) + 4;
      distance = ((tag >>> 5) << 8) | input[position]!;
      position += 1;
    } else {
      const distanceBytes = (tag & 3) === 2 ? 2 : 4;
      if (end - position < distanceBytes) throw new DecompressionError("snappy: cut in a copy");
      sizeBytes = (tag >>> 2) + 1;
      distance = input[position]! | (input[position + 1]! << 8);
      if (distanceBytes === 4) distance += input[position + 2]! * 0x1_0000 + input[position + 3]! * 0x100_0000;
      position += distanceBytes;
    }
    if (distance === 0 || distance > outputPosition - outputStart)
      throw new DecompressionError("snappy: copy from before the block");
    if (sizeBytes > limit - outputPosition) throw new DecompressionError("snappy: more bytes than promised");
    copyMatch(output, outputPosition, distance, sizeBytes);
    outputPosition += sizeBytes;
  }
  if (outputPosition !== limit) throw new DecompressionError("snappy: fewer bytes than promised");
  return outputPosition;
}

function startsWithMagic(payload: Uint8Array, position: number): boolean {
  if (payload.length - position < FRAME_MAGIC.length) return false;
  for (let index = 0; index < FRAME_MAGIC.length; index++) {
    if (payload[position + index] !== FRAME_MAGIC[index]) return false;
  }
  return true;
}
