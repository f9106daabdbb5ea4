import { expect } from "chai";
import fc from "fast-check";
import { KeyHash } from "../../../src/log/cleaner/key-hash.ts";
import { OffsetMap, SLOT_SIZE_BYTES } from "../../../src/log/cleaner/offset-map.ts";

describe("OffsetMap", () => {
  const put = (map: OffsetMap, key: string, offset: number): boolean =>
    map.put(Buffer.from(`.${key}.`), 1, key.length + 1, offset);
  const get = (map: OffsetMap, key: string): number => map.get(Buffer.from(`-${key}`), 1, key.length + 1);

  it("has the newest offset of each key, and -1 for others", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary-ascii", maxLength: 9 }), { maxLength: 300 }), keys => {
        const map = new OffsetMap({ memoryBytes: 1 << 16, loadFactor: 0.9 });
        const expected = new Map(keys.map((key, offset) => [key, offset]));
        for (const [offset, key] of keys.entries()) expect(put(map, key, offset)).to.equal(true);
        expect(map.size).to.equal(expected.size);
        for (const [key, offset] of expected) expect(get(map, key)).to.equal(offset);
        expect(get(map, "a key that is too long to be there")).to.equal(-1);
        expect(map.latestOffset).to.equal(keys.length - 1);
      }),
    );
  });

  it("takes no key beyond its load factor and stays as it is then", () => {
    const map = new OffsetMap({ memoryBytes: 10 * SLOT_SIZE_BYTES, loadFactor: 0.5 });
    expect(map.capacity).to.equal(5);
    for (let offset = 0; offset < 5; offset += 1) expect(put(map, `${offset}`, offset)).to.equal(true);
    expect(put(map, "5", 5)).to.equal(false);
    expect(get(map, "5")).to.equal(-1);
    expect(get(map, "0")).to.equal(0);
    expect(map.latestOffset).to.equal(4);
  });

  it("takes at least one key, however little memory it is given", () => {
    const map = new OffsetMap({ memoryBytes: 1, loadFactor: 0.1 });
    expect(put(map, "a", 0)).to.equal(true);
    expect(get(map, "b")).to.equal(-1);
  });

  it("takes no more memory than the keys expected need", () => {
    expect(new OffsetMap({ memoryBytes: 1 << 30, loadFactor: 0.9, expectedKeys: 100 }).memoryBytes).to.be.below(3000);
  });
});

describe("KeyHash", () => {
  const hashOf = (seed: Buffer, key: Buffer): string => {
    const hash = new KeyHash(seed);
    hash.compute(key, 0, key.length);
    return [hash.h0, hash.h1, hash.h2, hash.h3].join();
  };

  it("is MurmurHash3_x86_128", () => {
    const hash = new KeyHash(Buffer.alloc(16));
    const key = Buffer.from("The quick brown fox jumps over the lazy dog");
    hash.compute(key, 0, key.length);
    const words = [hash.h0, hash.h1, hash.h2, hash.h3].map(each => (each >>> 0).toString(16).padStart(8, "0"));
    expect(words.join("")).to.equal("2f1583c3ecee2c675d7bf66ce5e91d2c");
  });

  it("depends on the seed, on every byte, and on the length", () => {
    const seen = new Set<string>();
    const key = Buffer.alloc(13);
    for (let size = 0; size <= key.length; size += 1) seen.add(hashOf(Buffer.alloc(16), key.subarray(0, size)));
    for (let at = 0; at < key.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const changed = Buffer.from(key);
        changed[at] = 1 << bit;
        seen.add(hashOf(Buffer.alloc(16), changed));
      }
    }
    for (let at = 0; at < 16; at += 1) seen.add(hashOf(Buffer.alloc(16).fill(1, at, at + 1), key));
    expect(seen.size).to.equal(14 + 13 * 8 + 16);
  });

  it("spreads similar keys evenly", () => {
    const hash = new KeyHash(Buffer.alloc(16, 9));
    const counts = {
      h0: new Uint32Array(64),
      h1: new Uint32Array(64),
      h2: new Uint32Array(64),
      h3: new Uint32Array(64),
    };
    for (let number = 0; number < 64_000; number += 1) {
      const key = Buffer.from(`user-${number}`);
      hash.compute(key, 0, key.length);
      for (const word of ["h0", "h1", "h2", "h3"] as const) counts[word][hash[word] >>> 26]! += 1;
    }
    for (const each of Object.values(counts)) {
      expect(Math.min(...each)).to.be.above(850);
      expect(Math.max(...each)).to.be.below(1150);
    }
  });
});
