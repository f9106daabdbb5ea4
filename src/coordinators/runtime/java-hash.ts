/**
 * Which partition of a coordinator's topic a name belongs to. Every broker and tool has to agree, so it is Java's string hash.
 */

const JAVA_INTEGER_MIN = -0x80000000;

/** `String.hashCode()` of Java: over UTF-16 code units, as a signed 32-bit integer. */
export function javaHashCode(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}

/** The partition, of `partitionCount`, that coordinates `name` (a group, a transactional id). */
export function coordinatorPartition(name: string, partitionCount: number): number {
  const hash = javaHashCode(name);
  // The smallest integer has no positive counterpart; Kafka takes 0 for it.
  return hash === JAVA_INTEGER_MIN ? 0 : Math.abs(hash) % partitionCount;
}
