import { expect } from "chai";
import { ConsumerGroupHeartbeat } from "../../protocol/apis/68-consumer-group-heartbeat.ts";
import { Errors } from "../../protocol/errors.ts";
import { ask } from "../support/ask.ts";
import { type GroupBroker, joinAlone, startGroupBroker } from "../support/group-broker.ts";

describe("ConsumerGroupHeartbeat", () => {
  let on: GroupBroker;
  before(async () => {
    on = await startGroupBroker();
  });
  after(() => on.close());

  const join = { memberEpoch: 0, rebalanceTimeoutMs: 30_000, subscribedTopicNames: ["t"], topicPartitions: [] };

  it("gives a member of v0 an id and all partitions", async () => {
    const answer = await ask(on.client, ConsumerGroupHeartbeat, 0, { groupId: "v0", memberId: "", ...join });
    expect(answer).to.include({ errorCode: Errors.NONE, memberEpoch: 2, heartbeatIntervalMs: 5_000 });
    expect(answer.memberId).to.match(/^[\w-]{22}$/);
    expect(answer.assignment!.topicPartitions).to.deep.equal([{ topicId: on.topicId, partitions: [0, 1, 2, 3] }]);
  });

  it("takes a pattern in v1, and says nothing new to a member that is where it should be", async () => {
    const first = { groupId: "v1", memberId: "m1", ...join, subscribedTopicNames: null, subscribedTopicRegex: "[t]" };
    expect(await ask(on.client, ConsumerGroupHeartbeat, 1, first)).to.include({ memberEpoch: 1 });
    const quiet = { groupId: "v1", memberId: "m1", memberEpoch: 1 };
    const second = await ask(on.client, ConsumerGroupHeartbeat, 1, quiet);
    expect(second.memberEpoch).to.equal(2);
    expect(second.assignment!.topicPartitions[0]!.partitions).to.have.length(4);
    const third = await ask(on.client, ConsumerGroupHeartbeat, 1, { ...quiet, memberEpoch: 2 });
    expect(third).to.deep.include({ errorCode: Errors.NONE, memberEpoch: 2, assignment: null });
  });

  it("says what is wrong", async () => {
    const wrong: [Record<string, unknown>, number][] = [
      [{ groupId: "" }, Errors.INVALID_REQUEST],
      [{ memberId: "" }, Errors.INVALID_REQUEST],
      [{ topicPartitions: null }, Errors.INVALID_REQUEST],
      [{ serverAssignor: "mine" }, Errors.UNSUPPORTED_ASSIGNOR],
      [{ subscribedTopicRegex: "(" }, Errors.INVALID_REGULAR_EXPRESSION],
      [{ groupId: "nobody", memberEpoch: 3 }, Errors.GROUP_ID_NOT_FOUND],
    ];
    for (const [overrides, code] of wrong) {
      const request = { groupId: "w", memberId: "m1", ...join, ...overrides };
      const answer = await ask(on.client, ConsumerGroupHeartbeat, 1, request);
      expect(answer.errorCode).to.equal(code);
      expect(answer.errorMessage).to.not.equal(null);
    }
  });

  it("joins a classic group that is in use, and moves it over", async () => {
    await joinAlone(on.client, "moving");
    const answer = await ask(on.client, ConsumerGroupHeartbeat, 1, { groupId: "moving", memberId: "m1", ...join });
    expect(answer.errorCode).to.equal(Errors.GROUP_ID_NOT_FOUND); // its assignment is no assignment of partitions
  });
});
