import { expect } from "chai";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { ListOffsets } from "../../protocol/apis/02-list-offsets.ts";
import { DeleteRecords } from "../../protocol/apis/21-delete-records.ts";
import { Errors } from "../../protocol/errors.ts";
import type { Broker } from "../../src/broker.ts";
import { batchOf, createTopic, fetchRequest, produceTo, RawClient, startTestBroker } from "../support/broker.ts";

describe("DeleteRecords", () => {
  let broker: Broker;
  let client: RawClient;
  before(async () => {
    broker = await startTestBroker();
    client = await RawClient.connect(broker.address);
  });
  after(async () => {
    client.close();
    await broker.stop();
  });

  async function deleteBefore(topic: string, offset: number, version = 2) {
    const body = await client.request(DeleteRecords, version, {
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }],
      timeoutMs: 1000,
    });
    return body.topics[0]!.partitions[0]!;
  }

  for (let version = 0; version <= 2; version++) {
    it(`v${version} moves the start of the log, within a batch and to the end`, async () => {
      const topic = `delete-${version}`;
      await createTopic(client, topic);
      await produceTo(client, { topic }, batchOf(["a", "b", "c", "d"]));
      expect(await deleteBefore(topic, 2, version)).to.deep.include({ errorCode: 0, lowWatermark: 2 });
      // Going back changes nothing.
      expect(await deleteBefore(topic, 1, version)).to.deep.include({ errorCode: 0, lowWatermark: 2 });
      const earliest = await client.request(ListOffsets, 5, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
        timeoutMs: 0,
      });
      expect(earliest.topics[0]!.partitions[0]!.offset).to.equal(2);
      const below = await client.request(Fetch, 11, fetchRequest([{ topic, fetchOffset: 1 }]));
      expect(below.responses[0]!.partitions[0]!.errorCode).to.equal(Errors.OFFSET_OUT_OF_RANGE);
      expect(await deleteBefore(topic, -1, version)).to.deep.include({ errorCode: 0, lowWatermark: 4 });
    });
  }

  it("refuses offsets above the high watermark and below -1", async () => {
    await createTopic(client, "bounds");
    await produceTo(client, { topic: "bounds" }, batchOf(["a"]));
    for (const offset of [2, -2]) {
      expect((await deleteBefore("bounds", offset)).errorCode).to.equal(Errors.OFFSET_OUT_OF_RANGE);
    }
  });

  it("refuses topics that are only compacted, and ones that are not there", async () => {
    await createTopic(client, "compacted", { configs: { "cleanup.policy": "compact" } });
    expect((await deleteBefore("compacted", 0)).errorCode).to.equal(Errors.POLICY_VIOLATION);
    expect((await deleteBefore("nowhere", 0)).errorCode).to.equal(Errors.UNKNOWN_TOPIC_OR_PARTITION);
  });
});
