import { expect } from "chai";
import { DescribeProducers } from "../../protocol/apis/61-describe-producers.ts";
import { Errors } from "../../protocol/errors.ts";
import type { Broker } from "../../src/broker.ts";
import { batchOf, createTopic, produceTo, RawClient, startTestBroker } from "../support/broker.ts";

describe("DescribeProducers", () => {
  let broker: Broker;
  let client: RawClient;

  before(async () => {
    broker = await startTestBroker();
    client = await RawClient.connect(broker.address);
    await createTopic(client, "t", { partitions: 2 });
  });

  after(async () => {
    client.close();
    await broker.stop();
  });

  const producersOf = async (topic: string, partition: number) => {
    const response = await client.request(DescribeProducers, 0, {
      topics: [{ name: topic, partitionIndexes: [partition] }],
    });
    return response.topics[0]!.partitions[0]!;
  };

  it("tells the last sequence and time of each producer that the log remembers", async () => {
    const timestamp = Date.now() - 5000;
    const first = batchOf(["a", "b"], { producerId: 7, producerEpoch: 3, baseSequence: 0, timestamp });
    const second = batchOf(["c"], { producerId: 7, producerEpoch: 3, baseSequence: 2, timestamp: timestamp + 1 });
    for (const batch of [first, second]) expect((await produceTo(client, { topic: "t" }, batch)).errorCode).to.equal(0);
    await produceTo(client, { topic: "t" }, batchOf(["d"]));
    expect(await producersOf("t", 0)).to.deep.equal({
      partitionIndex: 0,
      errorCode: 0,
      errorMessage: null,
      activeProducers: [
        {
          producerId: 7,
          producerEpoch: 3,
          lastSequence: 2,
          lastTimestamp: timestamp + 1,
          coordinatorEpoch: -1,
          currentTxnStartOffset: -1,
        },
      ],
    });
  });

  it("knows none where only others wrote", async () => {
    expect((await producersOf("t", 1)).activeProducers).to.deep.equal([]);
  });

  it("refuses what is not there", async () => {
    for (const [topic, partition] of [
      ["t", 2],
      ["nope", 0],
    ] as const) {
      expect(await producersOf(topic, partition)).to.include({ errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION });
    }
  });
});
