/**
 * The layout of Zstandard frames (RFC 8878, section 3.1.1), as far as it says where one ends and how much memory it asks for.
 *
 * @module
 */

const FRAME_MAGIC = 0xfd2fb528;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const MAX_BLOCK_BYTES = 128 * 1024;
/** Block types; the content of a run of one byte is that byte. */
const RUN_BLOCK = 1;
const RESERVED_BLOCK = 3;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];

export interface ZstdFrame {
  /** Bytes of content that a decoder has to look back on. */
  readonly windowBytes: number;
  /** Null when the frame does not tell. */
  readonly contentBytes: number | null;
}

/** What the header says when `payload` is one frame from its first byte to its last, with all its blocks; null otherwise. Blocks are not looked into. */
export function readWholeFrame(payload: Buffer): ZstdFrame | null {
  if (payload.length < 6 || payload.readUInt32LE(0) !== FRAME_MAGIC) return null;
  const descriptor = payload[4]!;
  if ((descriptor & 0x08) !== 0) return null;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSizeBytes = descriptor >>> 6 === 0 ? (isSingleSegment ? 1 : 0) : 1 << (descriptor >>> 6);
  const contentSizeAt = 5 + (isSingleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[descriptor & 0x03]!;
  const blocksAt = contentSizeAt + contentSizeBytes;
  if (blocksAt > payload.length) return null;
  const contentBytes = contentSizeBytes === 0 ? null : readContentSize(payload, contentSizeAt, contentSizeBytes);
  const windowBytes = isSingleSegment ? contentBytes! : windowOf(payload[5]!);
  const hasChecksum = (descriptor & 0x04) !== 0;
  const end = endOfBlocks(payload, blocksAt) + (hasChecksum ? CHECKSUM_BYTES : 0);
  return end === payload.length ? { windowBytes, contentBytes } : null;
}

/** The position after the last block, or Infinity when the blocks are cut or of no known kind. */
function endOfBlocks(payload: Buffer, start: number): number {
  let position = start;
  while (position + BLOCK_HEADER_BYTES <= payload.length) {
    const header = payload.readUIntLE(position, BLOCK_HEADER_BYTES);
    const type = (header >>> 1) & 0x03;
    const sizeBytes = header >>> 3;
    if (type === RESERVED_BLOCK || sizeBytes > MAX_BLOCK_BYTES) break;
    position += BLOCK_HEADER_BYTES + (type === RUN_BLOCK ? 1 : sizeBytes);
    if ((header & 1) !== 0) return position;
  }
  return Number.POSITIVE_INFINITY;
}

/** Two bytes hold what is left after 256, which one byte could have said. Eight may say more than can be: it is only to be compared. */
function readContentSize(payload: Buffer, position: number, sizeBytes: number): number {
  switch (sizeBytes) {
    case 1:
      return payload[position]!;
    case 2:
      return payload.readUInt16LE(position) + 256;
    case 4:
      return payload.readUInt32LE(position);
    default:
      return payload.readUInt32LE(position) + payload.readUInt32LE(position + 4) * 2 ** 32;
  }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 0x07);
}
