import { expect } from "chai";
import type { PartitionLog } from "../../src/log/partition-log.ts";
import { ReadBuffers, ReadLease } from "../../src/log/read-buffers.ts";
import type { Segment } from "../../src/log/segment.ts";
import { type SharedMemory, TailCache, type TailChunk } from "../../src/log/tail-cache.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import { append, batch, config, type LogWorld, openLogs, TOPIC_ID } from "./support/log-world.ts";

/** Memory that knows how many hold it. */
class CountedMemory implements SharedMemory {
  holderCount = 0;
  wasHeld = false;

  retain(): void {
    this.holderCount += 1;
    this.wasHeld = true;
  }

  release(): void {
    this.holderCount -= 1;
  }
}

describe("TailCache", () => {
  let world: LogWorld;

  async function openLog(tailCacheSizeBytes: number): Promise<PartitionLog> {
    world = await openLogs(createMemoryPlatform(), { tailCacheSizeBytes });
    return world.logs.create("topic", TOPIC_ID, 0, config());
  }

  /** Appends a batch of `sizeBytes` or a little more that lies in `memory`. */
  function appendIn(memory: SharedMemory, log: PartitionLog, sizeBytes: number): void {
    const records = batch(["x".repeat(sizeBytes)]);
    const outcome = log.append(records, { leaderEpoch: 0, origin: "client", retain: false, memory, nowMs: 1_000 });
    expect(outcome.ok).to.equal(true);
  }

  it("keeps large batches where they are, and releases their memory once they are evicted", async () => {
    const log = await openLog(100_000);
    const memories = Array.from({ length: 10 }, () => new CountedMemory());
    for (const memory of memories) {
      appendIn(memory, log, 20_000);
      await world.platform.time.advance(0);
    }
    expect(memories.every(({ wasHeld }) => wasHeld)).to.equal(true);
    expect(memories.map(({ holderCount }) => holderCount)).to.deep.equal([0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
    expect(world.logs.tailCache.sizeBytes).to.be.at.most(100_000);
  });

  it("uses evicted memory again for batches of about the same size", async () => {
    const log = await openLog(1_500_000);
    const seen = new Set<ArrayBufferLike>();
    for (let count = 0; count < 100; count++) {
      append(log, ["x".repeat(270_000 + count * 500)]);
      await world.platform.time.advance(0);
      seen.add(log.tail.chunk(log.tail.find(log.logEndOffset - 1))!.buffer.buffer);
    }
    expect(seen.size, "100 batches, of which 4 at a time are kept").to.be.below(10);
  });

  it("copies small batches out of memory that is not theirs", async () => {
    const log = await openLog(100_000);
    const memory = new CountedMemory();
    appendIn(memory, log, 100);
    expect(memory.wasHeld).to.equal(false);
  });

  it("does not release what a reader holds before that lets go", async () => {
    const log = await openLog(100_000);
    const memory = new CountedMemory();
    appendIn(memory, log, 20_000);
    await world.platform.time.advance(0);
    const lease = new ReadLease(new ReadBuffers({ limitBytes: 0 }));
    await log.read(0, 30_000, log.logEndOffset, { minOneBatch: true, lease });
    log.tail.dropBelow(log.logEndOffset);
    expect(memory.holderCount).to.equal(1);
    lease.release();
    expect(memory.holderCount).to.equal(0);
  });

  it("never releases what was handed out for good", async () => {
    const log = await openLog(100_000);
    const memory = new CountedMemory();
    appendIn(memory, log, 20_000);
    await world.platform.time.advance(0);
    await log.read(0, 30_000, log.logEndOffset, { minOneBatch: true });
    log.tail.dropBelow(log.logEndOffset);
    expect(memory.holderCount).to.equal(1);
  });

  it("releases everything when the log is cut or closed", async () => {
    const log = await openLog(100_000);
    const [first, second] = [new CountedMemory(), new CountedMemory()];
    appendIn(first, log, 20_000);
    log.truncateTo(0);
    expect(first.holderCount).to.equal(0);
    appendIn(second, log, 20_000);
    log.close();
    expect([second.wasHeld, second.holderCount]).to.deep.equal([true, 0]);
  });

  it("keeps what is not written, and forgets what its log dropped, however many chunks that were", async () => {
    const log = await openLog(50_000);
    const idle = world.logs.create("idle", TOPIC_ID, 1, config());
    append(idle, ["stays"]);
    await world.platform.time.advance(0);
    for (let count = 0; count < 1_000; count++) {
      append(log, ["x".repeat(1_000)]);
      log.tail.dropBelow(log.logEndOffset);
      expect(log.tail.firstOffset, "not written yet").to.equal(count);
      await world.platform.time.advance(0);
      log.tail.dropBelow(log.logEndOffset);
      expect(log.tail.firstOffset).to.equal(Number.POSITIVE_INFINITY);
    }
    expect(world.logs.tailCache.chunkCount).to.be.below(200);
    expect(idle.tail.firstOffset).to.equal(0);
  });

  it("passes on buffers of the size in use, though many of other sizes were evicted before", () => {
    const cache = new TailCache(64 * MEBIBYTE);
    // The first buffers of many logs are smaller than all that come later.
    for (const sizeBytes of [20, 32, 64, 128])
      for (let each = 0; each < 64; each += 1) cache.add(newChunk(cache, sizeBytes * 1024));
    const known = new Set<Buffer>();
    for (let count = 0; count < 2000; count += 1) {
      const chunk = newChunk(cache, MEBIBYTE / 4);
      known.add(chunk.buffer);
      cache.add(chunk);
    }
    // As many as fit into the cache, and a few that were taken before any was evicted.
    expect(known.size).to.be.lessThan(300);
  });
});

const MEBIBYTE = 1024 * 1024;

/** A chunk of a log that lets it go whenever it is asked to. */
function newChunk(cache: TailCache, sizeBytes: number): TailChunk {
  return {
    ...{ owner: { evict: () => true }, cache, buffer: cache.takeBuffer(sizeBytes), memory: null },
    ...{ position: 0, baseOffset: 0, endOffset: 1, usedBytes: sizeBytes, dropped: false, reusable: true, readers: 0 },
    // The cache does not look at it.
    segment: {} as Segment,
  };
}
