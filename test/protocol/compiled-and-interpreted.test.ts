import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import fc from "fast-check";
import type { Decoder, Encoder } from "../../protocol/codec.ts";
import { decoderOf, encoderOf, exactDecoderOf, exactEncoderOf } from "../../protocol/compile.ts";
import { interpretedDecoder, interpretedEncoder } from "../../protocol/interpret.ts";
import { Reader } from "../../protocol/reader.ts";
import type { Message } from "../../protocol/schema.ts";
import { Writer } from "../../protocol/writer.ts";
import { messages, versionsOf } from "./messages.ts";
import { structArbitrary } from "./random-values.ts";

/** Values tried for each version of each message, and ways to damage each. */
const VALUES_PER_VERSION = 15;
const MUTATIONS_PER_VALUE = 6;

type Outcome = { value: unknown; position: number } | { error: string };

const mutation = fc.record({
  cutAt: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 3 }),
  changes: fc.array(
    fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), to: fc.integer({ min: 0, max: 255 }) }),
    {
      minLength: 1,
      maxLength: 3,
    },
  ),
});

describe("compiled and interpreted codecs", () => {
  for (const message of messages.values()) {
    it(`of ${message.name} agree on random values and on damaged bytes, in all versions`, () => {
      for (const version of versionsOf(message)) compare(message, version);
    });
  }
});

function compare(message: Message, version: number): void {
  const encode: Encoder<never> = encoderOf(message, version);
  const interpretedEncode: Encoder<never> = interpretedEncoder(message, version);
  const pairs: [Decoder<unknown>, Decoder<unknown>][] = [
    [decoderOf(message, version), interpretedDecoder(message, version)],
    [exactDecoderOf(message, version), interpretedDecoder(message, version, { exact: true })],
  ];
  const inputs = fc.tuple(
    structArbitrary(message.fields, version),
    fc.array(mutation, { minLength: MUTATIONS_PER_VALUE, maxLength: MUTATIONS_PER_VALUE }),
  );
  const property = fc.property(inputs, ([value, mutations]) => {
    const bytes = write(encode, value);
    expectSame(bytes, write(interpretedEncode, value), "bytes");
    expectSame((read(pairs[0][0], bytes) as { value: unknown }).value, value, "what was encoded");
    const exact = (read(pairs[1][0], bytes) as { value: unknown }).value;
    expectSame(write(exactEncoderOf(message, version) as Encoder<never>, exact), bytes, "exact bytes");
    for (const [compiled, interpreted] of pairs) {
      expectSame(read(compiled, bytes), read(interpreted, bytes), "value");
      for (const damaged of mutations.map(mutation => mutate(bytes, mutation))) {
        expectSame(read(compiled, damaged), read(interpreted, damaged), `outcome of ${damaged.toString("hex")}`);
      }
    }
  });
  fc.assert(property, { numRuns: VALUES_PER_VERSION, seed: message.key * 100 + version, endOnFailure: true });
}

function mutate(bytes: Buffer, { cutAt, changes }: { cutAt: number | null; changes: { at: number; to: number }[] }) {
  const damaged = Buffer.from(cutAt === null ? bytes : bytes.subarray(0, Math.floor(cutAt * bytes.length)));
  for (const { at, to } of changes) if (damaged.length > 0) damaged[Math.floor(at * (damaged.length - 1))] = to;
  return damaged;
}

function write(encoder: Encoder<never>, value: unknown): Buffer {
  const writer = new Writer();
  encoder(writer, value as never);
  return Buffer.concat(writer.finish());
}

function read(decoder: Decoder<unknown>, bytes: Buffer): Outcome {
  const reader = new Reader(bytes);
  try {
    return { value: decoder(reader), position: reader.position };
  } catch (error) {
    return { error: (error as Error).name };
  }
}

function expectSame(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual, what).to.deep.equal(expected);
}
