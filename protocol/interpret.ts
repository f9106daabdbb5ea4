/**
 * Plain codecs: closures built from the schema, one per field, over {@link Reader} and {@link Writer}.
 *
 * They do what compiled codecs do, more slowly and in a way that is easy to check by reading, and serve tests as the oracle. They can also
 * do what compiled ones cannot: keep tagged fields that the schema does not know, so that a message can be passed on as it came.
 */
import { checkVersion, type Decoder, type Encoder, throwUnsupported } from "./codec.ts";
import {
  defaultValue,
  type Format,
  isCompact,
  isNullable,
  layoutOf,
  minElementSizeOf,
  type NamedField,
  NULL_STRUCT,
  NULL_TAGGED_STRUCT,
} from "./layout.ts";
import { type Reader, throwNull, throwTagSize } from "./reader.ts";
import type { ArrayField, Field, Fields, Message, PrimitiveKind } from "./schema.ts";
import { includesVersion } from "./schema.ts";
import { throwType, Writer } from "./writer.ts";

export interface InterpretOptions {
  /** Whether 64-bit integers all are bigint. */
  readonly exact?: boolean;
  /** Whether decoded structs carry their unknown tagged fields, and encoded ones write them back. */
  readonly keepUnknownTags?: boolean;
}

/** A tagged field that the schema does not know. */
export interface UnknownTag {
  readonly tag: number;
  readonly content: Buffer;
}

/** Where a decoded struct carries its unknown tagged fields: an array of {@link UnknownTag}, by ascending tag. */
export const unknownTags: unique symbol = Symbol("unknownTags");

/** A decoded struct. */
export interface Struct {
  [name: string]: unknown;
  [unknownTags]?: UnknownTag[];
}

/** As {@link decoderOf} of `compile.ts`. */
export function interpretedDecoder(message: Message, version: number, options: InterpretOptions = {}): Decoder<Struct> {
  return codecOf(message, version, options).decode as Decoder<Struct>;
}

/** As {@link encoderOf} of `compile.ts`. */
export function interpretedEncoder(message: Message, version: number, options: InterpretOptions = {}): Encoder<Struct> {
  return codecOf(message, version, options).encode as Encoder<Struct>;
}

/** Both directions of one type. */
interface Codec {
  decode(reader: Reader): unknown;
  encode(writer: Writer, value: unknown): void;
}

interface Context extends Format, InterpretOptions {
  readonly exact: boolean;
}

function codecOf(message: Message, version: number, options: InterpretOptions): Codec {
  checkVersion(message, version);
  const flexible = includesVersion(message.flexible, version);
  return structCodec(message.fields, message.name, { ...options, exact: options.exact ?? false, version, flexible });
}

function structCodec(fields: Fields, path: string, context: Context): Codec {
  const { all, plain, tagged, absent } = layoutOf(fields, context);
  const withCodec = (nullMarker: number) => (named: NamedField) => ({
    ...named,
    codec: fieldCodec(named.field, `${path}.${named.name}`, nullMarker, context),
  });
  const plainCodecs = plain.map(withCodec(NULL_STRUCT));
  const taggedCodecs = tagged.map(withCodec(NULL_TAGGED_STRUCT));
  return {
    decode(reader) {
      const value: Struct = {};
      for (const { name, field } of all) value[name] = defaultValue(field, context.exact);
      for (const { name, codec } of plainCodecs) value[name] = codec.decode(reader);
      if (context.flexible) decodeTags(reader, value, taggedCodecs, path, context);
      return value;
    },
    encode(writer, value) {
      if (typeof value !== "object" || value === null) throwType(`struct (${path})`, value);
      const struct = value as Struct;
      for (const { name, field } of absent) {
        if (field.ignorable || !differsFromDefault(field, struct[name], context)) continue;
        throwUnsupported(`${path}.${name}`, context.version);
      }
      for (const { name, field, codec } of plainCodecs) codec.encode(writer, orDefault(field, struct[name], context));
      if (context.flexible) encodeTags(writer, struct, taggedCodecs, context);
    },
  };
}

interface FieldWithCodec extends NamedField {
  readonly codec: Codec;
}

function decodeTags(reader: Reader, value: Struct, known: FieldWithCodec[], path: string, context: Context): void {
  let tag = -1;
  for (let count = reader.unsignedVarint(); count > 0; count--) {
    tag = reader.tag(tag);
    const sizeBytes = reader.unsignedVarint();
    const start = reader.skip(sizeBytes);
    const field = known.find(({ field }) => field.tag === tag);
    if (field !== undefined) {
      reader.position = start;
      value[field.name] = field.codec.decode(reader);
      if (reader.position !== start + sizeBytes) throwTagSize(path);
    } else if (context.keepUnknownTags) {
      const kept = value[unknownTags] ?? [];
      kept.push({ tag, content: reader.buffer.subarray(start, start + sizeBytes) });
      value[unknownTags] = kept;
    }
  }
}

function encodeTags(writer: Writer, value: Struct, known: FieldWithCodec[], context: Context): void {
  const sections = context.keepUnknownTags ? [...(value[unknownTags] ?? [])] : [];
  for (const { name, field, codec } of known) {
    if (!differsFromDefault(field, value[name], context)) continue;
    const content = new Writer();
    codec.encode(content, value[name]);
    sections.push({ tag: field.tag, content: Buffer.concat(content.finish()) });
  }
  sections.sort((a, b) => a.tag - b.tag);
  writer.unsignedVarint(sections.length);
  for (const { tag, content } of sections) {
    writer.unsignedVarint(tag);
    writer.unsignedVarint(content.length);
    writer.raw(content);
  }
}

function fieldCodec(field: Field, path: string, nullMarker: number, context: Context): Codec {
  const nullable = isNullable(field, context);
  const compact = isCompact(field, context);
  if (field.kind === "array") return arrayCodec(field, nullable, compact, path, context);
  if (field.kind !== "struct") return primitiveCodec(field.kind, nullable, compact, path, context);
  const struct = structCodec(field.fields, path, context);
  if (!nullable) return struct;
  const isNull = (marker: number) => (nullMarker === NULL_STRUCT ? marker < 0 : marker === nullMarker);
  return {
    decode: reader => (isNull(reader.int8()) ? null : struct.decode(reader)),
    encode(writer, value) {
      writer.int8(value === null ? nullMarker : 1);
      if (value !== null) struct.encode(writer, value);
    },
  };
}

function arrayCodec(field: ArrayField, nullable: boolean, compact: boolean, path: string, context: Context): Codec {
  const { element } = field;
  const codec =
    typeof element === "string"
      ? primitiveCodec(element, false, context.flexible, path, context)
      : structCodec(element, path, context);
  const minSizeBytes = minElementSizeOf(element, context);
  return {
    decode(reader) {
      const count = reader.arrayCount(compact, minSizeBytes);
      if (count < 0) return nullable ? null : throwNull(path);
      return Array.from({ length: count }, () => codec.decode(reader));
    },
    encode(writer, value) {
      if (value === null && nullable) return encodeLength(writer, -1, compact);
      if (!Array.isArray(value)) throwType(`array (${path})`, value);
      encodeLength(writer, value.length, compact);
      for (const item of value) codec.encode(writer, item);
    },
  };
}

function primitiveCodec(
  kind: PrimitiveKind,
  nullable: boolean,
  compact: boolean,
  path: string,
  { exact }: Context,
): Codec {
  switch (kind) {
    case "string":
      return {
        decode: reader => reader.nullableString(compact) ?? (nullable ? null : throwNull(path)),
        encode(writer, value) {
          if (nullable) writer.nullableString(value as string | null, compact);
          else writer.string(value as string, compact);
        },
      };
    case "bytes":
    case "records":
      return {
        decode(reader) {
          const sizeBytes = reader.bytesSize(compact);
          return sizeBytes >= 0 ? reader.slice(sizeBytes) : nullable ? null : throwNull(path);
        },
        encode(writer, value) {
          if (value === null && nullable) encodeLength(writer, -1, compact);
          else writer.bytes(value as Buffer, compact);
        },
      };
    default: {
      const method = kind === "int64" && exact ? "bigint64" : kind;
      return {
        decode: reader => reader[method](),
        encode: (writer, value) => writer[method](value as never),
      };
    }
  }
}

function encodeLength(writer: Writer, length: number, compact: boolean): void {
  if (compact) writer.unsignedVarint(length + 1);
  else writer.int32(length);
}

/** The default of a field that may be left out and was. */
function orDefault(field: Field, value: unknown, { exact }: Context): unknown {
  const mayBeLeftOut = field.default !== undefined || field.tag >= 0;
  return value === undefined && mayBeLeftOut ? defaultValue(field, exact) : value;
}

function differsFromDefault(field: Field, value: unknown, context: Context): boolean {
  if (value === undefined) return false;
  if (field.default === null || value === null) return value !== field.default;
  if (field.kind === "struct") {
    return Object.entries(field.fields).some(([name, inner]) =>
      differsFromDefault(inner, (value as Struct)[name], context),
    );
  }
  if (field.kind === "array" || field.kind === "bytes" || field.kind === "records") {
    return (value as unknown[] | Buffer).length > 0;
  }
  const isWide = field.kind === "int64" || field.kind === "bigint64";
  const fallback = defaultValue(field, context.exact);
  // 64-bit values may come as number or bigint, which only the loose comparison takes for the same.
  // biome-ignore lint/suspicious/noDoubleEquals: see above
  return isWide ? value != fallback : value !== fallback;
}
