import { expect } from "chai";
import { OffsetCommit } from "../../protocol/apis/08-offset-commit.ts";
import { Errors } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinAlone, joinConsumer, startGroupBroker } from "../support/group-broker.ts";

describe("OffsetCommit", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
  });
  after(() => on.close());

  async function commit(version: number, overrides: Record<string, unknown> = {}, topic: Record<string, unknown> = {}) {
    const { topics } = await ask(on.client, OffsetCommit, version, {
      groupId: "simple",
      topics: [
        {
          name: "t",
          topicId: version >= 10 ? on.topicId : ZERO_UUID,
          partitions: [{ partitionIndex: 0, committedOffset: 7n, committedMetadata: "m" }],
          ...topic,
        },
      ],
      ...overrides,
    });
    return topics[0]!;
  }

  for (let version = 2; version <= 10; version += 1) {
    it(`is answered in v${version}`, async () => {
      const answer = await commit(version);
      expect(answer.partitions).to.deep.equal([{ partitionIndex: 0, errorCode: Errors.NONE }]);
      if (version >= 10) expect(answer.topicId).to.equal(on.topicId);
      else expect(answer.name).to.equal("t");
    });
  }

  it("does not know a topic that is not there, by name or by id", async () => {
    const byName = await commit(9, {}, { name: "nobody" });
    expect(byName.partitions[0]!.errorCode).to.equal(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    const byId = await commit(10, {}, { topicId: "MkU3OEVBNTcwNTJENDM2Qg" });
    expect(byId.partitions[0]!.errorCode).to.equal(Errors.UNKNOWN_TOPIC_ID);
  });

  it("stands every error of the group with every partition", async () => {
    const { memberId, generationId } = await joinAlone(on.client, "used");
    const as = async (overrides: Record<string, unknown>) =>
      (await commit(9, { groupId: "used", ...overrides })).partitions[0]!.errorCode;
    expect(await as({ memberId, generationIdOrMemberEpoch: generationId })).to.equal(Errors.NONE);
    expect(await as({ memberId, generationIdOrMemberEpoch: generationId + 1 })).to.equal(Errors.ILLEGAL_GENERATION);
    expect(await as({ memberId: "x", generationIdOrMemberEpoch: generationId })).to.equal(Errors.UNKNOWN_MEMBER_ID);
    expect(await as({})).to.equal(Errors.UNKNOWN_MEMBER_ID);
    expect(await as({ memberId, generationIdOrMemberEpoch: 1, groupInstanceId: "i" })).to.equal(
      Errors.UNKNOWN_MEMBER_ID,
    );
    expect(await as({ groupId: "nobody", generationIdOrMemberEpoch: 1 })).to.equal(Errors.GROUP_ID_NOT_FOUND);
  });

  it("takes member epochs of the consumer protocol", async () => {
    const { memberEpoch } = await joinConsumer(on.client, "modern", "m1");
    const as = async (version: number, generationIdOrMemberEpoch: number) =>
      (await commit(version, { groupId: "modern", memberId: "m1", generationIdOrMemberEpoch })).partitions[0]!
        .errorCode;
    expect(await as(9, memberEpoch)).to.equal(Errors.NONE);
    expect(await as(9, memberEpoch + 1)).to.equal(Errors.STALE_MEMBER_EPOCH);
    expect(await as(8, memberEpoch)).to.equal(Errors.UNSUPPORTED_VERSION);
  });
});
