/**
 * Messages with their version before them, as two bytes: values of coordinator records, the embedded consumer protocol, principals,
 * control records.
 */
import { decoderOf, encoderOf } from "../compile.ts";
import { Reader } from "../reader.ts";
import type { InputOf, Message, ValueOf } from "../schema.ts";
import { Writer } from "../writer.ts";

/** Version and message as one buffer. Throws what {@link encoderOf} throws. */
export function encodeVersioned<M extends Message>(schema: M, version: number, value: InputOf<M>): Buffer {
  const writer = new Writer();
  writer.int16(version);
  encoderOf(schema, version)(writer, value);
  const chunks = writer.finish();
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

export interface Versioned<Value> {
  readonly version: number;
  readonly value: Value;
}

/** Reads version and message. Throws MalformedError, UnsupportedVersionError. */
export function decodeVersioned<M extends Message>(schema: M, bytes: Buffer): Versioned<ValueOf<M>> {
  const reader = new Reader(bytes);
  const version = reader.int16();
  const value = decoderOf(schema, version)(reader);
  reader.expectEnd();
  return { version, value };
}

/**
 * Reads what another client wrote into opaque bytes, as Kafka does: a version newer than the newest known is read as that one, and bytes
 * after the message are ignored.
 *
 * @throws MalformedError, UnsupportedVersionError for a version below the oldest known
 */
export function decodeEmbedded<M extends Message>(schema: M, bytes: Buffer): Versioned<ValueOf<M>> {
  const reader = new Reader(bytes);
  const version = reader.int16();
  return { version, value: decoderOf(schema, Math.min(version, schema.versions.max))(reader) };
}
