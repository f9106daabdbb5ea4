import { expect } from "chai";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { metadata } from "../../src/handlers/03-metadata.ts";
import { MissingBrokers } from "../../src/metadata/missing-brokers.ts";
import { ControllerFixture, createTopic } from "./support/controller-fixture.ts";
import { call } from "./support/handler-call.ts";

const MAX_WAIT_MS = 500;
const NO_OPERATIONS = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false };

async function started(): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
  await createTopic(fixture, "orders", { numPartitions: 1, replicationFactor: 3 });
  return fixture;
}

describe("MissingBrokers", () => {
  let fixture: ControllerFixture;
  let missing: MissingBrokers;

  beforeEach(async () => {
    fixture = await started();
    missing = new MissingBrokers(
      { maxWaitMs: MAX_WAIT_MS },
      { metadata: fixture.store, clock: fixture.time, timers: fixture.time },
    );
  });

  /** Whether an answer that names broker 2 waits, and from then on whether it still does. */
  function wait(): { isWaiting: boolean } {
    const decided = missing.decided(id => id === 2);
    const state = { isWaiting: decided !== null };
    decided?.then(() => {
      state.isWaiting = false;
    });
    return state;
  }

  it("waits until a missing broker is fenced", async () => {
    missing.lost(2);
    const waiting = wait();
    await fixture.time.advance(1);
    expect(waiting.isWaiting).to.equal(true);
    await fixture.complete(fixture.controller.shutDownBroker(2, fixture.image.cluster.brokers.get(2)!.epoch));
    await fixture.time.advance(1);
    expect(waiting.isWaiting).to.equal(false);
    expect(wait().isWaiting).to.equal(false);
  });

  it("waits for nobody else", () => {
    missing.lost(3);
    expect(wait().isWaiting).to.equal(false);
  });

  it("waits no more when the broker is found, and again when it is lost once more", async () => {
    missing.lost(2);
    const waiting = wait();
    missing.found(2);
    await fixture.time.advance(1);
    expect(waiting.isWaiting).to.equal(false);
    missing.lost(2);
    expect(wait().isWaiting).to.equal(true);
  });

  it("waits once for a broker that stays lost, and no longer than it may", async () => {
    missing.lost(2);
    const waiting = wait();
    await fixture.time.advance(MAX_WAIT_MS - 1);
    expect(waiting.isWaiting).to.equal(true);
    await fixture.time.advance(2);
    expect(waiting.isWaiting).to.equal(false);
    missing.lost(2);
    expect(wait().isWaiting).to.equal(false);
  });

  it("waits for nobody after a stop", async () => {
    missing.lost(2);
    const waiting = wait();
    missing.stop();
    await fixture.time.advance(1);
    expect(waiting.isWaiting).to.equal(false);
  });
});

describe("Metadata while a broker is missing", () => {
  for (const [what, topics] of [
    ["one topic", [{ name: "orders", topicId: ZERO_UUID }]],
    ["all topics", null],
  ] as const) {
    it(`answers for ${what} when it is decided who leads`, async () => {
      const fixture = await started();
      const { leader } = fixture.image.topics.byName.get("orders")!.partitions[0]!;
      let named: boolean[] = [];
      const missingBrokers = {
        async decided(names: (brokerId: number) => boolean): Promise<void> {
          named = [names(leader), names(9)];
          await fixture.controller.shutDownBroker(leader, fixture.image.cluster.brokers.get(leader)!.epoch);
        },
      };
      const response = await call(fixture, metadata, 12, { ...NO_OPERATIONS, topics }, { missingBrokers });
      expect(named).to.deep.equal([true, false]);
      const told = response.topics.find(({ name }) => name === "orders")!.partitions[0]!.leaderId;
      expect(told).to.not.equal(leader);
      expect(told).to.equal(fixture.image.topics.byName.get("orders")!.partitions[0]!.leader);
    });
  }
});
