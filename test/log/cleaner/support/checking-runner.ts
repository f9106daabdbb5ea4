/** Runs cleanings and holds what they leave on disk against the naive cleaner. */
import { expect } from "chai";
import { type DecodedBatch, decodeBatches } from "../../../../protocol/records/index.ts";
import {
  type CleaningHooks,
  type CleaningJob,
  type CleaningResult,
  type CleaningRunner,
  InlineCleaning,
} from "../../../../src/log/cleaner/index.ts";
import { OffsetMap } from "../../../../src/log/cleaner/offset-map.ts";
import { parseSegmentFileName } from "../../../../src/log/file-names.ts";
import type { Clock, Disk, Timers } from "../../../../src/platform/platform.ts";
import { factsOf, naiveClean } from "./naive-cleaner.ts";

export class CheckingRunner implements CleaningRunner {
  /** Cleanings that were checked. */
  checkedCount = 0;
  readonly #disk: Disk;
  readonly #inner: InlineCleaning;

  constructor(modules: { disk: Disk; timers: Timers; clock: Pick<Clock, "monotonic"> }) {
    this.#disk = modules.disk;
    this.#inner = new InlineCleaning(modules);
  }

  async run(job: CleaningJob, hooks: CleaningHooks): Promise<CleaningResult | null> {
    const before = batchesOnDisk(this.#disk, job.directory);
    const { capacity } = new OffsetMap({
      memoryBytes: job.mapMemoryBytes,
      loadFactor: job.mapLoadFactor,
      expectedKeys: job.endOffset - job.firstDirtyOffset,
    });
    const expected = naiveClean(job, before, capacity);
    const result = await this.#inner.run(job, hooks);
    if (result === null) return null;
    expect(result.endOffset, "where the next cleaning starts").to.equal(expected.endOffset);
    const after = batchesOnDisk(this.#disk, job.directory);
    expect(after.map(factsOf), "batches after cleaning").to.deep.equal(expected.batches.map(factsOf));
    this.checkedCount += 1;
    return result;
  }

  rest(): void {}
}

/** All batches of the live segment files in a directory, in order. Throws for any that is damaged or out of order. */
export function batchesOnDisk(disk: Disk, directory: string): DecodedBatch[] {
  const batches: DecodedBatch[] = [];
  for (const name of disk.list(directory)) {
    const parsed = parseSegmentFileName(name);
    if (parsed?.kind !== "log" || parsed.state !== "live") continue;
    for (const batch of decodeBatches(disk.readFile(`${directory}/${name}`)).batches) {
      if (batch.magic !== 2) throw new Error("an old message set");
      const last = batches.at(-1);
      if (batch.baseOffset < parsed.offset || (last !== undefined && batch.baseOffset <= last.lastOffset))
        throw new Error(`batch ${batch.baseOffset} in ${name} is out of order`);
      batches.push(batch);
    }
  }
  return batches;
}
