import { expect } from "chai";
import fc from "fast-check";
import {
  BatchBuilder,
  BatchFormatError,
  BatchSummary,
  CODEC,
  type CodecName,
  computeCrc,
  DecompressionError,
  decodeBatches,
  decodeRecords,
  forEachRecord,
  type RecordInput,
  setCrc,
  type ValidateOptions,
  validateBatch,
  validateProduced,
} from "../../../protocol/records/index.ts";
import { vectors } from "./vectors.ts";

const CODECS = Object.keys(CODEC) as CodecName[];
const MAX_DECOMPRESSED_BYTES = 1 << 20;

const options: ValidateOptions = {
  origin: "client",
  topicCompacted: false,
  timestampType: "CreateTime",
  messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
  nowMs: 0,
  maxDecompressedBytes: MAX_DECOMPRESSED_BYTES,
};

const bytes = fc.option(
  fc.oneof(
    { weight: 5, arbitrary: fc.uint8Array({ maxLength: 90 }) },
    fc.uint8Array({ minLength: 60, maxLength: 20_000 }),
  ),
);
const record: fc.Arbitrary<RecordInput> = fc.record({
  timestamp: fc.oneof(
    fc.constant(-1),
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
    fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
  ),
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: fc.string({ unit: "grapheme" }), value: bytes }), { maxLength: 3 }),
});
const records = fc.array(record, { minLength: 1, maxLength: 40 });

const asBuffer = (value: Uint8Array | null | undefined) => (value == null ? null : Buffer.from(value));

describe("record batches", () => {
  for (const codec of CODECS) {
    it(`${codec}: what is built is valid and decodes to the same records`, () => {
      fc.assert(
        fc.property(records, inputs => {
          const builder = new BatchBuilder({ codec: CODEC[codec] });
          for (const input of inputs) builder.append(input);
          const batch = builder.build();
          const summary = new BatchSummary();
          expect(validateProduced(batch, options, summary)).to.equal(null);
          const expected = inputs.map((input, offset) => ({
            offset,
            timestamp: input.timestamp,
            key: asBuffer(input.key),
            value: asBuffer(input.value),
            headers: input.headers!.map(({ key, value }) => ({ key, value: asBuffer(value) })),
          }));
          expect(decodeRecords(batch)).to.deep.equal(expected);

          const timestamps = inputs.map(({ timestamp }) => timestamp!);
          const maxTimestamp = Math.max(-1, ...timestamps);
          expect(summary.maxTimestamp).to.equal(maxTimestamp);
          expect(summary.offsetDeltaOfMaxTimestamp).to.equal(
            maxTimestamp === -1 ? -1 : timestamps.indexOf(maxTimestamp),
          );
          let visited = 0;
          forEachRecord(batch, 0, ({ offset, timestamp }) => {
            expect([offset, timestamp]).to.deep.equal([visited, timestamps[visited]]);
            visited++;
          });
          expect(visited).to.equal(inputs.length);
        }),
        { numRuns: 100 },
      );
    });
  }

  /** Bytes flipped, cut or spliced; and, so that damage gets past the CRC, the CRC of the result put right. */
  const mutation = fc.record({
    vector: fc.nat(vectors.length - 1),
    edits: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
    nearStart: fc.boolean(),
    cut: fc.option(fc.nat()),
    fixCrc: fc.boolean(),
  });

  function mutate({
    vector,
    edits,
    nearStart,
    cut,
    fixCrc,
  }: typeof mutation extends fc.Arbitrary<infer T> ? T : never) {
    let mutant = Buffer.from(vectors[vector]!.bytes.subarray(0, 4096));
    for (const [where, byte] of edits) {
      if (mutant.length > 0) mutant[where % Math.min(mutant.length, nearStart ? 90 : mutant.length)] = byte;
    }
    if (cut !== null) mutant = mutant.subarray(0, cut % (mutant.length + 1));
    if (fixCrc && mutant.length >= 61) {
      mutant.writeInt32BE(mutant.length - 12, 8);
      setCrc(mutant, 0, computeCrc(mutant, 0, mutant.length));
    }
    return mutant;
  }

  it("whatever bytes come, judging returns a fault, or the batch decodes; nothing is changed, nothing else thrown", () => {
    let accepted = 0;
    fc.assert(
      fc.property(mutation, fc.constantFrom("client", "broker"), (input, origin) => {
        const mutant = mutate(input);
        const before = Buffer.from(mutant);
        const fault =
          origin === "client"
            ? validateProduced(mutant, options, new BatchSummary())
            : validateBatch(mutant, 0, mutant.length, { ...options, origin }, new BatchSummary());
        expect(mutant.equals(before)).to.equal(true);
        if (fault !== null) {
          expect(fault.code).to.be.oneOf([2, 32, 87]);
          expect(fault.message).to.be.a("string").and.not.equal("");
        } else {
          accepted++;
          const decoded = decodeRecords(mutant, 0, MAX_DECOMPRESSED_BYTES);
          for (const { offset, timestamp } of decoded)
            expect(Number.isSafeInteger(offset) && Number.isSafeInteger(timestamp)).to.equal(true);
        }
      }),
      { numRuns: 10_000 },
    );
    // Some 190 of them, with a standard deviation of 14.
    expect(accepted, "some mutants are still good").to.be.above(100);
  });

  it("whatever bytes come, the reader of all magics decodes them or throws a format error", () => {
    fc.assert(
      fc.property(mutation, input => {
        try {
          decodeBatches(mutate(input), MAX_DECOMPRESSED_BYTES);
        } catch (error) {
          if (!(error instanceof BatchFormatError) && !(error instanceof DecompressionError)) throw error;
        }
      }),
      { numRuns: 4000 },
    );
  });

  it("random record bytes under a good header never escape their bounds", () => {
    const header = new BatchBuilder().append({ timestamp: 0 }).build().subarray(0, 61);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 4 }), (body, count) => {
        const batch = Buffer.concat([header, body]);
        batch.writeInt32BE(batch.length - 12, 8);
        batch.writeInt32BE(count - 1, 23);
        batch.writeInt32BE(count, 57);
        setCrc(batch, 0, computeCrc(batch, 0, batch.length));
        // What follows in memory must play no part.
        const inside = Buffer.concat([batch, Buffer.alloc(64, 0)]).subarray(0, batch.length);
        const fault = validateProduced(inside, options, new BatchSummary());
        expect(validateProduced(batch, options, new BatchSummary())).to.deep.equal(fault);
        let decodes = true;
        try {
          decodeRecords(inside);
        } catch {
          decodes = false;
        }
        if (fault === null) expect(decodes).to.equal(true);
      }),
      { numRuns: 5000 },
    );
  });
});
