import { expect } from "chai";
import { JoinGroup } from "../../protocol/apis/11-join-group.ts";
import { Errors } from "../../protocol/errors.ts";
import { encodeSubscription } from "../coordinators/support/subscription.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinAlone, startGroupBroker } from "../support/group-broker.ts";

describe("JoinGroup", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
  });
  after(() => on.close());

  for (let version = 0; version <= 9; version += 1) {
    it(`makes a group in v${version}`, async () => {
      const { joined, memberId } = await joinAlone(on.client, `g${version}`, { joinVersion: version });
      expect(joined).to.include({ errorCode: Errors.NONE, generationId: 1, protocolName: "range", leader: memberId });
      expect(joined.members).to.have.length(1);
      if (version >= 7) expect(joined.protocolType).to.equal("consumer");
    });
  }

  const refused: [string, Record<string, unknown>, number][] = [
    ["an empty group id", { groupId: "" }, Errors.INVALID_GROUP_ID],
    ["a session that is too short", { sessionTimeoutMs: 5_999 }, Errors.INVALID_SESSION_TIMEOUT],
    ["a session that is too long", { sessionTimeoutMs: 1_800_001 }, Errors.INVALID_SESSION_TIMEOUT],
    ["an unknown member id", { memberId: "x" }, Errors.UNKNOWN_MEMBER_ID],
    ["no protocols", { protocols: [] }, Errors.INCONSISTENT_GROUP_PROTOCOL],
  ];
  for (const [what, overrides, code] of refused) {
    for (const version of [2, 9]) {
      it(`refuses ${what} in v${version}`, async () => {
        const answer = await ask(on.client, JoinGroup, version, {
          groupId: "refused",
          sessionTimeoutMs: 6_000,
          rebalanceTimeoutMs: 6_000,
          memberId: "",
          protocolType: "consumer",
          protocols: [{ name: "range", metadata: encodeSubscription(["t"]) }],
          ...overrides,
        });
        expect(answer).to.include({ errorCode: code, generationId: -1, leader: "" });
        expect(answer.protocolName).to.equal(version >= 7 ? null : "");
      });
    }
  }
});
