/** MurmurHash2 as Kafka's clients use it to choose a partition by key: the 32-bit variant with a fixed seed. */
const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const ROTATION = 24;

/** The hash as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  let hash = SEED ^ bytes.length;
  let position = 0;
  for (; position + 4 <= bytes.length; position += 4) {
    let word =
      bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16) | (bytes[position + 3]! << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> ROTATION;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  const remaining = bytes.length - position;
  if (remaining === 3) hash ^= bytes[position + 2]! << 16;
  if (remaining >= 2) hash ^= bytes[position + 1]! << 8;
  if (remaining >= 1) hash = Math.imul(hash ^ bytes[position]!, MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return (hash ^ (hash >>> 15)) | 0;
}

/** The partition of a key: the positive part of its hash, modulo the partitions, as every Kafka client does by default. */
export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}
