import { expect } from "chai";
import { Reader } from "../../protocol/reader.ts";
import { Writer } from "../../protocol/writer.ts";

describe("Writer", () => {
  it("goes on in the next slab when one is full", () => {
    const writer = new Writer();
    for (let index = 0; index < 100_000; index++) writer.int32(index);
    expect(writer.sizeBytes).to.equal(400_000);
    const chunks = writer.finish();
    expect(chunks.length).to.be.greaterThan(5);
    const whole = Buffer.concat(chunks);
    for (let index = 0; index < 100_000; index++) expect(whole.readInt32BE(index * 4)).to.equal(index);
  });

  it("shares slabs with writers that are open at the same time, each keeping its own bytes", () => {
    const writers = Array.from({ length: 20 }, () => new Writer());
    for (let round = 0; round < 50; round++) {
      for (const [index, writer] of writers.entries()) writer.string(`writer ${index} round ${round}`);
    }
    for (const [index, writer] of writers.entries()) {
      const reader = new Reader(Buffer.concat(writer.finish()));
      for (let round = 0; round < 50; round++) expect(reader.string()).to.equal(`writer ${index} round ${round}`);
      reader.expectEnd();
    }
  });

  it("never gives out the same bytes twice", () => {
    const finished: { text: string; chunks: Buffer[] }[] = [];
    for (let index = 0; index < 3000; index++) {
      const text = `${index}`.repeat(1 + (index % 40));
      const writer = new Writer();
      writer.string(text);
      finished.push({ text, chunks: writer.finish() });
    }
    for (const { text, chunks } of finished) expect(new Reader(Buffer.concat(chunks)).string()).to.equal(text);
  });

  it("splices large buffers in and copies small ones", () => {
    const [small, large] = [Buffer.alloc(1024, 1), Buffer.alloc(1025, 2)];
    const writer = new Writer();
    writer.int8(7);
    writer.bytes([small, large]);
    writer.int8(8);
    const chunks = writer.finish();
    expect(chunks).to.have.length(3);
    expect(chunks[1]).to.equal(large);
    expect(Buffer.concat(chunks)).to.deep.equal(Buffer.concat([Buffer.of(7, 0, 0, 8, 1), small, large, Buffer.of(8)]));
  });

  it("begins anew after finish", () => {
    const writer = new Writer();
    writer.int8(1);
    writer.finish();
    expect(writer.sizeBytes).to.equal(0);
    writer.int8(2);
    expect(Buffer.concat(writer.finish())).to.deep.equal(Buffer.of(2));
  });

  it("refuses values that do not fit", () => {
    const writer = new Writer();
    expect(() => writer.int8(128)).to.throw(RangeError, "128 does not fit int8");
    expect(() => writer.int16(-32769)).to.throw(RangeError);
    expect(() => writer.uint16(-1)).to.throw(RangeError);
    expect(() => writer.int32(0.5)).to.throw(RangeError);
    expect(() => writer.uint32(2 ** 32)).to.throw(RangeError);
    expect(() => writer.int64(2 ** 53)).to.throw(RangeError);
    expect(() => writer.bigint64(2n ** 63n)).to.throw(RangeError);
    for (const text of [
      "short",
      "AAAAAAAAAAAAAAAAAAAAA!",
      "AAAAAAAAAA\u0441AAAAAAAAAAA",
      "AAAAAAAAAAAAAAAAAAAA==",
      "",
    ]) {
      expect(() => writer.uuid(text), text).to.throw(TypeError, "is no uuid");
    }
    expect(() => writer.string("é".repeat(16384))).to.throw(RangeError, "32768 bytes");
    expect(() => writer.string(undefined as never)).to.throw(TypeError);
  });

  it("writes uuids that are read as they were", () => {
    for (const text of [
      "AAAAAAAAAAAAAAAAAAAAAA",
      "_-_-_-_-_-_-_-_-_-_-_w",
      "MkU3OEVBNTcwNTJENDM2Qg",
      "2aHNE4QsTH6H_zIW2AfPkQ",
    ]) {
      const writer = new Writer();
      writer.uuid(text);
      const bytes = Buffer.concat(writer.finish());
      expect(bytes.toString("base64url")).to.equal(text);
      expect(new Reader(bytes).uuid()).to.equal(text);
    }
  });

  it("writes text of any kind as Java reads it", () => {
    for (const text of ["", "plain", "größe", "日本語", "🙂", "x".repeat(200), `${"y".repeat(63)}é`]) {
      for (const compact of [false, true]) {
        const writer = new Writer();
        writer.string(text, compact);
        const bytes = Buffer.concat(writer.finish());
        expect(new Reader(bytes).string(compact)).to.equal(text);
        expect(bytes.subarray(-Buffer.byteLength(text) || bytes.length).toString()).to.equal(text);
      }
    }
  });
});
