import { expect } from "chai";
import fc from "fast-check";
import { BatchBuilder, type BatchOptions, CODEC, endTransactionBatch } from "../../../protocol/records/index.ts";
import { type Found, KeyIndex } from "../../../src/log/cleaner/index.ts";

const SEED = Buffer.alloc(16, 5);
const MEGABYTE = 1024 * 1024;

type Pair = readonly [key: string, value: string | null];

function batchOf(pairs: readonly Pair[], baseOffset: number, options: BatchOptions = {}): Buffer {
  const builder = new BatchBuilder({ ...options, baseOffset });
  for (const [key, value] of pairs)
    builder.append({
      timestamp: 1000 + baseOffset,
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
    });
  return builder.build();
}

function shownOf(found: Found): string | null {
  return found.kind === "record" ? (found.value?.toString() ?? "not in memory") : null;
}

describe("KeyIndex", () => {
  const open = (memoryBytes = MEGABYTE, valueBytes = MEGABYTE): KeyIndex =>
    new KeyIndex({ memoryBytes, valueBytes, seed: SEED });
  const find = (index: KeyIndex, key: string): Found => index.find(Buffer.from(key));

  it("finds the newest record of each key, and no deleted one", () => {
    const pairArbitrary = fc.tuple(
      fc.integer({ min: 0, max: 400 }).map(String),
      fc.option(fc.string({ maxLength: 5 })),
    );
    fc.assert(
      fc.property(fc.array(fc.array(pairArbitrary, { minLength: 1, maxLength: 50 }), { maxLength: 40 }), batches => {
        const index = open();
        const expected = new Map<string, { offset: number; value: string | null }>();
        let offset = 0;
        for (const [number, pairs] of batches.entries()) {
          index.note(batchOf(pairs, offset, { codec: number % 2 === 0 ? CODEC.none : CODEC.lz4 }));
          for (const [key, value] of pairs) expected.set(key, { offset: offset++, value });
        }
        for (const [key, { offset, value }] of expected) {
          const found = find(index, key);
          if (value === null) expect(found).to.deep.equal({ kind: "absent" });
          else expect(found).to.deep.include({ kind: "record", offset, value: Buffer.from(value) });
        }
        expect(index.size).to.equal([...expected.values()].filter(({ value }) => value !== null).length);
        expect(find(index, "none")).to.deep.equal({ kind: "absent" });
      }),
    );
  });

  it("tells the timestamp", () => {
    const index = open();
    index.note(batchOf([["a", "1"]], 7));
    expect(find(index, "a")).to.deep.include({ offset: 7, timestamp: 1007 });
  });

  it("stays within its memory and says what it does not know then", () => {
    const index = open(300_000);
    for (let offset = 0; offset < 20_000; offset += 1) index.note(batchOf([[`key ${offset}`, "v"]], offset));
    expect(index.memoryBytes).to.be.at.most(300_000);
    expect(index.isComplete).to.equal(false);
    expect(index.size).to.be.above(3000);
    expect(shownOf(find(index, "key 0"))).to.equal("v");
    expect(find(index, "key 19999")).to.deep.equal({ kind: "unknown" });
    // Known keys go on being followed.
    index.note(batchOf([["key 0", "w"]], 20_000));
    expect(shownOf(find(index, "key 0"))).to.equal("w");
  });

  it("keeps the newest values in memory, and those that it is given back", () => {
    const index = open(MEGABYTE, 2000);
    for (let offset = 0; offset < 100; offset += 1) index.note(batchOf([[`${offset}`, "x".repeat(100)]], offset));
    expect(find(index, "3")).to.deep.include({ kind: "record", offset: 3, value: null });
    expect(shownOf(find(index, "99"))).to.equal("x".repeat(100));
    index.remember(Buffer.from("3"), 3, 1003, Buffer.from("again"));
    expect(find(index, "3")).to.deep.include({ offset: 3, timestamp: 1003, value: Buffer.from("again") });
    index.remember(Buffer.from("3"), 2, 1002, Buffer.from("an older one"));
    expect(shownOf(find(index, "3"))).to.equal("again");
    index.note(batchOf([["large", "y".repeat(1000)]], 100));
    expect(find(index, "large")).to.deep.include({ offset: 100, value: null });
  });

  it("counts transactions from their commit on, in the order of offsets", () => {
    const index = open();
    const producer = { producerId: 9, producerEpoch: 0 };
    const transactional = { ...producer, baseSequence: 0, transactional: true };
    const marker = (type: "commit" | "abort", baseOffset: number): Buffer =>
      endTransactionBatch({ type, coordinatorEpoch: 0 }, producer, { timestamp: 0, baseOffset });
    index.note(
      batchOf(
        [
          ["a", "open"],
          ["b", "open"],
          ["c", "open"],
        ],
        0,
        transactional,
      ),
    );
    expect(find(index, "a")).to.deep.equal({ kind: "absent" });
    index.note(
      batchOf(
        [
          ["b", "newer"],
          ["c", null],
        ],
        3,
      ),
    );
    index.note(marker("commit", 5));
    expect(["a", "b", "c"].map(key => shownOf(find(index, key)))).to.deep.equal(["open", "newer", null]);
    index.note(batchOf([["a", "aborted"]], 6, transactional));
    index.note(marker("abort", 7));
    expect(shownOf(find(index, "a"))).to.equal("open");
  });

  it("knows nothing of older records after a transaction that it had no room to hold was committed", () => {
    const index = new KeyIndex({ memoryBytes: MEGABYTE, valueBytes: MEGABYTE, openTransactionBytes: 100, seed: SEED });
    const producer = { producerId: 9, producerEpoch: 0 };
    const marker = (type: "commit" | "abort", baseOffset: number): Buffer =>
      endTransactionBatch({ type, coordinatorEpoch: 0 }, producer, { timestamp: 0, baseOffset });
    const large = (baseOffset: number): Buffer =>
      batchOf([["a", "x".repeat(100)]], baseOffset, { ...producer, baseSequence: baseOffset, transactional: true });
    index.note(batchOf([["a", "old"]], 0));
    index.note(large(1));
    index.note(marker("abort", 2));
    expect(shownOf(find(index, "a"))).to.equal("old");
    index.note(large(3));
    expect(shownOf(find(index, "a"))).to.equal("old");
    index.note(marker("commit", 4));
    expect(find(index, "a")).to.deep.equal({ kind: "unknown" });
    index.note(batchOf([["a", "new"]], 5));
    expect(shownOf(find(index, "a"))).to.equal("new");
    expect(find(index, "b")).to.deep.equal({ kind: "unknown" });
  });

  it("does not take a transaction's record for the newest of a key that had found no room before", () => {
    let lowestOffset = 0;
    const limited = { memoryBytes: 140_000, valueBytes: 1000, openTransactionBytes: MEGABYTE, seed: SEED };
    const index = new KeyIndex({ ...limited, lowestOffset: () => lowestOffset });
    const producer = { producerId: 9, producerEpoch: 0 };
    const keys = Array.from({ length: 8_000 }, (_, number) => `key ${number}`);
    const transactional = { ...producer, baseSequence: 0, transactional: true };
    index.note(
      batchOf(
        keys.map(key => [key, "older"] as const),
        0,
        transactional,
      ),
    );
    index.note(
      batchOf(
        keys.map(key => [key, "newer"] as const),
        8_000,
      ),
    );
    const unknown = keys.filter(key => find(index, key).kind === "unknown");
    expect(unknown.length).to.be.above(100);
    // Makes room, which the late records must not take.
    lowestOffset = 12_000;
    index.note(batchOf([["one more", "v"]], 16_000));
    index.note(
      endTransactionBatch({ type: "commit", coordinatorEpoch: 0 }, producer, { timestamp: 0, baseOffset: 16_001 }),
    );
    for (const key of keys) {
      const found = find(index, key);
      if (found.kind === "record") expect(found.offset, key).to.be.at.least(8_000);
    }
  });

  it("begins again after the log was cut", () => {
    const index = open();
    index.note(batchOf([["a", "1"]], 0));
    index.clear();
    expect(find(index, "a")).to.deep.equal({ kind: "absent" });
    expect(index.size).to.equal(0);
  });
});
