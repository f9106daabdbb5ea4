import { expect } from "chai";
import { Removals } from "../../src/log/removals.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";

describe("Removals", () => {
  it("removes one thing after the other, those due at once in the order in which they were asked for", async () => {
    const { timers, time } = createMemoryPlatform();
    const removals = new Removals({ timers, onFailed: error => expect.fail(String(error)) });
    const events: string[] = [];
    const finish: (() => void)[] = [];
    const remove = (name: string) => (): Promise<void> => {
      events.push(`${name} begins`);
      return new Promise(resolve =>
        finish.push(() => {
          events.push(`${name} ends`);
          resolve();
        }),
      );
    };
    removals.add(20, remove("later"));
    removals.add(10, remove("a"));
    removals.add(10, remove("b"));
    await time.advance(5);
    expect(events).to.deep.equal([]);
    await time.advance(30);
    expect(events).to.deep.equal(["a begins"]);
    for (let ended = 0; ended < 3; ended += 1) {
      finish[ended]!();
      await time.advance(1);
    }
    expect(events).to.deep.equal(["a begins", "a ends", "b begins", "b ends", "later begins", "later ends"]);
  });

  it("goes on after a failure, which it reports, and after a pause", async () => {
    const { timers, time } = createMemoryPlatform();
    const failures: unknown[] = [];
    const removals = new Removals({ timers, onFailed: error => failures.push(error) });
    const removed: string[] = [];
    const failure = new Error("no");
    removals.add(0, () => Promise.reject(failure));
    removals.add(0, () => {
      throw failure;
    });
    removals.add(0, async () => void removed.push("a"));
    await time.advance(1);
    removals.add(0, async () => void removed.push("b"));
    await time.advance(1);
    expect(failures).to.deep.equal([failure, failure]);
    expect(removed).to.deep.equal(["a", "b"]);
  });
});
