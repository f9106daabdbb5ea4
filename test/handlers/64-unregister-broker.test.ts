import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { unregisterBroker } from "../../src/handlers/64-unregister-broker.ts";
import { beat, ControllerFixture, createTopic, SESSION_TIMEOUT_MS } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

/** Its session ends. */
async function fallSilent(fixture: ControllerFixture, brokerId: number): Promise<void> {
  await fixture.time.advance(SESSION_TIMEOUT_MS - 1);
  for (const { id, epoch, fenced } of fixture.image.cluster.brokers.values()) {
    if (id !== brokerId && !fenced) await beat(fixture, id, epoch);
  }
  await fixture.time.advance(1);
  expect(fixture.image.cluster.brokers.get(brokerId)?.fenced).to.equal(true);
}

const unregister = (fixture: ControllerFixture, brokerId: number) => call(fixture, unregisterBroker, 0, { brokerId });

const assigned = (...replicas: number[][]) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
});

describe("UnregisterBroker", () => {
  it("removes the registration", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
    await fallSilent(fixture, 2);
    const answer = await unregister(fixture, 2);
    expect(answer).to.deep.equal({ throttleTimeMs: 0, errorCode: 0, errorMessage: null });
    expect([...fixture.image.cluster.brokers.keys()]).to.deep.equal([1]);
  });

  it("takes the broker out of ISRs that others are left in, and gives its leaderships to those", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
    await createTopic(fixture, "a", assigned([2, 1, 3], [1, 2, 3], [3, 1, 2]));
    await fallSilent(fixture, 2);
    await unregister(fixture, 2);
    const partitions = fixture.image.topics.byName.get("a")!.partitions;
    expect(partitions.map(({ leader, isr }) => ({ leader, isr }))).to.deep.equal([
      { leader: 1, isr: [1, 3] },
      { leader: 1, isr: [1, 3] },
      { leader: 3, isr: [3, 1] },
    ]);
    expect(partitions.map(({ replicas }) => replicas.length)).to.deep.equal([3, 3, 3]);
  });

  it("takes the broker out of ELRs that others are left in", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
    await createTopic(fixture, "a", assigned([2, 3, 1]));
    await fallSilent(fixture, 2);
    await fallSilent(fixture, 3);
    const before = fixture.image.topics.byName.get("a")?.partitions[0];
    expect(before).to.deep.include({ isr: [1], eligibleLeaderReplicas: [3] });
    await unregister(fixture, 3);
    expect(fixture.image.topics.byName.get("a")?.partitions[0]).to.deep.include({
      isr: [1],
      eligibleLeaderReplicas: [],
    });
  });

  it("leaves a partition to nobody that nobody else is in sync with, and remembers who was", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
    await createTopic(fixture, "a", assigned([2]));
    await fallSilent(fixture, 2);
    await unregister(fixture, 2);
    expect(fixture.image.topics.byName.get("a")?.partitions[0]).to.deep.include({
      leader: -1,
      isr: [],
      eligibleLeaderReplicas: [2],
      lastKnownElr: [2],
    });
  });

  it("refuses a broker that is heard of", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
    const { errorCode, errorMessage } = await unregister(fixture, 2);
    expect({ errorCode, errorMessage }).to.deep.equal({
      errorCode: Errors.INVALID_REQUEST,
      errorMessage: "Broker ID 2 is running: it must be stopped first",
    });
    expect(fixture.image.cluster.brokers.has(2)).to.equal(true);
  });

  it("lets the id be registered again", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
    await createTopic(fixture, "a", assigned([2]));
    await fallSilent(fixture, 2);
    await unregister(fixture, 2);
    await fixture.addBroker(2);
    expect(fixture.image.topics.byName.get("a")?.partitions[0]?.leader).to.equal(2);
  });

  it("knows only brokers that are registered", async () => {
    const fixture = await ControllerFixture.start();
    const before = fixture.log.logEndOffset;
    expect(await unregister(fixture, 9)).to.include({
      errorCode: Errors.BROKER_ID_NOT_REGISTERED,
      errorMessage: "Broker ID 9 is not currently registered",
    });
    expect(fixture.log.logEndOffset).to.equal(before);
  });

  it("keeps the broker that answers", async () => {
    const fixture = await ControllerFixture.start();
    expect((await unregister(fixture, 1)).errorCode).to.equal(Errors.INVALID_REQUEST);
    expect(fixture.image.cluster.brokers.has(1)).to.equal(true);
  });
});
