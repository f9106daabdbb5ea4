import { expect } from "chai";
import type { PartitionLog } from "../../src/log/partition-log.ts";
import { ReadBuffers, ReadLease } from "../../src/log/read-buffers.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import { append, config, type LogWorld, openLogs, TOPIC_ID } from "./support/log-world.ts";

describe("ReadLease", () => {
  it("takes memory that was given back, and none that is still held", () => {
    const buffers = new ReadBuffers({ limitBytes: 1 << 20 });
    const first = new ReadLease(buffers);
    const second = new ReadLease(buffers);
    const memory = first.take(100_000).buffer;
    expect(second.take(100_000).buffer).not.to.equal(memory);
    first.release();
    expect(buffers.spareBytes).to.be.within(100_000, 125_000);
    expect(second.take(99_000).buffer).to.equal(memory);
    expect(buffers.spareBytes).to.equal(0);
  });

  it("gives back once, however often it is released", () => {
    const buffers = new ReadBuffers({ limitBytes: 1 << 20 });
    const lease = new ReadLease(buffers);
    lease.take(4096);
    lease.release();
    lease.release();
    expect(buffers.spareBytes).to.equal(4096);
  });

  it("hands out exactly the size asked for, from memory at most a quarter larger", () => {
    for (const sizeBytes of [1, 4095, 4096, 4097, 5000, 65_536, 1_056_768, 1 << 20, (1 << 20) + 1]) {
      const taken = new ReadLease(new ReadBuffers({ limitBytes: 0 })).take(sizeBytes);
      expect(taken.length).to.equal(sizeBytes);
      if (sizeBytes >= 4096) expect(taken.buffer.byteLength).to.be.within(sizeBytes, sizeBytes * 1.25 + 1);
    }
  });

  it("lets the pool keep no more than its limit", () => {
    const buffers = new ReadBuffers({ limitBytes: 10_000 });
    const lease = new ReadLease(buffers);
    for (let count = 0; count < 5; count++) lease.take(4096);
    lease.release();
    expect(buffers.spareBytes).to.equal(8192);
  });
});

describe("a read through a lease", () => {
  /** Small enough that chunks are evicted and used again at once. */
  const OPTIONS = { tailCacheSizeBytes: 30_000, synchronousReadBytes: 15_000 };
  let world: LogWorld;

  async function filledLog(count: number): Promise<PartitionLog> {
    world = await openLogs(createMemoryPlatform(), OPTIONS);
    const log = world.logs.create("topic", TOPIC_ID, 0, config({ segmentSizeBytes: 40_000 }));
    await fill(log, count);
    return log;
  }

  async function fill(log: PartitionLog, count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      append(log, [`${log.logEndOffset}-${"x".repeat(1000)}`]);
      await world.platform.time.advance(0);
    }
  }

  async function readThrough(log: PartitionLog, lease: ReadLease, offset: number): Promise<readonly Buffer[]> {
    const reading = Promise.resolve(log.read(offset, 8000, log.logEndOffset, { minOneBatch: true, lease }));
    const outcome = await world.platform.time.complete(reading);
    if (!outcome.ok) throw new Error(outcome.message);
    return outcome.chunks;
  }

  it("keeps its bytes while it holds, whatever is read and appended meanwhile", async () => {
    const log = await filledLog(100);
    const buffers = new ReadBuffers({ limitBytes: 1 << 20 });
    const held: { lease: ReadLease; chunks: readonly Buffer[]; copies: Buffer[] }[] = [];
    // From cold segments, from the newest one's file, and from the tail in memory.
    for (let offset = 0; offset < 100; offset += 5) {
      const lease = new ReadLease(buffers);
      const chunks = await readThrough(log, lease, offset);
      held.push({ lease, chunks, copies: chunks.map(chunk => Buffer.from(chunk)) });
    }
    expect(log.tail.firstOffset, "some are read from memory").to.be.within(1, 99);
    await fill(log, 100);
    const other = new ReadLease(buffers);
    for (let offset = 0; offset < 200; offset++) {
      await readThrough(log, other, offset);
      other.release();
    }
    for (const { chunks, copies } of held) expect(Buffer.concat(chunks).equals(Buffer.concat(copies))).to.equal(true);
  });

  it("brings memory of files and of the tail back into use once it is released", async () => {
    const log = await filledLog(60);
    const lease = new ReadLease(new ReadBuffers({ limitBytes: 1 << 20 }));
    const memoryOf = async (offset: number) => (await readThrough(log, lease, offset))[0]!.buffer;
    const fromFile = await memoryOf(0);
    lease.release();
    expect(await memoryOf(10)).to.equal(fromFile);
    const fromTail = await memoryOf(log.tail.firstOffset);
    lease.release();
    const seen = new Set<ArrayBufferLike>();
    for (let count = 0; count < 60; count++) {
      await fill(log, 1);
      seen.add(await memoryOf(log.logEndOffset - 1));
      lease.release();
    }
    expect(seen.has(fromTail)).to.equal(true);
  });
});
