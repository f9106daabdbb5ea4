import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { expect } from "chai";
import fc from "fast-check";
import { MAX_SCRATCH_BYTES } from "../../../protocol/records/compression/scratch.ts";
import { readWholeFrame } from "../../../protocol/records/compression/zstd-frame.ts";
import {
  CODEC,
  type CodecName,
  compress,
  DecompressionError,
  decompress,
  decompressTransiently,
} from "../../../protocol/records/index.ts";

const CODECS = Object.keys(CODEC) as CodecName[];
const MAX_SIZE_BYTES = 1 << 24;

/** What a decoder says of a payload: its content, or that there is none. */
function verdict(decode: typeof decompress, codec: CodecName, payload: Buffer, maxSizeBytes = MAX_SIZE_BYTES): string {
  try {
    return Buffer.from(decode(CODEC[codec], payload, { maxSizeBytes })).toString("latin1");
  } catch (error) {
    if (!(error instanceof DecompressionError)) throw error;
    return error.message;
  }
}

function expectSameVerdict(codec: CodecName, payload: Buffer, maxSizeBytes?: number): void {
  const expected = verdict(decompress, codec, payload, maxSizeBytes);
  expect(verdict(decompressTransiently, codec, payload, maxSizeBytes) === expected, expected.slice(0, 80)).to.equal(
    true,
  );
}

/** Bytes of some size that compress like text does. */
function text(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  for (let index = 0; index < sizeBytes; index++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    bytes[index] = index > 50 && seed % 5 !== 0 ? bytes[index - 37]! : 97 + (seed % 26);
  }
  return bytes;
}

describe("decompressTransiently", () => {
  for (const codec of CODECS) {
    it(`${codec}: says what decompress says, of good, damaged and cut payloads in any order`, () => {
      const sizeBytes = fc.oneof(fc.nat(100), fc.nat(10_000), fc.nat(300_000));
      const payload = fc.record({
        sizeBytes,
        how: fc.constantFrom("good", "damaged", "cut", "followed"),
        where: fc.nat(),
      });
      fc.assert(
        fc.property(fc.array(payload, { minLength: 1, maxLength: 6 }), fc.nat(), (payloads, seed) => {
          for (const { sizeBytes, how, where } of payloads) {
            const whole = Buffer.from(compress(CODEC[codec], text(sizeBytes, seed)));
            if (how === "damaged" && whole.length > 0) whole[where % whole.length]! ^= 1 + (where % 255);
            if (how === "cut") expectSameVerdict(codec, whole.subarray(0, where % (whole.length + 1)), 500_000);
            else if (how === "followed")
              expectSameVerdict(codec, Buffer.concat([whole, Buffer.from([where & 1])]), 500_000);
            else expectSameVerdict(codec, whole, 500_000);
          }
        }),
        { numRuns: 60 },
      );
    });

    it(`${codec}: keeps the bound, around the size of what is kept too`, () => {
      for (const sizeBytes of [1, 65_536, MAX_SCRATCH_BYTES - 1, MAX_SCRATCH_BYTES, MAX_SCRATCH_BYTES + 1]) {
        const payload = compress(CODEC[codec], text(sizeBytes));
        expectSameVerdict(codec, payload, sizeBytes);
        expectSameVerdict(codec, payload, sizeBytes - 1);
      }
    });

    it(`${codec}: uses the same memory for one payload after the other`, () => {
      if (codec === "none") return;
      const payload = compress(CODEC[codec], text(100_000));
      const options = { maxSizeBytes: MAX_SIZE_BYTES };
      const first = decompressTransiently(CODEC[codec], payload, options);
      const second = decompressTransiently(CODEC[codec], payload, options);
      expect(second.buffer).to.equal(first.buffer);
      expect(second.equals(text(100_000))).to.equal(true);
    });
  }

  it("takes several members or frames, and content whose size is told wrongly or not at all", () => {
    const [one, two] = [text(90_000), text(70_000, 5)];
    const lying = Buffer.from(gzipSync(one));
    lying.writeUInt32LE(3, lying.length - 4);
    expectSameVerdict("gzip", Buffer.concat([gzipSync(one), gzipSync(two)]));
    expectSameVerdict("gzip", lying);
    const untold = { params: { [constants.ZSTD_c_contentSizeFlag]: 0, [constants.ZSTD_c_checksumFlag]: 1 } };
    for (const frame of [zstdCompressSync(one, untold), zstdCompressSync(text(900_000), untold)]) {
      expect(readWholeFrame(frame)?.contentBytes).to.equal(null);
      expectSameVerdict("zstd", frame);
      expectSameVerdict("zstd", Buffer.concat([frame, zstdCompressSync(two)]));
    }
  });

  it("is not led astray by a zstd frame that was cut between two others", () => {
    const good = zstdCompressSync(text(200_000));
    expectSameVerdict("zstd", good);
    for (let sizeBytes = 0; sizeBytes < good.length; sizeBytes += 997) {
      expectSameVerdict("zstd", good.subarray(0, sizeBytes));
      expect(decompressTransiently(CODEC.zstd, good, { maxSizeBytes: MAX_SIZE_BYTES }).equals(text(200_000))).to.equal(
        true,
      );
    }
  });
});

describe("readWholeFrame", () => {
  it("tells the size of content, and takes a frame from its first byte to its last only", () => {
    for (const sizeBytes of [0, 1, 255, 256, 257, 65_791, 65_792, 300_000]) {
      for (const flag of [0, 1]) {
        const frame = zstdCompressSync(text(sizeBytes), { params: { [constants.ZSTD_c_checksumFlag]: flag } });
        expect(readWholeFrame(frame)?.windowBytes).to.be.a("number");
        expect([sizeBytes, null]).to.include(readWholeFrame(frame)!.contentBytes);
        expect(readWholeFrame(frame.subarray(0, -1))).to.equal(null);
        expect(readWholeFrame(Buffer.concat([frame, frame]))).to.equal(null);
      }
    }
  });

  it("tells the window of a frame whose size is not told", () => {
    const params = { [constants.ZSTD_c_contentSizeFlag]: 0, [constants.ZSTD_c_windowLog]: 20 };
    expect(readWholeFrame(zstdCompressSync(text(3_000_000), { params }))?.windowBytes).to.equal(1 << 20);
  });
});
