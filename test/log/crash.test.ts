/**
 * Power failure at any moment: random work on a log, and at random disk operations a look at what a crash right there would leave. Whatever was
 * reported as flushed must be back, in order and unharmed, and nothing torn may be served.
 */
import { expect } from "chai";
import {
  createMemoryPlatform,
  KEEP_ALL,
  LOSE_ALL,
  type MemoryDisk,
  type MemoryPlatform,
  randomSurvival,
} from "../../src/platform/memory.ts";
import { SeededRandom } from "../../src/platform/memory-random.ts";
import { append, config, type LogWorld, openLogs, readAll, TOPIC_ID } from "./support/log-world.ts";

const SEEDS = Number(process.env.TEST_CRASH_SEEDS ?? 60);
const FIRST_SEED = Number(process.env.TEST_CRASH_FIRST_SEED ?? 1);
const STEPS = 40;

const CONFIG = config({ segmentSizeBytes: 1200, indexIntervalBytes: 200, fileDeleteDelayMs: 10, retentionMs: -1 });

/** What must be true of a disk if the machine stops now. */
interface Snapshot {
  readonly disk: MemoryDisk;
  readonly flushedOffset: number;
  readonly values: ReadonlyMap<number, string>;
  readonly everWritten: ReadonlyMap<number, ReadonlySet<string>>;
  readonly operation: string;
}

describe("a log after a power failure", function () {
  this.timeout(20_000);

  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
    it(`keeps all that was flushed, in order, and serves nothing torn (seed ${seed})`, async () => {
      await runSeed(seed);
    });
  }
});

async function runSeed(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const platform = createMemoryPlatform({ seed, disk: { latencyMs: () => random.integer(3) } });
  const world = await openLogs(platform, { checkpointIntervalMs: 50, tailCacheSizeBytes: 2000, openSegmentsMax: 2 });
  const log = world.logs.create("topic", TOPIC_ID, 0, CONFIG);
  const values = new Map<number, string>();
  const everWritten = new Map<number, Set<string>>();
  const snapshots: Snapshot[] = [];
  let ceiling = Number.POSITIVE_INFINITY;
  let epoch = 0;
  let counter = 0;

  platform.disk.onOperation = (operation, path) => {
    if (!random.chance(0.02) || snapshots.length >= 12) return;
    const choice = random.integer(4);
    const survival =
      choice === 0
        ? LOSE_ALL
        : choice === 1
          ? KEEP_ALL
          : randomSurvival(random, { blockSizeBytes: choice === 2 ? 512 : 64, kept: random.float() });
    snapshots.push({
      disk: platform.disk.survivor(survival),
      flushedOffset: Math.min(log.flushedOffset, ceiling),
      values: new Map(values),
      everWritten: new Map([...everWritten].map(([offset, set]) => [offset, new Set(set)])),
      operation: `${operation} ${path}`,
    });
  };

  const appendOnce = (): void => {
    const count = 1 + random.integer(3);
    const texts = Array.from({ length: count }, () => `${counter++}-${"x".repeat(random.integer(300))}`);
    // What may be in the file before the append returns: a roll inside it writes.
    let offset = log.logEndOffset;
    for (const text of texts) {
      if (!everWritten.has(offset)) everWritten.set(offset, new Set());
      everWritten.get(offset)!.add(text);
      values.set(offset, text);
      offset += 1;
    }
    append(log, texts, epoch);
  };

  for (let step = 0; step < STEPS; step += 1) {
    const choice = random.integer(20);
    if (choice < 9) appendOnce();
    else if (choice < 12) await platform.time.advance(random.integer(5));
    else if (choice < 15) await platform.time.complete(world.logs.flush(log));
    else if (choice === 15) log.roll();
    else if (choice === 16 && log.logEndOffset > log.logStartOffset) {
      const target = log.logStartOffset + random.integer(log.logEndOffset - log.logStartOffset);
      // The batch that holds the target goes whole; it has at most three records.
      ceiling = target - 2;
      log.truncateTo(target);
      ceiling = Number.POSITIVE_INFINITY;
      for (const offset of [...values.keys()]) if (offset >= log.logEndOffset) values.delete(offset);
      epoch += 1;
    } else if (choice === 17 && log.flushedOffset > log.logStartOffset) {
      log.updateHighWatermark(log.flushedOffset);
      log.advanceLogStart(log.logStartOffset + random.integer(log.flushedOffset - log.logStartOffset + 1));
      log.deleteOldSegments(0);
    } else if (choice === 18) epoch += 1;
    else await platform.time.complete(world.logs.checkpoint());
    expect([...(await platform.time.complete(readAll(log))).entries()]).to.deep.equal(
      [...values.entries()].filter(([offset]) => offset >= log.logStartOffset).sort((a, b) => a[0] - b[0]),
    );
  }
  platform.disk.onOperation = null;
  expect(world.fatal).to.deep.equal([]);

  await platform.time.complete(world.logs.close());
  for (const snapshot of snapshots) await checkSnapshot(snapshot, platform);
}

async function checkSnapshot(snapshot: Snapshot, platform: MemoryPlatform): Promise<void> {
  const label = `crash at ${snapshot.operation}`;
  const first = await reopen(snapshot.disk, platform);
  expect([...first.logs.offlineLogs], label).to.deep.equal([]);
  const log = first.logs.get("topic", 0);
  if (log === undefined) {
    expect(snapshot.flushedOffset, label).to.be.at.most(0);
    return;
  }
  expect(log.logEndOffset, label).to.be.at.least(snapshot.flushedOffset);
  const read = await platform.time.complete(readAll(log));
  expect([...read.keys()], label).to.deep.equal(
    Array.from({ length: log.logEndOffset - log.logStartOffset }, (_, index) => log.logStartOffset + index),
  );
  for (const [offset, value] of read) {
    expect([...(snapshot.everWritten.get(offset) ?? [])], `${label}, offset ${offset}`).to.include(value);
    if (offset < snapshot.flushedOffset)
      expect(value, `${label}, offset ${offset}`).to.equal(snapshot.values.get(offset));
  }
  const endOffset = log.logEndOffset;
  await platform.time.advance(0);

  // What was served after recovery must be there after another crash, at once, and recovery must change nothing any more.
  const crashed = snapshot.disk.survivor(LOSE_ALL);
  const second = await reopen(crashed, platform);
  const again = second.logs.get("topic", 0)!;
  expect(again.logEndOffset, `${label}, second recovery`).to.equal(endOffset);
  expect(await platform.time.complete(readAll(again, log.logStartOffset)), `${label}, second recovery`).to.deep.equal(
    read,
  );

  // And it goes on.
  append(again, ["more"], 1000);
  await second.platform.time.complete(second.logs.flush(again));
  expect((await platform.time.complete(readAll(again))).get(endOffset)).to.equal("more");
  await second.platform.time.complete(second.logs.close());
  const third = await reopen(crashed, platform);
  expect(third.logs.get("topic", 0)!.logEndOffset).to.equal(endOffset + 1);
}

/** The surviving disk keeps the time of the one it comes from. */
function reopen(disk: MemoryDisk, platform: MemoryPlatform): Promise<LogWorld> {
  return openLogs(platform, { configOf: () => CONFIG }, disk);
}
