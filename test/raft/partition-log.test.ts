/** The metadata log over the log room's own log, as in a broker. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { defaultLogManagerOptions, LogManager } from "../../src/log/index.ts";
import { memoryLogger } from "../../src/logging/index.ts";
import { openStorage } from "../../src/metadata/storage/storage.ts";
import { Metrics } from "../../src/metrics/index.ts";
import {
  createMemoryPlatform,
  KEEP_ALL,
  LOSE_ALL,
  type MemoryPlatform,
  randomSurvival,
} from "../../src/platform/memory.ts";
import { createNodePlatform } from "../../src/platform/node.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { RaftDriver } from "../../src/raft/driver.ts";
import { RpcClient } from "../../src/rpc/index.ts";
import { kafkaFile, kafkaMetadataLog } from "./support/kafka-files.ts";
import { QUORUM_OF_ONE, Recorder, values } from "./support/voter.ts";

/** Without end where nothing comes of them. */
const MOST_FLUSHES = 10_000;

async function open(platform: Platform, directory: string, retention = { maxBytes: -1, maxAgeMs: -1 }) {
  const logger = memoryLogger();
  const fatal: unknown[] = [];
  const storage = openStorage(
    {
      directories: [directory],
      metadataDirectory: null,
      nodeId: 1,
      clusterId: null,
      endpoints: [{ name: "CONTROLLER", host: "127.0.0.1", port: 29193 }],
      formatIfNew: true,
    },
    { ...platform, logger },
  );
  const logs = new LogManager(defaultLogManagerOptions(directory), {
    platform,
    logger,
    metrics: new Metrics(),
    onFatal: error => fatal.push(error),
  });
  const log = await logs.openMetadataLog();
  let flushCount = 0;
  const voter = new RaftDriver(
    {
      ...QUORUM_OF_ONE,
      directoryId: storage.metadataDirectory.directoryId,
      directory: storage.metadataLogDirectory,
      endpoints: [{ name: "CONTROLLER", host: "127.0.0.1", port: 29193 }],
      retention,
    },
    {
      platform,
      connect: peer => new RpcClient(peer, { platform, logger }),
      log,
      flush: () => {
        flushCount += 1;
        if (flushCount > MOST_FLUSHES) throw new Error("flushes go round and round");
        return logs.flush(log);
      },
      logger,
      onFatal: error => fatal.push(error),
    },
  );
  const recorder = new Recorder();
  voter.subscribe(recorder);
  await voter.start();
  return { storage, logs, log, voter, recorder, logger, fatal };
}

describe("metadata log over a partition log", () => {
  it("keeps what it committed through restarts, clean and not", async () => {
    const platform: MemoryPlatform = createMemoryPlatform({ seed: 5 });
    const committed: string[] = [];
    const survivals = [LOSE_ALL, KEEP_ALL, randomSurvival(platform.random, { blockSizeBytes: 512 })];
    for (let round = 0; round < 24; round++) {
      const node = await platform.time.complete(open(platform, "/data"));
      await platform.time.advance(1);
      expect(node.voter.leaderAndEpoch.epoch).to.equal(round + 1);
      expect(node.recorder.records.slice(0, committed.length)).to.deep.equal(committed);
      expect(node.recorder.calls.at(-1)).to.equal(`leader e${round + 1}`);
      for (let index = 0; index < 10; index++) {
        node.voter.append(round + 1, values(`${round}.${index}`, `${round}.${index}+`));
        if (index % 3 === round % 3) await platform.time.step();
      }
      if (round % 4 === 3) {
        await platform.time.complete(node.voter.close());
        await platform.time.complete(node.logs.close(-1));
        node.storage.close();
      } else {
        for (let turn = 0; turn < round % 5; turn++) await platform.time.step();
      }
      committed.length = 0;
      committed.push(...node.recorder.records);
      platform.disk.crash(survivals[round % 3]);
    }
    expect(committed.length).to.be.greaterThan(100);
  });

  it("is flushed no more once its directory was let go of", async () => {
    const platform: MemoryPlatform = createMemoryPlatform({ seed: 5, disk: { latencyMs: () => 1 } });
    const node = await platform.time.complete(open(platform, "/data"));
    await platform.time.advance(10);
    const rejections: unknown[] = [];
    const rejected = (error: unknown): void => {
      rejections.push(error);
    };
    process.on("unhandledRejection", rejected);
    node.voter.append(1, values("lost"));
    await platform.time.step();
    node.log.abandon("Its directory failed.");
    await platform.time.advance(10);
    process.off("unhandledRejection", rejected);
    expect(rejections).to.deep.equal([]);
    expect(node.log.flushedOffset).to.be.below(node.log.logEndOffset);
  });

  it("starts over when the disk is full and takes appends back", async () => {
    const platform: MemoryPlatform = createMemoryPlatform({ seed: 5 });
    const node = await platform.time.complete(open(platform, "/data"));
    await platform.time.advance(1);
    const heal = platform.disk.addFault({ operation: "writev", path: ".log", code: "ENOSPC" });
    node.voter.append(1, values("gone"));
    await platform.time.advance(10);
    expect(node.voter.isLeader()).to.equal(false);
    heal();
    await platform.time.advance(3000);
    expect(node.voter.isLeader()).to.equal(true);
    const { epoch } = node.voter.leaderAndEpoch;
    expect(node.voter.append(epoch, values("kept")).ok).to.equal(true);
    await platform.time.advance(10);
    expect(node.recorder.records).to.deep.equal(["kept"]);
    expect(node.fatal).to.deep.equal([]);
  });

  it("trims segments that snapshots stand in for", async () => {
    const platform: MemoryPlatform = createMemoryPlatform({ seed: 5 });
    const node = await platform.time.complete(open(platform, "/data", { maxBytes: 3000, maxAgeMs: -1 }));
    for (let round = 0; round < 5; round++) {
      node.voter.append(1, [Buffer.alloc(1500, `${round}`)]);
      await platform.time.advance(5);
      node.log.roll();
      const endOffset = node.voter.highWatermark;
      const writer = node.voter.createSnapshot({ endOffset, epoch: 1 }, platform.clock.now());
      writer?.append(values(`round ${round}`));
      await platform.time.complete(writer?.freeze() as Promise<void>);
    }
    expect(node.voter.logStartOffset).to.be.greaterThan(3);
    await platform.time.advance(120_000);
    platform.disk.crash();
    const again = await platform.time.complete(open(platform, "/data"));
    await platform.time.advance(1);
    expect(again.recorder.records).to.deep.equal(["round 4"]);
  });

  it("goes on where Apache Kafka's left off", async () => {
    const directory = mkdtempSync(join(tmpdir(), "samsa-raft-"));
    try {
      const metadata = join(directory, "__cluster_metadata-0");
      mkdirSync(metadata);
      for (const name of ["meta.properties", "bootstrap.checkpoint"])
        writeFileSync(join(directory, name), kafkaFile(name));
      for (const name of [
        "00000000000000000000-0000000000.checkpoint",
        "00000000000000000308-0000000001.checkpoint",
        "quorum-state",
        "leader-epoch-checkpoint",
        "partition.metadata",
      ]) {
        writeFileSync(join(metadata, name), kafkaFile(`__cluster_metadata-0/${name}`));
      }
      writeFileSync(join(metadata, "00000000000000000000.log"), kafkaMetadataLog());
      const node = await open(createNodePlatform(), directory);
      expect(node.voter.leaderAndEpoch).to.deep.equal({ leaderId: 1, epoch: 2 });
      expect(node.voter.highWatermark).to.equal(311);
      await new Promise(resolve => setTimeout(resolve, 10));
      const places = node.recorder.calls.map(call => call.split(" ").slice(0, 3).join(" "));
      expect(places).to.deep.equal([
        "snapshot 308-1",
        "committed 308-308 e1",
        "committed 309-309 e1",
        "committed 310-310 e2",
        "leader e2",
      ]);
      node.voter.append(2, values("x"));
      await node.voter.close();
      await node.logs.close(-1);
      node.storage.close();
      expect(node.fatal).to.deep.equal([]);
      expect(readFileSync(join(metadata, "leader-epoch-checkpoint"), "utf8")).to.equal("0\n2\n1 0\n2 310\n");
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
