/** Our codecs against Apache Kafka's: what one compresses the other reads, and both refuse the same damage. */
import { expect } from "chai";
import { CODEC, compress, decompress } from "../../protocol/records/compression/index.ts";
import {
  KafkaCodec,
  KafkaCodecError,
  type KafkaCodecName,
  type Lz4BlockSize,
  type Lz4Flag,
} from "../support/kafka-codec.ts";
import { requireKafkaTools } from "../support/kafka-tools.ts";

const LIMIT = { maxSizeBytes: 16 * 1024 * 1024 };
const KIB = 1024;
/** Around the blocks of LZ4 (64 KiB) and of snappy's framing (32 KiB). */
const SIZES = [
  0,
  1,
  100,
  32 * KIB - 1,
  32 * KIB,
  32 * KIB + 1,
  64 * KIB - 1,
  64 * KIB,
  64 * KIB + 1,
  200_000,
  1024 * KIB,
];
const CODECS: readonly KafkaCodecName[] = ["gzip", "snappy", "lz4", "zstd"];

/** `text` shrinks, `noise` does not, so that blocks are stored as they are. */
const CONTENTS = { text, noise };

describe("codecs and Apache Kafka's", function () {
  this.timeout(60_000);
  let kafka: KafkaCodec;

  before(function () {
    requireKafkaTools(this);
    kafka = KafkaCodec.start();
  });
  after(() => kafka?.stop());

  for (const codec of CODECS) {
    for (const [kind, make] of Object.entries(CONTENTS)) {
      it(`${codec}: Kafka reads what we compress of ${kind}, and we what it compresses, at any size`, async () => {
        for (const sizeBytes of SIZES) {
          const content = make(sizeBytes);
          const ours = await kafka.decompress(codec, compress(CODEC[codec], content));
          expect(ours.equals(content), `ours, ${sizeBytes} bytes`).to.equal(true);
          const theirs = decompress(CODEC[codec], await kafka.compress(codec, content), LIMIT);
          expect(theirs.equals(content), `Kafka's, ${sizeBytes} bytes`).to.equal(true);
        }
      });
    }
  }

  const flagSets: readonly (readonly Lz4Flag[])[] = [
    [],
    ["CONTENT_CHECKSUM"],
    ["BLOCK_CHECKSUM"],
    ["CONTENT_SIZE"],
    ["CONTENT_SIZE", "BLOCK_CHECKSUM", "CONTENT_CHECKSUM"],
  ];
  const frames = (["SIZE_64KB", "SIZE_256KB", "SIZE_1MB"] as const).flatMap(blockSize =>
    flagSets.map(flags => ({ blockSize, flags: ["BLOCK_INDEPENDENCE", ...flags] as Lz4Flag[] })),
  );

  for (const { blockSize, flags } of frames) {
    it(`lz4 frame of several blocks of ${blockSize} with ${flags.join(", ")}: read as Kafka reads it`, async () => {
      const content = Buffer.concat([text(700_000), noise(300_000), text(500_001)]);
      const frame = await kafka.lz4Frame(content, blockSize, flags);
      expect((await kafka.decompress("lz4", frame)).equals(content)).to.equal(true);
      expect(decompress(CODEC.lz4, frame, LIMIT).equals(content)).to.equal(true);
    });
  }

  it("lz4 frame of several blocks with a wrong content checksum: refused here, passed over by Kafka", async () => {
    const frame = await contentChecked("SIZE_64KB");
    frame[frame.length - 1]! ^= 1;
    expect(() => decompress(CODEC.lz4, frame, LIMIT)).to.throw(/content checksum/);
    expect((await kafka.decompress("lz4", frame)).length).to.equal(300_000);
  });

  it("lz4 frame of several blocks with a wrong block checksum: refused by both", async () => {
    const frame = await kafka.lz4Frame(text(300_000), "SIZE_64KB", ["BLOCK_INDEPENDENCE", "BLOCK_CHECKSUM"]);
    const secondBlock = 7 + 4 + frame.readUInt32LE(7) + 4;
    // The last byte of the second block's checksum.
    frame[secondBlock + 4 + frame.readUInt32LE(secondBlock) + 3]! ^= 1;
    expect(() => decompress(CODEC.lz4, frame, LIMIT)).to.throw(/block checksum/);
    expect(await kafka.decompress("lz4", frame).catch((error: unknown) => error)).to.be.instanceOf(KafkaCodecError);
  });

  const contentChecked = (blockSize: Lz4BlockSize): Promise<Buffer> =>
    kafka.lz4Frame(text(300_000), blockSize, ["BLOCK_INDEPENDENCE", "CONTENT_CHECKSUM"]);
});

function text(sizeBytes: number): Buffer {
  const lines: string[] = [];
  for (let number = 0, length = 0; length < sizeBytes; number += 1) {
    const line = `{"id":${(number * 2_654_435_761) >>> 0},"user":"user-${number % 977}"}\n`;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(lines.join("").slice(0, sizeBytes));
}

function noise(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = 1;
  for (let position = 0; position < sizeBytes; position += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[position] = state >>> 24;
  }
  return bytes;
}
