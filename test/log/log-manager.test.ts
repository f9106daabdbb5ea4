import { expect } from "chai";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import { append, config, openLogs, readAll, TOPIC_ID } from "./support/log-world.ts";

const OTHER_ID = "b3RoZXItdG9waWMtaWQtMQ";

describe("LogManager", () => {
  it("serves the group commit: a log has one sync in flight, and the next for all that came meanwhile", async () => {
    const platform = createMemoryPlatform({ disk: { latencyMs: () => 5 } });
    const { logs } = await openLogs(platform, { journal: null });
    const all = [0, 1, 2].map(partition => logs.create("topic", TOPIC_ID, partition, config()));
    for (const log of all) append(log, ["first"]);
    await platform.time.complete(Promise.all(all.map(log => logs.flush(log))));
    const order: string[] = [];
    append(all[0]!, ["a"]);
    void logs.flush(all[0]!).then(() => order.push("first"));
    await platform.time.advance(1);
    for (const log of all) {
      append(log, ["b"]);
      void logs.flush(log).then(() => order.push(log.name));
    }
    expect(order).to.deep.equal([]);
    const before = logs.flushScheduler.roundCount;
    await platform.time.advance(5);
    expect(order, "the others wait for nobody").to.deep.equal(["first", "topic-1", "topic-2"]);
    await platform.time.advance(5);
    expect(order).to.deep.equal(["first", "topic-1", "topic-2", "topic-0"]);
    expect(logs.flushScheduler.roundCount - before).to.equal(2);
  });

  it("calls listeners when the flushed offset moved, and flushes what nobody waits for within its time", async () => {
    const platform = createMemoryPlatform();
    const { logs } = await openLogs(platform, { backgroundFlushMs: 100 });
    const log = logs.create("topic", TOPIC_ID, 0, config());
    const seen: number[] = [];
    const stop = log.onFlushed(() => seen.push(log.flushedOffset));
    append(log, ["a"]);
    await platform.time.advance(99);
    expect(seen).to.deep.equal([]);
    await platform.time.advance(2);
    expect(seen).to.deep.equal([1]);
    stop();
    append(log, ["b"]);
    await platform.time.advance(200);
    expect([seen, log.flushedOffset]).to.deep.equal([[1], 2]);
  });

  it("writes all appends of a tick at once", async () => {
    const platform = createMemoryPlatform();
    const { logs } = await openLogs(platform);
    const log = logs.create("topic", TOPIC_ID, 0, config());
    const before = platform.disk.operationCount("writev");
    for (let index = 0; index < 50; index += 1) append(log, ["x".repeat(300)]);
    expect([log.writtenOffset, platform.disk.operationCount("writev")]).to.deep.equal([0, before]);
    await platform.time.advance(0);
    expect([log.writtenOffset, platform.disk.operationCount("writev")]).to.deep.equal([50, before + 1]);
  });

  it("reopens after a clean stop without reading more than the ends", async () => {
    const platform = createMemoryPlatform();
    const first = await openLogs(platform);
    const log = first.logs.create("topic", TOPIC_ID, 0, config({ segmentSizeBytes: 500 }));
    for (let index = 0; index < 30; index += 1) append(log, ["x".repeat(100)]);
    log.updateHighWatermark(30);
    log.advanceLogStart(7);
    await platform.time.complete(first.logs.close(4));
    const second = await openLogs(platform);
    expect(second.logs.cleanShutdownEpoch).to.equal(4);
    const reopened = second.logs.get("topic", 0)!;
    expect([reopened.logStartOffset, reopened.logEndOffset, reopened.highWatermark]).to.deep.equal([7, 30, 30]);
    expect(reopened.topicPartition).to.deep.equal({ topic: "topic", topicId: TOPIC_ID, partition: 0 });
    expect((await platform.time.complete(readAll(reopened))).size).to.equal(23);
    expect(append(reopened, ["more"])).to.equal(30);
  });

  it("deletes a log: gone at once, renamed as Kafka does, removed after the delay, and not inherited by its successor", async () => {
    const platform = createMemoryPlatform();
    const { logs } = await openLogs(platform);
    const log = logs.create("topic", TOPIC_ID, 0, config({ fileDeleteDelayMs: 50 }));
    append(log, ["a", "b", "c"]);
    await platform.time.complete(logs.flush(log));
    log.updateHighWatermark(3);
    log.advanceLogStart(2);
    await platform.time.advance(0);
    const deleted = logs.delete("topic", 0);
    expect(logs.get("topic", 0)).to.equal(undefined);
    await platform.time.complete(deleted);
    const leftovers = (): string[] => platform.disk.list("/data").filter(name => name.endsWith("-delete"));
    expect(leftovers()[0]).to.match(/^topic-0\.[0-9a-f]{32}-delete$/);
    const successor = logs.create("topic", OTHER_ID, 0, config());
    append(successor, ["new"]);
    await platform.time.complete(logs.flush(successor));
    await platform.time.advance(60);
    expect(leftovers()).to.deep.equal([]);
    platform.disk.crash();
    const reopened = (await openLogs(platform)).logs.get("topic", 0)!;
    expect([reopened.logStartOffset, reopened.topicPartition.topicId]).to.deep.equal([0, OTHER_ID]);
    expect([...(await readAll(reopened)).values()]).to.deep.equal(["new"]);
  });

  it("deletes a log whose first flush is under way, which ends nothing", async () => {
    const platform = createMemoryPlatform({ disk: { latencyMs: () => 5 } });
    const { logs } = await openLogs(platform);
    const log = logs.create("topic", TOPIC_ID, 0, config());
    append(log, ["a"]);
    const flushed = logs.flush(log);
    await platform.time.advance(1);
    await platform.time.complete(logs.delete("topic", 0));
    await platform.time.complete(flushed);
    expect(logs.flushScheduler.failure).to.equal(null);
    const next = logs.create("topic", OTHER_ID, 0, config());
    append(next, ["b"]);
    await platform.time.complete(logs.flush(next));
    expect(next.flushedOffset).to.equal(1);
  });

  it("replaces the log of a deleted topic of the same name", async () => {
    const platform = createMemoryPlatform();
    const { logs } = await openLogs(platform);
    append(logs.create("topic", TOPIC_ID, 0, config()), ["old"]);
    const log = logs.create("topic", OTHER_ID, 0, config());
    expect([log.logEndOffset, log.topicPartition.topicId]).to.deep.equal([0, OTHER_ID]);
    expect(logs.create("topic", OTHER_ID, 0, config())).to.equal(log);
  });

  it("keeps the metadata log apart", async () => {
    const platform = createMemoryPlatform();
    const first = await openLogs(platform);
    const metadata = await platform.time.complete(first.logs.openMetadataLog());
    expect(metadata.topicPartition.topicId).to.equal("AAAAAAAAAAAAAAAAAAAAAQ");
    append(metadata, ["record"]);
    expect([...first.logs.all()]).to.deep.equal([]);
    await platform.time.complete(first.logs.close());
    const second = await openLogs(platform);
    expect([...second.logs.all()]).to.deep.equal([]);
    expect((await platform.time.complete(second.logs.openMetadataLog())).logEndOffset).to.equal(1);
  });

  it("leaves directories of others alone and removes what a delete left", async () => {
    const platform = createMemoryPlatform();
    for (const name of [
      "lost+found",
      "t-0.00000000000000000000000000000000-future",
      "t-0.11111111111111111111111111111111-delete",
    ]) {
      platform.disk.makeDirectory(`/data/${name}`);
    }
    const { logs } = await openLogs(platform);
    await platform.time.advance(10);
    expect([...logs.all()]).to.deep.equal([]);
    expect(platform.disk.list("/data").filter(name => !name.includes("checkpoint"))).to.deep.equal([
      "lost+found",
      "t-0.00000000000000000000000000000000-future",
    ]);
  });

  it("bounds the memory of all tails together, oldest first", async () => {
    const platform = createMemoryPlatform();
    const { logs } = await openLogs(platform, { tailCacheSizeBytes: 50_000 });
    const all = [0, 1, 2].map(partition => logs.create("topic", TOPIC_ID, partition, config()));
    append(all[0]!, ["old"]);
    for (let index = 0; index < 200; index += 1) {
      append(all[1 + (index % 2)]!, ["x".repeat(1000)]);
      await platform.time.advance(0);
      expect(logs.tailCache.sizeBytes).to.be.below(50_000 + 300_000);
    }
    expect(all[0]!.tail.firstOffset).to.equal(Number.POSITIVE_INFINITY);
    expect(all[1]!.tail.firstOffset).to.be.within(1, 99);
    expect((await readAll(all[0]!)).get(0)).to.equal("old");
    expect((await readAll(all[1]!)).size).to.equal(100);
  });
});

describe("flushes that nobody asks for", () => {
  it("come within flush.ms of the topic when that is sooner than the broker's", async () => {
    const { platform, logs } = await openLogs();
    const soon = logs.create("soon", TOPIC_ID, 0, config({ flushMs: 20 }));
    const late = logs.create("late", TOPIC_ID, 0, config());
    append(soon, ["a"]);
    append(late, ["a"]);
    await platform.time.advance(19);
    expect([soon.flushedOffset, late.flushedOffset]).to.deep.equal([0, 0]);
    await platform.time.advance(2);
    expect([soon.flushedOffset, late.flushedOffset]).to.deep.equal([1, 0]);
    await platform.time.advance(1000);
    expect(late.flushedOffset).to.equal(1);
  });

  it("come at the end of the tick in which a log has 16 MiB to flush", async () => {
    const { platform, logs } = await openLogs();
    const log = logs.create("large", TOPIC_ID, 0, config());
    const value = "x".repeat(1_000_000);
    for (let count = 0; count < 16; count += 1) append(log, [value]);
    await platform.time.advance(1);
    expect(log.flushedOffset).to.equal(0);
    append(log, [value]);
    await platform.time.advance(1);
    expect(log.flushedOffset).to.equal(17);
    append(log, [value]);
    await platform.time.advance(1);
    expect(log.flushedOffset).to.equal(17);
  });

  it("are all that a write-cached log gets, and its batches count once written, where that is allowed", async () => {
    const { platform, logs } = await openLogs();
    const log = logs.create("cached", TOPIC_ID, 0, config({ writeCaching: true }));
    const promised: number[] = [];
    log.onFlushed(({ promisedOffset }) => promised.push(promisedOffset));
    append(log, ["a"]);
    await platform.time.advance(0);
    expect([log.promisedOffset, promised]).to.deep.equal([0, []]);
    log.allowWriteCaching(true);
    append(log, ["b"]);
    expect(log.promisedOffset).to.equal(1);
    await platform.time.advance(0);
    expect([log.promisedOffset, log.flushedOffset, promised]).to.deep.equal([2, 0, [2]]);
    await platform.time.advance(1001);
    expect(log.flushedOffset).to.equal(2);
  });
});
