import { expect } from "chai";
import { OffsetForLeaderEpoch } from "../../protocol/apis/23-offset-for-leader-epoch.ts";
import { Errors } from "../../protocol/errors.ts";
import type { Broker } from "../../src/broker.ts";
import { batchOf, createTopic, leaderEpochsOf, produceTo, RawClient, startTestBroker } from "../support/broker.ts";

describe("OffsetForLeaderEpoch", () => {
  let broker: Broker;
  let client: RawClient;
  before(async () => {
    broker = await startTestBroker();
    client = await RawClient.connect(broker.address);
    await createTopic(client, "epochs");
    await produceTo(client, { topic: "epochs" }, batchOf(["a", "b"]));
  });
  after(async () => {
    client.close();
    await broker.stop();
  });

  async function ask(version: number, leaderEpoch: number, currentLeaderEpoch = -1, topic = "epochs") {
    const body = await client.request(OffsetForLeaderEpoch, version, {
      replicaId: -1,
      topics: [{ topic, partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }],
    });
    return body.topics[0]!.partitions[0]!;
  }

  for (let version = 2; version <= 4; version++) {
    it(`v${version} tells where the current epoch ends`, async () => {
      const [epoch] = await leaderEpochsOf(client, "epochs");
      expect(await ask(version, epoch!)).to.deep.include({ errorCode: 0, leaderEpoch: epoch, endOffset: 2 });
    });
  }

  it("answers an epoch that has not been with -1", async () => {
    expect(await ask(4, 1000)).to.deep.include({ errorCode: 0, leaderEpoch: -1, endOffset: -1 });
  });

  it("compares the client's leader epoch, and knows what is not there", async () => {
    const [epoch] = await leaderEpochsOf(client, "epochs");
    expect((await ask(4, epoch!, epoch! + 1)).errorCode).to.equal(Errors.UNKNOWN_LEADER_EPOCH);
    expect((await ask(4, 0, -1, "nowhere")).errorCode).to.equal(Errors.UNKNOWN_TOPIC_OR_PARTITION);
  });
});
