import { expect } from "chai";
import { Errors } from "../../../protocol/errors.ts";
import {
  ATTRIBUTES_OFFSET,
  BASE_TIMESTAMP_OFFSET,
  BatchBuilder,
  type BatchOptions,
  BatchSummary,
  CODEC,
  type CodecName,
  computeCrc,
  controlBatch,
  emptyBatch,
  MAX_RECORD_ERRORS,
  PRODUCER_ID_OFFSET,
  RECORD_COUNT_OFFSET,
  type RecordInput,
  setBaseOffset,
  setCrc,
  type ValidateOptions,
  validateBatch,
  validateProduced,
} from "../../../protocol/records/index.ts";

const NOW_MS = 1_780_000_000_000;
const HOUR_MS = 3_600_000;
const CODECS = Object.keys(CODEC) as CodecName[];

function optionsOf(changes: Partial<ValidateOptions> = {}): ValidateOptions {
  return {
    origin: "client",
    topicCompacted: false,
    timestampType: "CreateTime",
    messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
    messageTimestampAfterMaxMs: HOUR_MS,
    nowMs: NOW_MS,
    ...changes,
  };
}

function batchOf(records: RecordInput[], options: BatchOptions = {}): Buffer {
  const builder = new BatchBuilder(options);
  for (const record of records) builder.append(record);
  return builder.build();
}

/** The batch after `change`, with the CRC right again. */
function tamper(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  change(batch);
  setCrc(batch, 0, computeCrc(batch, 0, batch.length));
  return batch;
}

function judge(batch: Buffer, changes: Partial<ValidateOptions> = {}) {
  return validateProduced(batch, optionsOf(changes), new BatchSummary());
}

function judgeOfBroker(batch: Buffer, changes: Partial<ValidateOptions> = {}) {
  return validateBatch(batch, 0, batch.length, optionsOf({ origin: "broker", ...changes }), new BatchSummary());
}

const value = Buffer.from("value");
const key = Buffer.from("key");

describe("validateProduced", () => {
  for (const codec of CODECS) {
    it(`${codec}: reports count, timestamps and the offset of the largest, the first of equals`, () => {
      const timestamps = [NOW_MS - 5, NOW_MS + 7, -1, NOW_MS + 7, NOW_MS - 9];
      const batch = batchOf(
        timestamps.map(timestamp => ({ timestamp, value })),
        { codec: CODEC[codec] },
      );
      const summary = new BatchSummary();
      expect(validateProduced(batch, optionsOf(), summary)).to.equal(null);
      expect(summary).to.deep.include({
        sizeBytes: batch.length,
        recordCount: 5,
        lastOffsetDelta: 4,
        maxTimestamp: NOW_MS + 7,
        minTimestamp: NOW_MS - 9,
        offsetDeltaOfMaxTimestamp: 1,
        hasNullKey: true,
      });
    });

    it(`${codec}: a compacted topic refuses records without a key, and says which`, () => {
      const batch = batchOf([{ key, value }, { value }, { key }, { value }], { codec: CODEC[codec] });
      const fault = judge(batch, { topicCompacted: true });
      expect(fault?.code).to.equal(Errors.INVALID_RECORD);
      expect(fault?.recordErrors?.map(({ batchIndex }) => batchIndex)).to.deep.equal([1, 3]);
      expect(judge(batchOf([{ key }, { key, value }]), { topicCompacted: true })).to.equal(null);
    });

    it(`${codec}: timestamps out of range are refused under CreateTime only, and named`, () => {
      const records = [NOW_MS, NOW_MS + HOUR_MS + 1, NOW_MS - 2 * HOUR_MS, -1].map(timestamp => ({ timestamp, value }));
      const batch = batchOf(records, { codec: CODEC[codec] });
      const fault = judge(batch, { messageTimestampBeforeMaxMs: HOUR_MS });
      expect(fault?.code).to.equal(Errors.INVALID_TIMESTAMP);
      expect(fault?.recordErrors?.map(({ batchIndex }) => batchIndex)).to.deep.equal([1, 2]);
      expect(judge(batch, { messageTimestampBeforeMaxMs: HOUR_MS, timestampType: "LogAppendTime" })).to.equal(null);
    });

    it(`${codec}: content above the bound is refused`, () => {
      const batch = batchOf([{ value: Buffer.alloc(100_000, "x") }], { codec: CODEC[codec] });
      if (codec === "none") return;
      expect(judge(batch, { maxDecompressedBytes: 50_000 })?.code).to.equal(Errors.INVALID_RECORD);
      expect(judge(batch, { maxDecompressedBytes: 100_100 })).to.equal(null);
    });
  }

  it("timestamps at the edge of the range pass", () => {
    const records = [NOW_MS + HOUR_MS, NOW_MS - HOUR_MS].map(timestamp => ({ timestamp }));
    expect(judge(batchOf(records), { messageTimestampBeforeMaxMs: HOUR_MS })).to.equal(null);
  });

  it("the record errors of a batch are bounded", () => {
    const batch = batchOf(Array.from({ length: MAX_RECORD_ERRORS + 10 }, () => ({ value })));
    expect(judge(batch, { topicCompacted: true })?.recordErrors?.length).to.equal(MAX_RECORD_ERRORS);
  });

  const build = (options?: BatchOptions) => batchOf([{ timestamp: NOW_MS, key, value }], options);
  const writeInt64 = (position: number, number: bigint) => (batch: Buffer) => {
    batch.writeBigInt64BE(number, position);
  };
  const refused: [name: string, batch: Buffer, code: number][] = [
    [
      "a LogAppendTime batch",
      build({ timestampType: "LogAppendTime", logAppendTimeMs: NOW_MS }),
      Errors.INVALID_TIMESTAMP,
    ],
    [
      "a base timestamp above 2^53",
      tamper(build(), writeInt64(BASE_TIMESTAMP_OFFSET, 2n ** 60n)),
      Errors.INVALID_TIMESTAMP,
    ],
    [
      "a base timestamp below -2^53",
      tamper(build(), writeInt64(BASE_TIMESTAMP_OFFSET, -(2n ** 60n))),
      Errors.INVALID_TIMESTAMP,
    ],
    ["a producer id above 2^53", tamper(build(), writeInt64(PRODUCER_ID_OFFSET, 2n ** 60n)), Errors.INVALID_RECORD],
    ["a producer id without an epoch", build({ producerId: 4, baseSequence: 0 }), Errors.INVALID_RECORD],
    ["a producer id without a sequence", build({ producerId: 4, producerEpoch: 0 }), Errors.INVALID_RECORD],
    ["a transactional batch without a producer id", build({ transactional: true }), Errors.INVALID_RECORD],
    ["a control batch", controlBatch([{ type: "snapshotFooter" }], { timestamp: 1 }), Errors.INVALID_RECORD],
    ["an emptied batch", emptyBatch({ lastOffset: 0, maxTimestamp: 1 }), Errors.INVALID_RECORD],
    ["a gap in the offsets", batchOf([{ offset: 0 }, { offset: 2 }]), Errors.INVALID_RECORD],
    ["a base offset other than 0", build({ baseOffset: 1 }), Errors.INVALID_RECORD],
    [
      "2^31-1 records in a few bytes",
      tamper(build(), batch => batch.writeInt32BE(0x7fffffff, RECORD_COUNT_OFFSET)),
      Errors.INVALID_RECORD,
    ],
    ["two batches", Buffer.concat([build(), build()]), Errors.INVALID_RECORD],
    ["an unknown codec", tamper(build(), batch => batch.writeInt16BE(6, ATTRIBUTES_OFFSET)), Errors.INVALID_RECORD],
  ];
  for (const [name, batch, code] of refused) {
    it(`refuses ${name}`, () => {
      expect(judge(batch)?.code).to.equal(code);
    });
  }

  for (const codec of ["gzip", "lz4", "zstd"] as const) {
    it(`${codec}: refuses bytes after the compressed records`, () => {
      const batch = Buffer.concat([build({ codec: CODEC[codec] }), Buffer.from("junk")]);
      batch.writeInt32BE(batch.length - 12, 8);
      expect(judge(tamper(batch, () => {}))?.code).to.equal(Errors.INVALID_RECORD);
    });
  }
});

describe("validateBatch for brokers", () => {
  it("takes control batches, gaps, emptied batches and base offsets", () => {
    expect(judgeOfBroker(controlBatch([{ type: "snapshotFooter" }], { timestamp: 1, baseOffset: 9 }))).to.equal(null);
    expect(judgeOfBroker(batchOf([{ offset: 7 }, { offset: 12 }], { baseOffset: 5, lastOffset: 20 }))).to.equal(null);
    expect(judgeOfBroker(emptyBatch({ baseOffset: 3, lastOffset: 8, maxTimestamp: 6, codec: CODEC.lz4 }))).to.equal(
      null,
    );
  });

  it("a batch emptied by compaction keeps its maximum timestamp", () => {
    const batch = emptyBatch({ baseOffset: 3, lastOffset: 8, maxTimestamp: 6 });
    const summary = new BatchSummary();
    expect(validateBatch(batch, 0, batch.length, optionsOf({ origin: "broker" }), summary)).to.equal(null);
    expect(summary).to.deep.include({ recordCount: 0, maxTimestamp: 6, offsetDeltaOfMaxTimestamp: -1 });
  });

  it("LogAppendTime gives the batch's timestamp to its records", () => {
    const options = { timestampType: "LogAppendTime", logAppendTimeMs: 77 } as const;
    const batch = batchOf([{ timestamp: 1 }, { timestamp: 2 }], options);
    const summary = new BatchSummary();
    expect(validateBatch(batch, 0, batch.length, optionsOf({ origin: "broker" }), summary)).to.equal(null);
    expect(summary).to.deep.include({ maxTimestamp: 77, offsetDeltaOfMaxTimestamp: 0 });
  });

  it("refuses records after the last offset and offsets that do not rise", () => {
    expect(judgeOfBroker(batchOf([{ offset: 0 }, { offset: 5 }], { lastOffset: 4 }))?.code).to.equal(
      Errors.INVALID_RECORD,
    );
    const batch = batchOf([{ offset: 0 }]);
    setBaseOffset(batch, 0, -1);
    expect(judgeOfBroker(batch)?.code).to.equal(Errors.INVALID_RECORD);
  });

  it("finds the batch at a position inside a larger buffer", () => {
    const batch = batchOf([{ timestamp: NOW_MS, key, value }]);
    const buffer = Buffer.concat([Buffer.alloc(13, 0xff), batch, Buffer.alloc(9, 0xff)]);
    const summary = new BatchSummary();
    expect(validateBatch(buffer, 13, buffer.length, optionsOf(), summary)).to.equal(null);
    expect(summary.sizeBytes).to.equal(batch.length);
    expect(validateBatch(buffer, 13, 13 + batch.length - 1, optionsOf(), summary)?.code).to.equal(
      Errors.CORRUPT_MESSAGE,
    );
  });
});
