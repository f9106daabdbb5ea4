import { crc32 } from "node:zlib";
import { expect } from "chai";
import {
  BatchFormatError,
  CODEC,
  compress,
  DecompressionError,
  decodeBatches,
  type LegacyBatch,
} from "../../../protocol/records/index.ts";

interface MessageInput {
  magic?: number;
  offset?: number;
  attributes?: number;
  timestamp?: number;
  value?: Buffer | null;
}

/** A message as Kafka 0.10 wrote it, with a null key. */
function message({ magic = 1, offset = 0, attributes = 0, timestamp = 5, value = null }: MessageInput): Buffer {
  const body = Buffer.alloc(magic === 1 ? 18 : 10);
  body.writeInt8(magic, 0);
  body.writeInt8(attributes, 1);
  if (magic === 1) body.writeBigInt64BE(BigInt(timestamp), 2);
  body.writeInt32BE(-1, body.length - 8);
  body.writeInt32BE(value?.length ?? -1, body.length - 4);
  const content = Buffer.concat([body, value ?? Buffer.alloc(0)]);
  const head = Buffer.alloc(16);
  head.writeBigInt64BE(BigInt(offset), 0);
  head.writeInt32BE(4 + content.length, 8);
  head.writeUInt32BE(crc32(content), 12);
  return Buffer.concat([head, content]);
}

function wrap(inner: Buffer, outer: MessageInput = {}): Buffer {
  return message({
    offset: 9,
    ...outer,
    attributes: CODEC.gzip | (outer.attributes ?? 0),
    value: compress(CODEC.gzip, inner),
  });
}

function decodeOne(bytes: Buffer): LegacyBatch {
  return decodeBatches(bytes).batches[0] as LegacyBatch;
}

describe("message sets of magic 0 and 1", () => {
  it("offsets inside a magic 1 wrapper are relative to its last", () => {
    const batch = decodeOne(wrap(Buffer.concat([message({ offset: 0 }), message({ offset: 3 })]), { offset: 103 }));
    expect(batch.records.map(({ offset }) => offset)).to.deep.equal([100, 103]);
    expect(batch).to.deep.include({ baseOffset: 100, lastOffset: 103 });
  });

  it("offsets inside a magic 0 wrapper are absolute", () => {
    const inner = Buffer.concat([message({ magic: 0, offset: 50 }), message({ magic: 0, offset: 51 })]);
    const batch = decodeOne(wrap(inner, { magic: 0, offset: 51 }));
    expect(batch.records.map(({ offset, timestamp }) => [offset, timestamp])).to.deep.equal([
      [50, -1],
      [51, -1],
    ]);
  });

  it("a wrapper with LogAppendTime gives its timestamp to what it holds", () => {
    const batch = decodeOne(wrap(message({ timestamp: 5 }), { attributes: 0x08, timestamp: 77 }));
    expect(batch).to.deep.include({ timestampType: "LogAppendTime", maxTimestamp: 77 });
    expect(batch.records[0]?.timestamp).to.equal(77);
  });

  const damaged = message({ value: Buffer.from("v") });
  damaged[damaged.length - 1]! ^= 1;
  for (const [name, bytes] of [
    ["a CRC that does not match", damaged],
    ["a CRC inside a wrapper that does not match", wrap(damaged)],
    ["a wrapper in a wrapper", wrap(wrap(message({})))],
    ["another magic in a wrapper", wrap(message({ magic: 0 }))],
    ["a wrapper without a value", message({ attributes: CODEC.gzip })],
    ["a wrapper without messages", wrap(Buffer.alloc(0))],
    ["a wrapper that is cut", wrap(message({}).subarray(0, 20))],
    ["a wrapper that is cut in an offset", wrap(Buffer.concat([message({}), Buffer.alloc(5)]))],
    ["an unknown codec", message({ attributes: 6, value: Buffer.from("v") })],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(() => decodeBatches(bytes)).to.throw(BatchFormatError);
    });
  }

  it("refuses a wrapper that is damaged, or larger than allowed", () => {
    const junk = message({ attributes: CODEC.gzip, value: Buffer.from("junk") });
    expect(() => decodeBatches(junk)).to.throw(DecompressionError);
    const bomb = wrap(message({ value: Buffer.alloc(1 << 20) }));
    expect(() => decodeBatches(bomb, 1 << 16)).to.throw(DecompressionError);
  });
});
