import { expect } from "chai";
import fc from "fast-check";
import { compressFrameSync, decompressFrameSync } from "lz4-napi";
import { compressSync, uncompressSync } from "snappy";
import { xxhash32 } from "../../../protocol/records/compression/xxhash32.ts";
import {
  BatchBuilder,
  BatchSummary,
  CODEC,
  type CodecName,
  checkBatch,
  compress,
  DecompressionError,
  decodeRecords,
  decompress,
  producerIdAt,
  recompress,
  validateBatch,
} from "../../../protocol/records/index.ts";

const CODECS = (Object.keys(CODEC) as CodecName[]).filter(codec => codec !== "none");
const MAX = { maxSizeBytes: 1 << 24 };

/** Bytes with runs, repeats near and far, and noise. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
      fc
        .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 70_000 }))
        .map(([b, n]) => Buffer.alloc(n, b)),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 3000 }))
        .map(([b, n]) => Buffer.alloc(n * b.length, b)),
    ),
    { maxLength: 8 },
  )
  .map(parts => Buffer.concat(parts));

describe("compression", () => {
  for (const codec of CODECS) {
    it(`${codec}: any content comes back`, () => {
      fc.assert(
        fc.property(content, bytes => {
          const compressed = compress(CODEC[codec], bytes);
          expect(decompress(CODEC[codec], compressed, MAX).equals(bytes)).to.equal(true);
        }),
        { numRuns: 60 },
      );
    });

    it(`${codec}: chunks are compressed as one`, () => {
      const compressed = compress(CODEC[codec], [Buffer.from("one"), Buffer.from("two")]);
      expect(decompress(CODEC[codec], compressed, MAX).toString()).to.equal("onetwo");
    });

    it(`${codec}: a bound below the content is kept, one at it suffices`, () => {
      for (const sizeBytes of [1, 1000, 65_536, 65_537, 300_000]) {
        const compressed = compress(CODEC[codec], Buffer.alloc(sizeBytes, "ab"));
        expect(decompress(CODEC[codec], compressed, { maxSizeBytes: sizeBytes }).length).to.equal(sizeBytes);
        expect(() => decompress(CODEC[codec], compressed, { maxSizeBytes: sizeBytes - 1 })).to.throw(
          DecompressionError,
        );
      }
    });

    it(`${codec}: a bomb is refused without being unpacked`, () => {
      const bomb = compress(CODEC[codec], Buffer.alloc(256 << 20));
      const before = process.memoryUsage().rss;
      expect(() => decompress(CODEC[codec], bomb, { maxSizeBytes: 1 << 20 })).to.throw(DecompressionError);
      expect(process.memoryUsage().rss - before).to.be.below(64 << 20);
    }).timeout(60_000);

    it(`${codec}: damaged or cut bytes fail as DecompressionError or decode within the bound`, () => {
      fc.assert(
        fc.property(content, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (bytes, where, xor, cut) => {
          const compressed = Buffer.from(compress(CODEC[codec], bytes));
          const position = where % compressed.length;
          if (!cut) compressed[position]! ^= xor;
          const damaged = cut ? compressed.subarray(0, position) : compressed;
          try {
            expect(decompress(CODEC[codec], damaged, { maxSizeBytes: 100_000 }).length).to.be.at.most(100_000);
          } catch (error) {
            expect(error).to.be.instanceOf(DecompressionError);
          }
        }),
        { numRuns: 150 },
      );
    });
  }

  it("unknown codecs are refused", () => {
    for (const codec of [5, 6, 7])
      expect(() => decompress(codec, Buffer.alloc(4), MAX)).to.throw(DecompressionError, "unknown codec");
  });

  it("recompress changes the codec and nothing else", () => {
    const options = { producerId: 77, producerEpoch: 3, baseSequence: 12, baseOffset: 40, leaderEpoch: 2 };
    const build = (codec: CodecName) => {
      const builder = new BatchBuilder({ ...options, codec: CODEC[codec] });
      for (let index = 0; index < 50; index++)
        builder.append({ timestamp: 1000 + index, value: Buffer.alloc(50, index) });
      return builder.build();
    };
    const all = Object.keys(CODEC) as CodecName[];
    for (const from of all) {
      for (const to of all) {
        const batch = recompress(build(from), CODEC[to]);
        expect(batch.equals(build(to)), `${from} to ${to}`).to.equal(true);
        expect(checkBatch(batch, 0, batch.length)).to.equal(null);
        expect(producerIdAt(batch, 0)).to.equal(77);
      }
    }
  });
});

describe("snappy", () => {
  it("raw blocks and blocks in the xerial framing are both read", () => {
    const bytes = Buffer.from("some bytes ".repeat(9000));
    expect(decompress(CODEC.snappy, compressSync(bytes), MAX).equals(bytes)).to.equal(true);
    const framed = compress(CODEC.snappy, bytes);
    expect(framed.subarray(0, 16).toString("hex")).to.equal("82534e41505059000000000100000001");
    expect((uncompressSync(framed.subarray(20, 20 + framed.readInt32BE(16))) as Buffer).length).to.equal(32 * 1024);
  });

  it("raw blocks of the reference library are read as it reads them, whole or damaged", () => {
    fc.assert(
      fc.property(content, fc.nat(), fc.integer({ min: 0, max: 255 }), (bytes, where, xor) => {
        const block = Buffer.from(compressSync(bytes));
        block[where % block.length]! ^= xor;
        let expected: Buffer | null = null;
        try {
          expected = uncompressSync(block) as Buffer;
        } catch {}
        let ours: Buffer | null = null;
        try {
          ours = decompress(CODEC.snappy, block, MAX);
        } catch {}
        expect(ours?.toString("hex")).to.equal(expected?.toString("hex"));
      }),
      { numRuns: 200 },
    );
  });

  it("framed streams may follow one another", () => {
    const joined = Buffer.concat([compress(CODEC.snappy, Buffer.from("a")), compress(CODEC.snappy, Buffer.from("b"))]);
    expect(decompress(CODEC.snappy, joined, MAX).toString()).to.equal("ab");
  });

  it("a preamble that promises more than its block can hold is refused before allocation", () => {
    const lie = Buffer.from([0xff, 0xff, 0xff, 0x07, 0x00]);
    expect(() => decompress(CODEC.snappy, lie, { maxSizeBytes: 1 << 30 })).to.throw(DecompressionError, "cannot hold");
  });
});

describe("lz4", () => {
  it("frames of the reference library are read, with and without checksums", () => {
    fc.assert(
      fc.property(content, fc.boolean(), fc.boolean(), (bytes, contentChecksum, blockChecksums) => {
        const frame = compressFrameSync(bytes, { contentChecksum, blockChecksums });
        expect(decompress(CODEC.lz4, frame, MAX).equals(bytes)).to.equal(true);
      }),
      { numRuns: 60 },
    );
  });

  it("the reference library reads our frames", () => {
    fc.assert(
      fc.property(content, bytes => {
        expect(decompressFrameSync(compress(CODEC.lz4, bytes)).equals(bytes)).to.equal(true);
      }),
      { numRuns: 60 },
    );
  });

  it("frames are Kafka's: 64 KiB independent blocks, header checksum, end mark", () => {
    const frame = compress(CODEC.lz4, Buffer.alloc(100_000, "x"));
    expect(frame.subarray(0, 7).toString("hex")).to.equal("04224d18604082");
    expect(frame.subarray(-4).toString("hex")).to.equal("00000000");
  });

  /** A frame with one stored block, its flags and what they call for. */
  function frameOf(flags: number, descriptor: number, extra: Buffer, tail: Buffer): Buffer {
    const described = Buffer.concat([Buffer.from([flags, descriptor]), extra]);
    const checksum = Buffer.from([(xxhash32(described, 0, described.length) >>> 8) & 0xff]);
    const magic = Buffer.from("04224d18", "hex");
    return Buffer.concat([magic, described, checksum, Buffer.from("0200008061620000000000".slice(0, 20), "hex"), tail]);
  }
  const none = Buffer.alloc(0);

  it("content size is passed over", () => {
    const sizeField = Buffer.from("0200000000000000", "hex");
    expect(decompress(CODEC.lz4, frameOf(0x68, 0x40, sizeField, none), MAX).toString()).to.equal("ab");
  });

  for (const [name, frame] of [
    ["another version", frameOf(0xa0, 0x40, none, none)],
    ["dependent blocks", frameOf(0x40, 0x40, none, none)],
    ["a dictionary", frameOf(0x61, 0x40, none, none)],
    ["an unknown block size", frameOf(0x60, 0x30, none, none)],
    ["bytes after the frame", frameOf(0x60, 0x40, none, Buffer.from([1]))],
    ["a wrong content checksum", frameOf(0x64, 0x40, none, Buffer.alloc(4))],
    ["no magic", Buffer.from("not lz4 at all")],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(() => decompress(CODEC.lz4, frame, MAX)).to.throw(DecompressionError);
    });
  }

  it("only readers of magic 0 pass over a wrong header checksum", () => {
    const frame = frameOf(0x60, 0x40, none, none);
    frame[6]! ^= 1;
    expect(() => decompress(CODEC.lz4, frame, MAX)).to.throw(DecompressionError, "header checksum");
    expect(decompress(CODEC.lz4, frame, { ...MAX, verifyLz4HeaderChecksum: false }).toString()).to.equal("ab");
  });

  it("xxhash32 is that of the published values", () => {
    expect(xxhash32(Buffer.from(""), 0, 0)).to.equal(0x02cc5d05);
    expect(xxhash32(Buffer.from("abc"), 0, 3)).to.equal(0x32d153ff);
    const text = Buffer.from("Nobody inspects the spammish repetition");
    expect(xxhash32(text, 0, text.length)).to.equal(0xe2293b2f);
  });
});

describe("zstd", () => {
  it("frames may follow one another, and share the bound", () => {
    const joined = Buffer.concat([compress(CODEC.zstd, Buffer.from("a")), compress(CODEC.zstd, Buffer.from("b"))]);
    expect(decompress(CODEC.zstd, joined, MAX).toString()).to.equal("ab");
    expect(() => decompress(CODEC.zstd, joined, { maxSizeBytes: 1 })).to.throw(DecompressionError);
  });
});

describe("compressed batches", () => {
  for (const codec of CODECS) {
    it(`${codec}: levels change size, not content`, () => {
      for (const level of codec === "zstd" ? [-5, 1, 19] : [1, 9]) {
        const builder = new BatchBuilder({ codec: CODEC[codec], level });
        const batch = builder.append({ timestamp: 1, value: Buffer.alloc(5000, "level") }).build();
        const options = {
          origin: "client",
          topicCompacted: false,
          timestampType: "CreateTime",
          messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
          messageTimestampAfterMaxMs: 0,
          nowMs: 1,
        } as const;
        expect(validateBatch(batch, 0, batch.length, options, new BatchSummary())).to.equal(null);
        expect(decodeRecords(batch)[0]?.value?.length).to.equal(5000);
      }
    });
  }
});
