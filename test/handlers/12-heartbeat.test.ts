import { expect } from "chai";
import { Heartbeat } from "../../protocol/apis/12-heartbeat.ts";
import { Errors } from "../../protocol/errors.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinAlone, startGroupBroker } from "../support/group-broker.ts";

describe("Heartbeat", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
  });
  after(() => on.close());

  for (let version = 0; version <= 4; version += 1) {
    it(`is answered in v${version}`, async () => {
      const { memberId, generationId } = await joinAlone(on.client, `g${version}`);
      const beat = async (overrides: Record<string, unknown> = {}) =>
        (await ask(on.client, Heartbeat, version, { groupId: `g${version}`, generationId, memberId, ...overrides }))
          .errorCode;
      expect(await beat()).to.equal(Errors.NONE);
      expect(await beat({ generationId: generationId + 1 })).to.equal(Errors.ILLEGAL_GENERATION);
      expect(await beat({ memberId: "x" })).to.equal(Errors.UNKNOWN_MEMBER_ID);
      expect(await beat({ groupId: "nobody" })).to.equal(Errors.UNKNOWN_MEMBER_ID);
      expect(await beat({ groupId: "" })).to.equal(Errors.INVALID_GROUP_ID);
    });
  }
});
