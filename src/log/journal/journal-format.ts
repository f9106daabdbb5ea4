/**
 * What stands in a journal file: a header, and from {@link FRAMES_START} on frames, one behind the other.
 *
 * A file is used again and again. Each use has a generation, one higher than the last use of any of the journal's files; a frame carries the generation
 * of its use, its number within it, and a CRC over all of it, so that what an earlier use left behind never looks like a frame of this one. The
 * header also says how many frames the generation before ended with: if fewer are found there, they were damaged.
 *
 * An all-zero header is that of a file not in use. Integers are big endian.
 */
import { crc32c } from "../../../protocol/records/crc.ts";

/** A header is written alone or together with the first frames, and must survive or not as a whole: it has a sector for itself. */
export const FRAMES_START = 512;
export const FRAME_OVERHEAD = 40;

const MAGIC = 0x53414d53_414a4e4cn; // "SAMSAJNL"
const VERSION = 1;
const HEADER_SIZE_BYTES = 32;
const HEADER_CRC_OFFSET = 28;

/** `extent`: bytes of a segment. `void`: all earlier frames of the log say nothing any more. */
export type FrameKind = "extent" | "void";

const KIND_NUMBERS: Readonly<Record<FrameKind, number>> = { extent: 1, void: 2 };

export interface JournalHeader {
  readonly generation: number;
  /** Frames in the file of the generation before. */
  readonly previousFrameCount: number;
}

/** What a frame is about: bytes for `position` of the segment `baseOffset` of a log. */
export interface FrameContent {
  readonly kind: FrameKind;
  /** The log's directory. */
  readonly name: string;
  readonly topicId: string;
  readonly baseOffset: number;
  readonly position: number;
}

/** A frame found in a file. */
export interface Frame extends FrameContent {
  /** Where in the journal file the bytes stand. */
  readonly payloadPosition: number;
  readonly payloadBytes: number;
}

export function encodeHeader(header: JournalHeader): Buffer {
  const bytes = Buffer.alloc(FRAMES_START);
  bytes.writeBigUInt64BE(MAGIC, 0);
  bytes.writeUInt32BE(VERSION, 8);
  bytes.writeBigUInt64BE(BigInt(header.generation), 12);
  bytes.writeUInt32BE(header.previousFrameCount, 20);
  bytes.writeUInt32BE(crc32c(bytes, 0, HEADER_CRC_OFFSET) >>> 0, HEADER_CRC_OFFSET);
  return bytes;
}

/** The header at the start of `bytes`; "unused" for a file not in use, "damaged" for anything else. */
export function decodeHeader(bytes: Buffer): JournalHeader | "unused" | "damaged" {
  const header = bytes.subarray(0, HEADER_SIZE_BYTES);
  if (header.every(byte => byte === 0)) return "unused";
  if (header.length < HEADER_SIZE_BYTES || header.readBigUInt64BE(0) !== MAGIC) return "damaged";
  if (header.readUInt32BE(8) !== VERSION) return "damaged";
  if (header.readUInt32BE(HEADER_CRC_OFFSET) !== crc32c(header, 0, HEADER_CRC_OFFSET) >>> 0) return "damaged";
  return { generation: Number(header.readBigUInt64BE(12)), previousFrameCount: header.readUInt32BE(20) };
}

/** Bytes of a frame with a payload of `payloadBytes`. */
export function frameSizeBytes(content: Pick<FrameContent, "name" | "topicId">, payloadBytes: number): number {
  return FRAME_OVERHEAD + Buffer.byteLength(content.name) + Buffer.byteLength(content.topicId) + payloadBytes;
}

/**
 * Writes a frame's head at `position` of `target`, but for its CRC, and returns where the payload begins. {@link sealFrame} completes the frame once
 * the payload's bytes are known.
 */
export function writeFrameHead(
  target: Buffer,
  position: number,
  content: FrameContent,
  place: { readonly generation: number; readonly sequence: number; readonly payloadBytes: number },
): number {
  const nameBytes = target.write(content.name, position + FRAME_OVERHEAD, "utf8");
  const topicIdBytes = target.write(content.topicId, position + FRAME_OVERHEAD + nameBytes, "utf8");
  target.writeUInt32BE(place.payloadBytes, position + 4);
  writeUint48(target, place.generation, position + 8);
  target.writeUInt32BE(place.sequence, position + 14);
  writeUint48(target, content.baseOffset, position + 18);
  writeUint48(target, Math.floor(content.baseOffset / 2 ** 48), position + 24);
  target.writeUInt32BE(content.position, position + 30);
  target.writeUInt8(KIND_NUMBERS[content.kind], position + 34);
  target.writeUInt8(0, position + 35);
  target.writeUInt16BE(nameBytes, position + 36);
  target.writeUInt16BE(topicIdBytes, position + 38);
  return position + FRAME_OVERHEAD + nameBytes + topicIdBytes;
}

/** Completes the frame whose head stands at `position` of `target`; its payload follows there up to `end`, and goes on in `buffers`. */
export function sealFrame(target: Buffer, position: number, end: number, buffers: readonly Buffer[]): void {
  let crc = crc32c(target, position + 4, end);
  for (const buffer of buffers) crc = crc32c(buffer, 0, buffer.length, crc);
  target.writeUInt32BE(crc >>> 0, position);
}

/** The frames of a file in use, up to the first that is torn or of an earlier use. */
export function readFrames(bytes: Buffer, generation: number): Frame[] {
  const frames: Frame[] = [];
  let position = FRAMES_START;
  for (;;) {
    const frame = readFrame(bytes, position, generation, frames.length);
    if (frame === null) return frames;
    frames.push(frame);
    position = frame.payloadPosition + frame.payloadBytes;
  }
}

function readFrame(bytes: Buffer, position: number, generation: number, sequence: number): Frame | null {
  if (position + FRAME_OVERHEAD > bytes.length) return null;
  if (readUint48(bytes, position + 8) !== generation) return null;
  if (bytes.readUInt32BE(position + 14) !== sequence) return null;
  const payloadBytes = bytes.readUInt32BE(position + 4);
  const nameStart = position + FRAME_OVERHEAD;
  const topicIdStart = nameStart + bytes.readUInt16BE(position + 36);
  const payloadPosition = topicIdStart + bytes.readUInt16BE(position + 38);
  if (payloadPosition + payloadBytes > bytes.length) return null;
  const crc = crc32c(bytes, position + 4, payloadPosition + payloadBytes) >>> 0;
  if (bytes.readUInt32BE(position) !== crc) return null;
  return {
    kind: bytes.readUInt8(position + 34) === KIND_NUMBERS.void ? "void" : "extent",
    name: bytes.toString("utf8", nameStart, topicIdStart),
    topicId: bytes.toString("utf8", topicIdStart, payloadPosition),
    baseOffset: readUint48(bytes, position + 18) + readUint48(bytes, position + 24) * 2 ** 48,
    position: bytes.readUInt32BE(position + 30),
    payloadPosition,
    payloadBytes,
  };
}

function writeUint48(target: Buffer, value: number, position: number): void {
  target.writeUIntBE(value % 2 ** 48, position, 6);
}

function readUint48(bytes: Buffer, position: number): number {
  return bytes.readUIntBE(position, 6);
}
