import { expect } from "chai";
import { Errors } from "../../../protocol/errors.ts";
import { ZERO_UUID } from "../../../protocol/schema.ts";
import { ControllerFixture, uuidOf } from "../support/controller-fixture.ts";

const topic = (name: string, numPartitions = 1, replicationFactor = 1) => ({
  name,
  numPartitions,
  replicationFactor,
  assignments: [],
  configs: [],
});

describe("Controller", () => {
  it("writes the bootstrap records into an empty log, in one transaction", async () => {
    const { image, log } = await ControllerFixture.start({ brokerIds: [] });
    expect(image.features.get("metadata.version")).to.equal(30);
    expect(log.batches).to.have.length(1);
  });

  it("writes no bootstrap records twice", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [] });
    fixture.log.loseLeadership();
    fixture.log.lead();
    await fixture.time.advance(10);
    expect(fixture.controller.isActive).to.equal(true);
    expect(fixture.log.batches).to.have.length(1);
  });

  it("answers once the broker has applied the topic", async () => {
    const fixture = await ControllerFixture.start();
    const response = await fixture.complete(
      fixture.controller.createTopics({ topics: [topic("orders", 3)], timeoutMs: 1000, validateOnly: false }),
    );
    const created = fixture.image.topics.byName.get("orders");
    expect(response.topics[0]?.errorCode).to.equal(Errors.NONE);
    expect(created?.id).to.equal(response.topics[0]?.topicId);
    expect(created?.partitions.map(({ leader, isr, leaderEpoch }) => ({ leader, isr, leaderEpoch }))).to.deep.equal([
      { leader: 1, isr: [1], leaderEpoch: 0 },
      { leader: 1, isr: [1], leaderEpoch: 0 },
      { leader: 1, isr: [1], leaderEpoch: 0 },
    ]);
    expect(created?.partitions[0]?.directories).to.deep.equal([uuidOf(2001)]);
  });

  it("refuses with REQUEST_TIMED_OUT what is not committed in time", async () => {
    const fixture = await ControllerFixture.start();
    fixture.log.commits = false;
    const request = { topics: [topic("late")], timeoutMs: 2000, validateOnly: false };
    const outcome = fixture.controller.createTopics(request).catch(error => error.code);
    await fixture.time.advance(3000);
    expect(await outcome).to.equal(Errors.REQUEST_TIMED_OUT);
  });

  it("refuses with NOT_CONTROLLER when leadership is lost, and forgets what was not committed", async () => {
    const fixture = await ControllerFixture.start();
    fixture.log.commits = false;
    const request = { topics: [topic("lost")], timeoutMs: 60_000, validateOnly: false };
    const outcome = fixture.controller.createTopics(request).catch(error => error.code);
    await fixture.time.advance(1);
    fixture.log.loseLeadership();
    expect(await outcome).to.equal(Errors.NOT_CONTROLLER);
    fixture.log.commits = true;
    fixture.log.lead();
    await fixture.time.advance(1);
    const again = await fixture.complete(fixture.controller.createTopics(request));
    expect(again.topics[0]?.errorCode).to.equal(Errors.NONE);
  });

  it("deletes topics by name and by id", async () => {
    const fixture = await ControllerFixture.start();
    const request = { topics: [topic("a"), topic("b")], timeoutMs: 1000, validateOnly: false };
    const created = await fixture.complete(fixture.controller.createTopics(request));
    const id = created.topics[1]?.topicId as string;
    const response = await fixture.complete(
      fixture.controller.deleteTopics({
        topics: [
          { name: "a", topicId: ZERO_UUID },
          { name: null, topicId: id },
          { name: "c", topicId: ZERO_UUID },
        ],
        topicNames: [],
        timeoutMs: 1000,
      }),
    );
    expect(response.responses.map(({ name, errorCode }) => [name, errorCode])).to.deep.equal([
      ["a", Errors.NONE],
      ["b", Errors.NONE],
      ["c", Errors.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect(fixture.image.topics.size).to.equal(0);
  });

  it("hands out producer ids in blocks, never one twice", async () => {
    const fixture = await ControllerFixture.start();
    const ids = new Set<number>();
    for (let count = 0; count < 2500; count += 1) ids.add(await fixture.complete(fixture.producerIds.next()));
    expect(ids.size).to.equal(2500);
    expect(fixture.image.nextProducerId).to.be.within(3000, 4000);
  });
});

describe("Controller, brokers", () => {
  it("gives a broker the offset of its record as epoch, fenced at first", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [] });
    const end = fixture.log.logEndOffset;
    expect(end).to.be.greaterThan(0);
    expect(await fixture.register(1)).to.equal(end);
    expect(fixture.image.cluster.brokers.get(1)).to.include({ epoch: end, fenced: true });
  });

  it("leads again under a new leader epoch what another process of the broker led", async () => {
    const fixture = await ControllerFixture.start();
    await fixture.complete(
      fixture.controller.createTopics({ topics: [topic("orders")], timeoutMs: 1000, validateOnly: false }),
    );
    const epoch = await fixture.register(1, { incarnationId: uuidOf(5) });
    const partition = () => fixture.image.topics.byName.get("orders")?.partitions[0];
    expect(partition()).to.include({ leader: -1, leaderEpoch: 1 });
    await fixture.complete(fixture.controller.unfenceBroker(1, epoch));
    expect(partition()).to.include({ leader: 1, leaderEpoch: 2 });
    expect(partition()?.isr).to.deep.equal([1]);
  });

  it("leaves nothing led by a broker that was shut down", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
    await fixture.complete(
      fixture.controller.createTopics({ topics: [topic("orders", 2, 2)], timeoutMs: 1000, validateOnly: false }),
    );
    const epoch = fixture.image.cluster.brokers.get(1)?.epoch as number;
    await fixture.complete(fixture.controller.shutDownBroker(1, epoch));
    expect(fixture.image.topics.byName.get("orders")?.partitions.map(({ leader }) => leader)).to.deep.equal([2, 2]);
    expect(fixture.image.cluster.brokers.get(1)).to.include({ fenced: true, inControlledShutdown: true });
  });

  it("refuses a running broker's id, another cluster, and directories of others", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
    const codeOf = (promise: Promise<unknown>) =>
      promise.then(
        () => 0,
        error => error.code,
      );
    expect(await codeOf(fixture.register(2, { incarnationId: uuidOf(9), logDirs: [uuidOf(777)] }))).to.equal(
      Errors.DUPLICATE_BROKER_REGISTRATION,
    );
    expect(await codeOf(fixture.register(3, { clusterId: "another" }))).to.equal(Errors.INCONSISTENT_CLUSTER_ID);
    expect(await codeOf(fixture.register(3, { logDirs: [uuidOf(2001)] }))).to.equal(Errors.INVALID_REGISTRATION);
    expect(await codeOf(fixture.register(3, { logDirs: [] }))).to.equal(Errors.INVALID_REGISTRATION);
    expect(await codeOf(fixture.register(3, { features: [] }))).to.equal(Errors.UNSUPPORTED_VERSION);
  });
});
