import { expect } from "chai";
import { ConsumerGroupDescribe } from "../../protocol/apis/69-consumer-group-describe.ts";
import { Errors } from "../../protocol/errors.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinAlone, joinConsumer, startGroupBroker } from "../support/group-broker.ts";

describe("ConsumerGroupDescribe", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
    await joinConsumer(on.client, "modern", "m1");
    await joinAlone(on.client, "classic");
  });
  after(() => on.close());

  for (const version of [0, 1]) {
    it(`tells state, epochs and assignments in v${version}, and what is no consumer group`, async () => {
      const request = { groupIds: ["modern", "classic", "nobody", ""], includeAuthorizedOperations: true };
      const { groups } = await ask(on.client, ConsumerGroupDescribe, version, request);
      const [modern, classic, nobody, empty] = groups;
      expect(modern).to.include({
        errorCode: 0,
        groupState: "Stable",
        groupEpoch: 2,
        assignmentEpoch: 2,
        assignorName: "uniform",
      });
      expect(modern!.authorizedOperations).to.equal(3400);
      const [member] = modern!.members;
      expect(member).to.include({ memberId: "m1", memberEpoch: 2, memberType: version >= 1 ? 1 : -1 });
      const owned = [{ topicId: on.topicId, topicName: "t", partitions: [0, 1, 2, 3] }];
      expect(member!.assignment.topicPartitions).to.deep.equal(owned);
      expect(member!.targetAssignment.topicPartitions).to.deep.equal(owned);
      expect(classic).to.include({
        errorCode: Errors.GROUP_ID_NOT_FOUND,
        errorMessage: "Group classic is not a consumer group.",
      });
      expect(nobody).to.include({ errorCode: Errors.GROUP_ID_NOT_FOUND });
      expect(empty).to.include({ errorCode: Errors.INVALID_GROUP_ID });
    });
  }
});
