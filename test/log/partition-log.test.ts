import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { attributesAt, codecOf, partitionLeaderEpochAt } from "../../protocol/records/batch.ts";
import { CODEC } from "../../protocol/records/compression/index.ts";
import { endTransactionBatch } from "../../protocol/records/control.ts";
import type { AppendOptions } from "../../src/log/append.ts";
import type { LogConfig } from "../../src/log/log-config.ts";
import type { PartitionLog } from "../../src/log/partition-log.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import {
  append,
  batch,
  batchesOf,
  config,
  type LogWorld,
  openLogs,
  readAll,
  recordsOf,
  TOPIC_ID,
} from "./support/log-world.ts";

const CLIENT: AppendOptions = { leaderEpoch: 3, origin: "client", retain: false, nowMs: 5000 };

describe("PartitionLog", () => {
  let world: LogWorld;

  async function newLog(overrides: Partial<LogConfig> = {}): Promise<PartitionLog> {
    world = await openLogs();
    return world.logs.create("topic", TOPIC_ID, 0, config(overrides));
  }

  function readSync(log: PartitionLog, offset: number, maxBytes: number, limit = log.logEndOffset, minOneBatch = true) {
    const outcome = log.read(offset, maxBytes, limit, { minOneBatch });
    if (outcome instanceof Promise) throw new Error("a read of the tail must not wait");
    return outcome;
  }

  describe("append", () => {
    it("assigns offsets and the leader epoch, and is visible at once", async () => {
      const log = await newLog();
      expect(log.append(batch(["a", "b"]), CLIENT)).to.deep.equal({
        ok: true,
        baseOffset: 0,
        lastOffset: 1,
        logAppendTimeMs: -1,
        logStartOffset: 0,
        duplicate: false,
      });
      expect(log.append(batch(["c"]), CLIENT)).to.include({ baseOffset: 2, lastOffset: 2 });
      expect([...(await readAll(log)).entries()]).to.deep.equal([
        [0, "a"],
        [1, "b"],
        [2, "c"],
      ]);
      const outcome = readSync(log, 0, 1000);
      expect(
        outcome.ok && outcome.chunks.flatMap(batchesOf).map(each => partitionLeaderEpochAt(each, 0)),
      ).to.deep.equal([3, 3]);
      expect(log.leaderEpoch).to.equal(3);
    });

    it("copies what the caller will use again, and keeps what it may keep", async () => {
      const log = await newLog();
      const reused = batch(["a".repeat(10_000)]);
      log.append(reused, CLIENT);
      reused.fill(0);
      const kept = batch(["b".repeat(10_000)]);
      log.append(kept, { ...CLIENT, retain: true });
      const outcome = readSync(log, 0, 100_000);
      expect(outcome.ok && recordsOf(outcome.chunks).map(record => record.value!.toString()[0])).to.deep.equal([
        "a",
        "b",
      ]);
      expect(outcome.ok && outcome.chunks[1]!.buffer).to.equal(kept.buffer);
    });

    it("stamps the broker's time under LogAppendTime", async () => {
      const log = await newLog({ timestampType: "LogAppendTime" });
      expect(log.append(batch(["a"]), CLIENT)).to.include({ logAppendTimeMs: 5000 });
      const outcome = readSync(log, 0, 1000);
      expect(outcome.ok && recordsOf(outcome.chunks)[0]!.timestamp).to.equal(5000);
    });

    it("recompresses when the topic asks for a codec", async () => {
      const log = await newLog({ compressionType: "gzip" });
      expect(log.append(batch(["a".repeat(500)], { codec: CODEC.snappy }), CLIENT).ok).to.equal(true);
      const outcome = readSync(log, 0, 1000);
      expect(outcome.ok && codecOf(attributesAt(outcome.chunks[0]!, 0))).to.equal(CODEC.gzip);
      expect((await readAll(log)).get(0)).to.equal("a".repeat(500));
    });

    for (const [what, records, errorCode, overrides] of [
      ["a batch above the limit", () => batch(["x".repeat(2000)]), Errors.MESSAGE_TOO_LARGE, { maxMessageBytes: 1000 }],
      [
        "a batch above the segment size",
        () => batch(["x".repeat(2000)]),
        Errors.RECORD_LIST_TOO_LARGE,
        { segmentSizeBytes: 1000 },
      ],
      ["two batches", () => Buffer.concat([batch(["a"]), batch(["b"])]), Errors.INVALID_RECORD, {}],
      ["nothing", () => Buffer.alloc(0), Errors.INVALID_RECORD, {}],
      [
        "a record without a key where the topic is compacted",
        () => batch(["a"]),
        Errors.INVALID_RECORD,
        { compacts: true },
      ],
      ["a damaged batch", () => damaged(), Errors.CORRUPT_MESSAGE, {}],
    ] as const) {
      it(`refuses ${what} and changes nothing`, async () => {
        const log = await newLog(overrides);
        expect(log.append(records(), CLIENT)).to.include({ ok: false, errorCode });
        expect(log.logEndOffset).to.equal(0);
        expect(log.isDirty).to.equal(false);
      });
    }

    it("answers a retried batch with its offsets and refuses a gap in sequences", async () => {
      const log = await newLog();
      const of = (baseSequence: number) => batch(["a", "b"], { producerId: 9, producerEpoch: 0, baseSequence });
      log.append(of(0), CLIENT);
      log.append(of(2), CLIENT);
      expect(log.append(of(0), CLIENT)).to.include({ ok: true, duplicate: true, baseOffset: 0, lastOffset: 1 });
      expect(log.append(of(8), CLIENT)).to.include({ ok: false, errorCode: Errors.OUT_OF_ORDER_SEQUENCE_NUMBER });
      expect(log.logEndOffset).to.equal(4);
    });

    it("keeps a replica's offsets and epochs, gaps included, and refuses what goes back", async () => {
      const log = await newLog();
      const replica: AppendOptions = { ...CLIENT, origin: "replica" };
      const batches = Buffer.concat([
        batch(["a"], { baseOffset: 5, leaderEpoch: 1 }),
        batch(["b"], { baseOffset: 9, leaderEpoch: 2 }),
      ]);
      expect(log.append(Buffer.concat([batches, batches.subarray(0, 30)]), replica)).to.include({
        ok: true,
        lastOffset: 9,
      });
      expect([...(await readAll(log)).keys()]).to.deep.equal([5, 9]);
      expect(log.epochEntries).to.deep.equal([
        { epoch: 1, startOffset: 5 },
        { epoch: 2, startOffset: 9 },
      ]);
      expect(log.append(batch(["c"], { baseOffset: 9 }), replica)).to.include({ ok: false });
      expect(log.append(damaged(20), replica)).to.include({ ok: false, errorCode: Errors.CORRUPT_MESSAGE });
    });

    it("tracks transactions up to the last stable offset and the aborted ones", async () => {
      const log = await newLog();
      const producer = { producerId: 4, producerEpoch: 0 };
      log.append(batch(["a"]), CLIENT);
      log.append(batch(["b"], { ...producer, baseSequence: 0, transactional: true }), CLIENT);
      log.append(batch(["c"]), CLIENT);
      log.updateHighWatermark(3);
      expect(log.lastStableOffset).to.equal(1);
      const abort = endTransactionBatch({ type: "abort", coordinatorEpoch: 0 }, producer, { timestamp: 1 });
      expect(log.append(abort, { ...CLIENT, origin: "coordinator" })).to.include({ ok: true, baseOffset: 3 });
      log.updateHighWatermark(4);
      expect(log.lastStableOffset).to.equal(4);
      const aborted = [{ producerId: 4, firstOffset: 1, lastOffset: 3, lastStableOffset: 4 }];
      expect(log.abortedTransactions(0, 4)).to.deep.equal(aborted);
      expect(log.abortedTransactions(4, 9)).to.deep.equal([]);
      log.roll();
      await world.platform.time.complete(world.logs.close());
      const reopened = (await openLogs(world.platform)).logs.get("topic", 0)!;
      expect(reopened.abortedTransactions(0, 4)).to.deep.equal(aborted);
    });
  });

  describe("roll", () => {
    it("begins a new segment when the size, the index or the age says so", async () => {
      const bySize = await newLog({ segmentSizeBytes: 200 });
      for (let index = 0; index < 4; index += 1) append(bySize, ["x".repeat(50)]);
      expect(bySize.segments.all().map(({ baseOffset }) => baseOffset)).to.deep.equal([0, 1, 2, 3]);

      const byIndex = await newLog({ indexSizeBytes: 24, indexIntervalBytes: 1 });
      for (let index = 0; index < 4; index += 1) append(byIndex, ["x"]);
      expect(byIndex.segments.count).to.equal(2);

      const byAge = await newLog({ segmentMs: 100 });
      for (const timestamp of [0, 100, 101, 150]) byAge.append(batch([{ timestamp, value: Buffer.from("x") }]), CLIENT);
      expect(byAge.segments.all().map(({ baseOffset }) => baseOffset)).to.deep.equal([0, 2]);
    });

    it("begins a new segment when an offset would leave its range", async () => {
      const log = await newLog();
      const replica: AppendOptions = { ...CLIENT, origin: "replica" };
      log.append(batch(["a"], { baseOffset: 0 }), replica);
      log.append(batch(["b"], { baseOffset: 2 ** 31 }), replica);
      expect(log.segments.all().map(({ baseOffset }) => baseOffset)).to.deep.equal([0, 2 ** 31]);
      expect((await readAll(log)).size).to.equal(2);
    });
  });

  describe("read", () => {
    it("returns whole batches below the limit, within the bytes asked for, and at least one", async () => {
      const log = await newLog();
      for (let index = 0; index < 10; index += 1) append(log, [`${index}`, "."]);
      const size = batch(["0", "."]).length;
      const offsets = (offset: number, maxBytes: number, limit: number, minOneBatch = true): number[] => {
        const outcome = readSync(log, offset, maxBytes, limit, minOneBatch);
        if (!outcome.ok) throw new Error(outcome.message);
        expect(outcome.sizeBytes).to.equal(outcome.chunks.reduce((sum, chunk) => sum + chunk.length, 0));
        return outcome.chunks.flatMap(batchesOf).map(each => Number(each.readBigInt64BE(0)));
      };
      expect(offsets(0, 3 * size, 20)).to.deep.equal([0, 2, 4]);
      expect(offsets(5, 2 * size + 1, 20)).to.deep.equal([4, 6]);
      expect(offsets(0, 100_000, 7)).to.deep.equal([0, 2, 4]);
      expect(offsets(6, 1, 20)).to.deep.equal([6]);
      expect(offsets(6, 1, 20, false)).to.deep.equal([]);
      expect(offsets(6, 1, 7)).to.deep.equal([]);
      expect(offsets(20, 1000, 20)).to.deep.equal([]);
      expect(offsets(8, 1000, 8)).to.deep.equal([]);
    });

    it("refuses offsets outside the log", async () => {
      const log = await newLog();
      append(log, ["a", "b", "c"]);
      log.updateHighWatermark(3);
      log.advanceLogStart(2);
      expect(readSync(log, 1, 100)).to.include({ ok: false, errorCode: Errors.OFFSET_OUT_OF_RANGE });
      expect(readSync(log, 4, 100)).to.include({ ok: false, errorCode: Errors.OFFSET_OUT_OF_RANGE });
      expect(readSync(log, 2, 100)).to.include({ ok: true, firstOffset: 0 });
    });

    it("gives the same from files as from memory", async () => {
      world = await openLogs(createMemoryPlatform(), { tailCacheSizeBytes: 5000, synchronousReadBytes: 3000 });
      const log = world.logs.create(
        "topic",
        TOPIC_ID,
        0,
        config({ segmentSizeBytes: 20_000, indexIntervalBytes: 1000 }),
      );
      const expected = new Map<number, string>();
      for (let index = 0; index < 200; index += 1) {
        const value = `${index}-${"x".repeat((index * 37) % 900)}`;
        expected.set(append(log, [value]), value);
        await world.platform.time.advance(0);
      }
      expect(log.segments.count).to.be.above(3);
      expect(log.tail.firstOffset).to.be.within(150, 199);
      for (const maxBytes of [1, 700, 5000, 100_000]) {
        expect(await world.platform.time.complete(readAll(log, 0, maxBytes)), `${maxBytes}`).to.deep.equal(expected);
      }
    });

    it("finds and reports damage in a file instead of serving it", async () => {
      world = await openLogs();
      const log = world.logs.create("topic", TOPIC_ID, 0, config({ segmentSizeBytes: 300 }));
      for (let index = 0; index < 5; index += 1) append(log, ["x".repeat(100)]);
      await world.platform.time.complete(world.logs.close());
      const path = "/data/topic-0/00000000000000000000.log";
      const contents = world.platform.disk.readFile(path);
      contents[contents.length - 5]! ^= 1;
      world.platform.disk.writeFile(path, contents);
      const reopened = (await openLogs(world.platform)).logs.get("topic", 0)!;
      const outcome = await world.platform.time.complete(
        Promise.resolve(reopened.read(0, 1000, 5, { minOneBatch: true })),
      );
      expect(outcome).to.include({ ok: false, errorCode: Errors.CORRUPT_MESSAGE });
      const next = await world.platform.time.complete(
        Promise.resolve(reopened.read(1, 1000, 5, { minOneBatch: true })),
      );
      expect(next).to.include({ ok: true });
    });
  });

  describe("look-ups", () => {
    it("finds the first record of a time, the newest one, and the end of an epoch", async () => {
      const log = await newLog({ segmentSizeBytes: 400, indexIntervalBytes: 100 });
      const times = [10, 20, 20, 15, 30, 25, 40, 35, 50, 45];
      for (const [index, timestamp] of times.entries()) {
        const records = [
          { timestamp, value: Buffer.from("x") },
          { timestamp: timestamp + 2, value: Buffer.from("y") },
        ];
        log.append(batch(records), { ...CLIENT, leaderEpoch: Math.floor(index / 4) });
      }
      const all = times.flatMap(timestamp => [timestamp, timestamp + 2]);
      for (let timestamp = 0; timestamp < 55; timestamp += 1) {
        const offset = all.findIndex(each => each >= timestamp);
        const found = log.offsetForTimestamp(timestamp);
        if (offset < 0) expect(found, `${timestamp}`).to.equal(null);
        else
          expect(found, `${timestamp}`).to.include({
            offset,
            timestamp: all[offset],
            leaderEpoch: Math.floor(offset / 8),
          });
      }
      expect(log.maxTimestamp()).to.deep.equal({ timestamp: 52, offset: 17, leaderEpoch: 2 });
      expect(log.offsetForLeaderEpoch(0)).to.deep.equal({ leaderEpoch: 0, endOffset: 8 });
      expect(log.offsetForLeaderEpoch(2)).to.deep.equal({ leaderEpoch: 2, endOffset: 20 });
    });

    it("finds nothing in an empty log", async () => {
      const log = await newLog();
      expect([log.offsetForTimestamp(0), log.maxTimestamp()]).to.deep.equal([null, null]);
      expect(log.offsetForLeaderEpoch(0)).to.deep.equal({ leaderEpoch: -1, endOffset: -1 });
    });
  });

  describe("truncateTo", () => {
    it("cuts whole batches, epochs and producers with them, across segments", async () => {
      const log = await newLog({ segmentSizeBytes: 200 });
      const producer = { producerId: 1, producerEpoch: 0 };
      for (let index = 0; index < 6; index += 1) {
        const records = batch(["x".repeat(20), "y"], { ...producer, baseSequence: index * 2 });
        expect(log.append(records, { ...CLIENT, leaderEpoch: index }).ok).to.equal(true);
      }
      expect(log.segments.count).to.be.above(2);
      expect(log.truncateTo(12)).to.equal(false);
      expect(log.truncateTo(5)).to.equal(true);
      expect(log.logEndOffset, "the batch of 4 and 5 goes whole").to.equal(4);
      expect([...(await world.platform.time.complete(readAll(log))).keys()]).to.deep.equal([0, 1, 2, 3]);
      expect(log.leaderEpoch).to.equal(1);
      const again = batch(["z", "z"], { ...producer, baseSequence: 4 });
      expect(log.append(again, { ...CLIENT, leaderEpoch: 7 })).to.include({
        ok: true,
        baseOffset: 4,
        duplicate: false,
      });
    });

    it("starts all over below the log start", async () => {
      const log = await newLog();
      append(log, ["a", "b", "c"]);
      log.updateHighWatermark(3);
      log.advanceLogStart(2);
      log.truncateTo(1);
      expect([log.logStartOffset, log.logEndOffset]).to.deep.equal([1, 1]);
      expect(append(log, ["d"])).to.equal(1);
    });
  });

  describe("retention", () => {
    it("deletes segments by size behind a durable log start, and their files later", async () => {
      const log = await newLog({ segmentSizeBytes: 200, retentionSizeBytes: 300, fileDeleteDelayMs: 1000 });
      for (let index = 0; index < 10; index += 1) append(log, ["x".repeat(100)]);
      log.updateHighWatermark(10);
      expect(log.deleteOldSegments(0)).to.be.above(5);
      expect(log.logStartOffset).to.equal(log.segments.first.baseOffset);
      expect(log.sizeBytes).to.be.within(300, 600);
      const names = (): string[] => world.platform.disk.list("/data/topic-0");
      expect(names().filter(name => name.endsWith(".deleted"))).to.not.deep.equal([]);
      await world.platform.time.advance(1001);
      expect(names().filter(name => name.endsWith(".deleted"))).to.deep.equal([]);
      expect([...(await readAll(log)).keys()][0]).to.equal(log.logStartOffset);
    });

    it("by time empties the log down to an empty segment", async () => {
      const log = await newLog({ retentionMs: 100 });
      append(log, ["a"]);
      log.updateHighWatermark(1);
      expect(log.deleteOldSegments(1050)).to.equal(0);
      expect(log.deleteOldSegments(1200)).to.equal(1);
      expect([log.logStartOffset, log.logEndOffset, log.sizeBytes]).to.deep.equal([1, 1, 0]);
      expect(append(log, ["b"])).to.equal(1);
    });
  });
});

function damaged(baseOffset = 0): Buffer {
  const records = batch(["a", "b"], { baseOffset });
  records[records.length - 1]! ^= 1;
  return records;
}
