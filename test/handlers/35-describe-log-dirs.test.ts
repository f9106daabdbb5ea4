import { expect } from "chai";
import { DescribeLogDirs } from "../../protocol/apis/35-describe-log-dirs.ts";
import type { Broker } from "../../src/broker.ts";
import { batchOf, createTopic, produceTo, RawClient, startTestBroker } from "../support/broker.ts";

describe("DescribeLogDirs", () => {
  let broker: Broker;
  let client: RawClient;
  const batch = batchOf(["a".repeat(500)]);
  before(async () => {
    broker = await startTestBroker();
    client = await RawClient.connect(broker.address);
    await createTopic(client, "one", { partitions: 2 });
    await createTopic(client, "two");
    await produceTo(client, { topic: "one", partition: 1 }, Buffer.from(batch));
  });
  after(async () => {
    client.close();
    await broker.stop();
  });

  for (let version = 1; version <= 5; version++) {
    it(`v${version} tells the size of each partition`, async () => {
      const body = await client.request(DescribeLogDirs, version, { topics: null });
      expect(body.results).to.have.length(1);
      const [directory] = body.results;
      expect(directory!.errorCode).to.equal(0);
      expect(directory!.logDir).to.equal(broker.config.logDirs[0]);
      expect(directory!.topics.map(({ name }) => name).sort()).to.deep.equal(["one", "two"]);
      const sizes = directory!.topics
        .find(({ name }) => name === "one")!
        .partitions.map(({ partitionIndex, partitionSize, offsetLag }) => [partitionIndex, partitionSize, offsetLag]);
      expect(sizes.sort()).to.deep.equal([
        [0, 0, 0],
        [1, batch.length, 0],
      ]);
      if (version >= 4) {
        expect(directory!.totalBytes).to.be.above(directory!.usableBytes);
        expect(directory!.usableBytes).to.be.above(0);
      }
    });
  }

  it("tells of nothing but what is asked for", async () => {
    const body = await client.request(DescribeLogDirs, 4, { topics: [{ topic: "one", partitions: [0, 9] }] });
    const [directory] = body.results;
    expect(directory!.topics.map(({ name, partitions }) => [name, partitions.length])).to.deep.equal([["one", 1]]);
  });
});
