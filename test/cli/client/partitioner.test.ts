import { expect } from "chai";
import { partitionOfKey } from "../../../src/cli/client/murmur2.ts";
import { createPartitioner } from "../../../src/cli/client/partitioner.ts";
import type { Random } from "../../../src/platform/platform.ts";

/** Gives the numbers of a list in turn. */
function listRandom(...numbers: number[]): Random {
  return { float: () => 0, integer: bound => numbers.shift()! % bound, bytes: sizeBytes => Buffer.alloc(sizeBytes) };
}

const key = Buffer.from("k");

describe("createPartitioner", () => {
  it("key-hash: records with a key go by its hash", () => {
    const partitioner = createPartitioner("key-hash", listRandom());
    expect(partitioner.choose(key, 7)).to.equal(partitionOfKey(key, 7));
  });

  it("key-hash: an empty key is a key", () => {
    const partitioner = createPartitioner("key-hash", listRandom());
    expect(partitioner.choose(Buffer.alloc(0), 7)).to.equal(partitionOfKey(Buffer.alloc(0), 7));
  });

  it("key-hash: records without a key stick to a partition until its batch is closed", () => {
    const partitioner = createPartitioner("key-hash", listRandom(2, 5));
    expect([0, 1, 2].map(() => partitioner.choose(null, 7))).to.deep.equal([2, 2, 2]);
    partitioner.batchClosed(4);
    expect(partitioner.choose(null, 7)).to.equal(2);
    partitioner.batchClosed(2);
    expect(partitioner.choose(null, 7)).to.equal(5);
  });

  it("round-robin: each record goes to the next, whatever its key", () => {
    const partitioner = createPartitioner("round-robin", listRandom(1));
    expect([key, null, key, null].map(choice => partitioner.choose(choice, 3))).to.deep.equal([1, 2, 0, 1]);
  });

  it("sticky: keys do not matter, and a partition that is gone is given up", () => {
    const partitioner = createPartitioner("sticky", listRandom(4, 1));
    expect(partitioner.choose(key, 5)).to.equal(4);
    expect(partitioner.choose(key, 3)).to.equal(1);
  });
});
