import { expect } from "chai";
import fc from "fast-check";
import { OffsetIndex } from "../../src/log/offset-index.ts";
import { TimeIndex } from "../../src/log/time-index.ts";
import { type AbortedTransaction, TransactionIndex } from "../../src/log/transaction-index.ts";

describe("OffsetIndex", () => {
  it("finds the last entry at or below an offset or position, as a linear search does", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 2000 }), { maxLength: 300 }),
        fc.nat(2100),
        (offsets, probe) => {
          const entries = offsets.sort((a, b) => a - b).map(offset => ({ offset: 500 + offset, position: offset * 7 }));
          const index = new OffsetIndex(500);
          for (const { offset, position } of entries) index.append(offset, position);
          expect(index.positionFor(500 + probe)).to.equal(
            entries.findLast(entry => entry.offset <= 500 + probe)?.position ?? 0,
          );
          expect(index.floorPosition(probe * 7)).to.equal(
            entries.findLast(entry => entry.position <= probe * 7)?.position ?? 0,
          );
          const read = OffsetIndex.parse(index.encode(), 500, 1_000_000)!;
          expect(read.encode()).to.deep.equal(index.encode());
          expect(read.lastOffset).to.equal(index.lastOffset);
          index.truncateTo(500 + probe);
          expect(index.count).to.equal(entries.filter(entry => entry.offset < 500 + probe).length);
        },
      ),
    );
  });

  it("writes only what was added since", () => {
    const index = new OffsetIndex(0);
    index.append(10, 4100);
    index.append(20, 8200);
    expect(index.encode(1).toString("hex")).to.equal("0000001400002008");
  });

  it("refuses an entry that does not rise", () => {
    const index = new OffsetIndex(0);
    index.append(10, 4100);
    expect(() => index.append(10, 8200)).to.throw(RangeError);
  });

  for (const [what, hex] of [
    ["a partial entry", "0000000a00001004ff"],
    ["zeros behind the entries", "0000000a000010040000000000000000"],
    ["offsets that fall", "0000000a000010040000000900002008"],
    ["positions that fall", "0000000a000010040000000b00000008"],
    ["a position past the end of the segment", "0000000a00010000"],
    ["a negative offset", "ffffffff00001004"],
  ] as const) {
    it(`does not accept ${what}`, () => {
      expect(OffsetIndex.parse(Buffer.from(hex, "hex"), 0, 65_536)).to.equal(null);
    });
  }
});

describe("TimeIndex", () => {
  it("leads below the first record with a timestamp, as a linear search does", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 200 }), fc.nat(1100), (timestamps, probe) => {
        const index = new TimeIndex(100);
        const entries: { timestamp: number; offset: number }[] = [];
        for (const [at, timestamp] of timestamps.entries()) {
          index.maybeAppend(timestamp, 100 + at);
          if (timestamp > (entries.at(-1)?.timestamp ?? -1)) entries.push({ timestamp, offset: 100 + at });
        }
        expect(index.count).to.equal(entries.length);
        expect(index.offsetFor(probe)).to.equal(entries.findLast(entry => entry.timestamp < probe)?.offset ?? 100);
        const read = TimeIndex.parse(index.encode(), 100)!;
        expect(read.lastTimestamp).to.equal(index.lastTimestamp);
        expect(read.lastOffset).to.equal(index.lastOffset);
        index.truncateTo(100 + probe);
        expect(index.count).to.equal(entries.filter(entry => entry.offset < 100 + probe).length);
      }),
    );
  });

  it("keeps timestamps beyond 32 bits", () => {
    const index = new TimeIndex(0);
    index.maybeAppend(1_795_231_221_890, 7);
    expect(index.encode().toString("hex")).to.equal("000001a1fc1e888200000007");
    expect(TimeIndex.parse(index.encode(), 0)!.lastTimestamp).to.equal(1_795_231_221_890);
  });

  it("does not accept timestamps that fall, partial entries or untrimmed zeros", () => {
    for (const hex of [
      "00000000000000050000000100000000000000040000000",
      "0000000000",
      `${"00000000000000050000000100"}${"0".repeat(22)}`,
    ]) {
      expect(TimeIndex.parse(Buffer.from(hex, "hex"), 0)).to.equal(null);
    }
  });
});

describe("TransactionIndex", () => {
  const transaction = (producerId: number, firstOffset: number, lastOffset: number): AbortedTransaction => ({
    producerId,
    firstOffset,
    lastOffset,
    lastStableOffset: lastOffset + 1,
  });

  it("finds what overlaps a range and says when later segments need not be asked", () => {
    const index = new TransactionIndex([transaction(1, 0, 9), transaction(2, 5, 19), transaction(3, 30, 39)]);
    const found: AbortedTransaction[] = [];
    expect(index.collect(10, 20, found)).to.equal(true);
    expect(found.map(({ producerId }) => producerId)).to.deep.equal([2]);
    expect(index.collect(35, 100, [])).to.equal(false);
  });

  it("reads what it wrote and cuts by the marker's offset", () => {
    const index = new TransactionIndex([transaction(1, 0, 9), transaction(2, 5, 19)]);
    const read = TransactionIndex.parse(index.encode())!;
    expect(read.encode()).to.deep.equal(index.encode());
    read.truncateTo(19);
    expect(read.count).to.equal(1);
    expect(TransactionIndex.parse(index.encode().subarray(0, 40))).to.equal(null);
  });
});
