import { expect } from "chai";
import type { PartitionLog } from "../../src/log/partition-log.ts";
import type { Segment } from "../../src/log/segment.ts";
import { WriteClock, WriteRecency } from "../../src/log/write-recency.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import { append, config, type LogWorld, openLogs, readAll, TOPIC_ID } from "./support/log-world.ts";

const segment = (): Segment => Object.create(null);

describe("WriteRecency", () => {
  it("goes by what all logs of a broker have written since", () => {
    const clock = new WriteClock(1600);
    const [one, other] = [new WriteRecency(clock), new WriteRecency(clock)];
    const [first, second] = [segment(), segment()];
    expect(one.isRecent(first, 0)).to.equal(false);
    for (let position = 0; position < 800; position += 100) one.wrote(first, position, 100);
    expect(one.isRecent(first, 0)).to.equal(true);
    expect(other.isRecent(first, 0)).to.equal(false);
    for (let position = 0; position < 1000; position += 100) other.wrote(second, position, 100);
    expect([100, 199, 200, 799].map(position => one.isRecent(first, position))).to.deep.equal([
      false,
      false,
      true,
      true,
    ]);
    expect(other.isRecent(second, 0)).to.equal(true);
  });

  it("knows nothing of what stood there before", () => {
    const recency = new WriteRecency(new WriteClock(1600));
    const found = segment();
    recency.wrote(found, 500, 100);
    expect([0, 499, 500].map(position => recency.isRecent(found, position))).to.deep.equal([false, false, true]);
  });

  it("takes what was written after a cut for as young as it is", () => {
    const clock = new WriteClock(1600);
    const recency = new WriteRecency(clock);
    const cut = segment();
    for (let position = 0; position < 1000; position += 100) recency.wrote(cut, position, 100);
    for (let position = 300; position < 1100; position += 100) recency.wrote(cut, position, 100);
    expect([100, 200, 300, 1000].map(position => recency.isRecent(cut, position))).to.deep.equal([
      false,
      true,
      true,
      true,
    ]);
  });
});

describe("a read of what is not at the end of a log", () => {
  let world: LogWorld;
  let log: PartitionLog;

  /** Eleven segments, of which the last batches are in memory. */
  async function written(cachedBytes: number): Promise<void> {
    world = await openLogs(createMemoryPlatform({ disk: { cachedBytes } }), {
      tailCacheSizeBytes: 2000,
      synchronousReadBytes: 0,
    });
    log = world.logs.create("topic", TOPIC_ID, 0, config({ segmentSizeBytes: 1000 }));
    for (let index = 0; index < 100; index += 1) {
      append(log, [`${index}`.padStart(30, "x")]);
      await world.platform.time.advance(0);
    }
    expect(log.segments.count).to.be.above(5);
  }

  function isAtOnce(offset: number): boolean {
    return !(log.read(offset, 500, log.logEndOffset, { minOneBatch: true }) instanceof Promise);
  }

  it("is answered at once as long as the system has it in memory", async () => {
    await written(1 << 20);
    expect([0, 30, 60, 99].map(isAtOnce)).to.deep.equal([true, true, true, true]);
    const values = await world.platform.time.complete(readAll(log));
    expect(values.size).to.equal(100);
  });

  it("waits off the event loop for what may be on the disk only", async () => {
    await written(5000);
    expect([0, 30, 70, 99].map(isAtOnce)).to.deep.equal([false, false, true, true]);
    const values = await world.platform.time.complete(readAll(log));
    expect(values.size).to.equal(100);
  });

  it("waits for all that was there at the start, which is checked", async () => {
    await written(1 << 20);
    await world.platform.time.complete(world.logs.close());
    world = await openLogs(world.platform, { synchronousReadBytes: 0 });
    log = world.logs.get("topic", 0)!;
    expect([0, 30, 60].map(isAtOnce)).to.deep.equal([false, false, false]);
    expect((await world.platform.time.complete(readAll(log))).size).to.equal(100);
  });
});
