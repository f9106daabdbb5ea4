import { expect } from "chai";
import { DEFAULT_CLEANER_OPTIONS, InlineCleaning } from "../../../src/log/cleaner/index.ts";
import type { LogConfig } from "../../../src/log/log-config.ts";
import type { PartitionLog } from "../../../src/log/partition-log.ts";
import { createMemoryPlatform, type MemoryPlatform } from "../../../src/platform/memory.ts";
import { batch, config, type LogWorld, openLogs, TOPIC_ID } from "../support/log-world.ts";
import { batchesOnDisk } from "./support/checking-runner.ts";

const COMPACTED: Partial<LogConfig> = { compacts: true, deletes: false, segmentSizeBytes: 1000, fileDeleteDelayMs: 10 };
const KEYS = 10;

describe("LogCleaner", () => {
  it("cleans in the background, and goes on where it was after a restart", async () => {
    const platform = createMemoryPlatform();
    const world = await openLogs(platform);
    const log = world.logs.create("topic", TOPIC_ID, 0, config(COMPACTED));
    fill(log, 100);
    await flush(world, log);
    expect(log.segments.count).to.be.above(5);
    await platform.time.advance(DEFAULT_CLEANER_OPTIONS.backoffMs + 100);
    const cleanedOffset = log.segments.active.baseOffset;
    expect(log.cleanedOffset).to.equal(cleanedOffset);
    expect(platform.disk.readFile("/data/cleaner-offset-checkpoint").toString()).to.equal(
      `0\n1\ntopic 0 ${cleanedOffset}\n`,
    );
    expect(keptBelow(platform, log, cleanedOffset)).to.equal(KEYS);
    const files = platform.disk.list(log.directory).filter(name => /cleaned|swap|deleted/.test(name));
    expect(files).to.deep.equal([]);

    await platform.time.complete(world.logs.close());
    const again = await openLogs(platform, { configOf: () => config(COMPACTED) });
    const reopened = again.logs.get("topic", 0)!;
    expect(reopened.cleanedOffset).to.equal(cleanedOffset);
    expect(reopened.logEndOffset).to.equal(100);
    await platform.time.complete(again.logs.delete("topic", 0));
    expect(platform.disk.readFile("/data/cleaner-offset-checkpoint").toString()).to.equal("0\n0\n");
  });

  it("leaves logs alone that are not compacted, not dirty enough, or not committed", async () => {
    const platform = createMemoryPlatform();
    const world = await openLogs(platform);
    const plain = world.logs.create("plain", TOPIC_ID, 0, config({ ...COMPACTED, compacts: false }));
    const uncommitted = world.logs.create("uncommitted", TOPIC_ID, 0, config(COMPACTED));
    const patient = world.logs.create("patient", TOPIC_ID, 0, config({ ...COMPACTED, minCleanableDirtyRatio: 1 }));
    for (const log of [plain, uncommitted, patient]) fill(log, 50);
    await flush(world, plain);
    await flush(world, patient);
    expect(await platform.time.complete(world.logs.cleaner!.cleanAll())).to.equal(0);
    expect([plain, uncommitted, patient].map(log => log.cleanedOffset)).to.deep.equal([null, null, null]);
  });

  it("takes the dirtiest log first", async () => {
    const platform = createMemoryPlatform();
    const world = await openLogs(platform);
    const logs = [60, 50].map((records, partition) => {
      const log = world.logs.create("topic", TOPIC_ID, partition, config(COMPACTED));
      fill(log, records);
      return log;
    });
    for (const log of logs) await flush(world, log);
    expect(await platform.time.complete(world.logs.cleaner!.cleanAll())).to.equal(2);
    const before = logs.map(log => log.cleanedOffset!);
    fill(logs[1]!, 100);
    fill(logs[0]!, 20);
    for (const log of logs) await flush(world, log);
    const cleaned: string[] = [];
    const { disk, time } = platform;
    const inner = new InlineCleaning({ disk, timers: time, clock: time });
    await time.complete(
      world.logs.cleaner!.cleanAll({
        run: (job, hooks) => {
          cleaned.push(job.directory);
          return inner.run(job, hooks);
        },
        rest: () => {},
      }),
    );
    expect(cleaned).to.deep.equal(["/data/topic-1", "/data/topic-0"]);
    for (const [index, log] of logs.entries()) expect(log.cleanedOffset).to.be.above(before[index]!);
  });

  it("gives up on a damaged log, says so, and goes on with the others", async () => {
    const platform = createMemoryPlatform();
    const world = await openLogs(platform);
    const [damaged, sound] = [0, 1].map(partition => {
      const log = world.logs.create("topic", TOPIC_ID, partition, config(COMPACTED));
      fill(log, partition === 0 ? 90 : 50);
      return log;
    });
    await flush(world, damaged!);
    await flush(world, sound!);
    const file = platform.disk.open(`${damaged!.directory}/00000000000000000000.log`, "write");
    file.writev([Buffer.from([255])], 70);
    expect(await platform.time.complete(world.logs.cleaner!.cleanAll())).to.equal(1);
    expect(sound!.cleanedOffset).to.equal(sound!.segments.active.baseOffset);
    expect([...world.logs.cleaner!.uncleanable]).to.have.length(1);
    expect(world.logs.cleaner!.uncleanable.get(damaged!)).to.match(/fails its checksum/);
    expect(platform.disk.list(damaged!.directory).filter(name => name.endsWith(".cleaned"))).to.deep.equal([]);
    expect(await platform.time.complete(world.logs.cleaner!.cleanAll())).to.equal(0);
  });

  it("tries again later when the disk is full", async () => {
    const platform = createMemoryPlatform();
    const world = await openLogs(platform);
    const log = world.logs.create("topic", TOPIC_ID, 0, config(COMPACTED));
    fill(log, 50);
    await flush(world, log);
    const restore = platform.disk.addFault({ operation: "writev", path: /\.cleaned$/, code: "ENOSPC" });
    expect(await platform.time.complete(world.logs.cleaner!.cleanAll())).to.equal(0);
    expect(world.logs.cleaner!.uncleanable.size).to.equal(0);
    restore();
    expect(await platform.time.complete(world.logs.cleaner!.cleanAll())).to.equal(1);
  });

  for (const change of ["truncated", "deleted", "retained"] as const) {
    it(`throws its work away when the log is ${change} meanwhile`, async () => {
      const platform = createMemoryPlatform();
      const world = await openLogs(platform);
      const log = world.logs.create("topic", TOPIC_ID, 0, config(COMPACTED));
      fill(log, 100);
      await flush(world, log);
      let isChanged = false;
      platform.disk.onOperation = (operation, path) => {
        if (isChanged || operation !== "open" || !path.endsWith(".log.cleaned")) return;
        isChanged = true;
        if (change === "truncated") log.truncateTo(40);
        else if (change === "deleted") void world.logs.delete("topic", 0);
        else {
          log.advanceLogStart(50);
          log.deleteSegmentsBelowStart();
        }
      };
      expect(await platform.time.complete(world.logs.cleaner!.cleanAll())).to.equal(0);
      platform.disk.onOperation = null;
      expect(world.logs.cleaner!.uncleanable.size).to.equal(0);
      await platform.time.advance(100);
      if (change === "deleted") return;
      expect(platform.disk.list(log.directory).filter(name => /cleaned|swap/.test(name))).to.deep.equal([]);
      expect(log.cleanedOffset).to.equal(null);
      log.updateHighWatermark(log.logEndOffset);
      log.roll();
      expect(await platform.time.complete(world.logs.cleaner!.cleanAll())).to.equal(1);
    });
  }

  it("keeps to its rate", async () => {
    const platform = createMemoryPlatform();
    const world = await openLogs(platform);
    const log = world.logs.create("topic", TOPIC_ID, 0, config({ ...COMPACTED, segmentSizeBytes: 20_000 }));
    fill(log, 1000);
    await flush(world, log);
    const sizeBytes = log.sizeBytes - log.segments.active.sizeBytes;
    const bytesPerSecond = 10_000;
    world.logs.cleaner!.reconfigure({ ...DEFAULT_CLEANER_OPTIONS, threads: 0, bufferBytes: 8192, bytesPerSecond });
    const startedMs = platform.time.monotonic();
    await platform.time.complete(world.logs.cleaner!.cleanAll());
    const seconds = (platform.time.monotonic() - startedMs) / 1000;
    // Everything is read twice.
    expect(seconds).to.be.within((2 * sizeBytes) / bytesPerSecond - 0.5, (3 * sizeBytes) / bytesPerSecond + 0.5);
  });

  it("stops in the middle of its work", async () => {
    const platform = createMemoryPlatform();
    const world = await openLogs(platform);
    const log = world.logs.create("topic", TOPIC_ID, 0, config(COMPACTED));
    fill(log, 200);
    await flush(world, log);
    world.logs.cleaner!.reconfigure({ ...DEFAULT_CLEANER_OPTIONS, bytesPerSecond: 1000 });
    await platform.time.advance(DEFAULT_CLEANER_OPTIONS.backoffMs + 1000);
    await platform.time.complete(world.logs.close());
    expect(platform.disk.list(log.directory).filter(name => /cleaned|swap/.test(name))).to.deep.equal([]);
    expect(log.cleanedOffset).to.equal(null);
  });
});

function fill(log: PartitionLog, records: number): void {
  for (let index = 0; index < records; index += 1) {
    const number = log.logEndOffset;
    const record = { timestamp: 1000, key: Buffer.from(`key ${number % KEYS}`), value: Buffer.from(`value ${number}`) };
    const outcome = log.append(batch([record]), { leaderEpoch: 0, origin: "client", retain: false, nowMs: 1000 });
    if (!outcome.ok) throw new Error(outcome.message);
  }
}

async function flush(world: LogWorld, log: PartitionLog): Promise<void> {
  await world.platform.time.complete(world.logs.flush(log));
  log.updateHighWatermark(log.logEndOffset);
}

function keptBelow(platform: MemoryPlatform, log: PartitionLog, offset: number): number {
  const batches = batchesOnDisk(platform.disk, log.directory).filter(({ baseOffset }) => baseOffset < offset);
  return batches.flatMap(each => each.records).length;
}
