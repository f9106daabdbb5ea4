/** Data directories of Apache Kafka 4.3.1, opened, read, recovered and written again. */
import { createHash } from "node:crypto";
import { expect } from "chai";
import {
  attributesAt,
  baseOffsetAt,
  batchSizeAt,
  isControl,
  isTransactional,
  lastOffsetAt,
  producerIdAt,
} from "../../protocol/records/batch.ts";
import { decodeRecords } from "../../protocol/records/record.ts";
import { LeaderEpochs } from "../../src/log/leader-epochs.ts";
import type { LogConfig } from "../../src/log/log-config.ts";
import type { PartitionLog } from "../../src/log/partition-log.ts";
import { ProducerState } from "../../src/log/producer-state.ts";
import { scanSegment } from "../../src/log/recovery.ts";
import { createMemoryPlatform, MemoryDisk } from "../../src/platform/memory.ts";
import { kafkaFiles, manifestPartitions, unpack } from "./support/kafka-data.ts";
import { batchesOf, config, openLogs, TOPIC_ID } from "./support/log-world.ts";

describe("a data directory of Apache Kafka", function () {
  this.timeout(60_000);

  for (const kind of ["clean", "unclean"] as const) {
    it(`${kind === "clean" ? "stopped cleanly" : "of a killed broker"} holds the records that Kafka found in it`, async () => {
      const platform = createMemoryPlatform();
      unpack(kafkaFiles(kind), platform.disk, "/data");
      const { logs } = await openLogs(platform);
      expect([...logs.offlineLogs]).to.deep.equal([]);
      expect(logs.cleanShutdownEpoch).to.equal(kind === "clean" ? 14 : null);
      for (const expected of manifestPartitions(kind)) {
        const name = `${expected.topic}-${expected.partition}`;
        const log = logs.get(expected.topic, expected.partition)!;
        expect(log, name).to.not.equal(undefined);
        log.updateHighWatermark(log.logEndOffset);
        expect(log.topicPartition.topicId, name).to.equal(expected.topicId);
        expect(log.logStartOffset, name).to.equal(expected.logStartOffset);
        // The clean broker committed one more group offset between the manifest and its stop.
        const isOlder = kind === "clean" && name === "__consumer_offsets-0";
        if (isOlder) expect(log.logEndOffset, name).to.equal(expected.highWatermark + 1);
        else expect(log.logEndOffset, name).to.equal(expected.highWatermark);
        if (!isOlder) expect(log.lastStableOffset, name).to.equal(expected.lastStableOffset);
        expect(log.logEndOffset, name).to.be.above(expected.lastAckedOffset ?? -1);
        const committed = await platform.time.complete(committedRecords(log, expected.lastStableOffset));
        expect(committed, name).to.deep.equal({ count: expected.committedRecords, sha256: expected.sha256 });
      }
    });
  }

  it("opens a second time after recovery and a clean stop, without recovery", async () => {
    const platform = createMemoryPlatform();
    unpack(kafkaFiles("unclean"), platform.disk, "/data");
    const first = await openLogs(platform);
    const ends = new Map([...first.logs.all()].map(log => [log.name, log.logEndOffset]));
    await platform.time.complete(first.logs.close(15));
    expect(platform.disk.readFile("/data/.kafka_cleanshutdown").toString()).to.equal('{"version":0,"brokerEpoch":15}');
    const second = await openLogs(platform);
    expect(second.logs.cleanShutdownEpoch).to.equal(15);
    expect(new Map([...second.logs.all()].map(log => [log.name, log.logEndOffset]))).to.deep.equal(ends);
    expect(platform.disk.exists("/data/.kafka_cleanshutdown")).to.equal(false);
  });

  it("has the indexes that recovery rebuilds", async () => {
    const files = kafkaFiles("clean");
    const disk = new MemoryDisk();
    unpack(files, disk, "/data");
    let compared = 0;
    for (const [path, contents] of files) {
      // The metadata log was restarted in the middle of a segment; compacted segments were indexed as they were copied.
      if (!path.endsWith(".log") || path.startsWith("compacted") || path.startsWith("__cluster_metadata")) continue;
      const baseOffset = Number(path.slice(-24, -4));
      const file = disk.open(`/data/${path}`, "read");
      const scan = await scanSegment(
        file,
        { baseOffset, sizeBytes: contents.length, indexIntervalBytes: 4096 },
        { producers: new ProducerState(), epochs: new LeaderEpochs() },
      );
      scan.indexes.finish();
      expect(scan.fault, path).to.equal(null);
      const prefix = path.slice(0, -4);
      expect(scan.indexes.offsetIndex.encode().toString("hex"), path).to.equal(
        files.get(`${prefix}.index`)!.toString("hex"),
      );
      expect(scan.indexes.timeIndex.encode().toString("hex"), path).to.equal(
        files.get(`${prefix}.timeindex`)!.toString("hex"),
      );
      compared += 1;
    }
    expect(compared).to.be.above(50);
  });

  const REWRITTEN: readonly [string, Partial<LogConfig>][] = [
    ["plain-0", { segmentSizeBytes: 65_536 }],
    ["plain-1", { segmentSizeBytes: 65_536 }],
    ["plain-2", { segmentSizeBytes: 65_536 }],
    ["codec-gzip-0", { segmentSizeBytes: 65_536 }],
    ["codec-snappy-0", { segmentSizeBytes: 65_536 }],
    ["codec-lz4-0", { segmentSizeBytes: 65_536 }],
    ["codec-zstd-0", { segmentSizeBytes: 65_536 }],
    ["codec-by-broker-0", {}],
    ["append-time-0", {}],
    ["headers-0", {}],
    ["idempotent-0", {}],
    ["big-0", { maxMessageBytes: 2_000_000 }],
    ["grown-2", {}],
    ["txn-open-0", {}],
    ["__consumer_offsets-3", {}],
    ["__transaction_state-0", {}],
  ];
  for (const [name, overrides] of REWRITTEN) {
    it(`is written byte for byte alike when the batches of ${name} are appended here`, async () => {
      const files = [...kafkaFiles("clean")].filter(([path]) => path.startsWith(`${name}/`));
      const platform = createMemoryPlatform({ startMs: 1_795_231_300_000 });
      const { logs } = await openLogs(platform);
      const log = logs.create("copy", TOPIC_ID, 0, config(overrides));
      for (const [path, contents] of files) {
        if (!path.endsWith(".log")) continue;
        for (const batch of batchesOf(contents)) {
          const outcome = log.append(batch, { leaderEpoch: 0, origin: "replica", retain: false, nowMs: 0 });
          expect(outcome.ok, JSON.stringify(outcome)).to.equal(true);
        }
      }
      await platform.time.complete(logs.close());
      const written = platform.disk.list("/data/copy-0").filter(file => file !== "partition.metadata");
      const original = files.map(([path]) => path.slice(name.length + 1)).filter(file => file !== "partition.metadata");
      expect(written).to.deep.equal(original.sort());
      for (const file of written) {
        const contents = platform.disk.readFile(`/data/copy-0/${file}`);
        const expected = files.find(([path]) => path === `${name}/${file}`)![1];
        expect(contents.toString("hex"), file).to.equal(expected.toString("hex"));
      }
    });
  }
});

/** Count and checksum of what a reader of committed records gets, by the manifest's recipe. */
async function committedRecords(log: PartitionLog, endOffset: number): Promise<{ count: number; sha256: string }> {
  const hash = createHash("sha256");
  const aborted = log.abortedTransactions(log.logStartOffset, endOffset);
  const number = Buffer.alloc(8);
  let count = 0;
  let offset = log.logStartOffset;
  while (offset < endOffset) {
    const outcome = await log.read(offset, 50_000, endOffset, { minOneBatch: true });
    if (!outcome.ok) throw new Error(outcome.message);
    if (outcome.sizeBytes === 0) break;
    for (const batch of outcome.chunks.flatMap(batchesOf)) {
      offset = lastOffsetAt(batch, 0) + 1;
      expect(batchSizeAt(batch, 0)).to.equal(batch.length);
      const attributes = attributesAt(batch, 0);
      const first = baseOffsetAt(batch, 0);
      const isAborted = aborted.some(
        ({ producerId, firstOffset, lastOffset }) =>
          producerId === producerIdAt(batch, 0) && firstOffset <= first && lastOffset >= first,
      );
      if (isControl(attributes) || (isTransactional(attributes) && isAborted)) continue;
      for (const { offset: recordOffset, key, value } of decodeRecords(batch)) {
        if (recordOffset < log.logStartOffset) continue;
        number.writeBigInt64BE(BigInt(recordOffset));
        hash.update(number);
        for (const bytes of [key, value]) {
          number.writeInt32BE(bytes?.length ?? -1);
          hash.update(number.subarray(0, 4));
          if (bytes !== null) hash.update(bytes);
        }
        count += 1;
      }
    }
  }
  return { count, sha256: hash.digest("hex") };
}
