import { expect } from "chai";
import { FlushScheduler, type FlushSchedulerModules } from "../../src/log/flush-scheduler.ts";
import { SimulatedTime } from "../../src/platform/memory-time.ts";

/** A log whose syncs end when they are told to. */
class SlowLog {
  readonly isClosed = false;
  logEndOffset = 0;
  flushedOffset = 0;
  flushCount = 0;
  #sync: (() => void) | null = null;

  get isDirty(): boolean {
    return this.flushedOffset < this.logEndOffset;
  }

  writePending(): void {}

  flushNow(): Promise<void> {
    this.flushCount += 1;
    const { logEndOffset } = this;
    return new Promise(resolve => {
      this.#sync = () => {
        this.flushedOffset = logEndOffset;
        resolve();
      };
    });
  }

  get isSyncing(): boolean {
    return this.#sync !== null;
  }

  synced(): void {
    this.#sync?.();
    this.#sync = null;
  }
}

describe("FlushScheduler", () => {
  const time = new SimulatedTime();
  const events: string[] = [];
  let data: SlowLog;
  let urgent: SlowLog;
  let scheduler: FlushScheduler<SlowLog>;

  beforeEach(() => {
    events.length = 0;
    data = new SlowLog();
    urgent = new SlowLog();
    scheduler = new FlushScheduler<SlowLog>(modules());
  });

  function modules(): FlushSchedulerModules<SlowLog> {
    return {
      timers: time,
      clock: time,
      plan: logs => logs.map(log => ({ logs: [log], flush: () => log.flushNow() })),
      isUrgent: log => log === urgent,
      onFatal: error => events.push(`fatal: ${error}`),
    };
  }

  async function append(log: SlowLog, name: string): Promise<void> {
    log.logEndOffset += 1;
    scheduler.flush(log).then(() => events.push(name));
    await time.advance(1);
  }

  it("has one round under way, and the next for all that came meanwhile", async () => {
    await append(data, "first");
    await append(data, "second");
    await append(data, "third");
    expect(data.flushCount).to.equal(1);
    data.synced();
    await time.advance(1);
    expect([events, data.flushCount]).to.deep.equal([["first"], 2]);
    data.synced();
    await time.advance(1);
    expect([events, data.flushCount]).to.deep.equal([["first", "second", "third"], 2]);
  });

  describe("with several logs", () => {
    const logs: SlowLog[] = [];

    beforeEach(() => {
      logs.length = 0;
      for (let count = 0; count < 20; count++) logs.push(new SlowLog());
    });

    async function appendTo(numbers: readonly number[]): Promise<void> {
      await Promise.all(numbers.map(number => append(logs[number]!, `log ${number}`)));
    }

    async function sync(numbers: readonly number[]): Promise<void> {
      for (const number of numbers) logs[number]!.synced();
      await time.advance(1);
    }

    const underWay = () => logs.flatMap(({ isSyncing }, number) => (isSyncing ? [number] : []));

    it("begins a small round beside others, without the logs that these are over", async () => {
      await appendTo([0, 1]);
      await appendTo([1, 2]);
      expect(underWay()).to.deep.equal([0, 1, 2]);
      expect(logs[1]!.flushCount).to.equal(1);
      await sync([2]);
      expect(logs[1]!.flushCount, "still in the first round").to.equal(1);
      await sync([0, 1]);
      expect([underWay(), logs[1]!.flushCount]).to.deep.equal([[1], 2]);
      await sync([1]);
      expect(events).to.deep.equal(["log 2", "log 0", "log 1", "log 1"]);
    });

    it("has three rounds under way at the most", async () => {
      for (const number of [0, 1, 2, 3, 4]) await appendTo([number]);
      expect(underWay()).to.deep.equal([0, 1, 2]);
      await sync([1]);
      expect(underWay()).to.deep.equal([0, 2, 3, 4]);
    });

    it("has many logs wait for the rounds under way, and no other begin before them", async () => {
      await appendTo([0]);
      await appendTo([1, 2, 3, 4, 5]);
      await appendTo([6]);
      expect(underWay()).to.deep.equal([0]);
      await sync([0]);
      expect(underWay()).to.deep.equal([1, 2, 3, 4, 5, 6]);
      await appendTo([7]);
      expect(underWay(), "not beside a large one").to.deep.equal([1, 2, 3, 4, 5, 6]);
      await sync([1, 2, 3, 4, 5, 6]);
      expect(underWay()).to.deep.equal([7]);
    });

    it("begins none beside another that may share the journal with it", async () => {
      scheduler = new FlushScheduler<SlowLog>({ ...modules(), sharedFromLogs: 2 });
      await appendTo([0]);
      await appendTo([1, 2]);
      expect(underWay()).to.deep.equal([0]);
      await sync([0]);
      expect(underWay()).to.deep.equal([1, 2]);
      await appendTo([3]);
      expect(underWay()).to.deep.equal([1, 2]);
    });

    it("begins a round beside others over logs that have too much for the journal", async () => {
      const small = new Set([logs[0], logs[2], logs[4], logs[5]]);
      const mayShare = (log: SlowLog): boolean => small.has(log);
      scheduler = new FlushScheduler<SlowLog>({ ...modules(), sharedFromLogs: 2, mayShare });
      await appendTo([0, 1]);
      await appendTo([2, 3]);
      expect(underWay(), "one of each for the journal, which is none").to.deep.equal([0, 1, 2, 3]);
      await appendTo([4, 5]);
      expect(underWay(), "two for the journal").to.deep.equal([0, 1, 2, 3]);
      await sync([0, 1, 2, 3]);
      expect(underWay()).to.deep.equal([4, 5]);
    });
  });

  it("does not have urgent logs wait for the rounds of others", async () => {
    await append(data, "data");
    await append(urgent, "urgent");
    urgent.synced();
    await time.advance(1);
    expect(events).to.deep.equal(["urgent"]);
  });

  it("is settled when no round of either kind is under way", async () => {
    await append(data, "data");
    await append(urgent, "urgent");
    scheduler.settle().then(() => events.push("settled"));
    urgent.synced();
    await time.advance(1);
    expect(events).to.deep.equal(["urgent"]);
    data.synced();
    await time.advance(1);
    expect(events).to.deep.equal(["urgent", "data", "settled"]);
  });

  it("flushes nothing any more after a failure", async () => {
    scheduler.fail("the disk is gone");
    await append(data, "data");
    await append(urgent, "urgent");
    expect([events, data.flushCount, urgent.flushCount]).to.deep.equal([["fatal: the disk is gone"], 0, 0]);
  });
});
