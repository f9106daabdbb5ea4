/**
 * gzip, codec 1.
 *
 * @module
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { DecompressionError } from "./errors.ts";

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
