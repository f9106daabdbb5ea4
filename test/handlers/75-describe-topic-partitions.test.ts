import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { describeTopicPartitions } from "../../src/handlers/75-describe-topic-partitions.ts";
import { ControllerFixture, createTopic } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

interface Page {
  readonly names?: readonly string[];
  readonly limit?: number;
  readonly cursor?: { readonly topicName: string; readonly partitionIndex: number } | null;
}

function page(fixture: ControllerFixture, { names = [], limit = 2000, cursor = null }: Page) {
  const topics = names.map(name => ({ name }));
  return call(fixture, describeTopicPartitions, 0, { topics, responsePartitionLimit: limit, cursor });
}

/** Topics a, b, c of 3, 1 and 4 partitions. */
async function started(config: Readonly<Record<string, string>> = {}): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start({ config });
  for (const [name, numPartitions] of [
    ["c", 4],
    ["a", 3],
    ["b", 1],
  ] as const) {
    await createTopic(fixture, name, { numPartitions });
  }
  return fixture;
}

describe("DescribeTopicPartitions", () => {
  it("gives all topics by name", async () => {
    const { topics, nextCursor } = await page(await started(), {});
    expect(topics.map(({ name, partitions }) => [name, partitions.length])).to.deep.equal([
      ["a", 3],
      ["b", 1],
      ["c", 4],
    ]);
    expect(nextCursor).to.equal(null);
    expect(topics[0]?.topicAuthorizedOperations).to.equal(3576);
    expect(topics[0]?.partitions[0]).to.deep.include({
      errorCode: 0,
      leaderId: 1,
      replicaNodes: [1],
      isrNodes: [1],
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
      offlineReplicas: [],
    });
  });

  for (const limit of [1, 2, 3, 4, 5, 8]) {
    it(`gives every partition once in pages of ${limit}`, async () => {
      const fixture = await started();
      const seen: string[] = [];
      let cursor: Page["cursor"] = null;
      do {
        const response: Awaited<ReturnType<typeof page>> = await page(fixture, { limit, cursor });
        const found = response.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`),
        );
        expect(found.length).to.be.within(1, limit);
        seen.push(...found);
        cursor = response.nextCursor;
      } while (cursor !== null);
      expect(seen).to.deep.equal(["a-0", "a-1", "a-2", "b-0", "c-0", "c-1", "c-2", "c-3"]);
    });
  }

  it("keeps to the broker's limit", async () => {
    const fixture = await started({ "max.request.partition.size.limit": "4" });
    const { topics, nextCursor } = await page(fixture, {});
    expect(topics.map(({ name }) => name)).to.deep.equal(["a", "b"]);
    expect(nextCursor).to.deep.equal({ topicName: "c", partitionIndex: 0 });
  });

  it("answers unknown and impossible names among those asked for", async () => {
    const { topics } = await page(await started(), { names: ["nope", "b", "../x", "b"] });
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).to.deep.equal([
      ["../x", Errors.INVALID_TOPIC_EXCEPTION],
      ["b", 0],
      ["nope", Errors.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
  });

  it("goes on behind a topic that was deleted meanwhile", async () => {
    const { topics } = await page(await started(), { cursor: { topicName: "aa", partitionIndex: 5 } });
    expect(topics.map(({ name }) => name)).to.deep.equal(["b", "c"]);
  });

  it("refuses a cursor that does not fit", async () => {
    const fixture = await started();
    const other = await page(fixture, { names: ["a"], cursor: { topicName: "b", partitionIndex: 0 } });
    expect(other.topics[0]?.errorCode).to.equal(Errors.INVALID_REQUEST);
    const negative = await page(fixture, { names: ["a"], cursor: { topicName: "a", partitionIndex: -1 } });
    expect(negative.topics[0]?.errorCode).to.equal(Errors.INVALID_REQUEST);
  });
});
