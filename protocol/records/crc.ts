/**
 * CRC-32C (Castagnoli), the checksum of magic 2 record batches.
 *
 * @module
 */
import { crc32c as nativeCrc32c } from "@node-rs/crc32";

/**
 * The CRC-32C of `buffer[start, end)` as an unsigned 32-bit number. `seed` is the CRC of the bytes before, so that a checksum may be
 * taken in pieces: `crc32c(b, 5, 9, crc32c(b, 0, 5)) === crc32c(b, 0, 9)`.
 */
export function crc32c(buffer: Uint8Array, start = 0, end = buffer.length, seed = 0): number {
  return nativeCrc32c(buffer.subarray(start, end), seed);
}
