/** The journal seen from outside: when it is used, what it leaves on disk, and what a start makes of it. */
import { expect } from "chai";
import { decodeHeader } from "../../../src/log/journal/journal-format.ts";
import { DEFAULT_JOURNAL_OPTIONS } from "../../../src/log/journal/journal-options.ts";
import type { LogManagerOptions } from "../../../src/log/log-manager-options.ts";
import type { PartitionLog } from "../../../src/log/partition-log.ts";
import { createMemoryPlatform, type MemoryPlatform } from "../../../src/platform/memory.ts";
import { append, config, openLogs, readAll, TOPIC_ID } from "../support/log-world.ts";

const JOURNAL = { ...DEFAULT_JOURNAL_OPTIONS, fileSizeBytes: 16 * 1024, fileCount: 3, minLogs: 3, roundsBefore: 2 };
const OPTIONS: Partial<LogManagerOptions> = { journal: JOURNAL };

describe("the journal", () => {
  it("is made once rounds over many logs come again, and serves them with one sync", async () => {
    const { platform, logs } = await openLogs(undefined, OPTIONS);
    const all = create(logs, 4);
    // New logs have their files synced: the first round is none for a journal.
    await flushAll(platform, logs, all);
    await flushAll(platform, logs, all);
    expect(journalFiles(platform)).to.deep.equal([]);
    await flushAll(platform, logs, all);
    await platform.time.advance(10);
    expect(journalFiles(platform)).to.deep.equal(["samsa.journal.0"]);
    // Its first use has the next file made.
    await flushAll(platform, logs, all);
    await platform.time.advance(10);
    const synced: string[] = [];
    platform.disk.onOperation = (operation, path) => {
      if (operation === "sync") synced.push(path);
    };
    await flushAll(platform, logs, all);
    expect(synced).to.deep.equal(["/data/samsa.journal.0"]);
    expect(all.map(log => log.flushedOffset)).to.deep.equal([5, 5, 5, 5]);
    expect(all.map(log => log.syncedOffset)).to.deep.equal([3, 3, 3, 3]);
  });

  it("stays out of rounds over few logs, and of logs with much to make durable", async () => {
    const { platform, logs } = await openLogs(undefined, { journal: { ...JOURNAL, extentMaxBytes: 300 } });
    const all = create(logs, 5);
    await flushAll(platform, logs, all);
    await platform.time.complete(logs.prepareJournals());
    await flushAll(platform, logs, all.slice(0, 2));
    expect(all.map(log => log.syncedOffset)).to.deep.equal([2, 2, 1, 1, 1]);
    append(all[0]!, ["much ".repeat(100)]);
    await flushAll(platform, logs, all);
    expect(all.map(log => log.syncedOffset)).to.deep.equal([4, 2, 1, 1, 1]);
  });

  it("has no two rounds under way that may use it, and several over logs with much to make durable", async () => {
    const platform = createMemoryPlatform({ disk: { latencyMs: () => 5 } });
    const { logs } = await openLogs(platform, { journal: { ...JOURNAL, minLogs: 2, extentMaxBytes: 300 } });
    const all = create(logs, 5);
    await flushAll(platform, logs, all);
    const done: string[] = [];
    const appendTo = async (numbers: readonly number[], text: string): Promise<void> => {
      for (const number of numbers) {
        append(all[number]!, [text]);
        void logs.flush(all[number]!).then(() => done.push(`${number}`));
      }
      await platform.time.advance(2);
    };
    const much = "much ".repeat(100);
    await appendTo([0, 1], much);
    await appendTo([2, 3], much);
    await platform.time.advance(3);
    expect(done, "beside each other").to.deep.equal(["0", "1", "2", "3"]);
    await appendTo([0, 1], "little");
    await appendTo([2, 3], "little");
    await platform.time.advance(3);
    expect(done.slice(4), "the second waits").to.deep.equal(["0", "1"]);
    await platform.time.advance(5);
    expect(done.slice(6)).to.deep.equal(["2", "3"]);
  });

  it("lets go of a file that holds enough for each sync it takes, though there is room, and uses it again", async () => {
    const journal = { ...JOURNAL, fileSizeBytes: 1024, fileCount: 12, bytesPerSync: 200 };
    const { platform, logs } = await openLogs(undefined, { journal });
    const all = create(logs, 4);
    for (let round = 0; round < 30; round += 1) {
      await flushAll(platform, logs, all);
      await platform.time.advance(20);
    }
    expect(journalFiles(platform)).to.have.length(4);
    for (const log of all) expect(log.flushedOffset - log.syncedOffset).to.be.lessThan(6);
  });

  it("makes a file's retirement durable before it is used again", async () => {
    const journal = { ...JOURNAL, fileSizeBytes: 1024, fileCount: 12, bytesPerSync: 200 };
    const { platform, logs } = await openLogs(undefined, { journal });
    const all = create(logs, 4);
    const unsynced = new Set<string>();
    const faults: string[] = [];
    let useCount = 0;
    platform.disk.onOperation = (operation, path) => {
      if (!path.includes("samsa.journal")) return;
      if (operation === "sync") unsynced.delete(path);
      if (operation !== "writev") return;
      // A header that is not zeroed durably may say after a power failure that frames of its use are missing, which the next one wrote over.
      if (unsynced.has(path)) faults.push(path);
      unsynced.add(path);
      useCount += 1;
    };
    for (let round = 0; round < 30; round += 1) {
      await flushAll(platform, logs, all);
      await platform.time.advance(20);
    }
    expect(useCount).to.be.greaterThan(30);
    expect(journalFiles(platform)).to.have.length(4);
    expect(faults).to.deep.equal([]);
  });

  it("brings back what only it held after a power failure, and is gone then; the metadata log, which it never holds, is there too", async () => {
    const { platform, logs } = await openLogs(undefined, { journal: { ...JOURNAL, minLogs: 1 } });
    const metadataLog = await platform.time.complete(logs.openMetadataLog());
    const all = [metadataLog, ...create(logs, 3)];
    await flushAll(platform, logs, all);
    await platform.time.complete(logs.prepareJournals());
    await flushAll(platform, logs, all);
    await flushAll(platform, logs, all);
    expect(all.map(log => log.syncedOffset)).to.deep.equal([3, 1, 1, 1]);

    const disk = platform.disk.survivor();
    const after = await openLogs(platform, OPTIONS, disk);
    const found = [await after.platform.time.complete(after.logs.openMetadataLog()), ...after.logs.all()];
    expect(found.map(log => log.logEndOffset)).to.deep.equal([3, 3, 3, 3]);
    for (const log of found) expect([...(await readAll(log)).values()]).to.deep.equal(["0", "1", "2"]);
    expect(disk.list("/data").filter(name => name.startsWith("samsa"))).to.deep.equal([]);
  });

  it("holds what was appended, though a round takes several files and the memory of it is used again meanwhile", async () => {
    const journal = { ...JOURNAL, fileSizeBytes: 1024 };
    const { platform, logs } = await openLogs(undefined, { journal, tailCacheSizeBytes: 0 });
    const all = create(logs, 8);
    await flushAll(platform, logs, all);
    await platform.time.complete(logs.prepareJournals());
    await flushAll(platform, logs, all.slice(0, 3));
    const others = Array.from({ length: 8 }, (_, partition) => logs.create("other", TOPIC_ID, partition, config()));
    let isFirst = true;
    platform.disk.onOperation = (operation, path) => {
      if (operation !== "sync" || !path.includes("journal") || !isFirst) return;
      isFirst = false;
      // Each takes the memory of a batch that is written.
      for (const log of others) append(log, ["other"]);
    };
    await flushAll(platform, logs, all);
    expect(isFirst).to.equal(false);
    const { logs: again } = await openLogs(platform, OPTIONS, platform.disk.survivor());
    for (const { name, topicPartition, flushedOffset } of all) {
      const values = [...(await readAll(again.get("t", topicPartition.partition)!)).values()];
      expect(values, name).to.deep.equal(Array.from({ length: flushedOffset }, (_, offset) => String(offset)));
    }
  });

  it("is not there after a clean stop", async () => {
    const { platform, logs } = await openLogs(undefined, OPTIONS);
    const all = create(logs, 4);
    await flushAll(platform, logs, all);
    await platform.time.complete(logs.prepareJournals());
    await flushAll(platform, logs, all);
    await platform.time.complete(logs.close());
    expect(journalFiles(platform)).to.deep.equal([]);
    const { logs: again } = await openLogs(platform, OPTIONS, platform.disk.survivor());
    expect([...again.all()].map(log => log.logEndOffset)).to.deep.equal([2, 2, 2, 2]);
    expect(again.cleanShutdownEpoch).to.equal(-1);
  });

  it("is not replayed into a directory that somebody else has stopped cleanly since", async () => {
    const { platform, logs } = await openLogs(undefined, OPTIONS);
    const all = create(logs, 4);
    await flushAll(platform, logs, all);
    await platform.time.complete(logs.prepareJournals());
    await flushAll(platform, logs, all);
    // The other program cut the log: it knows of no journal.
    const disk = platform.disk.survivor();
    disk.open("/data/t-0/00000000000000000000.log", "write").truncate(0);
    disk.writeFile("/data/.kafka_cleanshutdown", Buffer.from('{"version":0,"brokerEpoch":3}'));
    const { logs: again } = await openLogs(platform, OPTIONS, disk);
    expect(again.get("t", 0)!.logEndOffset).to.equal(0);
    expect(disk.list("/data").filter(name => name.startsWith("samsa"))).to.deep.equal([]);
  });

  it("does not overwrite what another program wrote in a directory that was never stopped", async () => {
    const { platform, logs } = await openLogs(undefined, OPTIONS);
    const all = create(logs, 4);
    await flushAll(platform, logs, all);
    await platform.time.complete(logs.prepareJournals());
    await flushAll(platform, logs, all);
    const disk = platform.disk.survivor();
    // Another batch where the journal has one of its own: that of the log beside it, which has the same size.
    const other = await openLogs(createMemoryPlatform(), { journal: null });
    const [theirs] = create(other.logs, 1);
    append(theirs!, ["0"]);
    append(theirs!, ["x"]);
    await other.platform.time.complete(other.logs.flush(theirs!));
    const bytes = other.platform.disk.readFile("/data/t-0/00000000000000000000.log");
    disk.open("/data/t-0/00000000000000000000.log", "write").writev([bytes], 0);
    const { logs: again } = await openLogs(platform, OPTIONS, disk);
    expect([...(await readAll(again.get("t", 0)!)).values()]).to.deep.equal(["0", "x"]);
    expect([...(await readAll(again.get("t", 1)!)).values()]).to.deep.equal(["0", "1"]);
  });

  it("takes its directory offline when frames are missing that were durable", async () => {
    const { platform, logs } = await openLogs(undefined, { journal: { ...JOURNAL, fileSizeBytes: 1024, minLogs: 2 } });
    const all = create(logs, 3);
    await flushAll(platform, logs, all);
    await platform.time.complete(logs.prepareJournals());
    // Until a second generation has begun, while the first still counts.
    for (let round = 0; round < 30 && generationsIn(platform) < 2; round += 1) await flushAll(platform, logs, all);
    expect(generationsIn(platform)).to.be.greaterThan(1);
    const disk = platform.disk.survivor();
    const found = disk.list("/data").filter(name => name.startsWith("samsa.journal"));
    const generations = found.map(name => ({
      name,
      header: decodeHeader(disk.readFile(`/data/${name}`)),
    }));
    const inUse = generations.flatMap(({ name, header }) =>
      typeof header === "object" ? [{ name, generation: header.generation }] : [],
    );
    const oldest = inUse.reduce((least, other) => (other.generation < least.generation ? other : least));
    disk.open(`/data/${oldest.name}`, "write").writev([Buffer.from([0xff])], 600);
    let failure: unknown = null;
    try {
      await openLogs(platform, OPTIONS, disk);
    } catch (error) {
      failure = error;
    }
    expect(String(failure)).to.include("says that it held");
  });
});

function create(logs: Awaited<ReturnType<typeof openLogs>>["logs"], count: number): PartitionLog[] {
  return Array.from({ length: count }, (_, partition) => logs.create("t", TOPIC_ID, partition, config()));
}

/** Appends to each log a record that says its offset, and makes all of it durable in one round. */
async function flushAll(
  platform: MemoryPlatform,
  logs: Awaited<ReturnType<typeof openLogs>>["logs"],
  all: readonly PartitionLog[],
): Promise<void> {
  for (const log of all) append(log, [String(log.logEndOffset)]);
  await platform.time.complete(Promise.all(all.map(log => logs.flush(log))));
}

function journalFiles(platform: MemoryPlatform): string[] {
  return platform.disk.list("/data").filter(name => name.startsWith("samsa.journal"));
}

function generationsIn(platform: MemoryPlatform): number {
  return journalFiles(platform).filter(name => platform.disk.readFile(`/data/${name}`)[0] !== 0).length;
}
