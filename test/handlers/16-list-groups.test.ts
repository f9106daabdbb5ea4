import { expect } from "chai";
import { OffsetCommit } from "../../protocol/apis/08-offset-commit.ts";
import { ListGroups } from "../../protocol/apis/16-list-groups.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinAlone, joinConsumer, startGroupBroker } from "../support/group-broker.ts";

describe("ListGroups", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
    await joinAlone(on.client, "classic");
    await joinConsumer(on.client, "modern", "m1");
    await ask(on.client, OffsetCommit, 9, {
      groupId: "simple",
      topics: [{ name: "t", partitions: [{ partitionIndex: 0, committedOffset: 7n, committedMetadata: null }] }],
    });
  });
  after(() => on.close());

  async function list(version: number, filter: { statesFilter?: string[]; typesFilter?: string[] } = {}) {
    const { groups, errorCode } = await ask(on.client, ListGroups, version, filter);
    expect(errorCode).to.equal(0);
    return groups.sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  }

  for (let version = 0; version <= 5; version += 1) {
    it(`tells all groups in v${version}`, async () => {
      expect(await list(version)).to.deep.equal([
        {
          groupId: "classic",
          protocolType: "consumer",
          groupState: version >= 4 ? "Stable" : "",
          groupType: version >= 5 ? "classic" : "",
        },
        {
          groupId: "modern",
          protocolType: "consumer",
          groupState: version >= 4 ? "Stable" : "",
          groupType: version >= 5 ? "consumer" : "",
        },
        {
          groupId: "simple",
          protocolType: "",
          groupState: version >= 4 ? "Empty" : "",
          groupType: version >= 5 ? "classic" : "",
        },
      ]);
    });
  }

  it("tells those of certain states and types, in any letter case", async () => {
    const ids = async (filter: { statesFilter?: string[]; typesFilter?: string[] }) =>
      (await list(5, filter)).map(({ groupId }) => groupId);
    expect(await ids({ statesFilter: ["EMPTY"] })).to.deep.equal(["simple"]);
    expect(await ids({ typesFilter: ["Classic"] })).to.deep.equal(["classic", "simple"]);
    expect(await ids({ typesFilter: ["consumer"], statesFilter: ["stable", "empty"] })).to.deep.equal(["modern"]);
    expect(await ids({ typesFilter: ["nonsense"] })).to.deep.equal([]);
  });
});
