/**
 * Zstandard, codec 4 (KIP-110).
 *
 * @module
 */
import { constants, createZstdDecompress, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { DecompressionError } from "./errors.ts";
import { NativeDecoder } from "./native-decoder.ts";
import { readWholeFrame } from "./zstd-frame.ts";

/** `level` is -131072 to 22; Kafka's default is 3. */
export function compressZstd(payload: Uint8Array, level = 3): Buffer {
  return zstdCompressSync(payload, { params: { [constants.ZSTD_c_compressionLevel]: level } });
}

/** Output grows in small chunks and stops at the bound. Frames may follow one another; anything else after one is refused. */
export function decompressZstd(payload: Uint8Array, maxSizeBytes: number): Buffer {
  const first = decompressFrame(payload, maxSizeBytes);
  if (first.consumedBytes === payload.length) return first.content;

  const contents = [first.content];
  let position = first.consumedBytes;
  let sizeBytes = first.content.length;
  while (position < payload.length) {
    const frame = decompressFrame(payload.subarray(position), maxSizeBytes - sizeBytes);
    if (frame.consumedBytes === 0) throw new DecompressionError("zstd: bytes after the last frame");
    position += frame.consumedBytes;
    sizeBytes += frame.content.length;
    if (sizeBytes > maxSizeBytes) throw new DecompressionError(`zstd: more than ${maxSizeBytes} bytes`);
    contents.push(frame.content);
  }
  return Buffer.concat(contents, sizeBytes);
}

/** A decoder keeps a window of the largest frame that it decoded. Kafka's clients write frames of up to 2 MiB with their default level. */
const MAX_WINDOW_BYTES = 4 * 1024 * 1024;
/** At the end of a frame it is ready for the next one; made ready by Node, it would be made anew. */
const decoder = new NativeDecoder({ makeStream: () => createZstdDecompress(), resets: false });

/** As {@link decompressZstd}; the next call overwrites what it returns. */
export function decompressZstdTransiently(payload: Buffer, maxSizeBytes: number): Buffer {
  const frame = readWholeFrame(payload);
  if (frame !== null && frame.windowBytes <= MAX_WINDOW_BYTES) {
    const content = decoder.decode(payload, frame.contentBytes ?? 0);
    if (content !== null && content.length <= maxSizeBytes) return content;
  }
  return decompressZstd(payload, maxSizeBytes);
}

function decompressFrame(payload: Uint8Array, maxSizeBytes: number): { content: Buffer; consumedBytes: number } {
  try {
    // With `info` the engine comes along, which knows how far it read; the declared type does not know of that option.
    const { buffer, engine } = zstdDecompressSync(payload, {
      maxOutputLength: Math.max(1, maxSizeBytes),
      info: true,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    return { content: buffer, consumedBytes: engine.bytesWritten };
  } catch (error) {
    throw new DecompressionError(`zstd: ${(error as Error).message}`);
  }
}
