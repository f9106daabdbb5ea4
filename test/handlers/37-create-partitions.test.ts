import { expect } from "chai";
import type { CreatePartitions } from "../../protocol/apis/37-create-partitions.ts";
import { Errors, errorName } from "../../protocol/errors.ts";
import type { RequestInputOf } from "../../protocol/schema.ts";
import { createPartitions } from "../../src/handlers/37-create-partitions.ts";
import { ControllerFixture, createTopic } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

type Growth = RequestInputOf<typeof CreatePartitions>["topics"][number];

const grow = (fixture: ControllerFixture, topics: readonly Growth[], validateOnly = false, version = 3) =>
  call(fixture, createPartitions, version, { topics, timeoutMs: 1000, validateOnly });

const to = (count: number, ...brokerIds: number[][]): Growth => ({
  name: "a",
  count,
  assignments: brokerIds.length === 0 ? null : brokerIds.map(ids => ({ brokerIds: ids })),
});

async function started(): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
  await createTopic(fixture, "a", { numPartitions: 2, replicationFactor: 2 });
  return fixture;
}

describe("CreatePartitions", () => {
  for (let version = 0; version <= 3; version += 1) {
    it(`adds partitions in v${version}, with as many replicas as the others`, async () => {
      const fixture = await started();
      const before = fixture.image.topics.byName.get("a")!.partitions;
      const { results } = await grow(fixture, [to(4)], false, version);
      expect(results[0]).to.include({ name: "a", errorCode: 0, errorMessage: null });
      const { partitions } = fixture.image.topics.byName.get("a")!;
      expect(partitions.slice(0, 2)).to.deep.equal(before);
      expect(partitions.map(({ partition, replicas }) => [partition, replicas.length])).to.deep.equal([
        [0, 2],
        [1, 2],
        [2, 2],
        [3, 2],
      ]);
    });
  }

  it("takes assignments for the new partitions", async () => {
    const fixture = await started();
    await grow(fixture, [to(3, [3, 1])]);
    expect(fixture.image.topics.byName.get("a")?.partitions[2]).to.deep.include({ replicas: [3, 1], leader: 3 });
  });

  it("changes nothing when it only validates", async () => {
    const fixture = await started();
    const { results } = await grow(fixture, [to(5)], true);
    expect(results[0]?.errorCode).to.equal(0);
    expect(fixture.image.topics.byName.get("a")?.partitions).to.have.length(2);
  });

  it("refuses a name given twice", async () => {
    const { results } = await grow(await started(), [to(3), to(4)]);
    expect(results.map(({ errorCode }) => errorCode)).to.deep.equal([Errors.INVALID_REQUEST]);
  });

  const refusals: readonly [string, Growth, number][] = [
    ["an unknown topic", { name: "nope", count: 3, assignments: null }, Errors.UNKNOWN_TOPIC_OR_PARTITION],
    ["the same number", to(2), Errors.INVALID_PARTITIONS],
    ["a smaller number", to(1), Errors.INVALID_PARTITIONS],
    ["a negative number", to(-1), Errors.INVALID_PARTITIONS],
    ["too few assignments", to(4, [1, 2]), Errors.INVALID_REPLICA_ASSIGNMENT],
    ["too many assignments", to(3, [1, 2], [2, 3]), Errors.INVALID_REPLICA_ASSIGNMENT],
    ["an unknown broker", to(3, [1, 10]), Errors.INVALID_REPLICA_ASSIGNMENT],
    ["another number of replicas", to(3, [1]), Errors.INVALID_REPLICA_ASSIGNMENT],
    ["a broker twice", to(3, [1, 1]), Errors.INVALID_REPLICA_ASSIGNMENT],
    ["more partitions than one operation may write", to(20_000), Errors.POLICY_VIOLATION],
  ];
  for (const [what, topic, errorCode] of refusals) {
    it(`refuses ${what} with ${errorName(errorCode)}`, async () => {
      const fixture = await started();
      const before = fixture.log.logEndOffset;
      const { results } = await grow(fixture, [topic]);
      expect(results[0]?.errorCode).to.equal(errorCode);
      expect(results[0]?.errorMessage).to.be.a("string").and.not.equal("");
      expect(fixture.log.logEndOffset).to.equal(before);
    });
  }
});
