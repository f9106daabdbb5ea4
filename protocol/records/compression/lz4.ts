/**
 * LZ4 frames, codec 3 (KIP-57).
 *
 * Frames are walked and blocks decoded here rather than by a native library, since the libraries give no bound on the output; the
 * decoder is as fast. Written frames are Kafka's: 64 KiB independent blocks, no content size, no content or block checksum.
 *
 * Like Kafka's reader, this one takes a single frame with independent blocks, and it checks every checksum the frame carries.
 *
 * @module
 */
import { compressSync } from "lz4-napi";
import { copyLiterals, copyMatch } from "./copy.ts";
import { DecompressionError } from "./errors.ts";
import type { Allocate } from "./scratch.ts";
import { xxhash32 } from "./xxhash32.ts";

const FRAME_MAGIC = 0x184d2204;
const FLAG_CONTENT_CHECKSUM = 0x04;
const FLAG_CONTENT_SIZE = 0x08;
const FLAG_BLOCK_CHECKSUM = 0x10;
const FLAG_INDEPENDENT_BLOCKS = 0x20;
const RESERVED_FLAGS = 0x03;
const FRAME_VERSION = 1;
const UNCOMPRESSED_BLOCK = 0x80000000;

/** Magic, flags (version 1, independent blocks), block size 64 KiB, checksum of those two bytes. */
const FRAME_HEADER = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
const END_MARK_BYTES = 4;
const BLOCK_SIZE_BYTES = 64 * 1024;
/** lz4-napi puts the content's size before a raw block. */
const NATIVE_PREFIX_BYTES = 4;

/** A byte of input adds at most 255 bytes of output. */
const MAX_RATIO = 255;
/** LZ4 in the frame Kafka writes. Levels are not supported by the encoder and have no effect. */
export function compressLz4(payload: Buffer): Buffer {
  const chunks: Buffer[] = [FRAME_HEADER];
  let sizeBytes = FRAME_HEADER.length + END_MARK_BYTES;
  for (let position = 0; position < payload.length; position += BLOCK_SIZE_BYTES) {
    const content = payload.subarray(position, position + BLOCK_SIZE_BYTES);
    const compressed = compressSync(content).subarray(NATIVE_PREFIX_BYTES);
    const isSmaller = compressed.length < content.length;
    const block = isSmaller ? compressed : content;
    const blockSize = Buffer.allocUnsafe(4);
    blockSize.writeUInt32LE(isSmaller ? block.length : block.length + UNCOMPRESSED_BLOCK);
    chunks.push(blockSize, block);
    sizeBytes += 4 + block.length;
  }
  chunks.push(Buffer.alloc(END_MARK_BYTES));
  return Buffer.concat(chunks, sizeBytes);
}

export interface Lz4Options {
  /** Magic 0 messages carry a wrong header checksum; their readers pass over it (KAFKA-3160). Default true. */
  verifyHeaderChecksum?: boolean;
  /** Where the output comes from. What it returns may be what it returned before. Default `Buffer.allocUnsafe`. */
  allocate?: Allocate;
}

/** Output is allocated block by block, each by what its bytes can hold at most, and never beyond the bound. */
export function decompressLz4(payload: Uint8Array, maxSizeBytes: number, options?: Lz4Options): Buffer {
  const allocate = options?.allocate ?? Buffer.allocUnsafe;
  const frame = readFrameHeader(payload, options?.verifyHeaderChecksum ?? true);
  const hasBlockChecksum = (frame.flags & FLAG_BLOCK_CHECKSUM) !== 0;
  let output: Buffer = allocate(Math.min(maxSizeBytes, Math.max(4096, payload.length * 4)));
  let sizeBytes = 0;
  let position = frame.headerSizeBytes;

  for (;;) {
    const blockSize = readUint32(payload, position);
    const blockSizeBytes = blockSize & ~UNCOMPRESSED_BLOCK;
    position += 4;
    if (blockSizeBytes === 0) break;
    const blockEnd = position + blockSizeBytes;
    if (blockSizeBytes > frame.maxBlockSizeBytes)
      throw new DecompressionError("lz4: block larger than the frame allows");
    if (blockEnd > payload.length) throw new DecompressionError("lz4: cut in a block");

    const isCompressed = (blockSize & UNCOMPRESSED_BLOCK) === 0;
    const mostBytes = isCompressed ? Math.min(frame.maxBlockSizeBytes, blockSizeBytes * MAX_RATIO) : blockSizeBytes;
    output = ensureRoom(output, sizeBytes, mostBytes, maxSizeBytes, allocate);
    const limit = Math.min(output.length, sizeBytes + mostBytes);
    if (isCompressed) {
      sizeBytes = decodeBlock(payload, position, blockEnd, output, sizeBytes, limit);
    } else {
      if (blockSizeBytes > limit - sizeBytes) throw new DecompressionError(`lz4: more than ${maxSizeBytes} bytes`);
      output.set(payload.subarray(position, blockEnd), sizeBytes);
      sizeBytes += blockSizeBytes;
    }
    if (hasBlockChecksum) {
      if (xxhash32(payload, position, blockEnd) !== readUint32(payload, blockEnd))
        throw new DecompressionError("lz4: block checksum does not match");
      position = blockEnd + 4;
    } else {
      position = blockEnd;
    }
  }

  if ((frame.flags & FLAG_CONTENT_CHECKSUM) !== 0) {
    if (xxhash32(output, 0, sizeBytes) !== readUint32(payload, position))
      throw new DecompressionError("lz4: content checksum does not match");
    position += 4;
  }
  if (position !== payload.length) throw new DecompressionError("lz4: bytes after the frame");
  return output.subarray(0, sizeBytes);
}

interface FrameHeader {
  flags: number;
  maxBlockSizeBytes: number;
  headerSizeBytes: number;
}

function readFrameHeader(payload: Uint8Array, verifyChecksum: boolean): FrameHeader {
  if (readUint32(payload, 0) !== FRAME_MAGIC) throw new DecompressionError("lz4: no frame magic");
  if (payload.length < 7) throw new DecompressionError("lz4: cut in the header");
  const flags = payload[4]!;
  const blockDescriptor = payload[5]!;
  if (flags >>> 6 !== FRAME_VERSION) throw new DecompressionError(`lz4: frame version ${flags >>> 6}`);
  if ((flags & RESERVED_FLAGS) !== 0) throw new DecompressionError("lz4: dictionary or reserved flag");
  if ((flags & FLAG_INDEPENDENT_BLOCKS) === 0) throw new DecompressionError("lz4: blocks depend on one another");
  const blockSizeCode = (blockDescriptor >>> 4) & 0x07;
  if ((blockDescriptor & 0x8f) !== 0 || blockSizeCode < 4)
    throw new DecompressionError(`lz4: block descriptor ${blockDescriptor}`);
  const checksumPosition = (flags & FLAG_CONTENT_SIZE) !== 0 ? 14 : 6;
  if (checksumPosition >= payload.length) throw new DecompressionError("lz4: cut in the header");
  if (verifyChecksum && ((xxhash32(payload, 4, checksumPosition) >>> 8) & 0xff) !== payload[checksumPosition])
    throw new DecompressionError("lz4: header checksum does not match");
  return { flags, maxBlockSizeBytes: 1 << (8 + 2 * blockSizeCode), headerSizeBytes: checksumPosition + 1 };
}

/** `output` with room for `roomBytes` after `sizeBytes`, or for what is left up to the bound. */
function ensureRoom(
  output: Buffer,
  sizeBytes: number,
  roomBytes: number,
  maxSizeBytes: number,
  allocate: Allocate,
): Buffer {
  const needed = Math.min(maxSizeBytes, sizeBytes + roomBytes);
  if (needed <= output.length) return output;
  const grown = allocate(Math.min(maxSizeBytes, Math.max(needed, output.length * 2)));
  output.copy(grown, 0, 0, sizeBytes);
  return grown;
}

/**
 * Decodes the block `input[position, end)` into `output` from `outputPosition` on, writing nothing at or past `limit`. Returns the
 * position after what it wrote. Matches reach back to the start of the block at most.
 */
function decodeBlock(
  input: Uint8Array,
  position: number,
  end: number,
  output: Uint8Array,
  outputPosition: number,
  limit: number,
): number {
  const blockStart = outputPosition;
  while (position < end) {
    const token = input[position++]!;

    let literalBytes = token >>> 4;
    if (literalBytes === 15) {
      let more = 255;
      while (more === 255) {
        if (position >= end) throw new DecompressionError("lz4: cut in a literal length");
        more = input[position++]!;
        literalBytes += more;
      }
    }
    if (literalBytes > end - position) throw new DecompressionError("lz4: literals beyond the block");
    if (literalBytes > limit - outputPosition) throw new DecompressionError("lz4: more bytes than allowed");
    copyLiterals(input, position, output, outputPosition, literalBytes);
    position += literalBytes;
    outputPosition += literalBytes;
    if (position === end) return outputPosition;

    if (end - position < 2) throw new DecompressionError("lz4: cut in a match offset");
    const distance = input[position]! | (input[position + 1]! << 8);
    position += 2;
    if (distance === 0 || distance > outputPosition - blockStart)
      throw new DecompressionError("lz4: match before the start of the block");
    let matchBytes = (token & 0x0f) + 4;
    if (matchBytes === 19) {
      let more = 255;
      while (more === 255) {
        if (position >= end) throw new DecompressionError("lz4: cut in a match length");
        more = input[position++]!;
        matchBytes += more;
      }
    }
    if (matchBytes > limit - outputPosition) throw new DecompressionError("lz4: more bytes than allowed");
    copyMatch(output, outputPosition, distance, matchBytes);
    outputPosition += matchBytes;
  }
  throw new DecompressionError("lz4: block ends in a match");
}

function readUint32(bytes: Uint8Array, position: number): number {
  if (bytes.length - position < 4) throw new DecompressionError("lz4: stream ends early");
  return (
    (bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16) | (bytes[position + 3]! << 24)) >>> 0
  );
}
