import { expect } from "chai";
import { OffsetCommit } from "../../protocol/apis/08-offset-commit.ts";
import { OffsetDelete } from "../../protocol/apis/47-offset-delete.ts";
import { Errors } from "../../protocol/errors.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinAlone, startGroupBroker } from "../support/group-broker.ts";

describe("OffsetDelete", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
  });
  after(() => on.close());

  const remove = (groupId: string, ...names: string[]) =>
    ask(on.client, OffsetDelete, 0, {
      groupId,
      topics: names.map(name => ({ name, partitions: [{ partitionIndex: 0 }] })),
    });

  it("removes offsets, and says which topics are not there", async () => {
    await ask(on.client, OffsetCommit, 9, {
      groupId: "empty",
      topics: [{ name: "t", partitions: [{ partitionIndex: 0, committedOffset: 7n, committedMetadata: null }] }],
    });
    const { errorCode, topics } = await remove("empty", "nobody", "t");
    expect(errorCode).to.equal(Errors.NONE);
    expect(topics.map(({ name, partitions }) => [name, partitions[0]!.errorCode])).to.deep.equal([
      ["nobody", Errors.UNKNOWN_TOPIC_OR_PARTITION],
      ["t", Errors.NONE],
    ]);
  });

  it("leaves those of topics that are consumed", async () => {
    await joinAlone(on.client, "used");
    const { topics } = await remove("used", "t");
    expect(topics[0]!.partitions[0]!.errorCode).to.equal(Errors.GROUP_SUBSCRIBED_TO_TOPIC);
  });

  it("does not know a group that is not there", async () => {
    expect(await remove("nobody", "t")).to.deep.include({ errorCode: Errors.GROUP_ID_NOT_FOUND, topics: [] });
    expect(await remove("", "t")).to.deep.include({ errorCode: Errors.INVALID_GROUP_ID, topics: [] });
  });
});
