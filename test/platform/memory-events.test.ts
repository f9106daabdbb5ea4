import { expect } from "chai";
import { SeededRandom } from "../../src/platform/memory.ts";
import { EventQueue, SimulatedEvent } from "../../src/platform/memory-events.ts";

describe("EventQueue", () => {
  const random = new SeededRandom("events");
  let queue: EventQueue;
  let happened: number[];

  beforeEach(() => {
    queue = new EventQueue();
    happened = [];
  });

  /** Events at random times, many of them the same, and of few priorities; their numbers say in which order they were made. */
  function pushed(count: number): SimulatedEvent[] {
    return Array.from({ length: count }, (_, sequence) => {
      const [atMs, priority] = [random.integer(count / 4), random.integer(3)];
      const event = new SimulatedEvent(queue, atMs, priority, sequence, () => happened.push(sequence));
      queue.push(event);
      return event;
    });
  }

  function runAll(): void {
    for (let event = queue.take(); event !== undefined; event = queue.take()) event.happen();
  }

  /** The order by the definition: time, then priority, then who was first. */
  function inOrder(events: readonly SimulatedEvent[]): number[] {
    return events
      .toSorted((a, b) => a.atMs - b.atMs || a.priority - b.priority || a.sequence - b.sequence)
      .map(({ sequence }) => sequence);
  }

  it("gives events in their order", () => {
    const events = pushed(1_000);
    runAll();
    expect(happened).to.deep.equal(inOrder(events));
  });

  it("keeps that order when most events were cleared, and does not keep those", () => {
    const events = pushed(1_000);
    const [kept, cleared] = [
      events.filter((_, index) => index % 5 === 0),
      events.filter((_, index) => index % 5 !== 0),
    ];
    for (const event of cleared) event.clear();
    expect(queue.size).to.be.lessThan(2 * kept.length + 1);
    const more = new SimulatedEvent(queue, 17, 1, 5_000, () => happened.push(5_000));
    queue.push(more);
    runAll();
    expect(happened).to.deep.equal(inOrder([...kept, more]));
    expect(queue.size).to.equal(0);
  });

  it("takes no notice of a second clear, or of one after the event", () => {
    const events = pushed(200);
    queue.take()!.happen();
    for (const event of events) {
      event.clear();
      event.clear();
    }
    runAll();
    expect(happened).to.have.length(1);
    expect(queue.first()).to.equal(undefined);
    const last = new SimulatedEvent(queue, 0, 0, 0, () => happened.push(-1));
    queue.push(last);
    expect(queue.first()).to.equal(last);
  });
});
