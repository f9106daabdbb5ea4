import { expect } from "chai";
import type { PartitionLog } from "../../src/log/partition-log.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import { append, config, openLogs, TOPIC_ID } from "./support/log-world.ts";

const VALUE_BYTES = 100_000;
/** A batch of one record of that size: header, the record's lengths and deltas, the value. */
const BATCH_BYTES = VALUE_BYTES + 72;

interface Reads {
  readonly log: PartitionLog;
  /** What a read answers with, and how many bytes it copied from files. */
  read(offset: number, maxBytes: number, minOneBatch: boolean): Promise<{ sizeBytes: number; copiedBytes: number }>;
}

/** A log of large batches in one file, but for the newest of them, which are in memory. */
async function largeBatches(synchronousReadBytes: number): Promise<Reads> {
  const world = await openLogs(createMemoryPlatform(), { tailCacheSizeBytes: 250_000, synchronousReadBytes });
  const log = world.logs.create("topic", TOPIC_ID, 0, config({ segmentSizeBytes: 1 << 24 }));
  for (let index = 0; index < 10; index++) {
    append(log, ["x".repeat(VALUE_BYTES)]);
    await world.platform.time.advance(0);
  }
  expect(log.tail.firstOffset, "the first batches are in the file alone").to.be.above(5);
  const { file } = log.segments.at(0)!;
  let copiedBytes = 0;
  const { read, readAsync } = file;
  file.read = (target, position) => {
    copiedBytes += target.length;
    return read.call(file, target, position);
  };
  file.readAsync = (target, position) => {
    copiedBytes += target.length;
    return readAsync.call(file, target, position);
  };
  return {
    log,
    async read(offset, maxBytes, minOneBatch) {
      copiedBytes = 0;
      const reading = Promise.resolve(log.read(offset, maxBytes, log.logEndOffset, { minOneBatch }));
      const outcome = await world.platform.time.complete(reading);
      if (!outcome.ok) throw new Error(outcome.message);
      return { sizeBytes: outcome.sizeBytes, copiedBytes };
    },
  };
}

describe("a read from a file", () => {
  it("copies no more than a header of a batch that is too large for the reader", async () => {
    const { read } = await largeBatches(1 << 24);
    expect(await read(2, 64 * 1024, false)).to.deep.equal({ sizeBytes: 0, copiedBytes: 61 });
    expect(await read(2, 0, false)).to.deep.equal({ sizeBytes: 0, copiedBytes: 0 });
  });

  it("copies a batch once that is larger than what the reader takes, and comes all the same", async () => {
    const { read } = await largeBatches(1 << 24);
    const { sizeBytes, copiedBytes } = await read(2, 64 * 1024, true);
    expect(sizeBytes).to.be.within(BATCH_BYTES - 8, BATCH_BYTES + 8);
    expect(copiedBytes).to.equal(sizeBytes + 61);
  });

  it("copies as much as the reader takes when a batch fits", async () => {
    const { read } = await largeBatches(1 << 24);
    const { sizeBytes, copiedBytes } = await read(1, 250_000, false);
    expect(sizeBytes).to.be.within(2 * BATCH_BYTES - 16, 2 * BATCH_BYTES + 16);
    expect(copiedBytes).to.equal(250_000 + 61);
  });

  it("off the event loop does not go back for a batch that is too large for the reader", async () => {
    const { read } = await largeBatches(0);
    const { sizeBytes, copiedBytes } = await read(2, 64 * 1024, false);
    expect(sizeBytes).to.equal(0);
    expect(copiedBytes).to.be.below(BATCH_BYTES);
    expect((await read(2, 64 * 1024, true)).sizeBytes).to.be.above(VALUE_BYTES);
  });
});
