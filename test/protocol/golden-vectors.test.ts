import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import type { Decoder, Encoder } from "../../protocol/codec.ts";
import { decoderOf, encoderOf, exactDecoderOf, exactEncoderOf } from "../../protocol/compile.ts";
import { interpretedDecoder, interpretedEncoder, type Struct, unknownTags } from "../../protocol/interpret.ts";
import { Reader } from "../../protocol/reader.ts";
import type { Message } from "../../protocol/schema.ts";
import { Writer } from "../../protocol/writer.ts";
import { expectedStruct, fitsNumbers, type JsonObject, saturated } from "./expected-values.ts";
import { fixtureNames, messageNamed, messages, readFixtureLines, versionsOf } from "./messages.ts";

interface Vector {
  message: string;
  version: number;
  variant: string;
  hex: string;
  json?: JsonObject;
  unknownTags?: { path: string; tag: number; hex: string }[];
}

const notMessages = ["apiversions.jsonl.gz", "files.jsonl.gz", "frames.jsonl.gz", "records.jsonl.gz"];
const files = fixtureNames("vectors").filter(name => !notMessages.includes(name));

describe("golden vectors of Apache Kafka", () => {
  const seen = new Set<string>();

  for (const file of files) {
    it(`${file}: every message decodes to Kafka's value and encodes to Kafka's bytes`, () => {
      for (const vector of readFixtureLines<Vector>(`vectors/${file}`)) {
        const name = `${vector.message} v${vector.version} ${vector.variant}`;
        seen.add(`${vector.message} v${vector.version}`);
        try {
          checkVector(vector);
        } catch (error) {
          throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
        }
      }
    });
  }

  it("hold every version of every message, but for ListOffsets v0 which Kafka no longer has", () => {
    const all = [...messages.values()].flatMap(message =>
      versionsOf(message).map(version => `${message.name} v${version}`),
    );
    expect(all.filter(name => !seen.has(name))).to.deep.equal(["ListOffsetsRequest v0", "ListOffsetsResponse v0"]);
  });
});

function checkVector(vector: Vector): void {
  const schema = messageNamed(vector.message);
  const { version } = vector;
  const bytes = Buffer.from(vector.hex, "hex");
  const exact = decode(exactDecoderOf(schema, version), bytes);
  if (vector.json !== undefined) expectSame(exact, expectedStruct(schema.fields, vector.json), "exact decoding");
  expectSame(decode(decoderOf(schema, version), bytes), saturated(schema.fields, exact), "decoding");
  if (vector.unknownTags === undefined) {
    expectHex(encode(exactEncoderOf(schema, version), exact), vector.hex, "exact encoding");
    if (fitsNumbers(schema.fields, exact)) {
      const value = saturated(schema.fields, exact);
      expectHex(encode(encoderOf<Message>(schema, version), value), vector.hex, "encoding");
    }
  } else checkUnknownTags(vector, schema, bytes, exact);
}

/**
 * Compiled decoders drop unknown tags, so their bytes cannot come back. Interpreted ones can keep them: those must be the tags Kafka put in,
 * and with them the bytes must come back; without them, compiled and interpreted encoders must agree.
 */
function checkUnknownTags({ version, hex, ...vector }: Vector, schema: Message, bytes: Buffer, exact: Struct): void {
  const options = { exact: true, keepUnknownTags: true };
  const whole = decode(interpretedDecoder(schema, version, options), bytes);
  const found = tagsIn(whole, "").sort(byPathAndTag);
  expectSame(found, [...(vector.unknownTags ?? [])].sort(byPathAndTag), "unknown tags");
  expectHex(encode(interpretedEncoder(schema, version, options), whole), hex, "encoding with unknown tags");
  const known = encode(interpretedEncoder(schema, version, { exact: true }), exact);
  expectHex(encode(exactEncoderOf(schema, version), exact), known, "encoding without unknown tags");
}

function tagsIn(value: unknown, path: string): { path: string; tag: number; hex: string }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => tagsIn(item, `${path}[${index}]`));
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return [];
  const own = (value as Struct)[unknownTags] ?? [];
  return [
    ...own.map(({ tag, content }) => ({ path, tag, hex: content.toString("hex") })),
    ...Object.entries(value).flatMap(([name, inner]) => tagsIn(inner, `${path}.${name}`)),
  ];
}

function byPathAndTag(a: { path: string; tag: number }, b: { path: string; tag: number }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : a.tag - b.tag;
}

function decode(decoder: Decoder<unknown>, bytes: Buffer): Struct {
  const reader = new Reader(bytes);
  const value = decoder(reader);
  reader.expectEnd();
  return value as Struct;
}

function encode(encoder: Encoder<Struct>, value: Struct): string {
  const writer = new Writer();
  encoder(writer, value);
  return Buffer.concat(writer.finish()).toString("hex");
}

function expectSame(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual, what).to.deep.equal(expected);
}

function expectHex(actual: string, expected: string, what: string): void {
  if (actual !== expected) expect(actual, what).to.equal(expected);
}
