/**
 * The five codecs of record batches, synchronous, with bounded output.
 *
 * ```ts
 * const payload = compress(CODEC.zstd, records, 3);
 * const records = decompress(CODEC.zstd, payload, { maxSizeBytes: 1 << 20 });
 * ```
 *
 * @module
 */
import { DecompressionError } from "./errors.ts";
import { compressGzip, decompressGzip, decompressGzipTransiently } from "./gzip.ts";
import { compressLz4, decompressLz4 } from "./lz4.ts";
import { allocateScratch } from "./scratch.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";
import { compressZstd, decompressZstd, decompressZstdTransiently } from "./zstd.ts";

export { DecompressionError };

/** Codec ids as the low three bits of a batch's attributes hold them. */
export const CODEC = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type CodecName = keyof typeof CODEC;
export type CodecId = (typeof CODEC)[CodecName];

const CODEC_NAMES = Object.keys(CODEC) as CodecName[];

/** The name of a codec id, or undefined for the unassigned ones (5–7). */
export function codecName(codec: number): CodecName | undefined {
  return CODEC_NAMES[codec];
}

export interface DecompressOptions {
  /** More content than this is an error, found before it is allocated. */
  maxSizeBytes: number;
  /** For magic 0 messages, whose LZ4 header checksum is wrong. Default true. */
  verifyLz4HeaderChecksum?: boolean;
}

/** Compresses `payload` (one buffer, or several in a row) in the form Kafka writes. `level` is the codec's own scale; see each file. */
export function compress(codec: CodecId, payload: Buffer | readonly Buffer[], level?: number): Buffer {
  const bytes = Buffer.isBuffer(payload) ? payload : payload.length === 1 ? payload[0]! : Buffer.concat(payload);
  switch (codec) {
    case CODEC.none:
      return bytes;
    case CODEC.gzip:
      return compressGzip(bytes, level);
    case CODEC.snappy:
      return compressSnappy(bytes);
    case CODEC.lz4:
      return compressLz4(bytes);
    case CODEC.zstd:
      return compressZstd(bytes, level);
  }
}

/**
 * Decompresses `payload`, all of it. With codec `none` it is returned as it is.
 *
 * @throws DecompressionError if the payload is damaged or cut, the codec unknown, or the content above `maxSizeBytes`
 */
export function decompress(codec: number, payload: Buffer, options: DecompressOptions): Buffer {
  return withinBound(decompressUpTo(codec, payload, options), options.maxSizeBytes);
}

/** zlib takes no bound of 0. */
function withinBound(content: Buffer, maxSizeBytes: number): Buffer {
  if (content.length > maxSizeBytes) throw new DecompressionError(`more than ${maxSizeBytes} bytes`);
  return content;
}

/**
 * As {@link decompress}, for who looks at the content at once and keeps none of it: the next call overwrites what this one returned.
 *
 * @throws DecompressionError as `decompress` does
 */
export function decompressTransiently(codec: number, payload: Buffer, options: DecompressOptions): Buffer {
  const { maxSizeBytes } = options;
  switch (codec) {
    case CODEC.gzip:
      return withinBound(decompressGzipTransiently(payload, maxSizeBytes), maxSizeBytes);
    case CODEC.snappy:
      return decompressSnappy(payload, maxSizeBytes, allocateScratch);
    case CODEC.lz4:
      return decompressLz4(payload, maxSizeBytes, {
        verifyHeaderChecksum: options.verifyLz4HeaderChecksum ?? true,
        allocate: allocateScratch,
      });
    case CODEC.zstd:
      return withinBound(decompressZstdTransiently(payload, maxSizeBytes), maxSizeBytes);
    default:
      return decompress(codec, payload, options);
  }
}

function decompressUpTo(codec: number, payload: Buffer, options: DecompressOptions): Buffer {
  switch (codec) {
    case CODEC.none:
      return payload;
    case CODEC.gzip:
      return decompressGzip(payload, options.maxSizeBytes);
    case CODEC.snappy:
      return decompressSnappy(payload, options.maxSizeBytes);
    case CODEC.lz4:
      return decompressLz4(payload, options.maxSizeBytes, {
        verifyHeaderChecksum: options.verifyLz4HeaderChecksum ?? true,
      });
    case CODEC.zstd:
      return decompressZstd(payload, options.maxSizeBytes);
    default:
      throw new DecompressionError(`unknown codec ${codec}`);
  }
}
