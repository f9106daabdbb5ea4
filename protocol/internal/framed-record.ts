/**
 * Records that say themselves what they are: frame version, type number and version as unsigned varints, then the body.
 *
 * The form of `__cluster_metadata` and `__remote_log_metadata` (KIP-631, KIP-405).
 */
import { decoderOf, encoderOf } from "../compile.ts";
import { MalformedError, Reader } from "../reader.ts";
import type { InputOf, Message } from "../schema.ts";
import { Writer } from "../writer.ts";

/** The only version of the frame there is. */
const FRAME_VERSION = 1;

/** A decoded record with its schema. */
export interface FramedRecord {
  readonly schema: Message;
  readonly version: number;
  readonly value: unknown;
}

/** The bytes of a record. Throws what {@link encoderOf} throws. */
export function encodeFramedRecord<M extends Message>(schema: M, version: number, value: InputOf<M>): Buffer {
  const writer = new Writer();
  writer.unsignedVarint(FRAME_VERSION);
  writer.unsignedVarint(schema.key);
  writer.unsignedVarint(version);
  encoderOf(schema, version)(writer, value);
  const chunks = writer.finish();
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

/**
 * Reads a record.
 *
 * @param schemaOf finds the schema of a type number
 * @throws MalformedError for bytes that are no such record; UnsupportedVersionError for a version that the schema lacks
 */
export function decodeFramedRecord(bytes: Buffer, schemaOf: (key: number) => Message | undefined): FramedRecord {
  const reader = new Reader(bytes);
  const frameVersion = reader.unsignedVarint();
  if (frameVersion !== FRAME_VERSION) throw new MalformedError(`the record has frame version ${frameVersion}, not 1`);
  const key = reader.unsignedVarint();
  const version = reader.unsignedVarint();
  const schema = schemaOf(key);
  if (schema === undefined) throw new MalformedError(`there is no record of type ${key}`);
  const value = decoderOf(schema, version)(reader);
  reader.expectEnd();
  return { schema, version, value };
}
