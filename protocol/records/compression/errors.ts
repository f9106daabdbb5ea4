/** Compressed bytes that are damaged, cut, of an unsupported kind, or larger than allowed once decompressed. */
export class DecompressionError extends Error {
  override readonly name = "DecompressionError";
}
