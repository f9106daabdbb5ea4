import { expect } from "chai";
import { DescribeGroups } from "../../protocol/apis/15-describe-groups.ts";
import { Errors } from "../../protocol/errors.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinAlone, joinConsumer, startGroupBroker } from "../support/group-broker.ts";

describe("DescribeGroups", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
    await joinAlone(on.client, "g", { groupInstanceId: "i" });
    await joinConsumer(on.client, "modern", "m1");
  });
  after(() => on.close());

  for (let version = 0; version <= 6; version += 1) {
    it(`tells state and members in v${version}, and of groups that are not there`, async () => {
      const { groups } = await ask(on.client, DescribeGroups, version, { groups: ["g", "nobody", "modern", ""] });
      const [found, nobody, modern, empty] = groups;
      expect(found).to.include({ errorCode: 0, groupState: "Stable", protocolType: "consumer", protocolData: "range" });
      expect(found!.members[0]).to.include({ clientHost: "/127.0.0.1", groupInstanceId: version >= 4 ? "i" : null });
      expect(String(found!.members[0]!.memberAssignment)).to.equal("mine");
      for (const absent of [nobody!, modern!]) {
        expect(absent).to.include({ groupState: "Dead", errorCode: version >= 6 ? Errors.GROUP_ID_NOT_FOUND : 0 });
      }
      if (version >= 6) expect(modern!.errorMessage).to.equal("Group modern is not a classic group.");
      expect(empty!.errorCode).to.equal(Errors.INVALID_GROUP_ID);
    });
  }

  it("tells what the client may do when asked", async () => {
    const request = { groups: ["g"], includeAuthorizedOperations: true };
    const { groups } = await ask(on.client, DescribeGroups, 6, request);
    expect(groups[0]!.authorizedOperations).to.equal(3400);
  });
});
