import { expect } from "chai";
import { Errors } from "../../../protocol/errors.ts";
import { commitOffsets } from "../../../src/coordinators/group/offsets/commit.ts";
import { beat, consumerGroup, converge, GROUP, T1, T2, TestConsumer } from "../support/consumer-client.ts";
import { defaultOptions, GroupFixture } from "../support/group-fixture.ts";

async function opened(): Promise<GroupFixture> {
  const fixture = new GroupFixture();
  fixture.setTopics([T1, T2]);
  await fixture.settle();
  return fixture;
}

async function joined(fixture: GroupFixture, ...ids: string[]): Promise<TestConsumer[]> {
  const consumers = ids.map(id => new TestConsumer(fixture, id));
  for (const consumer of consumers) {
    await consumer.join();
    await converge(...consumers.slice(0, consumers.indexOf(consumer) + 1));
  }
  return consumers;
}

describe("ConsumerGroupHeartbeat", () => {
  it("gives the first member everything, with the epochs and records that Kafka writes", async () => {
    const fixture = await opened();
    const [a] = await joined(fixture, "a");
    expect(a!.partitions).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(a!.epoch).to.equal(2);
    expect(fixture.records().map(({ type }) => type)).to.deep.equal([
      "ConsumerGroupMemberMetadata",
      "ConsumerGroupMetadata",
      "ConsumerGroupTargetAssignmentMember",
      "ConsumerGroupTargetAssignmentMetadata",
      "ConsumerGroupCurrentMemberAssignment",
    ]);
    expect(consumerGroup(fixture).state).to.equal("Stable");
  });

  it("gives a second member nothing before the first has given it up", async () => {
    const fixture = await opened();
    const [a] = await joined(fixture, "a");
    const b = new TestConsumer(fixture, "b");
    await b.join();
    expect(b.partitions).to.deep.equal([]);
    await a!.beat();
    expect(a!.partitions).to.have.length(3);
    await b.beat();
    expect(b.partitions, "a has not acknowledged").to.deep.equal([]);
    await a!.beat();
    await b.beat();
    expect(b.partitions).to.have.length(3);
    expect([...a!.partitions, ...b.partitions].sort()).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(a!.epoch).to.equal(b.epoch);
  });

  it("shares out what a leaving member had", async () => {
    const fixture = await opened();
    const [a, b, c] = await joined(fixture, "a", "b", "c");
    expect([a!, b!, c!].map(({ partitions }) => partitions.length)).to.deep.equal([2, 2, 2]);
    expect(await b!.leave()).to.include({ errorCode: Errors.NONE, memberEpoch: -1 });
    await converge(a!, c!);
    expect([...a!.partitions, ...c!.partitions].sort()).to.deep.equal([0, 1, 2, 3, 4, 5]);
  });

  it("throws out a member that falls silent", async () => {
    const fixture = await opened();
    const [a, b] = await joined(fixture, "a", "b");
    for (let round = 0; round < 10; round += 1) {
      await fixture.time.advance(5_000);
      await a!.beat();
    }
    expect(await b!.beat()).to.include({ errorCode: Errors.UNKNOWN_MEMBER_ID });
    await converge(a!);
    expect(a!.partitions).to.have.length(6);
  });

  it("throws out a member that does not give partitions up within its rebalance timeout", async () => {
    const fixture = await opened();
    const [a] = await joined(fixture, "a");
    const b = new TestConsumer(fixture, "b");
    await b.join();
    await a!.beat();
    for (let round = 0; round < 7; round += 1) {
      await fixture.time.advance(5_000);
      await beat(fixture, { memberId: "a", memberEpoch: a!.epoch });
      await b.beat();
    }
    expect(consumerGroup(fixture).member("a")).to.equal(undefined);
    expect(b.partitions).to.have.length(6);
  });

  it("follows topics that grow", async () => {
    const fixture = await opened();
    const [a] = await joined(fixture, "a");
    fixture.setTopics([{ ...T1, partitionCount: 8 }]);
    consumerGroup(fixture).isMetadataStale = true;
    await converge(a!);
    expect(a!.partitions).to.have.length(8);
    expect(a!.epoch).to.equal(3);
  });

  it("does not count the epoch up when nothing has changed", async () => {
    const fixture = await opened();
    const [a] = await joined(fixture, "a");
    const before = fixture.partition.logEndOffset;
    await a!.beat();
    consumerGroup(fixture).isMetadataStale = true;
    await a!.beat();
    expect(fixture.partition.logEndOffset).to.equal(before);
  });

  it("goes on after a restart as if nothing had been", async () => {
    const fixture = await opened();
    const [a, b] = await joined(fixture, "a", "b");
    const before = [a!.partitions, b!.partitions];
    await fixture.restart();
    await converge(a!, b!);
    expect([a!.partitions, b!.partitions]).to.deep.equal(before);
    expect(consumerGroup(fixture).state).to.equal("Stable");
  });

  it("puts an assignment off that would follow the last too soon", async () => {
    const fixture = await opened();
    const times = { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000, assignmentIntervalMs: 1_000 };
    fixture.options = { ...defaultOptions, consumer: { ...defaultOptions.consumer, of: () => times } };
    const [a] = await joined(fixture, "a");
    const b = new TestConsumer(fixture, "b");
    await b.join();
    expect(consumerGroup(fixture).state).to.equal("Assigning");
    await fixture.time.advance(1_010);
    expect(consumerGroup(fixture).state).to.equal("Reconciling");
    await converge(a!, b);
    expect(b.partitions).to.have.length(3);
  });

  const refused: [string, Parameters<typeof beat>[1], number][] = [
    ["no group id", { groupId: " ", memberId: "x" }, Errors.INVALID_REQUEST],
    [
      "no member id",
      { memberId: "", rebalanceTimeoutMs: 1, topicPartitions: [], subscribedTopicNames: ["t1"] },
      Errors.INVALID_REQUEST,
    ],
    ["an epoch that is none", { memberId: "x", memberEpoch: -3 }, Errors.INVALID_REQUEST],
    [
      "joining without a rebalance timeout",
      { memberId: "x", topicPartitions: [], subscribedTopicNames: ["t1"] },
      Errors.INVALID_REQUEST,
    ],
    [
      "joining with partitions",
      {
        memberId: "x",
        rebalanceTimeoutMs: 1,
        subscribedTopicNames: ["t1"],
        topicPartitions: [{ topicId: T1.id, partitions: [1] }],
      },
      Errors.INVALID_REQUEST,
    ],
    [
      "joining without a subscription",
      { memberId: "x", rebalanceTimeoutMs: 1, topicPartitions: [] },
      Errors.INVALID_REQUEST,
    ],
    ["leaving for a while without an instance id", { memberId: "x", memberEpoch: -2 }, Errors.INVALID_REQUEST],
    [
      "an assignor that is not there",
      { memberId: "x", memberEpoch: 1, serverAssignor: "mine" },
      Errors.UNSUPPORTED_ASSIGNOR,
    ],
    [
      "a pattern that is none",
      { memberId: "x", rebalanceTimeoutMs: 1, topicPartitions: [], subscribedTopicRegex: "a(" },
      Errors.INVALID_REGULAR_EXPRESSION,
    ],
    ["a group that is not there", { groupId: "nobody", memberId: "x", memberEpoch: 1 }, Errors.GROUP_ID_NOT_FOUND],
    ["a stranger", { memberId: "x", memberEpoch: 1 }, Errors.UNKNOWN_MEMBER_ID],
    ["an epoch from the future", { memberId: "a", memberEpoch: 9 }, Errors.FENCED_MEMBER_EPOCH],
    ["an epoch from the past", { memberId: "a", memberEpoch: 1 }, Errors.FENCED_MEMBER_EPOCH],
    ["an instance id nobody has", { memberId: "a", memberEpoch: 2, instanceId: "i" }, Errors.UNKNOWN_MEMBER_ID],
  ];
  for (const [what, request, code] of refused) {
    it(`refuses ${what}, changing nothing`, async () => {
      const fixture = await opened();
      await joined(fixture, "a");
      const before = fixture.partition.logEndOffset;
      expect((await beat(fixture, request)).errorCode).to.equal(code);
      expect(fixture.partition.logEndOffset).to.equal(before);
    });
  }

  it("refuses a member too many", async () => {
    const fixture = await opened();
    fixture.options = { ...defaultOptions, consumer: { ...defaultOptions.consumer, maxSize: 1 } };
    await joined(fixture, "a");
    expect(await new TestConsumer(fixture, "b").join()).to.include({ errorCode: Errors.GROUP_MAX_SIZE_REACHED });
  });
});

describe("subscription by pattern", () => {
  it("is looked up after the join, and followed from then on", async () => {
    const fixture = await opened();
    const a = new TestConsumer(fixture, "a", { subscribedTopicNames: null as never, subscribedTopicRegex: "t[12]" });
    expect(await a.join()).to.include({ memberEpoch: 1 });
    await converge(a);
    expect(a.epoch).to.equal(2);
    expect(a.owned.map(({ partitions }) => partitions.length).sort()).to.deep.equal([3, 6]);
    fixture.setTopics([T1]);
    await fixture.time.advance(11_000);
    await converge(a);
    expect(a.owned.map(({ topicId }) => topicId)).to.deep.equal([T1.id]);
  });

  it("matches whole names, in time that does not run away", async () => {
    const fixture = await opened();
    const evil = `${"a".repeat(200)}!`;
    fixture.setTopics([{ name: evil, id: T1.id, partitionCount: 1 }, T2]);
    const a = new TestConsumer(fixture, "a", { subscribedTopicNames: null as never, subscribedTopicRegex: "(a+)+|t" });
    const startMs = performance.now();
    await a.join();
    await converge(a);
    expect(performance.now() - startMs).to.be.below(500);
    expect(a.owned).to.deep.equal([]);
  });
});

describe("static members of the consumer protocol", () => {
  it("keep their partitions while they are away", async () => {
    const fixture = await opened();
    const a = new TestConsumer(fixture, "a", { instanceId: "i" });
    const b = new TestConsumer(fixture, "b");
    await a.join();
    await b.join();
    await converge(a, b);
    const before = a.partitions;
    expect(await a.leave(-2)).to.include({ errorCode: Errors.NONE, memberEpoch: -2 });
    await converge(b);
    expect(b.partitions).to.have.length(3);
    const again = new TestConsumer(fixture, "a2", { instanceId: "i" });
    await again.join();
    await converge(again, b);
    expect(again.partitions).to.deep.equal(before);
  });

  it("cannot take a place that is not free", async () => {
    const fixture = await opened();
    await new TestConsumer(fixture, "a", { instanceId: "i" }).join();
    const thief = new TestConsumer(fixture, "thief", { instanceId: "i" });
    expect(await thief.join()).to.include({ errorCode: Errors.UNRELEASED_INSTANCE_ID });
  });

  it("are fenced when another has taken their place", async () => {
    const fixture = await opened();
    const a = new TestConsumer(fixture, "a", { instanceId: "i" });
    await a.join();
    await a.leave(-2);
    await new TestConsumer(fixture, "a2", { instanceId: "i" }).join();
    expect(await a.beat()).to.include({ errorCode: Errors.FENCED_INSTANCE_ID });
  });
});

describe("offsets of a consumer group", () => {
  const commit = (fixture: GroupFixture, memberId: string, epoch: number, partition: number, apiVersion = 10) => {
    const committed = fixture.shard.execute((state, turn) =>
      commitOffsets(state, turn, {
        groupId: GROUP,
        generationIdOrMemberEpoch: epoch,
        memberId,
        groupInstanceId: null,
        apiVersion,
        retentionTimeMs: -1,
        topics: [
          {
            name: "t1",
            topicId: T1.id,
            partitions: [
              { partitionIndex: partition, committedOffset: 1n, committedLeaderEpoch: 0, committedMetadata: "" },
            ],
          },
        ],
      }),
    );
    return fixture.settle().then(() => committed);
  };

  it("are taken from a member that has been moved on, for what it still owns", async () => {
    const fixture = await opened();
    const [a] = await joined(fixture, "a");
    const before = a!.epoch;
    const b = new TestConsumer(fixture, "b");
    await b.join();
    await converge(a!, b);
    const [kept] = a!.partitions;
    const [lost] = b.partitions;
    expect(await commit(fixture, "a", before, kept!)).to.deep.equal([[Errors.NONE]]);
    expect(await commit(fixture, "a", before, lost!)).to.deep.equal([[Errors.STALE_MEMBER_EPOCH]]);
  });

  it("are refused to strangers, future epochs, and clients that do not know member epochs", async () => {
    const fixture = await opened();
    const [a] = await joined(fixture, "a");
    expect(() => commit(fixture, "x", 2, 0))
      .to.throw()
      .with.property("code", Errors.UNKNOWN_MEMBER_ID);
    expect(() => commit(fixture, "a", 9, 0))
      .to.throw()
      .with.property("code", Errors.STALE_MEMBER_EPOCH);
    expect(() => commit(fixture, "a", a!.epoch, 0, 8))
      .to.throw()
      .with.property("code", Errors.UNSUPPORTED_VERSION);
  });
});
