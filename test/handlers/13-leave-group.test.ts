import { expect } from "chai";
import { LeaveGroup } from "../../protocol/apis/13-leave-group.ts";
import { DescribeGroups } from "../../protocol/apis/15-describe-groups.ts";
import { Errors } from "../../protocol/errors.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinAlone, startGroupBroker } from "../support/group-broker.ts";

describe("LeaveGroup", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
  });
  after(() => on.close());

  for (let version = 0; version <= 5; version += 1) {
    it(`empties a group in v${version}`, async () => {
      const groupId = `g${version}`;
      const { memberId } = await joinAlone(on.client, groupId);
      const request = version < 3 ? { groupId, memberId } : { groupId, members: [{ memberId }] };
      const answer = await ask(on.client, LeaveGroup, version, request);
      expect(answer.errorCode).to.equal(Errors.NONE);
      if (version >= 3)
        expect(answer.members).to.deep.equal([{ memberId, groupInstanceId: null, errorCode: Errors.NONE }]);
      const { groups } = await ask(on.client, DescribeGroups, 5, { groups: [groupId] });
      expect(groups[0]!.groupState).to.equal("Empty");
    });
  }

  it("tells a stranger before v3 with the request, from v3 on with the member", async () => {
    const old = await ask(on.client, LeaveGroup, 2, { groupId: "nobody", memberId: "x" });
    expect(old.errorCode).to.equal(Errors.UNKNOWN_MEMBER_ID);
    const present = await ask(on.client, LeaveGroup, 5, { groupId: "nobody", members: [{ memberId: "x" }] });
    expect(present.errorCode).to.equal(Errors.NONE);
    expect(present.members[0]!.errorCode).to.equal(Errors.UNKNOWN_MEMBER_ID);
  });

  it("refuses an empty group id", async () => {
    const answer = await ask(on.client, LeaveGroup, 5, { groupId: "", members: [{ memberId: "x" }] });
    expect(answer.errorCode).to.equal(Errors.INVALID_GROUP_ID);
  });

  it("takes a static member by its instance id alone", async () => {
    await joinAlone(on.client, "static", { groupInstanceId: "i" });
    const members = [{ memberId: "", groupInstanceId: "i" }];
    const answer = await ask(on.client, LeaveGroup, 5, { groupId: "static", members });
    expect(answer.members).to.deep.equal([{ memberId: "", groupInstanceId: "i", errorCode: Errors.NONE }]);
  });
});
