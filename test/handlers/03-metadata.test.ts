import { expect } from "chai";
import type { Metadata } from "../../protocol/apis/03-metadata.ts";
import { Errors } from "../../protocol/errors.ts";
import { type RequestInputOf, ZERO_UUID } from "../../protocol/schema.ts";
import { metadata } from "../../src/handlers/03-metadata.ts";
import { ControllerFixture, createTopic, type FixtureOptions } from "../metadata/support/controller-fixture.ts";
import { type CallOptions, call } from "../metadata/support/handler-call.ts";

async function started(options: FixtureOptions = {}): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start({ brokerIds: [1, 2], ...options });
  await createTopic(fixture, "orders", { numPartitions: 2, replicationFactor: 2 });
  await createTopic(fixture, "billing");
  return fixture;
}

type Request = RequestInputOf<typeof Metadata>;

/** Asks without wanting authorized operations, unless `request` says otherwise. */
function ask(fixture: ControllerFixture, version: number, request: Partial<Request>, options: CallOptions = {}) {
  const full: Request = {
    topics: null,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
    ...request,
  };
  return call(fixture, metadata, version, full, options);
}

const named = (...names: string[]) => names.map(name => ({ name, topicId: ZERO_UUID }));

describe("Metadata", () => {
  it("gives all topics for an empty list in v0, for null from v1, sorted by name", async () => {
    const fixture = await started();
    for (const [version, topics] of [
      [0, []],
      [1, null],
      [13, null],
    ] as const) {
      const response = await ask(fixture, version, { topics });
      expect(response.topics.map(({ name }) => name)).to.deep.equal(["billing", "orders"]);
    }
  });

  it("gives no topics for an empty list from v1", async () => {
    const response = await ask(await started(), 1, { topics: [] });
    expect(response.topics).to.deep.equal([]);
    expect(response.brokers.map(({ nodeId, host }) => [nodeId, host])).to.deep.equal([
      [1, "broker-1"],
      [2, "broker-2"],
    ]);
  });

  for (let version = 0; version <= 13; version += 1) {
    it(`answers in v${version}`, async () => {
      const response = await ask(await started(), version, { topics: named("orders") });
      expect(response.topics).to.have.length(1);
      const [topic] = response.topics;
      expect(topic).to.include({ errorCode: Errors.NONE, name: "orders", isInternal: false });
      expect(topic?.partitions.map(({ replicaNodes }) => [...replicaNodes].sort())).to.deep.equal([
        [1, 2],
        [1, 2],
      ]);
      expect(topic?.partitions.every(({ errorCode, leaderId }) => errorCode === 0 && leaderId > 0)).to.equal(true);
      expect(topic?.topicId === ZERO_UUID).to.equal(version < 10);
    });
  }

  it("finds topics by id from v12, and says which id it does not know", async () => {
    const fixture = await started();
    const { id } = fixture.image.topics.byName.get("orders")!;
    const unknown = "AAAAAAAAAAAAAAAAAAAAFw";
    const response = await ask(fixture, 12, {
      topics: [
        { name: null, topicId: id },
        { name: null, topicId: unknown },
      ],
    });
    expect(response.topics.map(({ name, topicId, errorCode }) => [name, topicId, errorCode])).to.deep.equal([
      ["orders", id, Errors.NONE],
      [null, unknown, Errors.UNKNOWN_TOPIC_ID],
    ]);
  });

  it("refuses ids in v10 and v11", async () => {
    const fixture = await started();
    const { id } = fixture.image.topics.byName.get("orders")!;
    const response = await ask(fixture, 11, { topics: [{ name: null, topicId: id }] });
    expect(response.topics[0]?.errorCode).to.equal(Errors.INVALID_REQUEST);
  });

  it("answers once for a topic named twice", async () => {
    const response = await ask(await started(), 9, { topics: named("orders", "orders") });
    expect(response.topics).to.have.length(1);
  });

  it("creates a missing topic and gives it in the same answer", async () => {
    const fixture = await started({ config: { "num.partitions": "3" } });
    const response = await ask(fixture, 6, { topics: named("new"), allowAutoTopicCreation: true });
    expect(response.topics[0]).to.include({ name: "new", errorCode: Errors.NONE });
    expect(response.topics[0]?.partitions).to.have.length(3);
  });

  it("creates __consumer_offsets as the group coordinator needs it", async () => {
    const fixture = await started();
    await ask(fixture, 6, { topics: named("__consumer_offsets"), allowAutoTopicCreation: true });
    const topic = fixture.image.topics.byName.get("__consumer_offsets");
    expect(topic?.partitions).to.have.length(50);
    expect(Object.fromEntries(fixture.image.configs.of(2, "__consumer_offsets"))).to.deep.equal({
      "compression.type": "producer",
      "cleanup.policy": "compact",
      "segment.bytes": "104857600",
    });
  });

  it("creates nothing when the client or the broker does not want it", async () => {
    const forbidden = await started();
    const response = await ask(forbidden, 6, { topics: named("new"), allowAutoTopicCreation: false });
    expect(response.topics[0]).to.include({ name: "new", errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION });
    const disabled = await started({ config: { "auto.create.topics.enable": "false" } });
    const second = await ask(disabled, 3, { topics: named("new") });
    expect(second.topics[0]).to.include({ name: "new", errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION });
  });

  it("says of an impossible name that it is invalid", async () => {
    for (const allowAutoTopicCreation of [true, false]) {
      const response = await ask(await started(), 6, {
        topics: named("x-abc)(*&^%"),
        allowAutoTopicCreation,
      });
      expect(response.topics[0]?.errorCode).to.equal(Errors.INVALID_TOPIC_EXCEPTION);
    }
  });

  it("says that there is no leader yet when the controller cannot create the topic", async () => {
    const fixture = await started();
    fixture.log.loseLeadership();
    const response = await ask(fixture, 6, { topics: named("new"), allowAutoTopicCreation: true });
    expect(response.topics[0]?.errorCode).to.equal(Errors.LEADER_NOT_AVAILABLE);
  });

  it("passes on that there are too few brokers", async () => {
    const fixture = await started({ config: { "default.replication.factor": "3" } });
    const response = await ask(fixture, 6, { topics: named("new"), allowAutoTopicCreation: true });
    expect(response.topics[0]?.errorCode).to.equal(Errors.INVALID_REPLICATION_FACTOR);
  });

  it("counts the replicas of a fenced broker as offline and leaves it out of the brokers", async () => {
    const fixture = await started();
    const epoch = fixture.image.cluster.brokers.get(2)!.epoch;
    await fixture.complete(fixture.controller.shutDownBroker(2, epoch));
    const response = await ask(fixture, 12, { topics: named("orders") });
    expect(response.brokers.map(({ nodeId }) => nodeId)).to.deep.equal([1]);
    for (const partition of response.topics[0]!.partitions) {
      expect(partition).to.include({ errorCode: Errors.NONE, leaderId: 1 });
      expect(partition.offlineReplicas).to.deep.equal([2]);
    }
  });

  it("gives the endpoints of the listener that the client came in on", async () => {
    const fixture = await started();
    const listeners = [
      { name: "PLAINTEXT", host: "inside", port: 9092, securityProtocol: 0 },
      { name: "OUTSIDE", host: "outside", port: 9192, securityProtocol: 0 },
    ];
    await fixture.addBroker(1, { incarnationId: "AAAAAAAAAAAAAAAAAAAAZA", listeners });
    const response = await ask(fixture, 12, { topics: named("billing") }, { listenerName: "OUTSIDE" });
    expect(response.brokers.map(({ host, port }) => [host, port])).to.deep.equal([["outside", 9192]]);
    const leader = fixture.image.topics.byName.get("billing")!.partitions[0]!.leader;
    const expected = leader === 1 ? Errors.NONE : Errors.LISTENER_NOT_FOUND;
    expect(response.topics[0]?.partitions[0]?.errorCode).to.equal(expected);
  });

  it("calls nobody back to what others may lead by now when this broker is cut off", async () => {
    const fixture = await started();
    const { partitions } = fixture.image.topics.byName.get("orders")!;
    const response = await ask(fixture, 12, { topics: named("orders") }, { isCutOff: true });
    const expected = partitions.map(({ leader }) =>
      leader === 1 ? [-1, Errors.LEADER_NOT_AVAILABLE] : [leader, Errors.NONE],
    );
    expect(response.topics[0]!.partitions.map(({ leaderId, errorCode }) => [leaderId, errorCode])).to.deep.equal(
      expected,
    );
    expect(expected.map(([leader]) => leader)).to.include(-1);
  });

  it("gives authorized operations only when asked", async () => {
    const fixture = await started();
    const asked = await ask(fixture, 8, {
      topics: named("orders"),
      includeTopicAuthorizedOperations: true,
      includeClusterAuthorizedOperations: true,
    });
    expect([asked.topics[0]?.topicAuthorizedOperations, asked.clusterAuthorizedOperations]).to.deep.equal([3576, 8096]);
    const plain = await ask(fixture, 8, { topics: named("orders") });
    expect(plain.topics[0]?.topicAuthorizedOperations).to.equal(-2147483648);
    expect(plain.clusterAuthorizedOperations).to.equal(-2147483648);
  });
});
