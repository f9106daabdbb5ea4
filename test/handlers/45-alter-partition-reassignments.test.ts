import { expect } from "chai";
import { type Errors, errorName } from "../../protocol/errors.ts";
import { alterPartitionReassignments } from "../../src/handlers/45-alter-partition-reassignments.ts";
import { listPartitionReassignments } from "../../src/handlers/46-list-partition-reassignments.ts";
import { MOVE_SHOWN_MS } from "../../src/metadata/controller/young-moves.ts";
import { alterIsr, beat, ControllerFixture, createTopic, joinIsrs } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

const assigned = (...replicas: number[][]) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
});

async function started(...replicas: number[][]): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3, 4] });
  await createTopic(fixture, "a", assigned(...replicas));
  return fixture;
}

const partitionOf = (fixture: ControllerFixture, index = 0) => fixture.image.topics.byName.get("a")!.partitions[index]!;
const epochOf = (fixture: ControllerFixture, id: number) => fixture.image.cluster.brokers.get(id)!.epoch;

/** The outcome for one partition. */
async function reassign(
  fixture: ControllerFixture,
  replicas: number[] | null,
  { name = "a", partitionIndex = 0, allowReplicationFactorChange = true, version = 1 } = {},
): Promise<{ error: string; message: string | null }> {
  const topics = [{ name, partitions: [{ partitionIndex, replicas }] }];
  const request = { timeoutMs: 1000, allowReplicationFactorChange, topics };
  const { errorCode, responses } = await call(fixture, alterPartitionReassignments, version, request);
  expect(errorCode).to.equal(0);
  const outcome = responses[0]!.partitions[0]!;
  await fixture.time.advance(MOVE_SHOWN_MS);
  return { error: errorName(outcome.errorCode), message: outcome.errorMessage };
}

async function list(fixture: ControllerFixture, topics: { name: string; partitionIndexes: number[] }[] | null = null) {
  const response = await call(fixture, listPartitionReassignments, 0, { timeoutMs: 1000, topics });
  expect(response.errorCode).to.equal(0);
  return response.topics;
}

describe("AlterPartitionReassignments", () => {
  for (const version of [0, 1]) {
    it(`adds the new replicas, and drops the old ones when those are in sync, in v${version}`, async () => {
      const fixture = await started([1, 2]);
      expect(await reassign(fixture, [3, 1], { version })).to.deep.equal({ error: "NONE", message: null });
      expect(partitionOf(fixture)).to.deep.include({
        replicas: [3, 1, 2],
        addingReplicas: [3],
        removingReplicas: [2],
        isr: [1, 2],
        leader: 1,
        leaderEpoch: 0,
      });
      await joinIsrs(fixture, 3);
      expect(partitionOf(fixture)).to.deep.include({
        replicas: [3, 1],
        addingReplicas: [],
        removingReplicas: [],
        isr: [1, 3],
        leader: 1,
        leaderEpoch: 1,
      });
      expect(await list(fixture)).to.deep.equal([]);
    });
  }

  it("tells the leader that it is replaced when it is among those that go", async () => {
    const fixture = await started([1, 2]);
    await reassign(fixture, [3, 4]);
    const members = [1, 2, 3, 4].map(id => [id, epochOf(fixture, id)] as const);
    const topicId = fixture.image.topics.byName.get("a")!.id;
    const { errorCode } = await alterIsr(fixture, topicId, partitionOf(fixture), members);
    expect(errorName(errorCode)).to.equal("NEW_LEADER_ELECTED");
    expect(partitionOf(fixture)).to.deep.include({ leader: 3, isr: [3, 4], replicas: [3, 4], leaderEpoch: 1 });
  });

  it("is done at once where only the order changes", async () => {
    const fixture = await started([1, 2, 3]);
    await reassign(fixture, [3, 2, 1]);
    expect(partitionOf(fixture)).to.deep.include({ replicas: [3, 2, 1], isr: [1, 2, 3], leader: 1, leaderEpoch: 0 });
    expect(await list(fixture)).to.deep.equal([]);
  });

  it("takes replicas away at once where the others are in sync", async () => {
    const fixture = await started([1, 2, 3]);
    await reassign(fixture, [2]);
    expect(partitionOf(fixture)).to.deep.include({ replicas: [2], isr: [2], leader: 2, removingReplicas: [] });
  });

  it("writes nothing where the replicas are those already", async () => {
    const fixture = await started([1, 2]);
    const before = fixture.log.logEndOffset;
    expect(await reassign(fixture, [1, 2])).to.deep.equal({ error: "NONE", message: null });
    expect(fixture.log.logEndOffset).to.equal(before);
  });

  it("takes a move back", async () => {
    const fixture = await started([1, 2]);
    await reassign(fixture, [3, 4, 1]);
    await joinIsrs(fixture, 4);
    expect(partitionOf(fixture).isr).to.deep.equal([1, 2, 4]);
    expect(await reassign(fixture, null)).to.deep.equal({ error: "NONE", message: null });
    expect(partitionOf(fixture)).to.deep.include({
      replicas: [1, 2],
      isr: [1, 2],
      leader: 1,
      addingReplicas: [],
      removingReplicas: [],
    });
  });

  it("takes another target while a move is under way, from which the way back leads to the beginning", async () => {
    const fixture = await started([1, 2]);
    await reassign(fixture, [1, 3]);
    await reassign(fixture, [1, 3, 4]);
    expect(partitionOf(fixture)).to.deep.include({
      replicas: [1, 3, 4, 2],
      addingReplicas: [3, 4],
      removingReplicas: [2],
    });
    await reassign(fixture, null);
    expect(partitionOf(fixture)).to.deep.include({ replicas: [1, 2], isr: [1, 2] });
  });

  it("refuses to go back to replicas of which none is in sync", async () => {
    const fixture = await started([1, 2]);
    await reassign(fixture, [3, 4]);
    await joinIsrs(fixture, 3);
    for (const id of [1, 2]) await beat(fixture, id, epochOf(fixture, id), { wantFence: true });
    expect(partitionOf(fixture)).to.deep.include({ isr: [3], leader: 3 });
    expect((await reassign(fixture, null)).error).to.equal("INVALID_REPLICA_ASSIGNMENT");
    expect(partitionOf(fixture)).to.deep.include({ isr: [3], leader: 3 });
  });

  it("goes on when a broker of it is fenced meanwhile, and under another controller", async () => {
    const fixture = await started([1, 2]);
    await reassign(fixture, [3, 4]);
    await beat(fixture, 1, epochOf(fixture, 1), { wantFence: true });
    expect(partitionOf(fixture)).to.deep.include({ leader: 2, isr: [2], addingReplicas: [3, 4] });
    fixture.log.loseLeadership();
    fixture.log.lead();
    await fixture.time.advance(1);
    await joinIsrs(fixture, 3);
    expect(partitionOf(fixture)).to.deep.include({ leader: 2, isr: [2, 3], addingReplicas: [3, 4] });
    await joinIsrs(fixture, 4);
    expect(partitionOf(fixture)).to.deep.include({ leader: 3, isr: [3, 4], replicas: [3, 4] });
  });

  it("holds the number of replicas where that is asked for", async () => {
    const fixture = await started([1, 2]);
    expect(await reassign(fixture, [1, 2, 3], { allowReplicationFactorChange: false })).to.deep.equal({
      error: "INVALID_REPLICATION_FACTOR",
      message: "The replication factor is changed from 2 to 3",
    });
    expect((await reassign(fixture, [1, 3], { allowReplicationFactorChange: false })).error).to.equal("NONE");
    expect((await reassign(fixture, [4, 3], { allowReplicationFactorChange: false })).error).to.equal("NONE");
  });

  const refusals: readonly [what: string, error: keyof typeof Errors, replicas: number[] | null, options: object][] = [
    ["an unknown topic", "UNKNOWN_TOPIC_OR_PARTITION", [1], { name: "nope" }],
    ["an unknown partition", "UNKNOWN_TOPIC_OR_PARTITION", [1], { partitionIndex: 5 }],
    ["an unknown broker", "INVALID_REPLICA_ASSIGNMENT", [1, 5], {}],
    ["a broker twice", "INVALID_REPLICA_ASSIGNMENT", [1, 1], {}],
    ["no replicas", "INVALID_REPLICA_ASSIGNMENT", [], {}],
    ["to take back what is not under way", "NO_REASSIGNMENT_IN_PROGRESS", null, {}],
  ];
  for (const [what, expected, replicas, options] of refusals) {
    it(`refuses ${what}`, async () => {
      const fixture = await started([1, 2]);
      const before = fixture.log.logEndOffset;
      const { error, message } = await reassign(fixture, replicas, options);
      expect(error).to.equal(expected);
      expect(message).to.be.a("string").and.not.equal("");
      expect(fixture.log.logEndOffset).to.equal(before);
    });
  }
});

describe("ListPartitionReassignments", () => {
  it("shows a move for a while, though the new replicas are in sync at once", async () => {
    const fixture = await started([1, 2]);
    const topics = [{ name: "a", partitions: [{ partitionIndex: 0, replicas: [3, 2] }] }];
    const request = { timeoutMs: 1000, allowReplicationFactorChange: true, topics };
    await call(fixture, alterPartitionReassignments, 1, request);
    await joinIsrs(fixture, 3);
    expect(partitionOf(fixture)).to.deep.include({ isr: [1, 2, 3], replicas: [3, 2, 1] });
    const moving = [{ partitionIndex: 0, replicas: [3, 2, 1], addingReplicas: [3], removingReplicas: [1] }];
    expect(await list(fixture)).to.deep.equal([{ name: "a", partitions: moving }]);
    await fixture.time.advance(MOVE_SHOWN_MS - 1);
    expect(await list(fixture)).to.have.length(1);
    await fixture.time.advance(1);
    expect(await list(fixture)).to.deep.equal([]);
    expect(partitionOf(fixture)).to.deep.include({ isr: [2, 3], replicas: [3, 2], leader: 3, leaderEpoch: 1 });
  });

  it("shows no move that its controller left to the next one done", async () => {
    const fixture = await started([1, 2]);
    const topics = [{ name: "a", partitions: [{ partitionIndex: 0, replicas: [1, 3] }] }];
    await call(fixture, alterPartitionReassignments, 0, { timeoutMs: 1000, topics });
    await joinIsrs(fixture, 3);
    fixture.log.loseLeadership();
    fixture.log.lead();
    await fixture.time.advance(1);
    expect(await list(fixture)).to.deep.equal([]);
    expect(partitionOf(fixture)).to.deep.include({ isr: [1, 3], replicas: [1, 3] });
  });

  it("shows a move right after it was asked for", async () => {
    const fixture = await started([1, 2], [2, 3]);
    await reassign(fixture, [2, 3]);
    const moving = [{ partitionIndex: 0, replicas: [2, 3, 1], addingReplicas: [3], removingReplicas: [1] }];
    expect(await list(fixture)).to.deep.equal([{ name: "a", partitions: moving }]);
  });

  it("shows of the partitions named those that are moved", async () => {
    const fixture = await started([1, 2], [2, 3]);
    await reassign(fixture, [2, 3]);
    await reassign(fixture, [4, 3], { partitionIndex: 1 });
    const numbers = (
      await list(fixture, [
        { name: "a", partitionIndexes: [1, 7] },
        { name: "nope", partitionIndexes: [0] },
      ])
    ).flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex));
    expect(numbers).to.deep.equal([1]);
    expect(await list(fixture, [])).to.deep.equal([]);
  });
});
