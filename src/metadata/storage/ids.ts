/**
 * Kafka's UUIDs: 16 bytes, written as 22 letters of base64url.
 */
import type { Random } from "../../platform/platform.ts";

/** Kafka keeps the first hundred for itself: id 1 is the metadata topic's, the lowest ones mark lost or unassigned directories (KIP-858). */
const RESERVED_COUNT = 100;

/**
 * A random id for a cluster, directory, topic or process. Never one of Kafka's reserved ones; never with a leading `-`, which command lines
 * would take for an option.
 */
export function randomUuid(random: Pick<Random, "bytes">): string {
  for (;;) {
    const bytes = Buffer.from(random.bytes(16));
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const text = bytes.toString("base64url");
    if (!text.startsWith("-")) return text;
  }
}

/** Whether `text` is an id in the form that Kafka prints. */
export function isUuid(text: string): boolean {
  return /^[\w-]{22}$/.test(text) && Buffer.from(text, "base64url").toString("base64url") === text;
}

/** Whether a directory id is one of those that name no directory. Throws when it is no id. */
export function isReservedUuid(text: string): boolean {
  if (!isUuid(text)) throw new Error(`"${text}" is not a UUID of 22 letters`);
  const bytes = Buffer.from(text, "base64url");
  return bytes.readBigUInt64BE(0) === 0n && bytes.readBigUInt64BE(8) < BigInt(RESERVED_COUNT);
}
