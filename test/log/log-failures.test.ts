/** Full disks, failing disks, and what the manager makes of them. */
import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import { append, batch, config, openLogs, readAll, TOPIC_ID } from "./support/log-world.ts";

const CLIENT = { leaderEpoch: 0, origin: "client", retain: false, nowMs: 0 } as const;

describe("a log on a full disk", () => {
  it("takes back what could not be written, tells who waits, and goes on once there is space", async () => {
    const platform = createMemoryPlatform();
    const { logs, fatal } = await openLogs(platform);
    const log = logs.create("topic", TOPIC_ID, 0, config());
    append(log, ["kept"]);
    await platform.time.complete(logs.flush(log));
    const failures: [number, number][] = [];
    log.onAppendFailed((_log, endOffset, errorCode) => failures.push([endOffset, errorCode]));
    const clear = platform.disk.addFault({ operation: "writev", path: /\.log$/, code: "ENOSPC" });
    const producer = { producerId: 1, producerEpoch: 0, baseSequence: 0 };
    expect(log.append(batch(["lost"], producer), { ...CLIENT, leaderEpoch: 4 }).ok).to.equal(true);
    await platform.time.advance(0);
    expect(failures).to.deep.equal([[1, Errors.KAFKA_STORAGE_ERROR]]);
    expect([log.logEndOffset, log.leaderEpoch]).to.deep.equal([1, 0]);
    clear();
    expect(log.append(batch(["again"], producer), CLIENT)).to.include({ ok: true, baseOffset: 1, duplicate: false });
    await platform.time.complete(logs.flush(log));
    expect([...(await readAll(log)).values()]).to.deep.equal(["kept", "again"]);
    expect(fatal).to.deep.equal([]);
  });

  it("refuses the append when no new segment can be made, and changes nothing", async () => {
    const platform = createMemoryPlatform();
    const { logs } = await openLogs(platform);
    const log = logs.create("topic", TOPIC_ID, 0, config({ segmentSizeBytes: 150 }));
    append(log, ["x".repeat(60)]);
    await platform.time.complete(logs.flush(log));
    for (const path of [/00000\.timeindex$/, /\.snapshot$/, /00001\.(log|index)$/]) {
      const clear = platform.disk.addFault({ operation: "writev", path, code: "ENOSPC" });
      const other = platform.disk.addFault({ operation: "open", path, code: "ENOSPC" });
      const outcome = log.append(batch(["y".repeat(60)]), CLIENT);
      expect(outcome, String(path)).to.include({ ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR });
      expect([log.logEndOffset, log.segments.count]).to.deep.equal([1, 1]);
      clear();
      other();
    }
    expect(append(log, ["y".repeat(60)])).to.equal(1);
    await platform.time.complete(logs.close());
    const reopened = (await openLogs(platform)).logs.get("topic", 0)!;
    expect((await platform.time.complete(readAll(reopened))).size).to.equal(2);
  });

  it("refuses clients, and only them, while the reserve is touched", async () => {
    const platform = createMemoryPlatform({ disk: { capacityBytes: 100_000 } });
    const { logs } = await openLogs(platform, { reserveBytes: 5000 });
    const log = logs.create("topic", TOPIC_ID, 0, config());
    append(log, ["a"]);
    platform.disk.writeFile("/ballast", Buffer.alloc(96_000));
    await platform.time.advance(1001);
    expect(log.append(batch(["b"]), CLIENT)).to.include({ ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR });
    expect(log.append(batch(["c"]), { ...CLIENT, origin: "coordinator" })).to.include({ ok: true });
    platform.disk.remove("/ballast");
    await platform.time.advance(1001);
    expect(log.append(batch(["b"]), CLIENT)).to.include({ ok: true });
  });
});

describe("a log on a failing disk", () => {
  it("takes no append after a write error, and its directory goes offline", async () => {
    const platform = createMemoryPlatform();
    const { logs, fatal } = await openLogs(platform);
    const log = logs.create("topic", TOPIC_ID, 0, config());
    const failures: number[] = [];
    log.onAppendFailed((_log, endOffset) => failures.push(endOffset));
    platform.disk.addFault({ operation: "writev", path: /\.log$/, code: "EIO", times: 1 });
    append(log, ["a"]);
    await platform.time.advance(0);
    expect(failures).to.deep.equal([0]);
    expect(log.append(batch(["b"]), CLIENT)).to.include({ ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR });
    expect(logs.directories[0]!.offline).to.equal(true);
    expect(fatal.length, "the only directory").to.equal(1);
  });

  it("is the end of the process when a sync fails, and never tries again", async () => {
    const platform = createMemoryPlatform();
    const { logs, fatal } = await openLogs(platform);
    const log = logs.create("topic", TOPIC_ID, 0, config());
    platform.disk.addFault({ operation: "sync", path: /\.log$/, code: "EIO", times: 1 });
    append(log, ["a"]);
    let flushed = false;
    void logs.flush(log).then(() => {
      flushed = true;
    });
    await platform.time.advance(10);
    expect([flushed, fatal.length, log.flushedOffset]).to.deep.equal([false, 1, 0]);
    const syncs = platform.disk.operationCount("sync");
    void logs.flush(log);
    await platform.time.advance(10);
    expect(platform.disk.operationCount("sync")).to.equal(syncs);
    await platform.time.complete(logs.close());
    expect(platform.disk.exists("/data/.kafka_cleanshutdown")).to.equal(false);
  });

  it("keeps the logs of the other directory", async () => {
    const platform = createMemoryPlatform();
    platform.disk.makeDirectory("/other");
    const { logs, fatal } = await openLogs(platform, { directories: ["/data", "/other"] });
    const first = logs.create("topic", TOPIC_ID, 0, config());
    const second = logs.create("topic", TOPIC_ID, 1, config());
    expect([first.directory, second.directory]).to.deep.equal(["/data/topic-0", "/other/topic-1"]);
    platform.disk.addFault({ operation: "writev", path: /^\/data\/.*\.log$/, code: "EIO" });
    append(first, ["a"]);
    await platform.time.advance(0);
    expect([first.failure === null, second.failure === null, fatal.length]).to.deep.equal([false, true, 0]);
    append(second, ["b"]);
    await platform.time.complete(logs.flush(second));
    expect(second.flushedOffset).to.equal(1);
  });
});

describe("a log that is deleted while a checkpoint is under way", () => {
  it("takes nothing else with it, at whatever step of the checkpoint that is", async () => {
    for (let deletedAfterMs = 0; deletedAfterMs < 12; deletedAfterMs += 1) {
      const platform = createMemoryPlatform({ disk: { latencyMs: () => 1 } });
      const { logs, fatal } = await openLogs(platform);
      const log = logs.create("topic", TOPIC_ID, 0, config({ segmentSizeBytes: 150, indexIntervalBytes: 1 }));
      for (let epoch = 0; epoch < 4; epoch += 1) append(log, ["x".repeat(60)], epoch);
      const checkpoint = logs.checkpoint();
      await platform.time.advance(deletedAfterMs);
      const deleted = logs.delete("topic", 0);
      await platform.time.complete(Promise.all([checkpoint, deleted]));
      expect(logs.directories[0]!.failure, `deleted after ${deletedAfterMs} ms`).to.equal(null);
      expect(fatal).to.deep.equal([]);
      const next = logs.create("topic", TOPIC_ID, 0, config());
      append(next, ["a"]);
      await platform.time.complete(logs.flush(next));
    }
  });
});

describe("a damaged log", () => {
  it("is reported and left alone when the damage lies below the recovery point", async () => {
    const platform = createMemoryPlatform();
    const { logs } = await openLogs(platform);
    const log = logs.create("topic", TOPIC_ID, 0, config());
    for (let index = 0; index < 3; index += 1) append(log, ["x".repeat(100)]);
    await platform.time.complete(logs.flush(log));
    await platform.time.complete(logs.checkpoint());
    platform.disk.crash();
    const path = "/data/topic-0/00000000000000000000.log";
    const contents = platform.disk.readFile(path);
    contents[250]! ^= 1;
    platform.disk.writeFile(path, contents);
    const reopened = await openLogs(platform);
    expect(reopened.logs.get("topic", 0)).to.equal(undefined);
    expect(reopened.logs.offlineLogs.get("topic-0")).to.match(/below its recovery point, at offset 1/);
    expect(platform.disk.readFile(path)).to.deep.equal(contents);
    expect(() => reopened.logs.create("topic", TOPIC_ID, 0, config())).to.throw(/below its recovery point/);
  });
});
