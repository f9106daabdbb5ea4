import { expect } from "chai";
import { CutOffWatch } from "../../src/broker/cut-off-watch.ts";
import { memoryLogger } from "../../src/logging/index.ts";
import { SimulatedTime } from "../../src/platform/memory-time.ts";

const SESSION_TIMEOUT_MS = 1_200;

describe("CutOffWatch", () => {
  let time: SimulatedTime;
  let controllerId: number;
  /** When the follower of the only partition fetched last; null where it is no member of the ISR. */
  let heardMs: number | null;
  let closedAtMs: number[];
  let watch: CutOffWatch;

  beforeEach(() => {
    time = new SimulatedTime();
    controllerId = -1;
    const startMs = time.monotonic();
    heardMs = startMs;
    closedAtMs = [];
    const leader = { isDeserted: (ms: number) => heardMs !== null && time.monotonic() - heardMs >= ms };
    watch = new CutOffWatch(
      { sessionTimeoutMs: SESSION_TIMEOUT_MS },
      {
        clock: time,
        timers: time,
        logger: memoryLogger(),
        controllerId: () => controllerId,
        partitions: () => [{ leader: leader as never }, { leader: null }],
        closeWaiting: () => closedAtMs.push(Math.round(time.monotonic() - startMs)),
      },
    );
    watch.start();
  });

  it("sends clients away once others have elected, and again while it lasts, each time later", async () => {
    await time.advance(4_000);
    expect(watch.isCutOff).to.equal(true);
    const [first, ...later] = closedAtMs as [number];
    expect(first).to.be.within(SESSION_TIMEOUT_MS, SESSION_TIMEOUT_MS + 300);
    const waitsMs = later.map((atMs, index) => atMs - closedAtMs[index]!);
    expect(waitsMs.length).to.be.greaterThan(2);
    expect(waitsMs).to.deep.equal(waitsMs.toSorted((left, right) => left - right));
    expect(waitsMs.at(-1)).to.be.greaterThan(waitsMs[0]!);
  });

  it("does nothing while a controller is known", async () => {
    controllerId = 2;
    await time.advance(5_000);
    expect([watch.isCutOff, closedAtMs]).to.deep.equal([false, []]);
  });

  it("does nothing while followers fetch, or where there are none", async () => {
    for (let second = 0; second < 5; second++) {
      heardMs = time.monotonic();
      await time.advance(1_000);
    }
    heardMs = null;
    await time.advance(5_000);
    expect([watch.isCutOff, closedAtMs]).to.deep.equal([false, []]);
  });

  it("begins anew when it was connected meanwhile", async () => {
    await time.advance(1_500);
    expect(watch.isCutOff).to.equal(true);
    heardMs = time.monotonic();
    await time.advance(1_000);
    expect(watch.isCutOff).to.equal(false);
    const before = closedAtMs.length;
    await time.advance(450);
    expect([watch.isCutOff, closedAtMs.length]).to.deep.equal([true, before + 1]);
  });

  it("does nothing after a stop", async () => {
    watch.stop();
    await time.advance(5_000);
    expect(closedAtMs).to.deep.equal([]);
  });
});
