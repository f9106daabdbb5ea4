import { expect } from "chai";
import { ListOffsets } from "../../protocol/apis/02-list-offsets.ts";
import { Errors } from "../../protocol/errors.ts";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import type { Broker } from "../../src/broker.ts";
import { batchOf, createTopic, leaderEpochsOf, produceTo, RawClient, startTestBroker } from "../support/broker.ts";

describe("ListOffsets", () => {
  let broker: Broker;
  let client: RawClient;
  before(async () => {
    broker = await startTestBroker();
    client = await RawClient.connect(broker.address);
    await createTopic(client, "times");
    // Offsets 0–4 with timestamps out of order.
    const builder = new BatchBuilder();
    for (const timestamp of [1000, 3000, 2000]) builder.append({ timestamp, value: Buffer.from("x") });
    await produceTo(client, { topic: "times" }, builder.build());
    await produceTo(client, { topic: "times" }, batchOf(["y", "z"], { timestamp: 5000 }));
  });
  after(async () => {
    client.close();
    await broker.stop();
  });

  async function ask(
    version: number,
    timestamp: number,
    options: { topic?: string; partition?: number; epoch?: number; isolationLevel?: number } = {},
  ) {
    const { topic = "times", partition = 0, epoch = -1, isolationLevel = 0 } = options;
    const body = await client.request(ListOffsets, version, {
      replicaId: -1,
      isolationLevel,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch: epoch, timestamp }] }],
      timeoutMs: version >= 10 ? 1000 : 0,
    });
    return body.topics[0]!.partitions[0]!;
  }

  for (let version = 1; version <= 11; version++) {
    it(`v${version} finds both ends and times between`, async () => {
      const cases: [number, number, number][] = [
        [-1, 5, -1],
        [-2, 0, -1],
        [0, 0, 1000],
        [1001, 1, 3000],
        [3001, 3, 5000],
        [5001, -1, -1],
      ];
      for (const [timestamp, offset, found] of cases) {
        const partition = await ask(version, timestamp, { isolationLevel: version >= 2 ? 1 : 0 });
        expect([partition.errorCode, partition.offset, partition.timestamp], `${timestamp}`).to.deep.equal([
          0,
          offset,
          found,
        ]);
      }
    });
  }

  it("v0 lists offsets at the starts of segments", async () => {
    const list = async (timestamp: number, maxNumOffsets: number) => {
      const body = await client.request(ListOffsets, 0, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: "times", partitions: [{ partitionIndex: 0, timestamp, maxNumOffsets }] }],
        timeoutMs: 0,
      });
      return body.topics[0]!.partitions[0]!.oldStyleOffsets;
    };
    expect(await list(-1, 1)).to.deep.equal([5]);
    expect(await list(-1, 10)).to.deep.equal([5, 0]);
    expect(await list(-2, 10)).to.deep.equal([0]);
    expect(await list(-1, 0)).to.deep.equal([]);
  });

  it("finds the record with the largest timestamp from version 7 on", async () => {
    expect(await ask(7, -3)).to.deep.include({ errorCode: 0, offset: 3, timestamp: 5000 });
    await createTopic(client, "no-records");
    expect(await ask(7, -3, { topic: "no-records" })).to.deep.include({ errorCode: 0, offset: -1, timestamp: -1 });
  });

  it("knows the offsets of tiered storage, of which there is none", async () => {
    expect(await ask(8, -4)).to.deep.include({ errorCode: 0, offset: 0 });
    expect(await ask(9, -5)).to.deep.include({ errorCode: 0, offset: -1 });
    expect(await ask(11, -6)).to.deep.include({ errorCode: 0, offset: -1 });
  });

  it("answers special timestamps of later versions, and unknown ones, with UNSUPPORTED_VERSION", async () => {
    for (const [version, timestamp] of [
      [6, -3],
      [7, -4],
      [8, -5],
      [10, -6],
      [11, -7],
      [11, -100],
    ] as const) {
      expect((await ask(version, timestamp)).errorCode, `v${version} ${timestamp}`).to.equal(
        Errors.UNSUPPORTED_VERSION,
      );
    }
  });

  it("tells the leader epoch from version 4 on, and compares the client's", async () => {
    const [epoch] = await leaderEpochsOf(client, "times");
    expect(await ask(4, -1, { epoch: epoch! })).to.deep.include({ errorCode: 0, leaderEpoch: epoch });
    expect((await ask(4, -1, { epoch: epoch! + 1 })).errorCode).to.equal(Errors.UNKNOWN_LEADER_EPOCH);
  });

  it("answers partitions that are not there, and ones named twice", async () => {
    expect((await ask(5, -1, { topic: "nowhere" })).errorCode).to.equal(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await ask(5, -1, { partition: 3 })).errorCode).to.equal(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    const partition = { partitionIndex: 0, timestamp: -1 };
    const body = await client.request(ListOffsets, 5, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: "times", partitions: [partition, partition] }],
      timeoutMs: 0,
    });
    const codes = body.topics[0]!.partitions.map(({ errorCode }) => errorCode);
    expect(codes).to.deep.equal([Errors.INVALID_REQUEST, Errors.INVALID_REQUEST]);
  });

  it("counts what was written with acks=1 a moment ago", async () => {
    await createTopic(client, "recent");
    for (let count = 1; count <= 20; count++) {
      await produceTo(client, { topic: "recent", acks: 1 }, batchOf(["x"]));
      expect((await ask(5, -1, { topic: "recent" })).offset).to.equal(count);
    }
  });
});
