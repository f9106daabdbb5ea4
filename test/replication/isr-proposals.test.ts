import { expect } from "chai";
import type { AlterPartition } from "../../protocol/apis/56-alter-partition.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { RequestInputOf, ResponseOf } from "../../protocol/schema.ts";
import { nullLogger } from "../../src/logging/index.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import { IsrProposals } from "../../src/replication/isr-proposals.ts";
import type { IsrAnswer, IsrProposal } from "../../src/replication/leader-role.ts";

const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAg";
type Request = RequestInputOf<typeof AlterPartition>;
type Response = ResponseOf<typeof AlterPartition>;

function proposal(brokerIds: readonly number[]): IsrProposal {
  return {
    kind: "expand",
    leaderEpoch: 3,
    partitionEpoch: 9,
    isr: brokerIds.map(brokerId => ({ brokerId, brokerEpoch: 100 + brokerId })),
  };
}

function setUp(answers: readonly (number | "lost" | "stale")[]) {
  const platform = createMemoryPlatform();
  const requests: Request[] = [];
  let next = 0;
  const proposals = new IsrProposals(
    { nodeId: 1, requestTimeoutMs: 1_000 },
    {
      ...platform,
      brokerEpoch: () => 40 + next,
      logger: nullLogger,
      channel: {
        request: async (_api, body) => {
          requests.push(body as Request);
          const answer = answers[next++] ?? Errors.NONE;
          if (answer === "lost") throw new ApiError(Errors.REQUEST_TIMED_OUT);
          return (answer === "stale" ? stale() : answered(body as Request, answer)) as never;
        },
      },
    },
  );
  const heard: [number, IsrAnswer][] = [];
  const propose = (index: number, ids: readonly number[]) =>
    proposals.propose({ topic: "t", topicId: TOPIC_ID, index }, proposal(ids), answer => heard.push([index, answer]));
  return { platform, proposals, requests, heard, propose };
}

function stale(): Response {
  return { throttleTimeMs: 0, errorCode: Errors.STALE_BROKER_EPOCH, topics: [] };
}

function answered({ topics }: Request, errorCode: number): Response {
  return {
    throttleTimeMs: 0,
    errorCode: Errors.NONE,
    topics: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex, newIsrWithEpochs }) => ({
        partitionIndex,
        errorCode,
        leaderId: 1,
        leaderEpoch: 3,
        isr: newIsrWithEpochs.map(({ brokerId }) => brokerId),
        leaderRecoveryState: 0,
        partitionEpoch: 10,
      })),
    })),
  };
}

describe("IsrProposals", () => {
  it("takes all of a tick in one request, with the epoch of each broker", async () => {
    const { platform, requests, heard, propose } = setUp([]);
    propose(0, [1, 2]);
    propose(4, [1, 3]);
    await platform.time.advance(10);
    expect(requests).to.have.lengthOf(1);
    const [topic] = requests[0]!.topics;
    expect(topic!.partitions.map(({ partitionIndex }) => partitionIndex)).to.deep.equal([0, 4]);
    expect(topic!.partitions[0]).to.deep.include({ leaderEpoch: 3, partitionEpoch: 9 });
    expect(topic!.partitions[1]!.newIsrWithEpochs).to.deep.equal([
      { brokerId: 1, brokerEpoch: 101 },
      { brokerId: 3, brokerEpoch: 103 },
    ]);
    expect(heard.map(([index, { isr }]) => [index, isr])).to.deep.equal([
      [0, [1, 2]],
      [4, [1, 3]],
    ]);
  });

  it("sends the same again until the controller says something definite", async () => {
    const { platform, requests, heard, propose } = setUp(["lost", "stale", Errors.UNKNOWN_SERVER_ERROR]);
    propose(0, [1, 2]);
    await platform.time.advance(500);
    expect(requests).to.have.lengthOf(4);
    for (const { topics } of requests) expect(topics).to.deep.equal(requests[0]!.topics);
    expect(
      requests.map(({ brokerEpoch }) => brokerEpoch),
      "but for the sender's own epoch",
    ).to.deep.equal([40, 41, 42, 43]);
    expect(heard.map(([, { errorCode }]) => errorCode)).to.deep.equal([Errors.NONE]);
  });

  for (const name of ["INVALID_UPDATE_VERSION", "FENCED_LEADER_EPOCH", "INELIGIBLE_REPLICA"] as const) {
    it(`hands on ${name} and is done`, async () => {
      const { platform, requests, heard, propose } = setUp([Errors[name]]);
      propose(0, [1, 2]);
      await platform.time.advance(500);
      expect([requests.length, heard.map(([, { errorCode }]) => errorCode)]).to.deep.equal([1, [Errors[name]]]);
    });
  }

  it("puts a newer proposal of a partition in the place of an older one", async () => {
    const { platform, requests, heard, propose } = setUp(["lost"]);
    propose(0, [1, 2]);
    await platform.time.advance(1);
    propose(0, [1]);
    await platform.time.advance(500);
    expect(requests).to.have.lengthOf(2);
    expect(heard.map(([, { isr }]) => isr)).to.deep.equal([[1]]);
  });

  it("says nothing any more once it is closed", async () => {
    const { platform, proposals, requests, heard, propose } = setUp(["lost"]);
    propose(0, [1, 2]);
    await platform.time.advance(1);
    proposals.close();
    propose(1, [1, 2]);
    await platform.time.advance(500);
    expect([requests.length, heard]).to.deep.equal([1, []]);
  });
});
