/** The cleaner in a thread of its own, over real files. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect } from "chai";
import { BatchBuilder } from "../../../protocol/records/index.ts";
import { type CleaningJob, cleanLog, ThreadCleaning } from "../../../src/log/cleaner/index.ts";
import { NodeDisk } from "../../../src/platform/node-disk.ts";
import { NodeThreads } from "../../../src/platform/node-threads.ts";

const BATCHES = 200;
const RECORDS_PER_BATCH = 20;

describe("ThreadCleaning", () => {
  let directory: string;
  let job: CleaningJob;
  let cleaning: ThreadCleaning;
  const hooks = { bytesPerSecond: Number.POSITIVE_INFINITY, onSegment: () => true, isCancelled: () => false };

  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "samsa-cleaning-"));
    const log = Buffer.concat(Array.from({ length: BATCHES }, (_, number) => batchOf(number * RECORDS_PER_BATCH)));
    fs.writeFileSync(path.join(directory, "00000000000000000000.log"), log);
    job = {
      directory,
      segments: [{ baseOffset: 0, sizeBytes: log.length, modifiedMs: 0 }],
      firstDirtyOffset: 0,
      endOffset: BATCHES * RECORDS_PER_BATCH,
      nowMs: 5000,
      deleteRetentionMs: 1000,
      segmentSizeBytes: 1 << 30,
      indexSizeBytes: 1 << 20,
      indexIntervalBytes: 4096,
      abortedTransactions: [],
      lastProducerBatches: [],
      mapMemoryBytes: 1 << 20,
      mapLoadFactor: 0.9,
      bufferBytes: 16_384,
      hashSeed: Buffer.alloc(16, 1),
    };
    cleaning = new ThreadCleaning({ threads: new NodeThreads() });
  });

  afterEach(() => {
    cleaning.rest();
    fs.rmSync(directory, { recursive: true });
  });

  it("does what cleaning in place does, again and again", async () => {
    const inPlace = cleanLog(job, { disk: new NodeDisk() });
    let step = inPlace.next();
    while (!step.done) step = inPlace.next();
    const cleaned = path.join(directory, "00000000000000000000.log.cleaned");
    const expected = fs.readFileSync(cleaned);
    for (let round = 0; round < 2; round += 1) {
      const segments: number[][] = [];
      const onSegment = (segment: { replaces: readonly number[] }): boolean => segments.push([...segment.replaces]) > 0;
      const result = await cleaning.run(job, { ...hooks, onSegment });
      expect(result).to.deep.equal(step.value);
      expect(segments).to.deep.equal([[0]]);
      expect(fs.readFileSync(cleaned).equals(expected)).to.equal(true);
    }
  });

  it("ends when it is cancelled and leaves nothing", async () => {
    const result = await cleaning.run(job, { ...hooks, bytesPerSecond: 50_000, isCancelled: () => true });
    expect(result).to.equal(null);
    expect(fs.readdirSync(directory)).to.deep.equal(["00000000000000000000.log"]);
  });

  it("reports damage and missing files as cleaning in place does", async () => {
    fs.truncateSync(path.join(directory, "00000000000000000000.log"), 1000);
    const failed = await cleaning.run(job, hooks).catch(error => error);
    expect(failed).to.include({ name: "CleaningError" });
    const missing = await cleaning
      .run({ ...job, directory: path.join(directory, "none") }, hooks)
      .catch(error => error);
    expect(missing).to.include({ name: "DiskError", code: "ENOENT" });
  });

  it("reports what a swap throws", async () => {
    const failed = await cleaning
      .run(job, {
        ...hooks,
        onSegment: () => {
          throw new Error("no swap");
        },
      })
      .catch(error => error);
    expect(failed.message).to.equal("no swap");
    expect(await cleaning.run(job, hooks)).to.not.equal(null);
  });
});

function batchOf(baseOffset: number): Buffer {
  const builder = new BatchBuilder({ baseOffset });
  for (let index = 0; index < RECORDS_PER_BATCH; index += 1) {
    const key = Buffer.from(`key ${(baseOffset + index) % 97}`);
    builder.append({ timestamp: 1000, key, value: Buffer.alloc(50, index) });
  }
  return builder.build();
}
