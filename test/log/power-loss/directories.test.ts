/** Several log directories: one fails, the others go on. */
import { expect } from "chai";
import { BatchBuilder } from "../../../protocol/records/builder.ts";
import { LogManager } from "../../../src/log/log-manager.ts";
import { defaultLogManagerOptions } from "../../../src/log/log-manager-options.ts";
import type { PartitionLog } from "../../../src/log/partition-log.ts";
import { nullLogger } from "../../../src/logging/index.ts";
import { Metrics } from "../../../src/metrics/index.ts";
import { createMemoryPlatform, type MemoryPlatform } from "../../../src/platform/memory.ts";
import { CONFIG } from "./world.ts";

const DIRECTORIES = ["/one", "/two", "/three"];
const TOPIC_ID = "topic-1AAAAAAAAAAAAAAA";

interface Opened {
  readonly logs: LogManager;
  readonly offline: string[];
  readonly fatal: unknown[];
}

async function open(platform: MemoryPlatform): Promise<Opened> {
  for (const path of DIRECTORIES) if (!platform.disk.exists(path)) platform.disk.makeDirectory(path);
  platform.disk.syncDirectory("/");
  const offline: string[] = [];
  const fatal: unknown[] = [];
  const options = { ...defaultLogManagerOptions("/one"), directories: DIRECTORIES, configOf: () => CONFIG };
  const logs = new LogManager(options, {
    platform,
    logger: nullLogger,
    metrics: new Metrics(),
    onFatal: error => fatal.push(error),
    onDirectoryOffline: ({ path }) => offline.push(path),
  });
  await platform.time.complete(logs.open());
  return { logs, offline, fatal };
}

function append(log: PartitionLog): boolean {
  const records = new BatchBuilder().append({ timestamp: 1, value: Buffer.from("value") }).build();
  return log.append(records, { leaderEpoch: 0, origin: "client", retain: false, nowMs: 1 }).ok;
}

async function withLogs(): Promise<Opened & { platform: MemoryPlatform }> {
  const platform = createMemoryPlatform();
  const opened = await open(platform);
  for (let partition = 0; partition < 6; partition += 1)
    append(opened.logs.create("topic", TOPIC_ID, partition, CONFIG));
  await platform.time.complete(Promise.all([...opened.logs.all()].map(log => opened.logs.flush(log))));
  return { ...opened, platform };
}

const directoryOf = (log: PartitionLog): string => log.directory.slice(0, log.directory.lastIndexOf("/"));

describe("several log directories", () => {
  it("share new logs evenly", async () => {
    const { logs } = await withLogs();
    expect(logs.directories.map(directory => directory.logs.size)).to.deep.equal([2, 2, 2]);
  });

  it("go on when one of them cannot be listed at a start", async () => {
    const { logs, platform } = await withLogs();
    await platform.time.complete(logs.close());
    platform.disk.addFault({ operation: "list", path: "/two", code: "EIO" });
    const again = await open(platform);
    expect([again.offline, again.fatal]).to.deep.equal([["/two"], []]);
    expect([...again.logs.all()]).to.have.length(4);
    for (const log of again.logs.all()) expect([log.logEndOffset, append(log)]).to.deep.equal([1, true]);
  });

  it("go on when a write to one of them fails", async () => {
    const { logs, offline, fatal, platform } = await withLogs();
    platform.disk.addFault({ operation: "writev", path: /^\/two/, code: "EIO" });
    for (const log of logs.all()) append(log);
    await platform.time.advance(5);
    expect(offline).to.deep.equal(["/two"]);
    expect(fatal).to.deep.equal([]);
    for (const log of logs.all()) expect(append(log), log.directory).to.equal(directoryOf(log) !== "/two");
    await platform.time.complete(logs.checkpoint());
    await platform.time.complete(logs.close());
    platform.disk.clearFaults();
    expect(platform.disk.exists("/one/.kafka_cleanshutdown")).to.equal(true);
    expect(platform.disk.exists("/two/.kafka_cleanshutdown"), "recovery is due").to.equal(false);
    const again = await open(platform);
    for (const log of again.logs.all()) expect(log.logEndOffset).to.equal(directoryOf(log) === "/two" ? 1 : 3);
  });

  it("go on when the checkpoint files of one of them cannot be written", async () => {
    const { logs, offline, fatal, platform } = await withLogs();
    platform.disk.addFault({ operation: "open", path: /^\/two\/recovery-point/, code: "EIO" });
    await platform.time.complete(logs.checkpoint());
    expect(offline).to.deep.equal(["/two"]);
    expect(fatal).to.deep.equal([]);
    expect(platform.disk.readFile("/three/recovery-point-offset-checkpoint").toString()).to.contain("topic 2 1");
  });

  it("put no new log into one that is offline", async () => {
    const { logs, platform } = await withLogs();
    platform.disk.addFault({ operation: "writev", path: /^\/two/, code: "EIO" });
    for (const log of logs.all()) append(log);
    await platform.time.advance(5);
    for (let partition = 6; partition < 10; partition += 1)
      expect(directoryOf(logs.create("topic", TOPIC_ID, partition, CONFIG))).not.to.equal("/two");
  });

  it("put no new log into one that is cordoned, unless it is wanted there or all of them are", async () => {
    const { logs } = await withLogs();
    const place = (partition: number, wanted: string | null = null) =>
      directoryOf(logs.create("topic", TOPIC_ID, partition, CONFIG, wanted));
    const [one, two, three] = logs.directories;
    one!.isCordoned = two!.isCordoned = true;
    expect([6, 7, 8].map(partition => place(partition))).to.deep.equal(["/three", "/three", "/three"]);
    expect(place(9, "/one")).to.equal("/one");
    three!.isCordoned = true;
    expect(place(10)).to.equal("/two");
  });

  it("start without one that cannot be read", async () => {
    const { logs, platform } = await withLogs();
    await platform.time.complete(logs.close());
    platform.disk.addFault({ path: /^\/two/, code: "EIO" });
    const again = await open(platform);
    expect(again.offline).to.deep.equal(["/two"]);
    expect(again.fatal).to.deep.equal([]);
    expect([...again.logs.all()]).to.have.length(4);
  });

  it("start without one whose log cannot be read", async () => {
    const { logs, platform } = await withLogs();
    await platform.time.complete(logs.close());
    platform.disk.addFault({ operation: ["readFile", "read", "open"], path: /^\/two\/topic-\d+\//, code: "EIO" });
    const again = await open(platform);
    expect(again.offline).to.deep.equal(["/two"]);
    expect([...again.logs.all()]).to.have.length(4);
  });

  it("end the process when the last of them fails", async () => {
    const { logs, offline, fatal, platform } = await withLogs();
    platform.disk.addFault({ operation: "writev", path: /\.log$/, code: "EIO" });
    for (const log of logs.all()) append(log);
    await platform.time.advance(5);
    expect(offline).to.have.members(DIRECTORIES);
    expect(fatal).to.have.length(1);
  });
});

describe("a start that finds the left-overs of a swap that had not begun", () => {
  it("removes what the compaction had left for it to tell that by, after all else is gone for good", async () => {
    const platform = createMemoryPlatform();
    const { logs } = await open(platform);
    const { directory } = logs.create("topic", TOPIC_ID, 0, CONFIG);
    await platform.time.complete(logs.close());
    const { disk } = platform;
    const [swap, cleaned] = ["00000000000000000000.index.swap", "00000000000000000000.log.cleaned"];
    for (const name of [swap, cleaned]) {
      const file = disk.open(`${directory}/${name}`, "create");
      file.syncNow();
      file.close();
    }
    disk.syncDirectory(directory);
    const durableAtRemoval: string[][] = [];
    const remove = disk.remove.bind(disk);
    disk.remove = path => {
      if (path.endsWith(cleaned)) durableAtRemoval.push(disk.survivor().list(directory));
      remove(path);
    };
    await open(platform);
    expect(durableAtRemoval).to.have.length(1);
    expect(durableAtRemoval[0]).to.include(cleaned);
    expect(durableAtRemoval[0]).to.not.include(swap);
    for (const name of [swap, cleaned]) expect(disk.list(directory)).to.not.include(name);
  });
});
