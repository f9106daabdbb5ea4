import { expect } from "chai";
import { OffsetCommit } from "../../protocol/apis/08-offset-commit.ts";
import { OffsetFetch } from "../../protocol/apis/09-offset-fetch.ts";
import { DeleteGroups } from "../../protocol/apis/42-delete-groups.ts";
import { Errors } from "../../protocol/errors.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinAlone, startGroupBroker } from "../support/group-broker.ts";

describe("DeleteGroups", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
    await joinAlone(on.client, "used");
  });
  after(() => on.close());

  for (let version = 0; version <= 2; version += 1) {
    it(`deletes what can be deleted in v${version}`, async () => {
      await ask(on.client, OffsetCommit, 9, {
        groupId: "empty",
        topics: [{ name: "t", partitions: [{ partitionIndex: 0, committedOffset: 7n, committedMetadata: null }] }],
      });
      const { results } = await ask(on.client, DeleteGroups, version, {
        groupsNames: ["empty", "used", "nobody", ""],
      });
      expect(results).to.deep.equal([
        { groupId: "empty", errorCode: Errors.NONE },
        { groupId: "used", errorCode: Errors.NON_EMPTY_GROUP },
        { groupId: "nobody", errorCode: Errors.GROUP_ID_NOT_FOUND },
        { groupId: "", errorCode: Errors.INVALID_GROUP_ID },
      ]);
      const { topics } = await ask(on.client, OffsetFetch, 7, { groupId: "empty", topics: null });
      expect(topics).to.deep.equal([]);
    });
  }
});
