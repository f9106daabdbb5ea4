import { expect } from "chai";
import fc from "fast-check";
import {
  attributesAt,
  BatchBuilder,
  baseOffsetAt,
  checkBatch,
  computeCrc,
  crc32c,
  crcAt,
  decodeRecords,
  lastSequenceAt,
  maxTimestampAt,
  readInt64,
  sequenceAfter,
  setBaseOffset,
  setPartitionLeaderEpoch,
  stampTimestamps,
  timestampTypeOf,
  writeInt64,
} from "../../../protocol/records/index.ts";
import {
  readVarint,
  readVarlong,
  varintEnd,
  varintSizeBytes,
  writeVarint,
  writeVarlong,
} from "../../../protocol/records/varint.ts";

describe("batch header", () => {
  it("64-bit numbers are written as BigInt writes them and read back exactly", () => {
    const buffer = Buffer.alloc(12);
    fc.assert(
      fc.property(fc.maxSafeInteger(), value => {
        writeInt64(buffer, 2, value);
        expect(buffer.readBigInt64BE(2)).to.equal(BigInt(value));
        expect(readInt64(buffer, 2)).to.equal(value);
      }),
    );
  });

  it("64-bit numbers beyond the safe integers never read as safe ones", () => {
    const buffer = Buffer.alloc(8);
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), value => {
        buffer.writeBigInt64BE(value);
        const isSafe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
        expect(Number.isSafeInteger(readInt64(buffer, 0))).to.equal(isSafe);
      }),
    );
  });

  it("base offset and leader epoch change without the CRC", () => {
    const batch = new BatchBuilder().append({ timestamp: 5, value: Buffer.from("v") }).build();
    const crc = crcAt(batch, 0);
    setBaseOffset(batch, 0, 2 ** 40 + 7);
    setPartitionLeaderEpoch(batch, 0, 12);
    expect(baseOffsetAt(batch, 0)).to.equal(2 ** 40 + 7);
    expect(crcAt(batch, 0))
      .to.equal(crc)
      .and.to.equal(computeCrc(batch, 0, batch.length));
    expect(checkBatch(batch, 0, batch.length)).to.equal(null);
  });

  it("sequences wrap from 2^31-1 to 0", () => {
    expect(sequenceAfter(2 ** 31 - 2, 3)).to.equal(1);
    const builder = new BatchBuilder({ producerId: 1, producerEpoch: 0, baseSequence: 2 ** 31 - 1 });
    const batch = builder.append({}).append({}).build();
    expect(lastSequenceAt(batch, 0)).to.equal(0);
    expect(decodeRecords(batch).map(({ sequence }) => sequence)).to.deep.equal([2 ** 31 - 1, 0]);
  });
});

describe("stampTimestamps", () => {
  const build = () => new BatchBuilder().append({ timestamp: 1000 }).append({ timestamp: 1005 }).build();

  it("LogAppendTime sets type, timestamp of all records and CRC", () => {
    const batch = build();
    stampTimestamps(batch, 0, "LogAppendTime", 2000);
    expect(timestampTypeOf(attributesAt(batch, 0))).to.equal("LogAppendTime");
    expect(checkBatch(batch, 0, batch.length)).to.equal(null);
    expect(decodeRecords(batch).map(({ timestamp }) => timestamp)).to.deep.equal([2000, 2000]);
  });

  it("CreateTime corrects a wrong maximum and clears the type", () => {
    const batch = build();
    stampTimestamps(batch, 0, "LogAppendTime", 2000);
    stampTimestamps(batch, 0, "CreateTime", 1005);
    expect(batch.equals(build())).to.equal(true);
    expect(maxTimestampAt(batch, 0)).to.equal(1005);
  });
});

describe("crc32c", () => {
  it("is that of the standard's check value, and may be taken in pieces", () => {
    const bytes = Buffer.from("--123456789--");
    expect(crc32c(bytes, 2, 11)).to.equal(0xe3069283);
    expect(crc32c(bytes, 6, 11, crc32c(bytes, 2, 6))).to.equal(0xe3069283);
  });
});

describe("varint", () => {
  const buffer = Buffer.alloc(16);

  it("32-bit integers come back, in the size announced", () => {
    fc.assert(
      fc.property(fc.integer(), value => {
        const end = writeVarint(buffer, 1, value);
        expect(end - 1).to.equal(varintSizeBytes(value));
        expect(readVarint(buffer, 1, end)).to.equal(value);
        expect(varintEnd).to.equal(end);
        readVarint(buffer, 1, end - 1);
        expect(varintEnd, "cut by a byte").to.equal(-1);
      }),
    );
  });

  it("64-bit integers come back, in the size announced, and as 32-bit ones where they are", () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer()), value => {
        const end = writeVarlong(buffer, 0, value);
        expect(end).to.equal(varintSizeBytes(value));
        expect(readVarlong(buffer, 0, end)).to.equal(value);
        expect(varintEnd).to.equal(end);
        if (value === (value | 0)) expect(readVarint(buffer, 0, end)).to.equal(value);
      }),
    );
  });

  it("a sixth and an eleventh byte are refused", () => {
    buffer.fill(0xff);
    readVarint(buffer, 0, 16);
    expect(varintEnd).to.equal(-1);
    readVarlong(buffer, 0, 16);
    expect(varintEnd).to.equal(-1);
  });
});
