/** `log.get(key)`: the log as a key-value store, against a map. */
import { expect } from "chai";
import fc from "fast-check";
import { type KeyIndexBounds, Log, type LogOptions } from "../../../src/log/library.ts";
import { createMemoryPlatform, LOSE_ALL, type MemoryPlatform } from "../../../src/platform/memory.ts";

const SETTINGS = {
  compacts: true,
  segmentSizeBytes: 600,
  minCleanableDirtyRatio: 0.01,
  deleteRetentionMs: 60_000,
  fileDeleteDelayMs: 1_000,
} as const;
const COMPACTION_MS = 20_000;

/** A log beside what it should hold. */
class KeyedWorld {
  platform: MemoryPlatform = createMemoryPlatform({ startMs: 1_700_000_000_000 });
  readonly #options: LogOptions;
  readonly expected = new Map<string, { offset: number; value: string | null }>();
  log!: Log;
  /** Of snapshots and copies. */
  #count = 0;
  #directory = "/log";

  constructor(options: LogOptions = {}) {
    this.#options = { ...SETTINGS, ...options };
  }

  async open(): Promise<void> {
    this.log = await this.platform.time.complete(
      Log.open(this.#directory, { ...this.#options, platform: this.platform }),
    );
  }

  async append(pairs: readonly (readonly [key: string, value: string | null])[]): Promise<void> {
    const offset = await this.platform.time.complete(this.log.append(pairs.map(([key, value]) => ({ key, value }))));
    for (const [index, [key, value]] of pairs.entries()) this.expected.set(key, { offset: offset + index, value });
  }

  async truncate(lowestOffset: number): Promise<void> {
    await this.platform.time.complete(this.log.truncate(lowestOffset));
  }

  async pass(durationMs: number): Promise<void> {
    await this.platform.time.advance(durationMs);
  }

  async reopen(): Promise<void> {
    await this.platform.time.complete(this.log.close());
    await this.open();
  }

  /** What was not synced is gone; whatever the process still had to do it does on a disk that nobody looks at. */
  async crash(): Promise<void> {
    this.platform = { ...this.platform, disk: this.platform.disk.survivor(LOSE_ALL) };
    await this.open();
  }

  /** Goes on with the copy that a snapshot of now is restored to. */
  async restore(): Promise<void> {
    const { time } = this.platform;
    this.#count += 1;
    await time.complete(this.log.snapshot(`/snapshot-${this.#count}`));
    await time.complete(this.log.close());
    this.#directory = `/copy-${this.#count}`;
    await time.complete(Log.restore(`/snapshot-${this.#count}`, this.#directory, this.platform));
    await this.open();
  }

  async check(keys: Iterable<string> = this.expected.keys()): Promise<void> {
    for (const key of keys) {
      const wanted = this.expected.get(key);
      const found = await this.platform.time.complete(Promise.resolve(this.log.get(key)));
      const isThere = wanted !== undefined && wanted.value !== null && wanted.offset >= this.log.lowestOffset;
      expect(found === null ? null : { offset: found.offset, value: found.value.toString() }, key).to.deep.equal(
        isThere ? wanted : null,
      );
      if (found !== null) expect(found.timestamp).to.be.within(1_700_000_000_000, this.platform.clock.now());
    }
  }
}

describe("Log.get", function () {
  this.timeout(60_000);

  const key = fc.integer({ min: 0, max: 40 }).map(number => `key-${number}`);
  const pair = fc.tuple(key, fc.option(fc.string({ maxLength: 20 }), { freq: 4 }));
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.array(pair, { minLength: 1, maxLength: 12 }).map(pairs => ({ append: pairs })) },
    { weight: 2, arbitrary: fc.constant({ pass: COMPACTION_MS }) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }).map(share => ({ truncate: share })) },
    { weight: 1, arbitrary: fc.constantFrom({ reopen: true }, { crash: true }, { restore: true }) },
  );
  const bounds: readonly KeyIndexBounds[] = [{}, { valueBytes: 500 }, { valueBytes: 0 }];

  it("says what a map says: through appends, deletions, truncation, compaction, restarts, crashes and restores", async () => {
    let compactedCount = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 30 }),
        fc.constantFrom(...bounds),
        fc.constantFrom("producer", "gzip"),
        async (steps, keyIndex, compressionType) => {
          const world = new KeyedWorld({ keyIndex, compressionType: compressionType as "producer" | "gzip" });
          await world.open();
          for (const now of steps) {
            const { endOffset, lowestOffset } = world.log;
            if ("append" in now) await world.append(now.append);
            else if ("pass" in now) await world.pass(now.pass);
            else if ("truncate" in now)
              await world.truncate(lowestOffset + Math.floor(now.truncate * (endOffset - lowestOffset)));
            else if ("reopen" in now) await world.reopen();
            else if ("crash" in now) await world.crash();
            else await world.restore();
            await world.check([...world.expected.keys(), "never"]);
          }
          const count = (await world.platform.time.complete(Array.fromAsync(world.log.records()))).length;
          if (count < world.log.endOffset - world.log.lowestOffset) compactedCount += 1;
          await world.reopen();
        },
      ),
      { numRuns: 100 },
    );
    expect(compactedCount).to.be.above(10);
  });

  it("is right, if slow, for keys beyond the bound on its memory, and says so", async () => {
    const world = new KeyedWorld({ keyIndex: { memoryBytes: 150_000, valueBytes: 10_000 }, segmentSizeBytes: 50_000 });
    await world.open();
    const keys = Array.from({ length: 6_000 }, (_, number) => `key-${number}`);
    for (let from = 0; from < keys.length; from += 500)
      await world.append(keys.slice(from, from + 500).map(name => [name, `value of ${name}`]));
    expect(world.log.keyIndex).to.include({ isComplete: false });
    expect(world.log.keyIndex!.memoryBytes).to.be.at.most(150_000);
    expect(world.log.keyIndex!.keyCount).to.be.within(2_000, 5_999);
    const some = ["key-0", "key-1", "key-5990", "key-5999", "never"];
    await world.check(some);
    await world.append([
      ["key-5999", "again"],
      ["key-5990", null],
      ["key-1", null],
    ]);
    await world.check(some);
    await world.reopen();
    await world.check(some);
  });

  it("gives the room of truncated keys to new ones", async () => {
    const world = new KeyedWorld({ keyIndex: { memoryBytes: 300_000 }, segmentSizeBytes: 50_000 });
    await world.open();
    for (let round = 0; round < 40; round += 1) {
      const keys = Array.from({ length: 500 }, (_, number) => [`key-${round}-${number}`, "value"] as const);
      await world.append(keys);
      await world.truncate(Math.max(0, world.log.endOffset - 1_000));
    }
    expect(world.log.keyIndex!.isComplete).to.equal(true);
    await world.check();
  });

  it("finds only what is durable", async () => {
    const world = new KeyedWorld();
    await world.open();
    const appending = world.log.append([{ key: "a", value: "1" }]);
    expect(world.log.get("a")).to.equal(null);
    await world.platform.time.complete(appending);
    expect(world.log.get("a")).to.deep.include({ offset: 0 });
  });

  it("works on any log when asked for, and says how when it was not", async () => {
    const world = new KeyedWorld({ compacts: false, keyIndex: true });
    await world.open();
    await world.append([["a", "1"]]);
    await world.check();
    const without = new KeyedWorld({ compacts: false });
    await without.open();
    expect(() => without.log.get("a")).to.throw(/without a key index/);
    expect(without.log.keyIndex).to.equal(null);
  });
});
