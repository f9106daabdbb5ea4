import { createRequire } from "node:module";
import { expect } from "chai";
import fc from "fast-check";
import { murmur2, partitionOfKey } from "../../../src/cli/client/murmur2.ts";

const kafkajsMurmur2 = createRequire(import.meta.url)("kafkajs/src/producer/partitioners/default/murmur2") as (
  key: Buffer,
) => number;

describe("murmur2", () => {
  it("gives the hashes that Kafka's own tests name", () => {
    const vectors: [string, number][] = [
      ["21", -973932308],
      ["foobar", -790332482],
      ["a-little-bit-long-string", -985981536],
      ["a-little-bit-longer-string", -1486304829],
      ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
      ["abc", 479470107],
    ];
    for (const [text, hash] of vectors) expect(murmur2(Buffer.from(text)), text).to.equal(hash);
  });

  it("any key: agrees with kafkajs", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
        const key = Buffer.from(bytes);
        expect(murmur2(key)).to.equal(kafkajsMurmur2(key) | 0);
      }),
    );
  });

  it("any key: its partition is one of those there are", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 1000 }), (key, count) => {
        const partition = partitionOfKey(key, count);
        expect(Number.isInteger(partition) && partition >= 0 && partition < count).to.equal(true);
      }),
    );
  });
});
