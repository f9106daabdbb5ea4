import { expect } from "chai";
import type { Decoder, Encoder } from "../../protocol/codec.ts";
import { UnsupportedVersionError } from "../../protocol/codec.ts";
import { decoderOf, encoderOf, exactEncoderOf, sourceOf } from "../../protocol/compile.ts";
import { interpretedDecoder, interpretedEncoder } from "../../protocol/interpret.ts";
import { MalformedError, Reader } from "../../protocol/reader.ts";
import {
  array,
  bigint64,
  bool,
  bytes,
  int8,
  int16,
  int32,
  int64,
  type Message,
  message,
  string,
  struct,
  uuid,
  type ValueOf,
} from "../../protocol/schema.ts";
import { Writer } from "../../protocol/writer.ts";

const Sample = message({
  name: "Sample",
  versions: "0-3",
  flexible: "2+",
  fields: {
    name: string("0+", { nullable: "1+" }),
    count: int32("1+", { default: -1 }),
    note: string("1+", { default: "", ignorable: true }),
    total: int64("0+"),
    wide: bigint64("3+", { default: 9223372036854775807n }),
    tags: array("1+", int16, { nullable: "2+", default: null }),
    flag: bool("2+", { tag: 1 }),
    inner: struct("2+", { id: uuid("2+"), data: bytes("2+") }, { tag: 0 }),
  },
});

const complete: ValueOf<typeof Sample> = {
  name: "a",
  count: 5,
  note: "",
  total: -3,
  wide: 9223372036854775807n,
  tags: [1, -1],
  flag: true,
  inner: { id: "AAAAAAAAAAAAAAAAAAAAAQ", data: Buffer.of(1, 2) },
};

for (const kind of ["compiled", "interpreted"] as const) {
  const decoder = (version: number) =>
    (kind === "compiled" ? decoderOf : interpretedDecoder)(Sample, version) as Decoder<unknown>;
  const encoder = (version: number) =>
    (kind === "compiled" ? encoderOf<Message> : interpretedEncoder)(Sample, version) as Encoder<object>;
  const encode = (version: number, value: object) => {
    const writer = new Writer();
    encoder(version)(writer, value);
    return Buffer.concat(writer.finish());
  };
  const decode = (version: number, bytes: Buffer) => decoder(version)(new Reader(bytes));

  describe(`${kind} codecs`, () => {
    it("decode a field that the version lacks to its default", () => {
      expect(decode(0, Buffer.of(0, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 9))).to.deep.equal({
        name: "a",
        count: -1,
        note: "",
        total: 9,
        wide: 9223372036854775807n,
        tags: null,
        flag: false,
        inner: { id: "AAAAAAAAAAAAAAAAAAAAAA", data: Buffer.alloc(0) },
      });
    });

    it("write tagged fields by ascending tag, and only those that are not at their default", () => {
      expect(decode(3, encode(3, complete))).to.deep.equal(complete);
      const head = [2, 0x61, 0, 0, 0, 5, 1, ...Array(7).fill(0xff), 0xfd, 3, 0, 1, 0xff, 0xff];
      const inner = [...Array(15).fill(0), 1, 3, 1, 2, 0];
      const both = Buffer.from([...head, 2, 0, inner.length, ...inner, 1, 1, 1]);
      expect(encode(2, complete)).to.deep.equal(both);
      const { flag: _, ...withoutFlag } = complete;
      const emptyInner = { id: "AAAAAAAAAAAAAAAAAAAAAA", data: Buffer.alloc(0) };
      expect(encode(2, { ...withoutFlag, inner: emptyInner })).to.deep.equal(Buffer.from([...head, 0]));
    });

    it("take the default of a field that is left out", () => {
      expect(encode(3, { name: null, total: 0 })).to.deep.equal(
        encode(3, { ...(decode(3, encode(3, { name: null, total: 0 })) as object) }),
      );
    });

    it("refuse a value that the version has no field for, unless it is ignorable or the default", () => {
      expect(() => encode(1, complete)).to.throw(UnsupportedVersionError, "Sample.flag is set, but version 1");
      const plain = { name: "a", total: 0, tags: null };
      expect(() => encode(0, { ...plain, count: 5 })).to.throw(UnsupportedVersionError, "Sample.count");
      expect(() => encode(2, { ...plain, wide: 5n })).to.throw(UnsupportedVersionError, "Sample.wide");
      expect(encode(0, { ...plain, count: -1, note: "dropped", wide: 9223372036854775807n })).to.have.length(11);
    });

    it("refuse values of the wrong kind", () => {
      expect(() => encode(1, { ...complete, name: undefined })).to.throw(Error);
      expect(() => encode(0, { name: null, total: 0 })).to.throw(TypeError);
      expect(() => encode(0, { name: 5, total: 0 })).to.throw(TypeError);
      expect(() => encode(0, { name: "a", total: 0.5 })).to.throw(RangeError);
      expect(() => encode(0, { name: "a", total: 5n })).to.throw(RangeError);
      expect(() => encode(2, { ...complete, flag: 1 })).to.throw(Error);
      expect(() => encode(2, { ...complete, tags: [70000] })).to.throw(RangeError);
      expect(() => encode(2, { ...complete, tags: 5 })).to.throw(TypeError);
      expect(() => encode(2, { ...complete, inner: { id: "!", data: Buffer.alloc(0) } })).to.throw(TypeError);
    });

    it("refuse null where the version has none", () => {
      expect(() => decode(0, Buffer.from("ffff0000000000000000", "hex"))).to.throw(
        MalformedError,
        "Sample.name is null",
      );
      const bytes = encode(1, { name: null, total: 0, tags: [] });
      bytes.fill(0xff, bytes.length - 4);
      expect(() => decode(1, bytes)).to.throw(MalformedError, "Sample.tags is null");
    });

    it("refuse a known tagged field whose size is not the one before it", () => {
      const bytes = encode(2, { ...complete, inner: { id: "AAAAAAAAAAAAAAAAAAAAAA", data: Buffer.alloc(0) } });
      expect(bytes.subarray(-4)).to.deep.equal(Buffer.of(1, 1, 1, 1));
      const longer = Buffer.concat([bytes.subarray(0, -2), Buffer.of(2, 1, 0)]);
      expect(() => decode(2, longer)).to.throw(MalformedError, "tagged field");
    });

    it("refuse an array that cannot fit before they allocate it", () => {
      const bytes = encode(1, { name: null, total: 0, tags: [] });
      bytes.writeInt32BE(2 ** 30, bytes.length - 4);
      expect(() => decode(1, bytes)).to.throw(MalformedError, "1073741824 elements");
    });

    it("refuse versions that the message does not have", () => {
      expect(() => decoder(4)).to.throw(UnsupportedVersionError, "Sample has versions 0-3, not 4");
      expect(() => encoder(-1)).to.throw(UnsupportedVersionError);
    });
  });
}

describe("compiled codecs", () => {
  it("give objects of one shape in all versions", () => {
    const keys = Object.keys(Sample.fields);
    const writer = new Writer();
    encoderOf(Sample, 0)(writer, { name: "a", total: 0, tags: null });
    const value = decoderOf(Sample, 0)(new Reader(Buffer.concat(writer.finish())));
    expect(Object.keys(value)).to.deep.equal(keys);
  });

  it("are kept", () => {
    expect(decoderOf(Sample, 1)).to.equal(decoderOf(Sample, 1));
    expect(encoderOf(Sample, 1)).to.equal(encoderOf(Sample, 1));
    expect(encoderOf(Sample, 1)).to.not.equal(exactEncoderOf(Sample, 1));
  });

  it("show their source and their name", () => {
    expect(sourceOf(Sample, 2, "decode")).to.match(/^function decodeSampleV2\(reader\) \{\n {2}const b = /);
    expect(sourceOf(Sample, 2, "encode", { exact: true })).to.include("writeBigint64");
    expect(decoderOf(Sample, 2).name).to.equal("decodeSampleV2");
    expect(() => sourceOf(Sample, 9, "decode")).to.throw(UnsupportedVersionError);
  });

  it("slice bytes instead of copying them", () => {
    const Blob = message({
      name: "Blob",
      versions: "0",
      flexible: "none",
      fields: { kind: int8("0"), data: bytes("0") },
    });
    const buffer = Buffer.of(1, 0, 0, 0, 2, 7, 8);
    const { data } = decoderOf(Blob, 0)(new Reader(buffer));
    buffer[5] = 9;
    expect(data).to.deep.equal(Buffer.of(9, 8));
  });
});
