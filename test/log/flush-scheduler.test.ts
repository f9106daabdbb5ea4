import { expect } from "chai";
import { FlushScheduler } from "../../src/log/flush-scheduler.ts";
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

  synced(): void {
    this.#sync?.();
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
    scheduler = new FlushScheduler<SlowLog>({
      timers: time,
      clock: time,
      plan: logs => logs.map(log => ({ logs: [log], flush: () => log.flushNow() })),
      isUrgent: log => log === urgent,
      onFatal: error => events.push(`fatal: ${error}`),
    });
  });

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
