import { expect } from "chai";
import { OffsetWaiters } from "../../src/replication/offset-waiters.ts";

describe("OffsetWaiters", () => {
  function setup() {
    const waiters = new OffsetWaiters();
    const events: string[] = [];
    const add = (offset: number) =>
      waiters.add(offset, {
        offsetReached: () => events.push(`${offset}`),
        offsetFailed: code => events.push(`${offset}:${code}`),
      });
    return { waiters, events, add };
  }

  it("tells those whose offset is reached, in order, once", () => {
    const { waiters, events, add } = setup();
    for (const offset of [1, 3, 3, 7]) add(offset);
    waiters.reached(0);
    waiters.reached(3);
    waiters.reached(3);
    expect(events).to.deep.equal(["1", "3", "3"]);
    waiters.reached(100);
    expect(events).to.deep.equal(["1", "3", "3", "7"]);
    expect(waiters.count).to.equal(0);
  });

  it("fails those above an offset and keeps the others", () => {
    const { waiters, events, add } = setup();
    for (const offset of [2, 5, 8, 4]) add(offset);
    waiters.failAbove(4, 56);
    expect(events).to.deep.equal(["5:56", "8:56"]);
    waiters.reached(4);
    expect(events).to.deep.equal(["5:56", "8:56", "2", "4"]);
  });

  it("keeps its order over many", () => {
    const { waiters, events, add } = setup();
    for (let offset = 1; offset <= 5_000; offset++) {
      add(offset);
      if (offset % 3 === 0) waiters.reached(offset - 2);
    }
    waiters.reached(5_000);
    expect(events).to.deep.equal(Array.from({ length: 5_000 }, (_value, index) => `${index + 1}`));
  });
});
