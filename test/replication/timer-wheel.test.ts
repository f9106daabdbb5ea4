import { expect } from "chai";
import fc from "fast-check";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import { TimerTask, TimerWheel } from "../../src/replication/timer-wheel.ts";

class Task extends TimerTask {
  readonly #onExpire: () => void;

  constructor(onExpire: () => void) {
    super();
    this.#onExpire = onExpire;
  }

  override expire(): void {
    this.#onExpire();
  }
}

describe("TimerWheel", () => {
  it("expires each task at its time, a bucket late at most, and never one that was cancelled", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ delayMs: fc.integer({ min: -5, max: 5_000 }), isCancelled: fc.boolean() }), {
          maxLength: 50,
        }),
        async entries => {
          const platform = createMemoryPlatform();
          const wheel = new TimerWheel({ bucketMs: 5 }, platform);
          const expired = new Map<number, number>();
          const tasks = entries.map((_entry, index) => new Task(() => expired.set(index, platform.clock.monotonic())));
          for (const [index, { delayMs }] of entries.entries()) wheel.schedule(tasks[index]!, delayMs);
          for (const [index, { isCancelled }] of entries.entries()) if (isCancelled) tasks[index]!.cancel();
          await platform.time.advance(6_000);
          for (const [index, { delayMs, isCancelled }] of entries.entries()) {
            const atMs = expired.get(index);
            if (isCancelled) expect(atMs).to.equal(undefined);
            else expect(atMs).to.be.within(Math.max(0, delayMs), Math.max(0, delayMs) + 5);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("takes tasks from within an expiry", async () => {
    const platform = createMemoryPlatform();
    const wheel = new TimerWheel({ bucketMs: 5 }, platform);
    const times: number[] = [];
    const again = (): void => {
      times.push(platform.clock.monotonic());
      if (times.length < 3) wheel.schedule(new Task(again), 10);
    };
    wheel.schedule(new Task(again), 10);
    await platform.time.advance(100);
    expect(times).to.deep.equal([10, 20, 30]);
  });

  it("has no timer once it is closed or empty", async () => {
    const platform = createMemoryPlatform();
    const wheel = new TimerWheel({ bucketMs: 5 }, platform);
    wheel.schedule(new Task(() => expect.fail("it was closed")), 10);
    wheel.close();
    expect(platform.time.nextAtMs()).to.equal(null);
  });
});
