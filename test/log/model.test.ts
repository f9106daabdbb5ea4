/** Random histories of one log, held against a list of records. */
import { expect } from "chai";
import fc from "fast-check";
import { CODEC, type CodecId } from "../../protocol/records/compression/index.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import { batch, config, openLogs, readAll, TOPIC_ID } from "./support/log-world.ts";

type Step =
  | { readonly kind: "append"; readonly sizes: readonly number[]; readonly codec: CodecId; readonly retain: boolean }
  | { readonly kind: "tick" | "flush" | "roll" | "reopen" | "kill" | "checkpoint" }
  | { readonly kind: "truncate" | "deleteRecords" | "read"; readonly share: number; readonly maxBytes: number };

const share = fc.record({
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  maxBytes: fc.integer({ min: 1, max: 20_000 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      sizes: fc.array(fc.nat(3000), { minLength: 1, maxLength: 4 }),
      codec: fc.constantFrom(CODEC.none, CODEC.gzip, CODEC.lz4),
      retain: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom("tick", "flush", "roll", "reopen", "kill", "checkpoint").map(kind => ({ kind }) as Step),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom("truncate", "deleteRecords", "read", "read"), share)
      .map(([kind, rest]) => ({ kind, ...rest }) as Step),
  },
);

describe("a log and a list of records", () => {
  it("hold the same after any history", async function () {
    this.timeout(60_000);
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), runHistory), { numRuns: 400 });
  });
});

async function runHistory(steps: readonly Step[]): Promise<void> {
  const platform = createMemoryPlatform();
  const { time } = platform;
  const settings = config({
    segmentSizeBytes: 13_000,
    indexIntervalBytes: 1000,
    fileDeleteDelayMs: 5,
    maxMessageBytes: 13_000,
  });
  const options = {
    tailCacheSizeBytes: 20_000,
    synchronousReadBytes: 8000,
    openSegmentsMax: 2,
    configOf: () => settings,
  };
  let { logs } = await openLogs(platform, options);
  let log = logs.create("topic", TOPIC_ID, 0, settings);
  const records = new Map<number, string>();
  let start = 0;
  let epoch = 0;
  for (const step of steps) {
    if (step.kind === "append") {
      const values = step.sizes.map((size, index) => `${log.logEndOffset + index}:${"abcdefgh".repeat(size / 8)}`);
      const bytes = batch(values, { codec: step.codec });
      const outcome = log.append(bytes, { leaderEpoch: epoch, origin: "client", retain: step.retain, nowMs: 1000 });
      if (!outcome.ok) throw new Error(outcome.message);
      for (const [index, value] of values.entries()) records.set(outcome.baseOffset + index, value);
      if (!step.retain) bytes.fill(0);
    } else if (step.kind === "tick") await time.advance(3);
    else if (step.kind === "flush") await time.complete(logs.flush(log));
    else if (step.kind === "checkpoint") await time.complete(logs.checkpoint());
    else if (step.kind === "roll") log.roll();
    else if (step.kind === "reopen" || step.kind === "kill") {
      if (step.kind === "reopen") await time.complete(logs.close());
      else {
        await time.complete(logs.flush(log));
        for (const each of logs.all()) each.abandon("killed");
      }
      logs = (await openLogs(platform, options)).logs;
      log = logs.get("topic", 0)!;
    } else if (step.kind === "truncate") {
      const target = log.logStartOffset + Math.floor(step.share * (log.logEndOffset - log.logStartOffset));
      log.truncateTo(target);
      expect(log.logEndOffset).to.be.within(Math.max(start, target - 3), Math.max(target, start));
      for (const offset of [...records.keys()]) if (offset >= log.logEndOffset) records.delete(offset);
      epoch += 1;
    } else if (step.kind === "deleteRecords") {
      await time.complete(logs.flush(log));
      log.updateHighWatermark(log.flushedOffset);
      start = log.logStartOffset + Math.floor(step.share * (log.flushedOffset - log.logStartOffset));
      log.advanceLogStart(start);
      await time.advance(0);
    }
    const from =
      "share" in step
        ? log.logStartOffset + Math.floor(step.share * (log.logEndOffset - log.logStartOffset))
        : log.logStartOffset;
    const expected = [...records].filter(([offset]) => offset >= from).sort((a, b) => a[0] - b[0]);
    const found = await time.complete(readAll(log, from, "maxBytes" in step ? step.maxBytes : 100_000));
    expect([...found]).to.deep.equal(expected);
    expect(log.logEndOffset).to.equal(expected.length > 0 ? expected.at(-1)![0] + 1 : log.logEndOffset);
  }
}
