/**
 * A log that moves to another directory: a power failure at each of the disk operations, and a failure of each of them, must leave one log with all
 * that was acknowledged.
 */
import { expect } from "chai";
import { LogManager } from "../../src/log/log-manager.ts";
import { defaultLogManagerOptions } from "../../src/log/log-manager-options.ts";
import type { PartitionLog } from "../../src/log/partition-log.ts";
import { nullLogger } from "../../src/logging/index.ts";
import { Metrics } from "../../src/metrics/index.ts";
import {
  createMemoryPlatform,
  KEEP_ALL,
  LOSE_ALL,
  type MemoryDisk,
  type MemoryPlatform,
  randomSurvival,
} from "../../src/platform/memory.ts";
import { SeededRandom } from "../../src/platform/memory-random.ts";
import { append, batch, config, readAll, TOPIC_ID } from "./support/log-world.ts";

const DIRECTORIES = ["/one", "/two"];
const CONFIG = config({ segmentSizeBytes: 600, indexIntervalBytes: 200, fileDeleteDelayMs: 50, retentionMs: -1 });
const JOURNAL = {
  ...{ fileSizeBytes: 16_384, fileCount: 2, minLogs: 2, extentMaxBytes: 8_192 },
  ...{ bytesPerSync: 131_072, syncParallelism: 1, roundsBefore: 0 },
};

interface Opened {
  readonly logs: LogManager;
  readonly fatal: unknown[];
}

async function open(platform: MemoryPlatform, disk: MemoryDisk, journal: typeof JOURNAL | null): Promise<Opened> {
  for (const path of DIRECTORIES) if (!disk.exists(path)) disk.makeDirectory(path);
  disk.syncDirectory("/");
  const fatal: unknown[] = [];
  const options = { ...defaultLogManagerOptions("/one"), directories: DIRECTORIES, configOf: () => CONFIG, journal };
  const logs = new LogManager(options, {
    platform: { ...platform, disk, timers: platform.time, clock: platform.time },
    logger: nullLogger,
    metrics: new Metrics(),
    onFatal: error => fatal.push(error),
  });
  await platform.time.complete(logs.open());
  return { logs, fatal };
}

const parentOf = (log: PartitionLog): string => log.directory.slice(0, log.directory.lastIndexOf("/"));

/** Copies what `future` lacks, as replication does. */
async function copy(current: PartitionLog, future: PartitionLog): Promise<void> {
  // After a crash the copy may have what the log has lost.
  future.truncateTo(current.logEndOffset);
  while (future.logEndOffset < current.logEndOffset) {
    const from = Math.max(future.logEndOffset, current.logStartOffset);
    const read = await current.read(from, 300, current.logEndOffset, { minOneBatch: true });
    if (!read.ok) throw new Error(read.message);
    if (read.firstOffset > future.logEndOffset) future.truncateFullyAndStartAt(read.firstOffset);
    const records = Buffer.concat(read.chunks);
    const outcome = future.append(records, { leaderEpoch: -1, origin: "replica", retain: true, nowMs: 1 });
    if (!outcome.ok) throw new Error(outcome.message);
  }
}

/** What is acknowledged so far: values by offset. */
type Acknowledged = Map<number, string>;

interface World extends Opened {
  readonly platform: MemoryPlatform;
  readonly acknowledged: Acknowledged;
  /** Appends and flushes; what is durable then is acknowledged. */
  write(texts: readonly string[], epoch?: number): Promise<void>;
}

async function openWorld(journal: typeof JOURNAL | null = null): Promise<World> {
  const platform = createMemoryPlatform();
  const opened = await open(platform, platform.disk, journal);
  const { logs } = opened;
  logs.create("topic", TOPIC_ID, 0, CONFIG, "/one");
  for (const [partition, path] of [...DIRECTORIES, ...DIRECTORIES].entries())
    logs.create("other", TOPIC_ID, partition, CONFIG, path);
  await platform.time.complete(logs.prepareJournals());
  const acknowledged: Acknowledged = new Map();
  const write = async (texts: readonly string[], epoch = 0): Promise<void> => {
    const log = logs.get("topic", 0)!;
    const base = append(log, texts, epoch);
    for (const other of logs.all()) if (other !== log && other.failure === null) append(other, ["beside"]);
    await platform.time.complete(Promise.all([...logs.all()].map(one => logs.flush(one))));
    if (log.failure !== null || log.flushedOffset < log.logEndOffset) return;
    for (const [index, text] of texts.entries()) acknowledged.set(base + index, text);
  };
  return { ...opened, platform, acknowledged, write };
}

const text = (number: number): string => `${number}-${"x".repeat(80)}`;

async function prepare(world: World): Promise<PartitionLog> {
  // The log is to begin within its first batch.
  await world.write([text(0), text(1), text(2)]);
  for (let number = 3; number < 12; number += 1) await world.write([text(number)], number < 6 ? 0 : 3);
  const log = world.logs.get("topic", 0)!;
  log.updateHighWatermark(12);
  log.advanceLogStart(2);
  await world.platform.time.advance(0);
  world.acknowledged.delete(0);
  world.acknowledged.delete(1);
  return log;
}

async function move(world: World): Promise<void> {
  const { logs, platform } = world;
  const current = logs.get("topic", 0)!;
  const future = logs.futures.create(current, logs.directories[1]!);
  await platform.time.complete(copy(current, future));
  await platform.time.complete(logs.flush(future));
  await world.write([text(12)], 3);
  // What nobody has flushed yet moves too.
  append(current, [text(13)], 4);
  await platform.time.complete(copy(current, future));
  logs.futures.promote(future);
  await platform.time.advance(0);
  await world.write([text(14)], 4);
}

/** Whether the log of the partition is there once, with all of `acknowledged`, and can be written and moved. */
async function check(
  disk: MemoryDisk,
  platform: MemoryPlatform,
  acknowledged: Acknowledged,
  label: string,
): Promise<void> {
  const { logs, fatal } = await open(platform, disk, null);
  expect([...logs.offlineLogs], label).to.deep.equal([]);
  const log = logs.get("topic", 0)!;
  expect(log, label).to.not.equal(undefined);
  expect(log.logStartOffset, `${label}: deleted records`).to.equal(2);
  const read = await platform.time.complete(readAll(log));
  for (const [offset, value] of acknowledged) expect(read.get(offset), `${label}, offset ${offset}`).to.equal(value);
  expect([...read.keys()], label).to.deep.equal(
    Array.from({ length: log.logEndOffset - log.logStartOffset }, (_, index) => log.logStartOffset + index),
  );
  await platform.time.advance(100);
  const names = DIRECTORIES.flatMap(path => disk.list(path)).filter(name => name.startsWith("topic-0"));
  const futures = [...logs.futures.all()];
  expect(names.length, `${label}: ${names}`).to.equal(1 + futures.length);
  const values = [...read.values()];
  const [future] = futures;
  if (future !== undefined) {
    expect(parentOf(future), label).to.not.equal(parentOf(log));
    await platform.time.complete(copy(log, future));
    logs.futures.promote(future);
  }
  const now = logs.get("topic", 0)!;
  append(now, ["later"], 9);
  await platform.time.complete(logs.flush(now));
  expect([...(await platform.time.complete(readAll(now))).values()], label).to.deep.equal([...values, "later"]);
  await platform.time.complete(logs.close());
  expect(fatal, label).to.deep.equal([]);
  const again = await open(platform, disk, null);
  expect(again.logs.get("topic", 0)!.logEndOffset, label).to.equal(now.logEndOffset);
  await platform.time.complete(again.logs.close());
}

describe("a log that moves to another directory", function () {
  this.timeout(60_000);

  it("takes offsets, epochs, watermarks and producers with it, and leaves its old directory", async () => {
    const world = await openWorld();
    const { logs, platform } = world;
    const current = logs.get("topic", 0)!;
    const producer = { producerId: 7, producerEpoch: 1, baseSequence: 0 };
    const first = { leaderEpoch: 0, origin: "client", retain: false, nowMs: 1_000 } as const;
    expect(current.append(batch(["idempotent"], producer), first).ok).to.equal(true);
    await prepare(world).catch(() => {});
    current.advanceLogStart(5);
    await move(world);
    const moved = logs.get("topic", 0)!;
    expect(moved).to.not.equal(current);
    expect(moved.directory).to.equal("/two/topic-0");
    expect([moved.logStartOffset, moved.highWatermark]).to.deep.equal([5, current.highWatermark]);
    expect(moved.epochEntries).to.deep.equal(current.epochEntries);
    expect(moved.producers.get(7)?.epoch).to.equal(1);
    expect(current.append(batch(["late"]), { ...first, leaderEpoch: 4 }).ok).to.equal(false);
    await platform.time.advance(100);
    expect(platform.disk.list("/one").filter(name => name.startsWith("topic-0"))).to.deep.equal([]);
  });

  it("serves reads that began before", async () => {
    const world = await openWorld();
    const current = await prepare(world);
    const before = current.read(2, 100_000, 12, { minOneBatch: true });
    await move(world);
    const read = await world.platform.time.complete(Promise.resolve(before));
    expect(read.ok && read.sizeBytes > 0).to.equal(true);
    expect((await world.platform.time.complete(readAll(current))).get(13)).to.equal(text(13));
  });

  it("goes with its copy when the topic is deleted", async () => {
    const world = await openWorld();
    const current = await prepare(world);
    world.logs.futures.create(current, world.logs.directories[1]!);
    await world.platform.time.complete(world.logs.delete("topic", 0));
    expect(world.logs.futures.get("topic", 0)).to.equal(undefined);
    await world.platform.time.advance(100);
    for (const path of DIRECTORIES)
      expect(world.platform.disk.list(path).filter(name => name.startsWith("topic"))).to.deep.equal([]);
  });

  for (const journal of [null, JOURNAL]) {
    const how = journal === null ? "" : ", with a journal";

    it(`is there once after a power failure at any disk operation${how}`, async () => {
      const world = await openWorld(journal);
      const { disk } = world.platform;
      await prepare(world);
      const random = new SeededRandom(1);
      const left: { disk: MemoryDisk; acknowledged: Acknowledged; label: string }[] = [];
      let count = 0;
      disk.onOperation = (operation, path) => {
        const survivals = [
          LOSE_ALL,
          KEEP_ALL,
          ...[0.3, 0.7].map(kept => randomSurvival(random, { blockSizeBytes: 64, kept })),
        ];
        const label = `${count++} ${operation} ${path}`;
        for (const [index, survival] of survivals.entries())
          left.push({
            disk: disk.survivor(survival),
            acknowledged: new Map(world.acknowledged),
            label: `${label} (${index})`,
          });
      };
      await move(world);
      disk.onOperation = null;
      expect(world.logs.get("topic", 0)!.directory).to.equal("/two/topic-0");
      expect(left.length).to.be.above(200);
      for (const { disk: survivor, acknowledged, label } of left)
        await check(survivor, world.platform, acknowledged, label);
    });

    it(`stays in charge or gives way when a disk operation fails${how}`, async () => {
      let moved = 0;
      let failed = 0;
      for (let skip = 0; ; skip += 1) {
        const world = await openWorld(journal);
        const { platform, logs } = world;
        await prepare(world);
        let count = 0;
        let struck = "";
        platform.disk.onOperation = (operation, path) => {
          // A failed sync ends the process, and what may not change anything is not interesting.
          if (["sync", "read", "readFile", "list", "status", "size", "space"].includes(operation)) return;
          if (count++ !== skip) return;
          struck = `${operation} ${path}`;
          const parent = DIRECTORIES.find(directory => path.startsWith(directory))!;
          platform.disk.addFault({ path: new RegExp(`^${parent}(/|$)`), code: "EIO" });
        };
        await move(world).catch(() => (failed += 1));
        platform.disk.onOperation = null;
        if (struck === "") break;
        // A sync of a disk that is gone is the end of the process; otherwise whoever is in charge goes on.
        const log = logs.get("topic", 0)!;
        if (world.fatal.length === 0 && log.failure === null) {
          await world.write([text(20), text(21)], 5);
          moved += parentOf(log) === "/two" ? 1 : 0;
        }
        platform.disk.clearFaults();
        for (const [index, survival] of [LOSE_ALL, KEEP_ALL].entries())
          await check(platform.disk.survivor(survival), platform, world.acknowledged, `${struck} fails (${index})`);
      }
      expect(moved, "moves that were over before the other directory failed").to.be.above(0);
      expect(failed).to.be.above(5);
    });
  }
});
