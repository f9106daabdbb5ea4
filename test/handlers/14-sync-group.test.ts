import { expect } from "chai";
import { SyncGroup } from "../../protocol/apis/14-sync-group.ts";
import { Errors } from "../../protocol/errors.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinAlone, startGroupBroker } from "../support/group-broker.ts";

describe("SyncGroup", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
  });
  after(() => on.close());

  for (let version = 0; version <= 5; version += 1) {
    it(`gives the assignment in v${version}, and errors`, async () => {
      const groupId = `g${version}`;
      const { memberId, generationId } = await joinAlone(on.client, groupId, { syncVersion: version });
      const sync = (overrides: Record<string, unknown> = {}) =>
        ask(on.client, SyncGroup, version, { groupId, generationId, memberId, assignments: [], ...overrides });
      const synced = await sync();
      expect(String(synced.assignment)).to.equal("mine");
      if (version >= 5) expect(synced).to.include({ protocolType: "consumer", protocolName: "range" });
      expect(await sync({ generationId: 9 })).to.include({ errorCode: Errors.ILLEGAL_GENERATION });
      expect(await sync({ memberId: "x" })).to.include({ errorCode: Errors.UNKNOWN_MEMBER_ID });
      expect(await sync({ groupId: "nobody" })).to.include({ errorCode: Errors.UNKNOWN_MEMBER_ID });
      expect(await sync({ groupId: "" })).to.include({ errorCode: Errors.INVALID_GROUP_ID });
      if (version >= 5)
        expect(await sync({ protocolName: "x" })).to.include({ errorCode: Errors.INCONSISTENT_GROUP_PROTOCOL });
    });
  }
});
