import { expect } from "chai";
import type { AlterPartition } from "../../protocol/apis/56-alter-partition.ts";
import { Errors, errorName } from "../../protocol/errors.ts";
import type { RequestOf } from "../../protocol/schema.ts";
import { alterPartition } from "../../src/handlers/56-alter-partition.ts";
import type { PartitionImage } from "../../src/metadata/topics-image.ts";
import { alterIsr, beat, ControllerFixture, createTopic, uuidOf } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

type Proposed = RequestOf<typeof AlterPartition>["topics"][number]["partitions"][number];

/** Brokers 1 to 3 are up, 4 is fenced; `a-0` is on 1, 2 and 3, led by 1. */
async function started(): Promise<{ fixture: ControllerFixture; topicId: string }> {
  const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
  await fixture.register(4);
  const assignments = [{ partitionIndex: 0, brokerIds: [1, 2, 3] }];
  return {
    fixture,
    topicId: await createTopic(fixture, "a", { numPartitions: -1, replicationFactor: -1, assignments }),
  };
}

const partitionOf = (fixture: ControllerFixture): PartitionImage =>
  fixture.image.topics.byName.get("a")!.partitions[0]!;
const epochOf = (fixture: ControllerFixture, id: number) => fixture.image.cluster.brokers.get(id)?.epoch ?? -1;
const members = (fixture: ControllerFixture, ...ids: number[]) => ids.map(id => [id, epochOf(fixture, id)] as const);

describe("AlterPartition", () => {
  it("changes the ISR in v3, by brokers with their epochs, and answers with what the partition is then", async () => {
    const { fixture, topicId } = await started();
    const answer = await alterIsr(fixture, topicId, partitionOf(fixture), members(fixture, 1, 3));
    expect(answer).to.deep.equal({
      partitionIndex: 0,
      errorCode: 0,
      leaderId: 1,
      leaderEpoch: 0,
      isr: [1, 3],
      leaderRecoveryState: 0,
      partitionEpoch: 1,
    });
    expect(partitionOf(fixture)).to.deep.include({ isr: [1, 3], leader: 1, leaderEpoch: 0, partitionEpoch: 1 });
  });

  it("changes the ISR in v2, which knows no epochs of brokers", async () => {
    const { fixture, topicId } = await started();
    const proposed = { partitionIndex: 0, leaderEpoch: 0, newIsr: [1, 2], leaderRecoveryState: 0, partitionEpoch: 0 };
    const { topics, errorCode } = await call(fixture, alterPartition, 2, {
      brokerId: 1,
      brokerEpoch: epochOf(fixture, 1),
      topics: [{ topicId, partitions: [{ ...proposed, newIsrWithEpochs: [] }] }],
    });
    expect(errorCode).to.equal(0);
    expect(topics[0]?.partitions[0]).to.deep.include({ errorCode: 0, isr: [1, 2], partitionEpoch: 1 });
  });

  it("makes who leaves below the minimum an eligible replica, and forgets that when it is back", async () => {
    const { fixture, topicId } = await started();
    await alterIsr(fixture, topicId, partitionOf(fixture), members(fixture, 1));
    expect(partitionOf(fixture)).to.deep.include({ isr: [1], eligibleLeaderReplicas: [2, 3] });
    await alterIsr(fixture, topicId, partitionOf(fixture), members(fixture, 1, 2));
    expect(partitionOf(fixture)).to.deep.include({ isr: [1, 2], eligibleLeaderReplicas: [] });
  });

  it("writes nothing where the ISR is that already", async () => {
    const { fixture, topicId } = await started();
    const before = fixture.log.logEndOffset;
    const answer = await alterIsr(fixture, topicId, partitionOf(fixture), members(fixture, 1, 2, 3));
    expect(answer).to.deep.include({ errorCode: 0, partitionEpoch: 0 });
    expect(fixture.log.logEndOffset).to.equal(before);
  });

  it("decides a partition that is named twice once", async () => {
    const { fixture, topicId } = await started();
    const proposed: Proposed = {
      partitionIndex: 0,
      leaderEpoch: 0,
      newIsr: [],
      newIsrWithEpochs: [{ brokerId: 1, brokerEpoch: -1 }],
      leaderRecoveryState: 0,
      partitionEpoch: 0,
    };
    const { topics } = await call(fixture, alterPartition, 3, {
      brokerId: 1,
      brokerEpoch: epochOf(fixture, 1),
      topics: [{ topicId, partitions: [proposed, proposed] }],
    });
    expect(topics[0]?.partitions.map(({ errorCode }) => errorCode)).to.deep.equal([0, Errors.INVALID_REQUEST]);
    expect(partitionOf(fixture).partitionEpoch).to.equal(1);
  });

  for (const brokerEpoch of [-1, 7]) {
    it(`refuses a broker that speaks with epoch ${brokerEpoch}`, async () => {
      const { fixture } = await started();
      const answer = await call(fixture, alterPartition, 3, { brokerId: 1, brokerEpoch, topics: [] });
      expect(answer).to.deep.equal({ throttleTimeMs: 0, errorCode: Errors.STALE_BROKER_EPOCH, topics: [] });
    });
  }

  it("refuses a broker that is not registered", async () => {
    const { fixture } = await started();
    const { errorCode } = await call(fixture, alterPartition, 3, { brokerId: 9, brokerEpoch: 1, topics: [] });
    expect(errorCode).to.equal(Errors.STALE_BROKER_EPOCH);
  });

  it("refuses unknown topics and partitions", async () => {
    const { fixture, topicId } = await started();
    const partition = partitionOf(fixture);
    const isr = members(fixture, 1);
    expect((await alterIsr(fixture, uuidOf(1), partition, isr)).errorCode).to.equal(Errors.UNKNOWN_TOPIC_ID);
    const { errorCode } = await alterIsr(fixture, topicId, { ...partition, partition: 1 }, isr);
    expect(errorCode).to.equal(Errors.UNKNOWN_TOPIC_OR_PARTITION);
  });

  const refusals: readonly [what: string, errorCode: number, changes: Partial<Proposed>][] = [
    ["a leader epoch that is over", Errors.FENCED_LEADER_EPOCH, { leaderEpoch: 1 }],
    ["a partition epoch that is over", Errors.INVALID_UPDATE_VERSION, { partitionEpoch: 1 }],
    ["a leader epoch from the future", Errors.NOT_CONTROLLER, { leaderEpoch: 3 }],
    ["a partition epoch from the future", Errors.NOT_CONTROLLER, { partitionEpoch: 3 }],
    ["an ISR without the leader", Errors.INVALID_REQUEST, { newIsrWithEpochs: [{ brokerId: 2, brokerEpoch: -1 }] }],
    ["an empty ISR", Errors.INVALID_REQUEST, { newIsrWithEpochs: [] }],
    ["a recovery that nobody began", Errors.INVALID_REQUEST, { leaderRecoveryState: 1 }],
    ["an unknown recovery state", Errors.INVALID_REQUEST, { leaderRecoveryState: 7 }],
  ];
  for (const [what, expected, changes] of refusals) {
    it(`refuses ${what} with ${errorName(expected)}, and changes nothing`, async () => {
      const { fixture, topicId } = await started();
      // Leader and partition epoch are 2 by now.
      await beat(fixture, 1, epochOf(fixture, 1), { wantFence: true });
      await beat(fixture, 1, epochOf(fixture, 1));
      await beat(fixture, 2, epochOf(fixture, 2), { wantFence: true });
      await beat(fixture, 2, epochOf(fixture, 2));
      const partition = partitionOf(fixture);
      expect(partition).to.deep.include({ leader: 3, leaderEpoch: 2, partitionEpoch: 2 });
      const before = fixture.log.logEndOffset;
      const { errorCode } = await alterIsr(fixture, topicId, partition, members(fixture, 3, 1), changes);
      expect(errorName(errorCode)).to.equal(errorName(expected));
      expect(fixture.log.logEndOffset).to.equal(before);
    });
  }

  const ineligible: readonly [what: string, errorCode: number, isr: (f: ControllerFixture) => [number, number][]][] = [
    [
      "a broker without a replica",
      Errors.INVALID_REQUEST,
      f => [
        [1, -1],
        [4, epochOf(f, 4)],
      ],
    ],
    [
      "a broker twice",
      Errors.INVALID_REQUEST,
      () => [
        [1, -1],
        [2, -1],
        [2, -1],
      ],
    ],
    [
      "an earlier process of a broker",
      Errors.INELIGIBLE_REPLICA,
      f => [
        [1, -1],
        [3, epochOf(f, 3) - 1],
      ],
    ],
    [
      "a fenced broker",
      Errors.INELIGIBLE_REPLICA,
      f => [
        [1, -1],
        [2, epochOf(f, 2)],
      ],
    ],
  ];
  for (const [what, expected, isr] of ineligible) {
    it(`refuses an ISR with ${what}`, async () => {
      const { fixture, topicId } = await started();
      await beat(fixture, 2, epochOf(fixture, 2), { wantFence: true });
      const { errorCode } = await alterIsr(fixture, topicId, partitionOf(fixture), isr(fixture));
      expect(errorName(errorCode)).to.equal(errorName(expected));
    });
  }

  it("refuses an ISR with a broker that shuts down", async () => {
    const { fixture, topicId } = await started();
    const { shouldShutDown } = await beat(fixture, 3, epochOf(fixture, 3), { wantShutDown: true });
    expect(shouldShutDown).to.equal(false);
    expect(partitionOf(fixture).isr).to.deep.equal([1, 2]);
    const { errorCode } = await alterIsr(fixture, topicId, partitionOf(fixture), members(fixture, 1, 2, 3));
    expect(errorName(errorCode)).to.equal("INELIGIBLE_REPLICA");
  });

  it("is heard of the leader only", async () => {
    const { fixture, topicId } = await started();
    const { errorCode } = await alterIsr(
      fixture,
      topicId,
      { ...partitionOf(fixture), leader: 2 },
      members(fixture, 1, 2),
    );
    expect(errorName(errorCode)).to.equal("INVALID_REQUEST");
  });
});
