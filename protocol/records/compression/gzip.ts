/**
 * gzip, codec 1.
 *
 * @module
 */
import { createGunzip, gunzipSync, gzipSync } from "node:zlib";
import { DecompressionError } from "./errors.ts";
import { NativeDecoder } from "./native-decoder.ts";

/** `level` is 1–9, or -1 for zlib's default. */
export function compressGzip(payload: Uint8Array, level = -1): Buffer {
  return gzipSync(payload, { level });
}

/** Output grows in small chunks and stops at the bound. Members may follow one another; anything else after one is refused. */
export function decompressGzip(payload: Uint8Array, maxSizeBytes: number): Buffer {
  try {
    return gunzipSync(payload, { maxOutputLength: Math.max(1, maxSizeBytes) });
  } catch (error) {
    throw new DecompressionError(`gzip: ${(error as Error).message}`);
  }
}

/** Of a header and the trailer. */
const SMALLEST_BYTES = 18;
const decoder = new NativeDecoder({ makeStream: () => createGunzip(), resets: true });

/** As {@link decompressGzip}; the next call overwrites what it returns. */
export function decompressGzipTransiently(payload: Buffer, maxSizeBytes: number): Buffer {
  if (payload.length >= SMALLEST_BYTES) {
    // The trailer of the last member says how large its content is.
    const content = decoder.decode(payload, payload.readUInt32LE(payload.length - 4));
    if (content !== null && content.length <= maxSizeBytes) return content;
  }
  return decompressGzip(payload, maxSizeBytes);
}
