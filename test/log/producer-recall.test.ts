/** Repeats after a restart: a log that was stopped, killed or cut answers them as one that never was. */
import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import type { AppendOutcome } from "../../src/log/append.ts";
import type { PartitionLog } from "../../src/log/partition-log.ts";
import { createMemoryPlatform, SeededRandom } from "../../src/platform/memory.ts";
import { batch, config, openLogs, TOPIC_ID } from "./support/log-world.ts";

const HISTORIES = Number(process.env.TEST_RECALL_HISTORIES ?? 150);
const STEPS = 60;

interface Sent {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
}

function send(log: PartitionLog, { producerId, producerEpoch, baseSequence, count }: Sent): AppendOutcome {
  const values = Array.from({ length: count }, (_, index) => `${producerId} ${baseSequence + index}`.padEnd(60, "."));
  const records = batch(values, { producerId, producerEpoch, baseSequence });
  return log.append(records, { leaderEpoch: 0, origin: "client", retain: false, nowMs: 1_000 });
}

function describeOutcome(outcome: AppendOutcome): string {
  return outcome.ok
    ? `${outcome.baseOffset}-${outcome.lastOffset}${outcome.duplicate ? " again" : ""}`
    : String(outcome.errorCode);
}

/** Two logs that get the same batches; `restart` opens the second one anew. */
async function twoLogs(settings: ReturnType<typeof config>) {
  const steady = await openLogs(createMemoryPlatform());
  const platform = createMemoryPlatform();
  let { disk } = platform;
  let restarted = await openLogs(platform, { configOf: () => settings }, disk);
  let restartedLog = restarted.logs.create("t", TOPIC_ID, 0, settings);
  return {
    steady: steady.logs.create("t", TOPIC_ID, 0, settings),
    get restarted() {
      return restartedLog;
    },
    async restart(isClean: boolean) {
      await platform.time.complete(restarted.logs.flush(restartedLog));
      if (isClean) await platform.time.complete(restarted.logs.close());
      else restartedLog.abandon("killed");
      disk = disk.survivor();
      restarted = await openLogs(platform, { configOf: () => settings }, disk);
      restartedLog = restarted.logs.create("t", TOPIC_ID, 0, settings);
    },
  };
}

describe("a producer's repeats after a restart", () => {
  it("are answered as by a log that never was restarted", async function () {
    this.timeout(60_000);
    let repeatCount = 0;
    for (let seed = 1; seed <= HISTORIES; seed += 1) {
      const random = new SeededRandom(seed);
      const settings = config({ segmentSizeBytes: 1000 + random.integer(4000), indexIntervalBytes: 200 });
      const logs = await twoLogs(settings);
      const sent = new Map<number, Sent[]>();
      for (let step = 0; step < STEPS; step += 1) {
        const producerId = 1 + random.integer(4);
        const own = sent.get(producerId) ?? [];
        sent.set(producerId, own);
        const last = own.at(-1);
        const choice = random.integer(100);
        if (choice < 8) {
          await logs.restart(random.chance(0.5));
          continue;
        }
        if (choice < 11 && logs.steady.logEndOffset > 0) {
          const offset = random.integer(logs.steady.logEndOffset);
          logs.steady.truncateTo(offset);
          logs.restarted.truncateTo(offset);
          continue;
        }
        let next: Sent = {
          producerId,
          producerEpoch: last?.producerEpoch ?? 0,
          baseSequence: last === undefined ? 0 : last.baseSequence + last.count,
          count: 1 + random.integer(3),
        };
        if (choice < 14) next = { ...next, producerEpoch: next.producerEpoch + 1, baseSequence: 0 };
        else if (choice < 17) next = { ...next, baseSequence: next.baseSequence + 1 + random.integer(3) };
        else if (choice < 60 && own.length > 0) next = own[Math.max(0, own.length - 1 - random.integer(8))]!;
        const expected = send(logs.steady, next);
        const found = send(logs.restarted, next);
        expect(describeOutcome(found), `seed ${seed}, step ${step}`).to.equal(describeOutcome(expected));
        if (expected.ok && expected.duplicate) repeatCount += 1;
        else if (expected.ok) own.push(next);
      }
    }
    expect(repeatCount).to.be.greaterThan(HISTORIES * 4);
  });

  it("are looked for once, and never far from the end", async () => {
    const settings = config({ segmentSizeBytes: 64 * 1024 * 1024 });
    const logs = await twoLogs(settings);
    const first: Sent = { producerId: 1, producerEpoch: 0, baseSequence: 0, count: 1 };
    for (const log of [logs.steady, logs.restarted]) {
      send(log, first);
      const filler = batch(["x".repeat(900_000)]);
      for (let count = 0; count < 12; count += 1)
        log.append(Buffer.from(filler), { leaderEpoch: 0, origin: "client", retain: false, nowMs: 1_000 });
      send(log, { ...first, baseSequence: 1 });
    }
    await logs.restart(true);
    expect(send(logs.steady, first)).to.include({ ok: true, duplicate: true, baseOffset: 0 });
    expect(send(logs.restarted, first)).to.include({ errorCode: Errors.OUT_OF_ORDER_SEQUENCE_NUMBER });
    expect(logs.restarted.producers.get(1)!.mayHaveOlder).to.equal(false);
  });
});
