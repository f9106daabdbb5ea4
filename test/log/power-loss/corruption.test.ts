/** Damage to what was durable: found, reported, kept as it is, and never taken for a tail that was not written yet. */
import { expect } from "chai";
import { setPartitionLeaderEpoch } from "../../../protocol/records/batch.ts";
import { createMemoryPlatform } from "../../../src/platform/memory.ts";
import { CrashImage, diskOf, fileIn } from "./crash-image.ts";
import type { ImageDirectory } from "./journal.ts";
import { openLogs, World } from "./world.ts";

const LOG = "/data/a-0/00000000000000000000.log";

/** Five batches in one segment, all below the recovery point, then two that were flushed behind it. */
async function recorded(): Promise<ImageDirectory> {
  const world = new World({ seed: 3 });
  await world.start();
  world.create("a-0", { ...world.config, segmentSizeBytes: 100_000 });
  world.create("b-0");
  world.append("b-0");
  for (let count = 0; count < 5; count += 1) world.append("a-0", { sizeBytes: 100 });
  await world.flush("a-0", "b-0");
  await world.checkpoint();
  world.append("a-0", { sizeBytes: 100 });
  await world.flush("a-0");
  const image = new CrashImage(world.initial);
  for (const entry of world.disk.journal) image.apply(entry);
  return image.build(image.pending().map(() => "kept"));
}

function damaged(image: ImageDirectory, path: string, at: number): ImageDirectory {
  const names = path.split("/").filter(name => name !== "");
  const replace = (directory: ImageDirectory, depth: number): ImageDirectory => {
    const copy = new Map(directory);
    const child = directory.get(names[depth]!)!;
    if (Buffer.isBuffer(child)) {
      const contents = Buffer.from(child);
      contents[at]! ^= 0x40;
      copy.set(names[depth]!, contents);
    } else {
      copy.set(names[depth]!, replace(child, depth + 1));
    }
    return copy;
  };
  return replace(image, 0);
}

describe("a log damaged below its recovery point", function () {
  this.timeout(60_000);

  it("is offline and untouched, byte by byte, whichever byte it is; the others are served", async () => {
    const image = await recorded();
    const contents = fileIn(image, LOG)!;
    const batchSizeBytes = contents.length / 6;
    // The leader epoch of a batch stands outside its checksum, and its base offset is checked only against the one before.
    const unprotected = (at: number): boolean =>
      at % batchSizeBytes < 8 || (at % batchSizeBytes >= 12 && at % batchSizeBytes < 16);
    for (let at = 0; at < 5 * batchSizeBytes; at += 1) {
      if (unprotected(at)) continue;
      const disk = diskOf(damaged(image, LOG, at));
      const before = disk.readFile(LOG);
      const { logs } = await openLogs(disk, createMemoryPlatform());
      expect([...logs.offlineLogs.keys()], `byte ${at}`).to.deep.equal(["a-0"]);
      expect(disk.readFile(LOG).equals(before), `byte ${at}`).to.equal(true);
      expect(logs.get("b", 0)?.logEndOffset).to.equal(1);
    }
  });

  it("stays offline over crashes and clean stops, until somebody removes the marker", async () => {
    const disk = diskOf(damaged(await recorded(), LOG, 200));
    const contents = disk.readFile(LOG);
    for (let life = 0; life < 3; life += 1) {
      const platform = createMemoryPlatform();
      const { logs } = await openLogs(disk, platform);
      expect(logs.offlineLogs.get("a-0"), `life ${life}`).to.contain(
        "is damaged below its recovery point, at offset 1",
      );
      expect(() => logs.create("a", "topic-1AAAAAAAAAAAAAAA", 0, new World({ seed: 1 }).config)).to.throw("damaged");
      if (life > 0) await platform.time.complete(logs.close());
    }
    expect(disk.readFile(LOG).equals(contents)).to.equal(true);
    disk.remove("/data/a-0/samsa.quarantine");
    disk.remove("/data/.kafka_cleanshutdown");
    const { logs } = await openLogs(disk, createMemoryPlatform());
    expect(logs.offlineLogs.get("a-0"), "the recovery point is known still").to.contain("at offset 1");
  });

  it("takes its directory offline when so configured, and the process with the last one", async () => {
    const disk = diskOf(damaged(await recorded(), LOG, 200));
    const { logs, fatal } = await openLogs(disk, createMemoryPlatform(), { corruptionTakes: "directory" });
    expect(logs.directories[0]!.offline).to.equal(true);
    expect(fatal).to.have.length(1);
  });

  it("lets nobody make a new log in the place of one that its directory took along, opened yet or not", async () => {
    for (const recoveryParallelism of [1, 4]) {
      const disk = diskOf(damaged(await recorded(), LOG, 200));
      const options = { corruptionTakes: "directory", recoveryParallelism } as const;
      const { logs } = await openLogs(disk, createMemoryPlatform(), options);
      expect([...logs.offlineLogs.keys()].sort()).to.deep.equal(["a-0", "b-0"]);
      expect([...logs.all()]).to.deep.equal([]);
      expect(() => logs.create("b", "topic-1AAAAAAAAAAAAAAA", 0, new World({ seed: 1 }).config)).to.throw("offline");
    }
  });
});

describe("a log damaged in a segment that others follow", () => {
  it("is offline, for a segment is begun only when all before it is durable", async () => {
    const world = new World({ seed: 4 });
    await world.start();
    world.create("a-0");
    for (let count = 0; count < 8; count += 1) world.append("a-0", { sizeBytes: 200 });
    await world.flush("a-0");
    const image = new CrashImage(world.initial);
    for (const entry of world.disk.journal) image.apply(entry);
    const left = image.build(image.pending().map(() => "kept"));
    const { logs } = await openLogs(diskOf(damaged(left, LOG, 300)), createMemoryPlatform());
    expect(logs.offlineLogs.get("a-0") ?? "open").to.contain("at offset 1");
  });
});

describe("a log with a damaged tail", () => {
  it("loses what lies above the recovery point and no more", async () => {
    const image = await recorded();
    const { logs } = await openLogs(
      diskOf(damaged(image, LOG, fileIn(image, LOG)!.length - 3)),
      createMemoryPlatform(),
    );
    expect([...logs.offlineLogs]).to.deep.equal([]);
    expect(logs.get("a", 0)?.logEndOffset).to.equal(5);
  });
});

describe("a log whose leader epochs fall", () => {
  it("ends where they do: the rest is from before a cut that somebody did not make durable", async () => {
    const world = new World({ seed: 5 });
    await world.start();
    world.create("a-0", { ...world.config, segmentSizeBytes: 100_000 });
    for (let epoch = 2; epoch <= 4; epoch += 1) {
      world.append("a-0", { epoch, sizeBytes: 100 });
      world.append("a-0", { epoch, sizeBytes: 100 });
    }
    await world.flush("a-0");
    const image = new CrashImage(world.initial);
    for (const entry of world.disk.journal) image.apply(entry);
    const disk = diskOf(image.build(image.pending().map(() => "kept")));
    // The leader of epoch 7 wrote a batch of the same size at offset 2.
    const contents = disk.readFile(LOG);
    setPartitionLeaderEpoch(contents, (contents.length / 6) * 2, 7);
    disk.writeFile(LOG, contents);
    const { logs } = await openLogs(disk, createMemoryPlatform());
    const log = logs.get("a", 0)!;
    expect(log.logEndOffset).to.equal(3);
    expect(log.epochEntries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`)).to.deep.equal(["2 0", "7 2"]);
    expect(disk.status(LOG).sizeBytes).to.equal(contents.length / 2);
  });
});

describe("a damaged checkpoint file", () => {
  it("takes its log directory offline and nothing is changed", async () => {
    const image = await recorded();
    const disk = diskOf(damaged(image, "/data/recovery-point-offset-checkpoint", 0));
    const before = disk.readFile(LOG);
    let failure: unknown = null;
    try {
      await openLogs(disk, createMemoryPlatform());
    } catch (error) {
      failure = error;
    }
    expect(String(failure)).to.contain("recovery-point-offset-checkpoint");
    expect(disk.readFile(LOG).equals(before)).to.equal(true);
  });
});
