/** Cleanings that Apache Kafka 4.3.1 did, done again: its old segments, which it had only renamed yet, must become the segments it wrote. */
import { expect } from "chai";
import { type DecodedBatch, decodeBatches } from "../../../protocol/records/index.ts";
import { type CleaningJob, cleanLog } from "../../../src/log/cleaner/index.ts";
import { decodeProducerSnapshot } from "../../../src/log/producer-snapshot.ts";
import { MemoryDisk } from "../../../src/platform/memory.ts";
import { kafkaFiles, manifestPartitions } from "../support/kafka-data.ts";
import { factsOf } from "./support/naive-cleaner.ts";

const DIRECTORY = "/log";
const HOUR_MS = 3_600_000;

interface KafkaCleaning {
  readonly topic: string;
  readonly deleteRetentionMs: number;
  /** When the last cleaning took place, as the delete horizons tell. */
  readonly nowMs: number;
}

const CLEANINGS: KafkaCleaning[] = [
  { topic: "compacted", deleteRetentionMs: 24 * HOUR_MS, nowMs: 1_795_231_232_000 },
  { topic: "compacted-tombstones-gone", deleteRetentionMs: 0, nowMs: 1_795_231_232_000 },
];

const name = (offset: number): string => offset.toString().padStart(20, "0");

describe("a cleaning that Kafka did", () => {
  const files = kafkaFiles("clean");
  const fileOf = (topic: string, file: string): Buffer => files.get(`${topic}-0/${file}`)!;

  for (const { topic, deleteRetentionMs, nowMs } of CLEANINGS) {
    it(`of ${topic} comes out the same, byte for byte, indexes included`, () => {
      const disk = new MemoryDisk();
      const job = jobOver(disk, topic, [0, 490, 491, 492], 493, { firstDirtyOffset: 491, nowMs, deleteRetentionMs });
      const segments = [...cleanLog(job, { disk })].flatMap(step => (step.kind === "segment" ? [step.segment] : []));
      expect(segments.map(({ replaces }) => replaces)).to.deep.equal([[0, 490, 491, 492]]);
      for (const suffix of [".log", ".index", ".timeindex"]) {
        const cleaned = disk.readFile(`${DIRECTORY}/${name(0)}${suffix}.cleaned`);
        expect(cleaned.equals(fileOf(topic, name(0) + suffix)), suffix).to.equal(true);
      }
    });

    it(`of the tombstones of ${topic} sets the same delete horizon`, () => {
      const disk = new MemoryDisk();
      const later = decodedOf(fileOf(topic, `${name(0)}.log.deleted`)).find(({ baseOffset }) => baseOffset === 450)!;
      const cleanedAtMs = later.deleteHorizonMs! - deleteRetentionMs;
      const job = jobOver(disk, topic, [450], 490, { firstDirtyOffset: 450, nowMs: cleanedAtMs, deleteRetentionMs });
      for (const _step of cleanLog(job, { disk }));
      const [cleaned] = decodedOf(disk.readFile(`${DIRECTORY}/${name(450)}.log.cleaned`));
      expect(factsOf(cleaned!)).to.deep.equal(factsOf(later));
      expect(cleaned!.baseTimestamp).to.equal(later.baseTimestamp);
    });

    it(`leaves as many records of ${topic} as its consumers counted`, () => {
      const counted = manifestPartitions("clean").find(partition => partition.topic === topic)!.committedRecords;
      const records = [`${name(0)}.log`, `${name(493)}.log`]
        .flatMap(file => decodedOf(fileOf(topic, file)))
        .flatMap(batch => batch.records);
      expect(records.length).to.equal(counted);
    });
  }

  /** Puts the segments that Kafka replaced back in force. */
  function jobOver(
    disk: MemoryDisk,
    topic: string,
    baseOffsets: readonly number[],
    endOffset: number,
    options: Pick<CleaningJob, "firstDirtyOffset" | "nowMs" | "deleteRetentionMs">,
  ): CleaningJob {
    disk.makeDirectory(DIRECTORY);
    for (const offset of baseOffsets) {
      for (const suffix of [".log", ".index", ".timeindex"])
        disk.writeFile(`${DIRECTORY}/${name(offset)}${suffix}`, fileOf(topic, `${name(offset)}${suffix}.deleted`));
    }
    const producers = decodeProducerSnapshot(fileOf(topic, `${name(493)}.snapshot`))!;
    return {
      ...options,
      directory: DIRECTORY,
      segments: baseOffsets.map(baseOffset => ({
        baseOffset,
        sizeBytes: disk.status(`${DIRECTORY}/${name(baseOffset)}.log`).sizeBytes,
        modifiedMs: 0,
      })),
      endOffset,
      segmentSizeBytes: 1024 * 1024,
      indexSizeBytes: 1024 * 1024,
      indexIntervalBytes: 4096,
      abortedTransactions: [],
      lastProducerBatches: producers.map(({ producerId, epoch, batches }) => ({
        ...{ producerId, epoch },
        lastDataOffset: batches[0]!.lastOffset,
      })),
      mapMemoryBytes: 1024 * 1024,
      mapLoadFactor: 0.9,
      bufferBytes: 8192,
      hashSeed: Buffer.alloc(16, 7),
    };
  }
});

function decodedOf(contents: Buffer): DecodedBatch[] {
  return decodeBatches(contents).batches as DecodedBatch[];
}
