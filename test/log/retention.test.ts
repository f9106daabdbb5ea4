/**
 * Retention against a naive model, over thousands of random histories: appends with timestamps in and out of order, rolls, time passing, a high
 * watermark that lags, limits on age and size that come and go, DeleteRecords, restarts and power failures.
 */
import { expect } from "chai";
import fc from "fast-check";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import type { LogConfig } from "../../src/log/log-config.ts";
import type { PartitionLog } from "../../src/log/partition-log.ts";
import { createMemoryPlatform, LOSE_ALL, type MemoryPlatform } from "../../src/platform/memory.ts";
import { config, type LogWorld, openLogs, readAll, TOPIC_ID } from "./support/log-world.ts";

const HISTORIES = Number(process.env.TEST_RETENTION_HISTORIES ?? 5000);
const SEED = Number(process.env.TEST_RETENTION_SEED ?? 20_261_121);

type Step =
  | { readonly kind: "append"; readonly ageMs: number; readonly records: number; readonly sizeBytes: number }
  | { readonly kind: "roll" | "reopen" | "crash" | "retain" }
  | { readonly kind: "wait"; readonly milliseconds: number }
  | { readonly kind: "commit" | "delete"; readonly share: number }
  | { readonly kind: "configure"; readonly retentionMs: number; readonly retentionSizeBytes: number };

const share = fc.double({ min: 0, max: 1, noNaN: true });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      ageMs: fc.constantFrom(0, 0, 0, 5, 50, 500),
      records: fc.integer({ min: 1, max: 3 }),
      sizeBytes: fc.integer({ min: 1, max: 120 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("retain" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("roll" as const, "reopen" as const, "crash" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), milliseconds: fc.constantFrom(1, 20, 120) }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("commit" as const), share: fc.constantFrom(0.5, 1, 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), share }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("configure" as const),
      retentionMs: fc.constantFrom(-1, 0, 20, 100),
      retentionSizeBytes: fc.constantFrom(-1, 0, 400, 1200),
    }),
  },
);

/** What the model knows of a batch. */
interface Batch {
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly sizeBytes: number;
  readonly timestamp: number;
  readonly values: readonly string[];
}

class Player {
  deletedCount = 0;
  #platform: MemoryPlatform = createMemoryPlatform({ startMs: 1_700_000_000_000 });
  #world!: LogWorld;
  #log!: PartitionLog;
  #config: LogConfig = config({
    segmentSizeBytes: 500,
    indexIntervalBytes: 100,
    fileDeleteDelayMs: 10,
    retentionMs: 100,
  });
  #batches: Batch[] = [];
  #startOffset = 0;

  async open(): Promise<void> {
    const options = { configOf: () => this.#config, retentionCheckIntervalMs: 0, cleaner: null };
    this.#world = await openLogs(this.#platform, options);
    this.#log = this.#world.logs.create("topic", TOPIC_ID, 0, this.#config);
  }

  async play(now: Step): Promise<void> {
    const { time } = this.#platform;
    const log = this.#log;
    switch (now.kind) {
      case "append":
        this.#append(now.ageMs, now.records, now.sizeBytes);
        return;
      case "roll":
        log.roll();
        return;
      case "wait":
        await time.advance(now.milliseconds);
        return;
      case "commit":
        await time.complete(this.#world.logs.flush(log));
        log.updateHighWatermark(
          Math.max(
            log.highWatermark,
            Math.floor(log.logStartOffset + now.share * (log.logEndOffset - log.logStartOffset)),
          ),
        );
        return;
      case "delete":
        this.#startOffset = Math.max(this.#startOffset, Math.floor(now.share * log.highWatermark));
        log.advanceLogStart(this.#startOffset);
        await time.complete(this.#world.logs.checkpoint());
        return;
      case "configure":
        this.#config = { ...this.#config, ...now };
        this.#world.logs.configure(log, this.#config);
        return;
      case "reopen":
        await time.complete(this.#world.logs.close());
        await this.open();
        await this.#check();
        return;
      case "crash":
        await time.complete(this.#world.logs.flush(log));
        await time.complete(this.#world.logs.checkpoint());
        this.#platform = { ...this.#platform, disk: this.#platform.disk.survivor(LOSE_ALL) };
        await this.open();
        await this.#check();
        return;
      case "retain":
        await this.#retain();
    }
  }

  #append(ageMs: number, records: number, sizeBytes: number): void {
    const nowMs = this.#platform.time.now();
    const builder = new BatchBuilder();
    const values = Array.from({ length: records }, (_, index) =>
      `${this.#log.logEndOffset + index} `.padEnd(sizeBytes, "."),
    );
    for (const value of values) builder.append({ timestamp: nowMs - ageMs, key: null, value: Buffer.from(value) });
    const batch = builder.build();
    const outcome = this.#log.append(batch, { leaderEpoch: 0, origin: "client", retain: false, nowMs });
    if (!outcome.ok) throw new Error(outcome.message);
    const { baseOffset } = outcome;
    this.#batches.push({
      baseOffset,
      endOffset: baseOffset + records,
      sizeBytes: batch.length,
      timestamp: nowMs - ageMs,
      values,
    });
  }

  async #retain(): Promise<void> {
    const log = this.#log;
    const expected = this.#naive();
    log.deleteOldSegments(this.#platform.time.now());
    this.deletedCount += expected.deleted;
    this.#startOffset = expected.startOffset;
    expect(log.logStartOffset, "log start").to.equal(expected.startOffset);
    expect(
      [...log.segments.all()].map(({ baseOffset }) => baseOffset),
      "segments left",
    ).to.deep.equal(expected.segments);
    await this.#platform.time.complete(this.#world.logs.flush(log));
    await this.#platform.time.complete(this.#world.logs.checkpoint());
    await this.#check();
  }

  /** One segment after the other, from the oldest, by Kafka's words: too old, or more than the size without it, or below the log start. */
  #naive(): { startOffset: number; segments: number[]; deleted: number } {
    const log = this.#log;
    const bases = [...log.segments.all()].map(({ baseOffset }) => baseOffset);
    const { retentionMs, retentionSizeBytes } = this.#config;
    const nowMs = this.#platform.time.now();
    const reasons = [
      (batches: readonly Batch[]) =>
        retentionMs >= 0 && nowMs - Math.max(...batches.map(({ timestamp }) => timestamp)) > retentionMs,
      (batches: readonly Batch[], left: readonly Batch[]) =>
        retentionSizeBytes >= 0 &&
        sizeOf(left) - sizeOf(batches) >= retentionSizeBytes &&
        sizeOf(left) > retentionSizeBytes,
      (_batches: readonly Batch[], _left: readonly Batch[], next: number | undefined) =>
        next !== undefined && next <= log.logStartOffset,
    ];
    let deleted = 0;
    for (const isDue of reasons) {
      let count = 0;
      for (; count < bases.length; count += 1) {
        const next = bases[count + 1];
        const inSegment = this.#batches.filter(
          ({ baseOffset }) => baseOffset >= bases[count]! && baseOffset < (next ?? Number.POSITIVE_INFINITY),
        );
        const left = this.#batches.filter(({ baseOffset }) => baseOffset >= bases[count]!);
        const end = next ?? log.logEndOffset;
        if ((inSegment.length === 0 && next === undefined) || log.highWatermark < end) break;
        if (!isDue(inSegment, left, next)) break;
      }
      deleted = Math.max(deleted, count);
    }
    const segments = bases.slice(deleted);
    if (segments.length === 0) segments.push(log.logEndOffset);
    return { startOffset: Math.max(log.logStartOffset, deleted === 0 ? 0 : segments[0]!), segments, deleted };
  }

  /** Readers get every record from the log start on, and nothing else. */
  async #check(): Promise<void> {
    const log = this.#log;
    expect(log.logStartOffset, "log start").to.equal(this.#startOffset);
    const end = this.#batches.at(-1)?.endOffset ?? 0;
    expect(log.logEndOffset, "log end").to.equal(end);
    const expected = this.#batches.flatMap(({ baseOffset, values }) =>
      values.map((value, index) => [baseOffset + index, value] as const),
    );
    const found = await this.#platform.time.complete(readAll(log, log.logStartOffset, 300));
    expect([...found]).to.deep.equal(expected.filter(([offset]) => offset >= this.#startOffset));
  }
}

function sizeOf(batches: readonly Batch[]): number {
  return batches.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

describe("retention", function () {
  this.timeout(180_000);

  it(`leaves what a naive model leaves (${HISTORIES} histories)`, async () => {
    let deletedCount = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async steps => {
        const player = new Player();
        await player.open();
        for (const now of steps) await player.play(now);
        await player.play({ kind: "retain" });
        deletedCount += player.deletedCount;
      }),
      { numRuns: HISTORIES, seed: SEED },
    );
    expect(deletedCount).to.be.above(HISTORIES);
  });
});
