import { expect } from "chai";
import { atomicWrite, makeDirectoryDurably } from "../../src/platform/files.ts";
import {
  KEEP_ALL,
  LOSE_ALL,
  MemoryDisk,
  randomSurvival,
  SeededRandom,
  SimulatedTime,
} from "../../src/platform/memory.ts";
import { diskContract, expectDiskError } from "./disk-contract.ts";

diskContract("MemoryDisk", () => {
  const disk = new MemoryDisk();
  disk.makeDirectory("/data");
  return { disk, directory: "/data" };
});

describe("MemoryDisk.crash", () => {
  let disk: MemoryDisk;

  beforeEach(() => {
    disk = new MemoryDisk();
    makeDirectoryDurably(disk, "/data");
  });

  function synced(path: string, contents: string): void {
    const file = disk.open(path, "write");
    file.writev([Buffer.from(contents)], 0);
    file.syncNow();
    file.close();
    disk.syncDirectory("/data");
  }

  it("keeps bytes and names that were synced", () => {
    synced("/data/a", "kept");
    disk.crash();
    expect(disk.readFile("/data/a").toString()).to.equal("kept");
  });

  it("loses unsynced bytes of a synced name, down to what was synced before", () => {
    synced("/data/a", "old");
    const file = disk.open("/data/a", "write");
    file.writev([Buffer.from("new and longer")], 0);
    disk.crash();
    expect(disk.readFile("/data/a").toString()).to.equal("old");
  });

  it("loses a synced file whose name was not synced", () => {
    const file = disk.open("/data/a", "write");
    file.syncNow();
    disk.crash();
    expect(disk.list("/data")).to.deep.equal([]);
  });

  it("brings back removed and renamed files whose directory was not synced", () => {
    synced("/data/a", "a");
    synced("/data/b", "b");
    disk.remove("/data/a");
    disk.rename("/data/b", "/data/c");
    disk.crash();
    expect(disk.list("/data")).to.deep.equal(["a", "b"]);
  });

  it("loses a directory whose parent was not synced, whatever was synced in it", () => {
    disk.makeDirectory("/data/topic-0");
    disk.open("/data/topic-0/log", "write").syncNow();
    disk.syncDirectory("/data/topic-0");
    disk.crash();
    expect(disk.list("/data")).to.deep.equal([]);
  });

  it("a rename between directories survives whole once one of the two is synced", () => {
    makeDirectoryDurably(disk, "/data/d");
    synced("/data/a", "a");
    disk.open("/data/d/a", "write");
    disk.rename("/data/a", "/data/d/a");
    disk.syncDirectory("/data");
    disk.crash();
    expect(disk.list("/data")).to.deep.equal(["d"]);
    expect(disk.readFile("/data/d/a").toString()).to.equal("a");
  });

  it("a sync covers what was written before it began, not what came during it", async () => {
    const time = new SimulatedTime();
    disk = new MemoryDisk({ latencyMs: () => 5 }, { timers: time });
    const file = disk.open("/a", "write");
    disk.syncDirectory("/");
    file.writev([Buffer.from("before")], 0);
    const syncing = file.sync();
    file.writev([Buffer.from("during")], 6);
    await time.complete(syncing);
    disk.crash();
    expect(disk.readFile("/a").toString()).to.equal("before");
  });

  it("a sync under way never completes", async () => {
    const time = new SimulatedTime();
    disk = new MemoryDisk({ latencyMs: () => 5 }, { timers: time });
    const file = disk.open("/a", "write");
    let settled = false;
    file.sync().then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    disk.crash();
    await time.advance(100);
    expect(settled).to.equal(false);
  });

  it("kills open files and frees locks", () => {
    const file = disk.open("/data/a", "write");
    expect(disk.lock("/data/.lock")).to.be.a("function");
    disk.crash();
    expectDiskError(() => file.size(), "EIO", "size", "/data/a");
    expect(disk.lock("/data/.lock")).to.be.a("function");
  });

  it("with KEEP_ALL loses nothing", () => {
    disk.open("/data/a", "write").writev([Buffer.from("x")], 0);
    disk.crash(KEEP_ALL);
    expect(disk.readFile("/data/a").toString()).to.equal("x");
  });

  it("tears an unsynced write at block boundaries only, and reaches every combination", () => {
    synced("/data/a", "");
    disk.open("/data/a", "write").writev([Buffer.alloc(4 * 512, 1)], 0);
    const outcomes = new Set<string>();
    const random = new SeededRandom("tear");
    for (let round = 0; round < 300; round++) {
      const contents = disk.survivor(randomSurvival(random, { blockSizeBytes: 512 })).readFile("/data/a");
      const blocks = [0, 1, 2, 3].map(block => contents.subarray(block * 512, (block + 1) * 512));
      for (const block of blocks)
        expect(new Set(block).size, "a block is written whole or not at all").to.be.at.most(1);
      outcomes.add(blocks.map(block => block[0] ?? 0).join(""));
    }
    expect(outcomes.size).to.equal(16);
  });

  it("survivor leaves the disk itself as it is", () => {
    disk.open("/data/a", "write").writev([Buffer.from("x")], 0);
    const survivor = disk.survivor(LOSE_ALL);
    expect(survivor.list("/data")).to.deep.equal([]);
    survivor.writeFile("/data/b", Buffer.from("y"));
    expect(disk.list("/data")).to.deep.equal(["a"]);
  });

  it("a survivor's files and the disk's own change apart, durably and not", () => {
    synced("/data/a", "shared");
    const survivor = disk.survivor(LOSE_ALL);
    const change = (where: MemoryDisk, contents: string, sizeBytes: number): void => {
      const file = where.open("/data/a", "write");
      file.writev([Buffer.from(contents)], 1);
      file.truncate(sizeBytes);
    };
    change(disk, "H", 3);
    change(survivor, "UNK", 8);
    expect(disk.readFile("/data/a").toString()).to.equal("sHa");
    expect(survivor.readFile("/data/a").toString()).to.equal("sUNKed\0\0");
    expect(disk.survivor(LOSE_ALL).readFile("/data/a").toString()).to.equal("shared");
    disk.open("/data/a", "write").syncNow();
    expect(disk.survivor(LOSE_ALL).readFile("/data/a").toString()).to.equal("sHa");
    expect(survivor.survivor(LOSE_ALL).readFile("/data/a").toString()).to.equal("shared");
  });

  it("atomicWrite leaves the old or the new contents, whole, wherever it is interrupted", () => {
    atomicWrite(disk, "/data/checkpoint", "old");
    const seen = new Set<string>();
    const random = new SeededRandom("atomic");
    for (let stopAt = 0; ; stopAt++) {
      const copy = disk.survivor(KEEP_ALL);
      let remaining = stopAt;
      copy.onOperation = () => {
        if (remaining-- === 0) throw new Error("stop");
      };
      let finished = true;
      try {
        atomicWrite(copy, "/data/checkpoint", "the new contents");
      } catch {
        finished = false;
      }
      copy.onOperation = null;
      for (let round = 0; round < 50; round++) {
        const contents = copy
          .survivor(randomSurvival(random, { blockSizeBytes: 4 }))
          .readFile("/data/checkpoint")
          .toString();
        expect(contents).to.be.oneOf(finished ? ["the new contents"] : ["old", "the new contents"]);
        seen.add(contents);
      }
      if (finished) break;
    }
    expect([...seen].sort()).to.deep.equal(["old", "the new contents"]);
  });
});

describe("MemoryDisk faults", () => {
  it("fail what they match, as often as they say", () => {
    const disk = new MemoryDisk();
    const file = disk.open("/a.log", "write");
    disk.addFault({ operation: "writev", path: ".log", code: "EIO", skip: 1, times: 1 });
    file.writev([Buffer.from("1")], 0);
    expectDiskError(() => file.writev([Buffer.from("2")], 1), "EIO", "writev", "/a.log");
    file.writev([Buffer.from("3")], 1);
    expect(disk.readFile("/a.log").toString()).to.equal("13");
  });

  it("can be taken away", () => {
    const disk = new MemoryDisk();
    const remove = disk.addFault({ path: /^\/b/, code: "EROFS" });
    expectDiskError(() => disk.open("/b", "write"), "EROFS", "open", "/b");
    disk.open("/a", "write");
    remove();
    disk.open("/b", "write");
  });

  it("a failing write can leave a part", () => {
    const disk = new MemoryDisk();
    const file = disk.open("/a", "write");
    disk.addFault({ operation: "writev", code: "EIO", writtenBytes: 3 });
    expectDiskError(() => file.writev([Buffer.from("12345")], 0), "EIO", "writev", "/a");
    expect(disk.readFile("/a").toString()).to.equal("123");
  });

  it("a failed sync loses the bytes for good, even when a later one succeeds", async () => {
    const disk = new MemoryDisk();
    const file = disk.open("/a", "write");
    disk.syncDirectory("/");
    file.writev([Buffer.from("lost")], 0);
    disk.addFault({ operation: "sync", code: "EIO", times: 1 });
    let code: unknown;
    await file.sync().catch(error => {
      code = error.code;
    });
    expect(code).to.equal("EIO");
    await file.sync();
    expect(disk.readFile("/a").toString()).to.equal("lost");
    disk.crash();
    expect(disk.readFile("/a").toString()).to.equal("");
  });

  it("a full disk takes what fits, fails with ENOSPC, and has room again after a removal", () => {
    const disk = new MemoryDisk({ capacityBytes: 10 });
    const file = disk.open("/a", "write");
    file.writev([Buffer.from("123456")], 0);
    expectDiskError(() => file.writev([Buffer.from("789012")], 6), "ENOSPC", "writev", "/a");
    expect(file.size()).to.equal(10);
    expect(disk.space("/")).to.deep.equal({ freeBytes: 0, totalBytes: 10 });
    file.truncate(5);
    disk.writeFile("/b", Buffer.from("12345"));
    disk.remove("/a");
    expect(disk.space("/").freeBytes).to.equal(5);
  });

  it("operations are counted", async () => {
    const disk = new MemoryDisk();
    const file = disk.open("/a", "write");
    await file.sync();
    file.syncNow();
    expect(disk.operationCount("sync")).to.equal(2);
    expect(disk.operationCount()).to.equal(3);
  });
});
