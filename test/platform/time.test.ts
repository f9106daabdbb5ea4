import { expect } from "chai";
import { SeededRandom, SimulatedTime } from "../../src/platform/memory.ts";
import { NodeClock, NodeTimers } from "../../src/platform/node-time.ts";
import type { Timers } from "../../src/platform/platform.ts";

interface TimersUnderTest {
  readonly timers: Timers;
  wait(durationMs: number): Promise<void>;
}

function timersContract(name: string, setUp: () => TimersUnderTest): void {
  describe(`${name} as Timers`, () => {
    let timers: Timers;
    let wait: (durationMs: number) => Promise<void>;

    beforeEach(() => {
      const subject = setUp();
      timers = subject.timers;
      wait = durationMs => subject.wait(durationMs);
    });

    it("after calls once, and in order of the delays", async () => {
      const calls: string[] = [];
      timers.after(40, () => calls.push("40"));
      timers.after(5, () => calls.push("5"));
      await wait(100);
      expect(calls).to.deep.equal(["5", "40"]);
    });

    it("every calls until cleared, from inside its callback too", async () => {
      let count = 0;
      const timer = timers.every(5, () => {
        count++;
        if (count === 3) timer.clear();
      });
      await wait(100);
      expect(count).to.equal(3);
    });

    it("clear prevents the call, and is harmless afterwards", async () => {
      const calls: string[] = [];
      const cleared = timers.after(5, () => calls.push("cleared"));
      const ran = timers.after(5, () => calls.push("ran"));
      cleared.clear();
      await wait(50);
      ran.clear();
      cleared.clear();
      expect(calls).to.deep.equal(["ran"]);
    });

    it("endOfTick calls after the promises of this tick, in order", async () => {
      const calls: string[] = [];
      timers.endOfTick(() => calls.push("first"));
      timers.endOfTick(() => calls.push("second"));
      Promise.resolve().then(() => calls.push("promise"));
      await wait(20);
      expect(calls).to.deep.equal(["promise", "first", "second"]);
    });

    it("takes negative and enormous delays", async () => {
      const calls: string[] = [];
      timers.after(-5, () => calls.push("negative"));
      const never = timers.after(2 ** 53, () => calls.push("enormous"));
      await wait(20);
      never.clear();
      expect(calls).to.deep.equal(["negative"]);
    });
  });
}

timersContract("NodeTimers", () => ({
  timers: new NodeTimers(),
  wait: durationMs => new Promise(resolve => setTimeout(resolve, durationMs)),
}));
timersContract("SimulatedTime", () => {
  const time = new SimulatedTime();
  return { timers: time, wait: durationMs => time.advance(durationMs) };
});

describe("NodeClock", () => {
  it("tells whole milliseconds of wall time, and monotonic ones that go on", () => {
    const clock = new NodeClock();
    expect(clock.now()).to.satisfy(Number.isInteger);
    const before = clock.monotonic();
    expect(clock.monotonic()).to.be.at.least(before);
  });
});

describe("SimulatedTime", () => {
  it("stands still but for its events", async () => {
    const time = new SimulatedTime({ startMs: 1_000 });
    const seen: number[] = [];
    time.after(3_600_000, () => seen.push(time.now()));
    time.after(1.5, () => seen.push(time.now()));
    expect(time.now()).to.equal(1_000);
    await time.advance(3_600_000);
    expect(seen).to.deep.equal([1_001, 3_601_000]);
    expect(time.monotonic()).to.equal(3_600_000);
  });

  it("jumps the wall clock and not the monotonic one", () => {
    const time = new SimulatedTime({ startMs: 10_000 });
    time.jumpWallClock(-5_000);
    expect(time.now()).to.equal(5_000);
    expect(time.monotonic()).to.equal(0);
  });

  it("runs the promises of an event before the next event", async () => {
    const time = new SimulatedTime();
    const order: string[] = [];
    time.after(1, async () => {
      order.push("event 1");
      for (let depth = 0; depth < 20; depth++) await null;
      order.push("its promises");
    });
    time.after(1, () => order.push("event 2"));
    await time.advance(1);
    expect(order).to.deep.equal(["event 1", "its promises", "event 2"]);
  });

  it("complete runs until a promise settles, as it does", async () => {
    const time = new SimulatedTime();
    const value = new Promise(resolve => time.after(50, () => resolve("value")));
    expect(await time.complete(value)).to.equal("value");
    expect(time.monotonic()).to.equal(50);
    let caught: unknown;
    const failing = new Promise((_, reject) => time.after(1, () => reject(new Error("no"))));
    await time.complete(failing).catch(error => {
      caught = error;
    });
    expect(caught).to.have.property("message", "no");
  });

  it("complete fails when nothing can settle the promise any more, or not in time", async () => {
    const time = new SimulatedTime();
    const messages: string[] = [];
    await time.complete(new Promise(() => {})).catch(error => messages.push(error.message));
    time.every(1_000, () => {});
    await time.complete(new Promise(() => {}), 10_000).catch(error => messages.push(error.message));
    expect(messages).to.deep.equal([
      "no event is left, and the condition does not hold",
      "nothing came of it in 10000 ms",
    ]);
  });

  it("orders many events as a sort would", async () => {
    const random = new SeededRandom(3);
    const time = new SimulatedTime();
    const ran: number[] = [];
    const delays = Array.from({ length: 500 }, () => random.integer(100));
    for (const delay of delays) time.after(delay, () => ran.push(delay));
    await time.advance(100);
    expect(ran).to.deep.equal(delays.toSorted((a, b) => a - b));
  });

  it("with a random, orders events of one instant by its seed: the same each time, others with another seed", async () => {
    const orderOf = async (seed: number): Promise<string> => {
      const time = new SimulatedTime({ random: new SeededRandom(seed) });
      const order: number[] = [];
      for (let index = 0; index < 10; index++) time.after(1, () => order.push(index));
      await time.advance(1);
      return order.join();
    };
    const orders = await Promise.all([1, 2, 3, 4].map(orderOf));
    expect(new Set(orders).size).to.equal(4);
    expect(await orderOf(1)).to.equal(orders[0]);
  });
});
