/**
 * Fast codecs: for a message in one version, a function is written as source, compiled on first use and kept.
 *
 * The functions appear in profiles and stack traces under their message's name; {@link sourceOf} prints any of them. `interpret.ts` holds
 * slow twins that tests compare them with.
 */
import { checkVersion, type Decoder, type Direction, type Encoder, throwUnsupported } from "./codec.ts";
import { decoderSource } from "./compile-decoder.ts";
import { encoderSource } from "./compile-encoder.ts";
import { type Format, NO_BYTES } from "./layout.ts";
import {
  readInt64,
  readString,
  readUuid,
  writeInt32,
  writeInt64,
  writeString,
  writeUnsignedVarint,
  writeUuid,
} from "./primitives.ts";
import { throwNull, throwTagSize, throwTooLong, throwTooMany, throwTooShort } from "./reader.ts";
import { type InputOf, includesVersion, type Message, type ValueOf } from "./schema.ts";
import { sizeOfBytes, throwRange, throwType, Writer, writeBigint64 } from "./writer.ts";

/** Whether 64-bit integers all are bigint; for traces and proxies that must not lose a bit. */
export interface CodecOptions {
  readonly exact?: boolean;
}

/** The decoder of a message in one version. Throws UnsupportedVersionError when there is no such version. */
export function decoderOf<M extends Message>(message: M, version: number): Decoder<ValueOf<M>> {
  const { decoders } = codecsOf(message);
  return (decoders[version] ?? compileInto(decoders, message, version, "decode", false)) as Decoder<ValueOf<M>>;
}

/** The encoder of a message in one version. Throws UnsupportedVersionError when there is no such version. */
export function encoderOf<M extends Message>(message: M, version: number): Encoder<InputOf<M>> {
  const { encoders } = codecsOf(message);
  return (encoders[version] ?? compileInto(encoders, message, version, "encode", false)) as Encoder<InputOf<M>>;
}

/** As {@link decoderOf}, but every 64-bit integer comes as bigint. */
export function exactDecoderOf(message: Message, version: number): Decoder<Record<string, unknown>> {
  const { exactDecoders } = codecsOf(message);
  const decoder = exactDecoders[version] ?? compileInto(exactDecoders, message, version, "decode", true);
  return decoder as Decoder<Record<string, unknown>>;
}

/** As {@link encoderOf}, but every 64-bit integer may be a bigint. */
export function exactEncoderOf(message: Message, version: number): Encoder<Record<string, unknown>> {
  const { exactEncoders } = codecsOf(message);
  const encoder = exactEncoders[version] ?? compileInto(exactEncoders, message, version, "encode", true);
  return encoder as Encoder<Record<string, unknown>>;
}

/** The source of a codec, for people to read. */
export function sourceOf(
  message: Message,
  version: number,
  direction: Direction,
  { exact = false }: CodecOptions = {},
): string {
  checkVersion(message, version);
  const format: Format = { version, flexible: includesVersion(message.flexible, version) };
  return direction === "decode" ? decoderSource(message, format, exact) : encoderSource(message, format, exact);
}

/** Codecs compiled so far, by version. */
interface Codecs {
  readonly decoders: Decoder<unknown>[];
  readonly encoders: Encoder<never>[];
  readonly exactDecoders: Decoder<unknown>[];
  readonly exactEncoders: Encoder<never>[];
}

const compiled = new WeakMap<Message, Codecs>();

function codecsOf(message: Message): Codecs {
  let codecs = compiled.get(message);
  if (codecs === undefined) {
    codecs = { decoders: [], encoders: [], exactDecoders: [], exactEncoders: [] };
    compiled.set(message, codecs);
  }
  return codecs;
}

/** What the sources call. */
const runtime = {
  NO_BYTES,
  Writer,
  readInt64,
  readString,
  readUuid,
  sizeOfBytes,
  throwNull,
  throwRange,
  throwTagSize,
  throwTooLong,
  throwTooMany,
  throwTooShort,
  throwType,
  throwUnsupported,
  writeBigint64,
  writeInt32,
  writeInt64,
  writeString,
  writeUnsignedVarint,
  writeUuid,
};

/** Compiles a codec and keeps it. */
function compileInto<Codec>(
  codecs: Codec[],
  message: Message,
  version: number,
  direction: Direction,
  exact: boolean,
): Codec {
  const source = sourceOf(message, version, direction, { exact });
  const url = `samsa/protocol/${message.name}-v${version}-${direction}${exact ? "-exact" : ""}.js`;
  const names = Object.keys(runtime).filter(name => source.includes(name));
  const make = new Function(
    "runtime",
    `"use strict";\nconst { ${names.join(", ")} } = runtime;\nreturn ${source}//# sourceURL=${url}`,
  );
  const codec = make(runtime) as Codec;
  codecs[version] = codec;
  return codec;
}
