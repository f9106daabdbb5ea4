/** What compiled and interpreted codecs are to their callers, and how they refuse. */
import type { Reader } from "./reader.ts";
import { formatVersions, includesVersion, type Message } from "./schema.ts";
import type { Writer } from "./writer.ts";

/** Reads one message and leaves the reader behind it. Throws MalformedError. */
export type Decoder<Value> = (reader: Reader) => Value;

/**
 * Writes one message. Throws {@link UnsupportedVersionError}, or a TypeError or RangeError for a value that does not fit its field; what
 * the writer then holds is of no use.
 */
export type Encoder<Input> = (writer: Writer, value: Input) => void;

export type Direction = "decode" | "encode";

/** A version that a message does not have, or a value that cannot be said in a version because it lacks the field. */
export class UnsupportedVersionError extends Error {
  override readonly name = "UnsupportedVersionError";
}

/** @throws UnsupportedVersionError always */
export function throwUnsupported(path: string, version: number): never {
  throw new UnsupportedVersionError(`${path} is set, but version ${version} has no such field`);
}

/** Throws unless the message has this version. */
export function checkVersion(message: Message, version: number): void {
  if (includesVersion(message.versions, version)) return;
  throw new UnsupportedVersionError(`${message.name} has versions ${formatVersions(message.versions)}, not ${version}`);
}
