/**
 * Histories of a compacted log: what producers, time, the cleaner, and crashes do to it, played on a real log over a disk in memory and on a plain
 * list of records.
 */
import { expect } from "chai";
import fc from "fast-check";
import {
  BatchBuilder,
  type CodecId,
  type DecodedBatch,
  decodeBatches,
  decodeControlRecord,
  endTransactionBatch,
} from "../../../../protocol/records/index.ts";
import { DEFAULT_CLEANER_OPTIONS } from "../../../../src/log/cleaner/index.ts";
import type { LogConfig } from "../../../../src/log/log-config.ts";
import type { LogManagerOptions } from "../../../../src/log/log-manager-options.ts";
import type { PartitionLog } from "../../../../src/log/partition-log.ts";
import type { AbortedTransaction } from "../../../../src/log/transaction-index.ts";
import {
  createMemoryPlatform,
  KEEP_ALL,
  LOSE_ALL,
  randomSurvival,
  type SeededRandom,
  type Survival,
} from "../../../../src/platform/memory.ts";
import { config, type LogWorld, openLogs, TOPIC_ID } from "../../support/log-world.ts";
import { batchesOnDisk, CheckingRunner } from "./checking-runner.ts";

export type Step =
  | {
      readonly kind: "produce";
      readonly producer: number;
      readonly codec: number;
      readonly records: readonly GeneratedRecord[];
    }
  | { readonly kind: "begin" | "commit" | "abort"; readonly producer: number; readonly bumpsEpoch: boolean }
  | { readonly kind: "roll" | "reopen" }
  | { readonly kind: "wait"; readonly milliseconds: number }
  | { readonly kind: "clean"; readonly mapSlots: number; readonly lag: number }
  | CrashStep
  | { readonly kind: "delete"; readonly share: number };

/** A power failure after so many disk operations of a cleaning, and perhaps another one in the start that follows. */
export interface CrashStep {
  readonly kind: "crash";
  readonly mapSlots: number;
  readonly afterOperations: number;
  /** Null for a start that goes well. */
  readonly afterOperationsOfStart: number | null;
  readonly seed: number;
}

export interface GeneratedRecord {
  /** -1 for none. */
  readonly key: number;
  readonly isTombstone: boolean;
  readonly hasHeader: boolean;
}

/** A record as it was appended, and what became of its transaction. */
interface Written {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly producer: number;
  fate: "none" | "open" | "commit" | "abort";
}

const PRODUCER_COUNT = 3;
const DELETE_RETENTION_MS = 50;

const recordArbitrary: fc.Arbitrary<GeneratedRecord> = fc.record({
  key: fc.integer({ min: 0, max: 7 }),
  isTombstone: fc.boolean(),
  hasHeader: fc.boolean(),
});
const producerArbitrary = fc.integer({ min: 0, max: PRODUCER_COUNT - 1 });
const slotsArbitrary = fc.constantFrom(3, 5, 100);

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("produce" as const),
      producer: fc.integer({ min: -1, max: PRODUCER_COUNT - 1 }),
      codec: fc.integer({ min: 0, max: 4 }),
      records: fc.array(recordArbitrary, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom("begin" as const, "commit" as const, "abort" as const),
      producer: producerArbitrary,
      bumpsEpoch: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("roll" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), milliseconds: fc.constantFrom(1, 10, 60) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("clean" as const),
      mapSlots: slotsArbitrary,
      lag: fc.constantFrom(0, 0, 0, 1, 4),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("crash" as const),
      mapSlots: slotsArbitrary,
      afterOperations: fc.integer({ min: 0, max: 80 }),
      afterOperationsOfStart: fc.option(fc.integer({ min: 20, max: 100 })),
      seed: fc.integer({ min: 0, max: 1000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
);

export interface History {
  readonly steps: readonly Step[];
  /** The topic was not compacted at first, so records without keys may stand at its beginning. */
  readonly keylessRecords: number;
  readonly isAppendTime: boolean;
  readonly minCompactionLagMs: number;
}

export const historyArbitrary: fc.Arbitrary<History> = fc.record({
  steps: fc.array(stepArbitrary, { minLength: 5, maxLength: 40 }),
  keylessRecords: fc.constantFrom(0, 0, 0, 3),
  isAppendTime: fc.constantFrom(false, false, false, true),
  minCompactionLagMs: fc.constantFrom(0, 0, 0, 20),
});

const MANAGER_OPTIONS: Partial<LogManagerOptions> = {
  checkpointIntervalMs: 0,
  highWatermarkCheckpointIntervalMs: 0,
  retentionCheckIntervalMs: 0,
  producerExpirationCheckIntervalMs: 0,
  tailCacheSizeBytes: 4000,
  openSegmentsMax: 2,
};

/** Seeds of a crash that stand for the two ends of what may be left of unsynced work. */
export const NOTHING_SURVIVES = -1;
export const ALL_SURVIVES = -2;

class Stop extends Error {}

/** Plays a history and checks it at each cleaning, crash and end. Returns how many cleanings were compared. */
export async function playHistory(history: History): Promise<number> {
  const player = new Player(history);
  await player.open();
  for (const step of history.steps) await player.play(step);
  await player.play({ kind: "clean", mapSlots: 100, lag: 0 });
  return player.checkedCount;
}

class Player {
  checkedCount = 0;
  readonly #platform = createMemoryPlatform();
  readonly #config: LogConfig;
  readonly #keylessRecords: number;
  #world!: LogWorld;
  #log!: PartitionLog;
  readonly #written: Written[] = [];
  readonly #epochs = Array.from({ length: PRODUCER_COUNT }, () => 0);
  readonly #sequences = Array.from({ length: PRODUCER_COUNT }, () => 0);
  readonly #inTransaction = Array.from({ length: PRODUCER_COUNT }, () => false);
  #valueCount = 0;

  constructor(history: History) {
    this.#keylessRecords = history.keylessRecords;
    this.#config = config({
      compacts: true,
      deletes: false,
      segmentSizeBytes: 900,
      indexIntervalBytes: 150,
      fileDeleteDelayMs: 5,
      minCleanableDirtyRatio: 0,
      minCompactionLagMs: history.minCompactionLagMs,
      deleteRetentionMs: DELETE_RETENTION_MS,
      timestampType: history.isAppendTime ? "LogAppendTime" : "CreateTime",
    });
  }

  async open(): Promise<void> {
    await this.#openWorld({ ...this.#config, compacts: this.#keylessRecords === 0 });
    for (let index = 0; index < this.#keylessRecords; index += 1)
      this.#produce(-1, 0, [{ key: -1, isTombstone: false, hasHeader: false }]);
    this.#world.logs.configure(this.#log, this.#config);
  }

  async play(step: Step): Promise<void> {
    switch (step.kind) {
      case "produce":
        this.#produce(step.producer, step.codec, step.records);
        return;
      case "begin":
        this.#inTransaction[step.producer] = true;
        return;
      case "commit":
      case "abort":
        this.#endTransaction(step.producer, step.kind, step.bumpsEpoch);
        return;
      case "roll":
        this.#log.roll();
        return;
      case "wait":
        await this.#platform.time.advance(step.milliseconds);
        return;
      case "delete":
        this.#log.updateHighWatermark(this.#log.logEndOffset);
        this.#log.advanceLogStart(
          Math.max(this.#log.logStartOffset, Math.floor(step.share * this.#log.lastStableOffset)),
        );
        return;
      case "reopen":
        await this.#platform.time.complete(this.#world.logs.close());
        await this.#openWorld(this.#config);
        await this.#check();
        return;
      case "clean":
        await this.#clean(step.mapSlots, step.lag);
        return;
      case "crash":
        await this.#crash(step);
    }
  }

  async #openWorld(logConfig: LogConfig): Promise<void> {
    this.#world = await openLogs(this.#platform, {
      ...MANAGER_OPTIONS,
      configOf: () => logConfig,
      cleaner: { ...DEFAULT_CLEANER_OPTIONS, threads: 0 },
    });
    this.#log = this.#world.logs.create("topic", TOPIC_ID, 0, logConfig);
  }

  #produce(producer: number, codec: number, records: readonly GeneratedRecord[]): void {
    const nowMs = this.#platform.time.now();
    const isTransactional = producer >= 0 && this.#inTransaction[producer]!;
    const builder = new BatchBuilder({
      codec: codec as CodecId,
      ...(producer < 0
        ? {}
        : {
            producerId: producer + 100,
            producerEpoch: this.#epochs[producer]!,
            baseSequence: this.#sequences[producer]!,
            transactional: isTransactional,
          }),
    });
    const written = records.map(({ key, isTombstone, hasHeader }, index) => {
      const value = isTombstone ? null : `value ${this.#valueCount++} `.repeat(hasHeader ? 4 : 1);
      const keyText = key < 0 ? null : `key ${key}`;
      const timestamp = nowMs - index;
      builder.append({
        timestamp,
        key: keyText === null ? null : Buffer.from(keyText),
        value: value === null ? null : Buffer.from(value),
        headers: hasHeader ? [{ key: "h", value: Buffer.from([index]) }] : [],
      });
      return { timestamp, key: keyText, value };
    });
    const batch = builder.build();
    const outcome = this.#log.append(batch, { leaderEpoch: 0, origin: "client", retain: false, nowMs });
    if (!outcome.ok) throw new Error(`append refused: ${outcome.message}`);
    for (const [index, record] of written.entries()) {
      const timestamp = outcome.logAppendTimeMs >= 0 ? outcome.logAppendTimeMs : record.timestamp;
      const fate = isTransactional ? "open" : "none";
      this.#written.push({ ...record, timestamp, offset: outcome.baseOffset + index, producer, fate });
    }
    if (producer >= 0) this.#sequences[producer]! += records.length;
  }

  #endTransaction(producer: number, type: "commit" | "abort", bumpsEpoch: boolean): void {
    if (!this.#inTransaction[producer]) return;
    if (bumpsEpoch) {
      this.#epochs[producer]! += 1;
      this.#sequences[producer] = 0;
    }
    const nowMs = this.#platform.time.now();
    const marker = endTransactionBatch(
      { type, coordinatorEpoch: 0 },
      { producerId: producer + 100, producerEpoch: this.#epochs[producer]! },
      { timestamp: nowMs },
    );
    const outcome = this.#log.append(marker, { leaderEpoch: 0, origin: "coordinator", retain: false, nowMs });
    if (!outcome.ok) throw new Error(`marker refused: ${outcome.message}`);
    this.#inTransaction[producer] = false;
    for (const record of this.#written) if (record.producer === producer && record.fate === "open") record.fate = type;
  }

  async #clean(mapSlots: number, lag: number): Promise<void> {
    const { disk, time } = this.#platform;
    await time.complete(this.#world.logs.flush(this.#log));
    this.#log.updateHighWatermark(Math.max(this.#log.highWatermark, this.#log.logEndOffset - lag));
    this.#world.logs.cleaner!.reconfigure({ ...DEFAULT_CLEANER_OPTIONS, threads: 0, mapMemoryBytes: mapSlots * 24 });
    const runner = new CheckingRunner({ disk, timers: time, clock: time });
    await time.complete(this.#world.logs.cleaner!.cleanAll(runner));
    const [reason] = this.#world.logs.cleaner!.uncleanable.values();
    if (reason !== undefined) throw new Error(`uncleanable: ${reason}`);
    this.checkedCount += runner.checkedCount;
    await this.#check();
  }

  /** The machine goes down in the middle of a cleaning. All that was appended is flushed before. */
  async #crash({ mapSlots, afterOperations, afterOperationsOfStart, seed }: CrashStep): Promise<void> {
    const { disk, time, random } = this.#platform;
    await time.complete(this.#world.logs.flush(this.#log));
    await time.complete(this.#world.logs.checkpoint());
    this.#log.updateHighWatermark(this.#log.logEndOffset);
    const cleaner = this.#world.logs.cleaner!;
    cleaner.reconfigure({ ...DEFAULT_CLEANER_OPTIONS, threads: 0, mapMemoryBytes: mapSlots * 24 });
    await this.#failAfter(afterOperations, () => time.complete(cleaner.cleanAll()));
    disk.crash(survivalOf(seed, random));
    if (afterOperationsOfStart !== null) {
      await this.#failAfter(afterOperationsOfStart, () => this.#openWorld(this.#config));
      disk.crash(survivalOf(seed, random));
    }
    await this.#openWorld(this.#config);
    if (this.#world.logs.offlineLogs.size > 0)
      throw new Error(`offline: ${[...this.#world.logs.offlineLogs.values()].join()}`);
    const unfinished = disk.list(this.#log.directory).filter(name => /\.(cleaned|swap|deleted)$/.test(name));
    expect(unfinished, "files that a start has to finish or remove").to.deep.equal([]);
    await this.#check();
  }

  /** Does `work` while the disk lets it do `operationCount` operations, and no more. */
  async #failAfter(operationCount: number, work: () => Promise<unknown>): Promise<void> {
    const { disk } = this.#platform;
    let operations = 0;
    disk.onOperation = () => {
      operations += 1;
      if (operations > operationCount) throw new Stop();
    };
    await work().catch(() => null);
    disk.onOperation = null;
  }

  /** What readers and producers see must follow from what was written, whatever the cleaner did. */
  async #check(): Promise<void> {
    const log = this.#log;
    log.updateHighWatermark(log.logEndOffset);
    const written = new Map(this.#written.map(record => [record.offset, record]));
    const newest = new Map<string, string | null>();
    for (const record of this.#written) {
      const isVisible = record.offset >= log.logStartOffset && record.offset < log.lastStableOffset;
      if (isVisible && record.key !== null && record.fate !== "abort") newest.set(record.key, record.value);
    }
    const seen = new Map<string, string | null>();
    // Throws when segments overlap.
    batchesOnDisk(this.#platform.disk, log.directory);
    for (const record of await this.#readCommitted()) {
      const original = written.get(record.offset);
      expect(original, `record ${record.offset} was written`).to.not.equal(undefined);
      expect(original!.fate, `fate of record ${record.offset}`).to.be.oneOf(["none", "commit", "open"]);
      expect(record).to.deep.equal({
        offset: original!.offset,
        timestamp: original!.timestamp,
        key: original!.key,
        value: original!.value,
      });
      if (record.key !== null && original!.fate !== "open") seen.set(record.key, record.value);
    }
    for (const [key, value] of newest) expect(seen.get(key) ?? null, `newest value of ${key}`).to.equal(value);
    for (const [key, value] of seen) expect(newest.get(key) ?? null, `newest value of ${key}`).to.equal(value);
    this.#checkProducers();
  }

  /** Sequences and epochs must go on where they were, and nobody with a record in the log may be forgotten, whatever is left of its records. */
  #checkProducers(): void {
    for (let producer = 0; producer < PRODUCER_COUNT; producer += 1) {
      const entry = this.#log.producers.get(producer + 100);
      if (entry === undefined) {
        const last = this.#written.findLast(record => record.producer === producer);
        expect(last?.offset ?? -1, `last record of producer ${producer}`).to.be.below(this.#log.logStartOffset);
        continue;
      }
      expect(entry.epoch, `epoch of producer ${producer}`).to.equal(this.#epochs[producer]);
      const lastSequence = entry.batches.at(-1)?.lastSequence ?? -1;
      expect(lastSequence + 1, `next sequence of producer ${producer}`).to.equal(this.#sequences[producer]);
    }
  }

  /** All records up to the last stable offset as a reader of committed records sees them: aborted ones filtered by the index it is given. */
  async #readCommitted(): Promise<{ offset: number; timestamp: number; key: string | null; value: string | null }[]> {
    const log = this.#log;
    const limit = log.lastStableOffset;
    const records: { offset: number; timestamp: number; key: string | null; value: string | null }[] = [];
    let offset = log.logStartOffset;
    while (offset < limit) {
      const outcome = await this.#platform.time.complete(
        Promise.resolve(log.read(offset, 700, limit, { minOneBatch: true })),
      );
      if (!outcome.ok) throw new Error(outcome.message);
      if (outcome.sizeBytes === 0) break;
      const batches = outcome.chunks.flatMap(chunk => decodeBatches(chunk).batches as DecodedBatch[]);
      for (const record of committedOf(batches, log.abortedTransactions(offset, limit))) {
        if (record.offset >= offset) records.push(record);
      }
      offset = batches.at(-1)!.lastOffset + 1;
    }
    return records;
  }
}

function survivalOf(seed: number, random: SeededRandom): Survival {
  if (seed === NOTHING_SURVIVES) return LOSE_ALL;
  if (seed === ALL_SURVIVES) return KEEP_ALL;
  return randomSurvival(random.fork(`crash ${seed}`));
}

/** What a consumer of committed records makes of a fetch: it skips the transactions it was told of, each up to its marker. */
function committedOf(
  batches: readonly DecodedBatch[],
  aborted: readonly AbortedTransaction[],
): { offset: number; timestamp: number; key: string | null; value: string | null }[] {
  const upcoming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const skipped = new Set<number>();
  return batches.flatMap(batch => {
    while (upcoming.length > 0 && upcoming[0]!.firstOffset <= batch.lastOffset)
      skipped.add(upcoming.shift()!.producerId);
    if (batch.control) {
      const marker = batch.records[0];
      if (marker !== undefined && decodeControlRecord(marker.key, marker.value).type === "abort")
        skipped.delete(batch.producerId);
      return [];
    }
    if (batch.transactional && skipped.has(batch.producerId)) return [];
    return batch.records.map(({ offset, timestamp, key, value }) => ({
      ...{ offset, timestamp },
      key: key?.toString() ?? null,
      value: value?.toString() ?? null,
    }));
  });
}
