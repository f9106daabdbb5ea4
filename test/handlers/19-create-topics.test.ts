import { expect } from "chai";
import type { CreateTopics } from "../../protocol/apis/19-create-topics.ts";
import { Errors, errorName } from "../../protocol/errors.ts";
import { type RequestInputOf, ZERO_UUID } from "../../protocol/schema.ts";
import { createTopics } from "../../src/handlers/19-create-topics.ts";
import { ControllerFixture, createTopic, newTopic } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

type Topic = RequestInputOf<typeof CreateTopics>["topics"][number];

const create = (fixture: ControllerFixture, topics: readonly Topic[], version = 7, validateOnly = false) =>
  call(fixture, createTopics, version, { topics, timeoutMs: 1000, validateOnly });

/** Assigns partition 0, 1, … to the brokers given. */
const assigned = (...brokerIds: number[][]) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: brokerIds.map((ids, partitionIndex) => ({ partitionIndex, brokerIds: ids })),
});

describe("CreateTopics", () => {
  for (let version = 2; version <= 7; version += 1) {
    it(`creates a topic in v${version}`, async () => {
      const fixture = await ControllerFixture.start();
      const { topics } = await create(fixture, [newTopic("orders", { numPartitions: 3 })], version);
      expect(topics[0]).to.include({ name: "orders", errorCode: 0, errorMessage: null });
      if (version >= 5) expect(topics[0]).to.include({ numPartitions: 3, replicationFactor: 1 });
      expect(topics[0]?.topicId === ZERO_UUID).to.equal(version < 7);
      expect(fixture.image.topics.byName.get("orders")?.partitions).to.have.length(3);
    });
  }

  it("takes the broker's defaults for -1", async () => {
    const config = { "num.partitions": "4", "default.replication.factor": "2" };
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3], config });
    const { topics } = await create(fixture, [newTopic("orders", { numPartitions: -1, replicationFactor: -1 })]);
    expect(topics[0]).to.include({ numPartitions: 4, replicationFactor: 2 });
  });

  it("gives the configuration of the new topic by name, with sources", async () => {
    const fixture = await ControllerFixture.start();
    const { topics } = await create(fixture, [newTopic("a", { configs: [{ name: "retention.ms", value: "60000" }] })]);
    const configs = topics[0]?.configs ?? [];
    expect(configs.map(({ name }) => name)).to.deep.equal(configs.map(({ name }) => name).sort());
    expect(configs.find(({ name }) => name === "retention.ms")).to.include({ value: "60000", configSource: 1 });
    expect(configs.find(({ name }) => name === "segment.bytes")).to.include({ value: "1073741824", configSource: 5 });
    expect(fixture.image.configs.of(2, "a").get("retention.ms")).to.equal("60000");
  });

  it("changes nothing when it only validates", async () => {
    const fixture = await ControllerFixture.start();
    const before = fixture.log.logEndOffset;
    const { topics } = await create(fixture, [newTopic("a", { numPartitions: 2 }), newTopic("bad name")], 7, true);
    expect(topics.map(({ errorCode }) => errorCode)).to.deep.equal([0, Errors.INVALID_TOPIC_EXCEPTION]);
    expect(topics[0]).to.include({ numPartitions: 2, topicId: ZERO_UUID });
    expect(fixture.log.logEndOffset).to.equal(before);
  });

  it("takes manual assignments", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
    await create(fixture, [newTopic("a", assigned([2, 1], [3, 2]))]);
    const { partitions } = fixture.image.topics.byName.get("a")!;
    expect(partitions.map(({ replicas, leader }) => [replicas, leader])).to.deep.equal([
      [[2, 1], 2],
      [[3, 2], 3],
    ]);
  });

  it("creates the good topics of a request with bad ones", async () => {
    const fixture = await ControllerFixture.start();
    const { topics } = await create(fixture, [newTopic("a", { numPartitions: 0 }), newTopic("b")]);
    expect(topics.map(({ errorCode }) => errorCode)).to.deep.equal([Errors.INVALID_PARTITIONS, 0]);
    expect([...fixture.image.topics.byName.keys()]).to.deep.equal(["b"]);
  });

  it("answers once for a name given twice, and creates nothing for it", async () => {
    const fixture = await ControllerFixture.start();
    const { topics } = await create(fixture, [newTopic("a"), newTopic("b"), newTopic("a")]);
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).to.deep.equal([
      ["a", Errors.INVALID_REQUEST],
      ["b", 0],
    ]);
  });

  const refusals: readonly [string, Topic, number][] = [
    ["an existing name", newTopic("existing.topic"), Errors.TOPIC_ALREADY_EXISTS],
    ["a name that differs from another in . and _ only", newTopic("existing_topic"), Errors.INVALID_TOPIC_EXCEPTION],
    ["an empty name", newTopic(""), Errors.INVALID_TOPIC_EXCEPTION],
    ["the name .", newTopic("."), Errors.INVALID_TOPIC_EXCEPTION],
    ["the name ..", newTopic(".."), Errors.INVALID_TOPIC_EXCEPTION],
    ["a path as name", newTopic("../x"), Errors.INVALID_TOPIC_EXCEPTION],
    ["a name of 250 characters", newTopic("x".repeat(250)), Errors.INVALID_TOPIC_EXCEPTION],
    ["a name with a zero byte", newTopic("a\0b"), Errors.INVALID_TOPIC_EXCEPTION],
    ["the name of the metadata log", newTopic("__cluster_metadata"), Errors.TOPIC_AUTHORIZATION_FAILED],
    ["no partitions", newTopic("a", { numPartitions: 0 }), Errors.INVALID_PARTITIONS],
    ["a negative number of partitions", newTopic("a", { numPartitions: -2 }), Errors.INVALID_PARTITIONS],
    ["no replicas", newTopic("a", { replicationFactor: 0 }), Errors.INVALID_REPLICATION_FACTOR],
    ["a negative number of replicas", newTopic("a", { replicationFactor: -2 }), Errors.INVALID_REPLICATION_FACTOR],
    ["more replicas than brokers", newTopic("a", { replicationFactor: 3 }), Errors.INVALID_REPLICATION_FACTOR],
    [
      "a partition count beside assignments",
      newTopic("a", { ...assigned([1]), numPartitions: 1 }),
      Errors.INVALID_REQUEST,
    ],
    [
      "a replica count beside assignments",
      newTopic("a", { ...assigned([1]), replicationFactor: 1 }),
      Errors.INVALID_REQUEST,
    ],
    ["an unknown broker", newTopic("a", assigned([7])), Errors.INVALID_REPLICA_ASSIGNMENT],
    ["a broker twice for a partition", newTopic("a", assigned([1, 1])), Errors.INVALID_REPLICA_ASSIGNMENT],
    ["no broker for a partition", newTopic("a", assigned([])), Errors.INVALID_REPLICA_ASSIGNMENT],
    ["uneven numbers of replicas", newTopic("a", assigned([1, 2], [1])), Errors.INVALID_REPLICA_ASSIGNMENT],
    [
      "a gap in the partitions",
      newTopic("a", { ...assigned(), assignments: [{ partitionIndex: 1, brokerIds: [1] }] }),
      Errors.INVALID_REPLICA_ASSIGNMENT,
    ],
    [
      "a partition assigned twice",
      newTopic("a", {
        ...assigned(),
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 0, brokerIds: [2] },
        ],
      }),
      Errors.INVALID_REPLICA_ASSIGNMENT,
    ],
    ["an unknown config", newTopic("a", { configs: [{ name: "bogus", value: "1" }] }), Errors.INVALID_CONFIG],
    ["a bad config value", newTopic("a", { configs: [{ name: "retention.ms", value: "x" }] }), Errors.INVALID_CONFIG],
    ["a null config value", newTopic("a", { configs: [{ name: "retention.ms", value: null }] }), Errors.INVALID_CONFIG],
  ];
  for (const [what, topic, errorCode] of refusals) {
    it(`refuses ${what} with ${errorName(errorCode)}`, async () => {
      const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
      await createTopic(fixture, "existing.topic");
      const before = fixture.log.logEndOffset;
      const { topics } = await create(fixture, [topic]);
      expect(topics[0]?.errorCode).to.equal(errorCode);
      expect(topics[0]?.errorMessage).to.be.a("string").and.not.equal("");
      expect(topics[0]).to.deep.include({ numPartitions: -1, replicationFactor: -1, configs: [] });
      expect(fixture.log.logEndOffset).to.equal(before);
    });
  }

  it("takes a name of 249 characters", async () => {
    const { topics } = await create(await ControllerFixture.start(), [newTopic("x".repeat(249))]);
    expect(topics[0]?.errorCode).to.equal(0);
  });

  it("refuses all of a request that takes too many records with POLICY_VIOLATION", async () => {
    const fixture = await ControllerFixture.start();
    for (const numPartitions of [10_000, 2_147_483_647]) {
      const { topics } = await create(fixture, [newTopic("small"), newTopic("large", { numPartitions })]);
      expect(topics.map(({ errorCode }) => errorCode)).to.deep.equal([44, 44]);
    }
    expect(fixture.image.topics.size).to.equal(0);
  });

  it("refuses with INVALID_REPLICATION_FACTOR when no broker is alive", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [] });
    await fixture.register(1);
    const { topics } = await create(fixture, [newTopic("a")]);
    expect(topics[0]?.errorCode).to.equal(Errors.INVALID_REPLICATION_FACTOR);
  });

  it("answers every topic with NOT_CONTROLLER on the listener of a controller that does not lead", async () => {
    const fixture = await ControllerFixture.start();
    fixture.log.loseLeadership();
    const request = { topics: [newTopic("a"), newTopic("b")], timeoutMs: 1000 };
    const { topics } = await call(fixture, createTopics, 7, request, { listenerRole: "controller" });
    expect(topics.map(({ errorCode }) => errorCode)).to.deep.equal([Errors.NOT_CONTROLLER, Errors.NOT_CONTROLLER]);
  });
});
