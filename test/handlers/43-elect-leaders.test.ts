import { expect } from "chai";
import type { ElectLeaders } from "../../protocol/apis/43-elect-leaders.ts";
import { Errors, errorName } from "../../protocol/errors.ts";
import type { RequestInputOf } from "../../protocol/schema.ts";
import { electLeaders } from "../../src/handlers/43-elect-leaders.ts";
import { ControllerFixture, createTopic, joinIsrs, uuidOf } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

const PREFERRED = 0;
const UNCLEAN = 1;

type Asked = RequestInputOf<typeof ElectLeaders>["topicPartitions"];

const elect = (fixture: ControllerFixture, topicPartitions: Asked, electionType = PREFERRED, version = 2) =>
  call(fixture, electLeaders, version, { topicPartitions, electionType, timeoutMs: 1000 });

const assigned = (...replicas: number[][]) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
});

/** `a-0` and `a-1` prefer broker 2, which went and came back, so that 1 and 3 lead them. `b-0` is led as it should be. */
async function started(): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
  await createTopic(fixture, "a", assigned([2, 1], [2, 3]));
  await createTopic(fixture, "b", assigned([1, 2]));
  await stop(fixture, 2);
  await fixture.addBroker(2, { incarnationId: uuidOf(5002) });
  await joinIsrs(fixture, 2);
  return fixture;
}

async function stop(fixture: ControllerFixture, id: number): Promise<void> {
  const { epoch } = fixture.image.cluster.brokers.get(id)!;
  await fixture.complete(fixture.controller.shutDownBroker(id, epoch));
}

const leaders = ({ image }: ControllerFixture, topic: string) =>
  image.topics.byName.get(topic)?.partitions.map(({ leader }) => leader);

describe("ElectLeaders", () => {
  for (let version = 0; version <= 2; version += 1) {
    it(`makes preferred replicas leaders again in v${version}`, async () => {
      const fixture = await started();
      expect(leaders(fixture, "a")).to.deep.equal([1, 3]);
      const response = await elect(fixture, [{ topic: "a", partitions: [0, 1] }], PREFERRED, version);
      expect(response.errorCode).to.equal(0);
      expect(response.replicaElectionResults).to.deep.equal([
        {
          topic: "a",
          partitionResult: [0, 1].map(partitionId => ({ partitionId, errorCode: 0, errorMessage: null })),
        },
      ]);
      expect(leaders(fixture, "a")).to.deep.equal([2, 2]);
    });
  }

  it("elects where it is needed when no partitions are named, and mentions only those", async () => {
    const fixture = await started();
    const { replicaElectionResults } = await elect(fixture, null);
    const mentioned = replicaElectionResults.flatMap(({ topic, partitionResult }) =>
      partitionResult.map(({ partitionId, errorCode }) => `${topic}-${partitionId} ${errorCode}`),
    );
    expect(mentioned.sort()).to.deep.equal(["a-0 0", "a-1 0"]);
    expect(leaders(fixture, "a")).to.deep.equal([2, 2]);
  });

  it("counts each leader once where a partition is named twice", async () => {
    const fixture = await started();
    const { replicaElectionResults } = await elect(fixture, [{ topic: "a", partitions: [0, 0] }]);
    expect(replicaElectionResults[0]?.partitionResult.map(({ errorCode }) => errorCode)).to.deep.equal([
      Errors.NONE,
      Errors.ELECTION_NOT_NEEDED,
    ]);
    expect(fixture.image.topics.byName.get("a")?.partitions[0]?.leaderEpoch).to.equal(2);
  });

  it("refuses an election type that there is not", async () => {
    const fixture = await started();
    const response = await elect(fixture, [{ topic: "a", partitions: [0] }], 7);
    expect(response.errorCode).to.equal(Errors.INVALID_REQUEST);
    expect(response.replicaElectionResults[0]?.partitionResult[0]).to.deep.equal({
      partitionId: 0,
      errorCode: Errors.INVALID_REQUEST,
      errorMessage: "Unknown election type 7",
    });
  });

  const refusals: readonly [string, number, string, number, number][] = [
    ["an unknown topic", PREFERRED, "nope", 0, Errors.UNKNOWN_TOPIC_OR_PARTITION],
    ["an unknown partition", PREFERRED, "a", 7, Errors.UNKNOWN_TOPIC_OR_PARTITION],
    ["a partition that its preferred replica leads", PREFERRED, "b", 0, Errors.ELECTION_NOT_NEEDED],
    ["an unclean election where somebody leads", UNCLEAN, "a", 0, Errors.ELECTION_NOT_NEEDED],
  ];
  for (const [what, type, topic, partition, errorCode] of refusals) {
    it(`refuses ${what} with ${errorName(errorCode)}`, async () => {
      const fixture = await started();
      const before = fixture.log.logEndOffset;
      const { replicaElectionResults } = await elect(fixture, [{ topic, partitions: [partition] }], type);
      const [result] = replicaElectionResults[0]!.partitionResult;
      expect(result?.errorCode).to.equal(errorCode);
      expect(result?.errorMessage).to.be.a("string").and.not.equal("");
      expect(fixture.log.logEndOffset).to.equal(before);
    });
  }

  it("says so when the preferred replica is there but not in sync", async () => {
    const fixture = await started();
    await stop(fixture, 2);
    await fixture.addBroker(2, { incarnationId: uuidOf(6002) });
    const { replicaElectionResults } = await elect(fixture, [{ topic: "a", partitions: [0] }]);
    expect(replicaElectionResults[0]?.partitionResult[0]?.errorCode).to.equal(Errors.PREFERRED_LEADER_NOT_AVAILABLE);
    expect(leaders(fixture, "a")).to.deep.equal([1, 3]);
  });

  it("says so when the preferred replica is away", async () => {
    const fixture = await started();
    await stop(fixture, 2);
    const { replicaElectionResults } = await elect(fixture, [{ topic: "a", partitions: [0] }]);
    expect(replicaElectionResults[0]?.partitionResult[0]?.errorCode).to.equal(Errors.PREFERRED_LEADER_NOT_AVAILABLE);
    expect(leaders(fixture, "a")).to.deep.equal([1, 3]);
  });

  it("says so when nobody is left to elect", async () => {
    const fixture = await started();
    await stop(fixture, 2);
    await stop(fixture, 3);
    const { replicaElectionResults } = await elect(fixture, [{ topic: "a", partitions: [1] }], UNCLEAN);
    expect(replicaElectionResults[0]?.partitionResult[0]?.errorCode).to.equal(Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE);
  });
});
