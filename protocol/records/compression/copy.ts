/**
 * The two copies that block decoders of the LZ77 family consist of. Callers check all bounds.
 *
 * @module
 */

/** Shorter copies are quicker byte by byte than by a call. */
const COPY_BY_BYTE_LIMIT = 24;

/** Copies `sizeBytes` of `input` at `from` to `output` at `position`. */
export function copyLiterals(
  input: Uint8Array,
  from: number,
  output: Uint8Array,
  position: number,
  sizeBytes: number,
): void {
  if (sizeBytes <= COPY_BY_BYTE_LIMIT) {
    for (let index = 0; index < sizeBytes; index++) output[position + index] = input[from + index]!;
  } else {
    output.set(input.subarray(from, from + sizeBytes), position);
  }
}

/** Copies within `output` from `distance` bytes back. What is copied may overlap what is written, and then repeats. */
export function copyMatch(output: Uint8Array, position: number, distance: number, sizeBytes: number): void {
  let from = position - distance;
  if (sizeBytes <= COPY_BY_BYTE_LIMIT) {
    for (const end = position + sizeBytes; position < end; from++, position++) output[position] = output[from]!;
    return;
  }
  let doneBytes = Math.min(distance, sizeBytes);
  output.copyWithin(position, from, from + doneBytes);
  // What is done is whole repetitions by now: double them.
  while (doneBytes < sizeBytes) {
    const stepBytes = Math.min(doneBytes, sizeBytes - doneBytes);
    output.copyWithin(position + doneBytes, position, position + stepBytes);
    doneBytes += stepBytes;
  }
}
