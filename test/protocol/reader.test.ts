import { expect } from "chai";
import { MalformedError, Reader } from "../../protocol/reader.ts";

const reader = (...bytes: number[]) => new Reader(Buffer.from(bytes));

describe("Reader", () => {
  it("reads a part of a buffer and knows what remains", () => {
    const part = new Reader(Buffer.of(9, 1, 2, 9), 1, 3);
    expect(part.int16()).to.equal(0x0102);
    expect(part.remaining).to.equal(0);
    expect(() => part.int8()).to.throw(MalformedError, "1 bytes needed, 0 left");
  });

  it("refuses a range outside of its buffer", () => {
    expect(() => new Reader(Buffer.alloc(2), 3)).to.throw(RangeError);
    expect(() => new Reader(Buffer.alloc(2), 0, 3)).to.throw(RangeError);
  });

  it("saturates 64-bit integers that no number holds", () => {
    const int64 = (value: bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(value);
      return new Reader(bytes).int64();
    };
    const most = BigInt(Number.MAX_SAFE_INTEGER);
    expect(int64(2n ** 63n - 1n)).to.equal(Number.MAX_SAFE_INTEGER);
    expect(int64(most + 1n)).to.equal(Number.MAX_SAFE_INTEGER);
    expect(int64(most)).to.equal(Number.MAX_SAFE_INTEGER);
    expect(int64(-(2n ** 63n))).to.equal(Number.MIN_SAFE_INTEGER);
    expect(int64(-most - 1n)).to.equal(Number.MIN_SAFE_INTEGER);
    expect(int64(-most)).to.equal(Number.MIN_SAFE_INTEGER);
    expect(int64(-1n)).to.equal(-1);
    expect(int64(-4294967296n)).to.equal(-4294967296);
  });

  it("takes varints of up to 32 bits", () => {
    expect(reader(0x7f).unsignedVarint()).to.equal(127);
    expect(reader(0x80, 0x01).unsignedVarint()).to.equal(128);
    expect(reader(0xff, 0xff, 0xff, 0xff, 0x0f).unsignedVarint()).to.equal(0xffffffff);
    expect(reader(0x01).varint()).to.equal(-1);
    expect(reader(0xff, 0xff, 0xff, 0xff, 0x0f).varint()).to.equal(-2147483648);
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 0x10).unsignedVarint()).to.throw(MalformedError, "32 bits");
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 0xff, 0x01).unsignedVarint()).to.throw(MalformedError, "32 bits");
    expect(() => reader(0x80).unsignedVarint()).to.throw(MalformedError);
  });

  it("checks lengths against the bytes that remain", () => {
    expect(() => reader(0x00, 0x03, 0x61).string()).to.throw(MalformedError, "3 bytes needed, 1 left");
    expect(() => reader(0x7f, 0xff, 0xff, 0xff).arrayCount(false, 1)).to.throw(MalformedError, "2147483647 elements");
    expect(() => reader(0x03, 0, 0, 0, 0, 0).arrayCount(true, 4)).to.throw(MalformedError, "2 elements");
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 0x0f).bytesSize(true)).to.throw(MalformedError);
  });

  it("refuses a compact string of more than 32,767 bytes", () => {
    const bytes = Buffer.concat([Buffer.of(0x81, 0x80, 0x02), Buffer.alloc(32768, 0x61)]);
    expect(() => new Reader(bytes).string(true)).to.throw(MalformedError, "32768");
    expect(new Reader(Buffer.concat([Buffer.of(0x80, 0x80, 0x02), bytes.subarray(3)])).string(true)).to.have.length(
      32767,
    );
  });

  it("replaces invalid UTF-8 as Java does", () => {
    expect(reader(0x00, 0x03, 0x61, 0xff, 0x62).string()).to.equal("a\ufffdb");
    expect(reader(0x00, 0x03, 0xe2, 0x82, 0x61).string()).to.equal("\ufffda");
  });

  it("tells strings apart that fall into the same slot of the table of recent ones", () => {
    for (let index = 0; index < 5000; index++) {
      const text = `topic-${index * 7919}`;
      for (const word of [text, text.slice(1)]) {
        const bytes = Buffer.concat([Buffer.of(0, word.length), Buffer.from(word)]);
        expect(new Reader(bytes).string()).to.equal(word);
      }
    }
  });

  it("skips tagged fields in ascending order only", () => {
    const tags = reader(2, 5, 1, 0xaa, 9, 0);
    tags.skipTags();
    expect(tags.remaining).to.equal(0);
    expect(() => reader(2, 5, 0, 5, 0).skipTags()).to.throw(MalformedError, "tag 5 comes after tag 5");
    expect(() => reader(2, 5, 0, 4, 0).skipTags()).to.throw(MalformedError, "tag 4 comes after tag 5");
    expect(() => reader(1, 5, 2, 0).skipTags()).to.throw(MalformedError);
  });
});
