import { expect } from "chai";
import { OffsetCommit } from "../../protocol/apis/08-offset-commit.ts";
import { OffsetFetch } from "../../protocol/apis/09-offset-fetch.ts";
import { Errors } from "../../protocol/errors.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinConsumer, startGroupBroker } from "../support/group-broker.ts";

describe("OffsetFetch", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
    for (const groupId of ["g1", "g2"]) {
      await ask(on.client, OffsetCommit, 9, {
        groupId,
        topics: [{ name: "t", partitions: [{ partitionIndex: 1, committedOffset: 7n, committedMetadata: "m" }] }],
      });
    }
  });
  after(() => on.close());

  for (let version = 1; version <= 7; version += 1) {
    it(`finds the offsets of a group in v${version}`, async () => {
      const request = { groupId: "g1", topics: [{ name: "t", partitionIndexes: [0, 1] }] };
      const { topics, errorCode } = await ask(on.client, OffsetFetch, version, request);
      expect(errorCode).to.equal(Errors.NONE);
      expect(topics[0]!.partitions.map(({ committedOffset }) => committedOffset)).to.deep.equal([-1n, 7n]);
      expect(topics[0]!.partitions[1]!.metadata).to.equal("m");
    });
  }

  for (let version = 8; version <= 10; version += 1) {
    it(`finds the offsets of several groups in v${version}`, async () => {
      const topic = version >= 10 ? { topicId: on.topicId } : { name: "t" };
      const asked = (groupId: string) => ({ groupId, topics: [{ ...topic, partitionIndexes: [1] }] });
      const request = { groups: [asked("g1"), asked("nobody"), { groupId: "g2", topics: null }] };
      const { groups } = await ask(on.client, OffsetFetch, version, request);
      expect(groups.map(({ groupId, errorCode }) => [groupId, errorCode])).to.deep.equal([
        ["g1", 0],
        ["nobody", 0],
        ["g2", 0],
      ]);
      const offsets = groups.map(({ topics }) => topics[0]!.partitions[0]!.committedOffset);
      expect(offsets).to.deep.equal([7n, -1n, 7n]);
      if (version >= 10) expect(groups[2]!.topics[0]!.topicId).to.equal(on.topicId);
    });
  }

  it("gives all offsets for null topics", async () => {
    const { topics } = await ask(on.client, OffsetFetch, 7, { groupId: "g1", topics: null });
    expect(topics).to.have.length(1);
    expect(topics[0]!.partitions.map(({ partitionIndex }) => partitionIndex)).to.deep.equal([1]);
  });

  it("does not know a topic id that nobody has", async () => {
    const topicId = "MkU3OEVBNTcwNTJENDM2Qg";
    const request = { groups: [{ groupId: "g1", topics: [{ topicId, partitionIndexes: [0] }] }] };
    const { groups } = await ask(on.client, OffsetFetch, 10, request);
    expect(groups[0]!.topics[0]!.partitions[0]).to.include({
      committedOffset: -1n,
      errorCode: Errors.UNKNOWN_TOPIC_ID,
    });
  });

  it("checks the epochs of members that name themselves", async () => {
    const { memberEpoch } = await joinConsumer(on.client, "modern", "m1");
    const as = async (memberId: string | null, epoch: number) => {
      const request = { groups: [{ groupId: "modern", memberId, memberEpoch: epoch, topics: null }] };
      return (await ask(on.client, OffsetFetch, 9, request)).groups[0]!.errorCode;
    };
    expect(await as("m1", memberEpoch)).to.equal(Errors.NONE);
    expect(await as("m1", memberEpoch - 1)).to.equal(Errors.STALE_MEMBER_EPOCH);
    expect(await as("x", 1)).to.equal(Errors.UNKNOWN_MEMBER_ID);
    expect(await as(null, -1)).to.equal(Errors.NONE);
  });
});
