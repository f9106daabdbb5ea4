import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { Produce } from "../../protocol/apis/00-produce.ts";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { Errors } from "../../protocol/errors.ts";
import { CODEC } from "../../protocol/records/compression/index.ts";
import type { Broker } from "../../src/broker.ts";
import {
  batchOf,
  createTopic,
  fetchRequest,
  produceRequest,
  produceTo,
  RawClient,
  startTestBroker,
  valuesOf,
} from "../support/broker.ts";

describe("Produce", () => {
  let broker: Broker;
  let client: RawClient;
  before(async () => {
    broker = await startTestBroker();
  });
  after(() => broker.stop());
  beforeEach(async () => {
    client = await RawClient.connect(broker.address);
  });
  afterEach(() => client.close());

  async function read(topic: string, partition = 0): Promise<string[]> {
    const response = await client.request(Fetch, 12, fetchRequest([{ topic, partition }], { maxWaitMs: 1_000 }));
    return valuesOf(response.responses[0]!.partitions[0]!.records);
  }

  for (let version = 3; version <= 13; version++) {
    for (const acks of [-1, 1]) {
      it(`v${version} with acks=${acks} appends and tells the offsets`, async () => {
        const topic = `round-trip-${version}-${acks}`;
        const topicId = await createTopic(client, topic);
        for (const [index, values] of [["a", "b"], ["c"]].entries()) {
          const result = await produceTo(client, { topic, topicId, version, acks }, batchOf(values));
          expect(result.errorCode).to.equal(0);
          expect(result.baseOffset).to.equal(index * 2);
          expect(result.logAppendTimeMs).to.equal(-1);
          expect(result.logStartOffset).to.equal(version >= 5 ? 0 : -1);
        }
        expect(await read(topic)).to.deep.equal(["a", "b", "c"]);
      });
    }
  }

  for (const [name, codec] of Object.entries(CODEC)) {
    it(`keeps batches compressed with ${name} as they are`, async () => {
      await createTopic(client, `codec-${name}`);
      const batch = batchOf(["one", "two", "three"], { codec });
      expect((await produceTo(client, { topic: `codec-${name}` }, batch)).errorCode).to.equal(0);
      expect(await read(`codec-${name}`)).to.deep.equal(["one", "two", "three"]);
    });
  }

  it("refuses zstd before version 7", async () => {
    await createTopic(client, "old-zstd");
    const batch = () => batchOf(["x"], { codec: CODEC.zstd });
    const refused = await produceTo(client, { topic: "old-zstd", version: 6 }, batch());
    expect(refused.errorCode).to.equal(Errors.UNSUPPORTED_COMPRESSION_TYPE);
    expect((await produceTo(client, { topic: "old-zstd", version: 7 }, batch())).errorCode).to.equal(0);
  });

  it("with acks=0 appends and answers nothing", async () => {
    await createTopic(client, "no-ack");
    client.send(Produce, 9, produceRequest({ topic: "no-ack" }, batchOf(["x"]), 0));
    expect(await read("no-ack")).to.deep.equal(["x"]);
  });

  it("with acks=0 closes the connection when it fails", async () => {
    client.send(Produce, 9, produceRequest({ topic: "no-such-topic" }, batchOf(["x"]), 0));
    await client.closed();
  });

  it("answers each partition by itself", async () => {
    const topicId = await createTopic(client, "several", { partitions: 2 });
    const response = await client.request(Produce, 11, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        {
          name: "several",
          topicId,
          partitionData: [
            { index: 1, records: batchOf(["one"]) },
            { index: 7, records: batchOf(["nowhere"]) },
            { index: 0, records: Buffer.alloc(100) },
          ],
        },
        { name: "no-such-topic", topicId, partitionData: [{ index: 0, records: batchOf(["x"]) }] },
      ],
    });
    const codes = response.responses.map(topic => topic.partitionResponses.map(partition => partition.errorCode));
    expect(codes[0]!.slice(0, 2)).to.deep.equal([0, Errors.UNKNOWN_TOPIC_OR_PARTITION]);
    expect(codes[0]![2]).to.not.equal(0);
    expect(codes[1]).to.deep.equal([Errors.UNKNOWN_TOPIC_OR_PARTITION]);
    expect(await read("several", 1)).to.deep.equal(["one"]);
    expect(await read("several", 0)).to.deep.equal([]);
  });

  it("v13 answers an id that nobody has with UNKNOWN_TOPIC_ID", async () => {
    const target = { topic: "", topicId: "xxxxxxxxxxxxxxxxxxxxxw", version: 13 };
    expect((await produceTo(client, target, batchOf(["x"]))).errorCode).to.equal(Errors.UNKNOWN_TOPIC_ID);
  });

  for (const acks of [2, -2, 100]) {
    it(`refuses acks=${acks}`, async () => {
      await createTopic(client, `acks-${acks}`);
      const { errorCode } = await produceTo(client, { topic: `acks-${acks}`, acks }, batchOf(["x"]));
      expect(errorCode).to.equal(Errors.INVALID_REQUIRED_ACKS);
    });
  }

  it("refuses no batch, two batches, old magic, a wrong CRC, control batches; and stores none of them", async () => {
    await createTopic(client, "refusals");
    const damaged = batchOf(["x"]);
    damaged[damaged.length - 1]! ^= 1;
    const oldMagic = batchOf(["x"]);
    oldMagic[16] = 1;
    const cases: [string, Buffer | null, number][] = [
      ["null", null, Errors.INVALID_RECORD],
      ["empty", Buffer.alloc(0), Errors.INVALID_RECORD],
      ["two", Buffer.concat([batchOf(["x"]), batchOf(["y"])]), Errors.INVALID_RECORD],
      ["magic", oldMagic, Errors.INVALID_RECORD],
      ["crc", damaged, Errors.CORRUPT_MESSAGE],
      ["control", batchOf(["x"], { control: true }), Errors.INVALID_RECORD],
    ];
    for (const [name, records, errorCode] of cases) {
      expect((await produceTo(client, { topic: "refusals" }, records)).errorCode, name).to.equal(errorCode);
    }
    expect(await read("refusals")).to.deep.equal([]);
  });

  it("ignores a second batch that is cut", async () => {
    await createTopic(client, "cut-second");
    const records = Buffer.concat([batchOf(["x"]), batchOf(["y"]).subarray(0, 40)]);
    expect((await produceTo(client, { topic: "cut-second" }, records)).errorCode).to.equal(0);
    expect(await read("cut-second")).to.deep.equal(["x"]);
  });

  it("refuses a batch above max.message.bytes", async () => {
    await createTopic(client, "small", { configs: { "max.message.bytes": "1000" } });
    const { errorCode } = await produceTo(client, { topic: "small" }, batchOf(["x".repeat(2000)]));
    expect(errorCode).to.equal(Errors.MESSAGE_TOO_LARGE);
    expect((await produceTo(client, { topic: "small" }, batchOf(["x".repeat(500)]))).errorCode).to.equal(0);
  });

  it("tells the time under LogAppendTime", async () => {
    await createTopic(client, "append-time", { configs: { "message.timestamp.type": "LogAppendTime" } });
    const before = Date.now();
    const { logAppendTimeMs } = await produceTo(client, { topic: "append-time" }, batchOf(["x"], { timestamp: 5 }));
    expect(logAppendTimeMs).to.be.within(before, Date.now());
  });

  it("refuses records without a key in a compacted topic, saying which", async () => {
    await createTopic(client, "compacted", { configs: { "cleanup.policy": "compact" } });
    const result = await produceTo(client, { topic: "compacted" }, batchOf(["x", "y"]));
    expect(result.errorCode).to.equal(Errors.INVALID_RECORD);
    expect(result.recordErrors.map(({ batchIndex }) => batchIndex)).to.deep.equal([0, 1]);
  });

  it("refuses a transactional batch: nobody coordinates transactions here yet", async () => {
    await createTopic(client, "transactional");
    const batch = () => batchOf(["x"], { transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 });
    const request = produceRequest({ topic: "transactional" }, batch());
    const without = await client.request(Produce, 11, request);
    expect(without.responses[0]!.partitionResponses[0]!.errorCode).to.equal(
      Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    );
    const withId = await client.request(Produce, 11, { ...request, transactionalId: "t" });
    expect(withId.responses[0]!.partitionResponses[0]!.errorCode).to.equal(Errors.NOT_ENOUGH_REPLICAS);
  });

  it("answers a batch that was sent twice with the offset it got first", async () => {
    await createTopic(client, "idempotent");
    const batch = (baseSequence: number) =>
      batchOf(["x", "y"], { producerId: 42, producerEpoch: 0, baseSequence, timestamp: 1 });
    const offsets: number[] = [];
    for (const baseSequence of [0, 2, 0, 2, 4]) {
      const { errorCode, baseOffset } = await produceTo(client, { topic: "idempotent" }, batch(baseSequence));
      expect(errorCode).to.equal(0);
      offsets.push(baseOffset);
    }
    expect(offsets).to.deep.equal([0, 2, 0, 2, 4]);
    const { errorCode } = await produceTo(client, { topic: "idempotent" }, batch(10));
    expect(errorCode).to.equal(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER);
  });

  it("answers pipelined requests in order, with offsets in order", async () => {
    await createTopic(client, "pipelined");
    const count = 500;
    for (let index = 0; index < count; index++) {
      client.send(Produce, 9, produceRequest({ topic: "pipelined" }, batchOf([`${index}`]), index % 2 === 0 ? -1 : 1));
    }
    for (let index = 0; index < count; index++) {
      const { body } = await client.receive(Produce, 9);
      expect(body.responses[0]!.partitionResponses[0]!.baseOffset).to.equal(index);
    }
    expect(await read("pipelined")).to.deep.equal(Array.from({ length: count }, (_value, index) => `${index}`));
  });

  it("judges every record batch vector as Kafka 4.3.1 does, or says INVALID_RECORD where Kafka blames itself or stores it", async () => {
    const vectors = readVectors();
    await createTopic(client, "vectors", { partitions: vectors.length });
    for (const [partition, { name, hex, produceV11 }] of vectors.entries()) {
      const request = produceRequest({ topic: "vectors", partition }, Buffer.from(hex, "hex"));
      // Those that Kafka answered with 19 came with a transactional id.
      const transactionalId = produceV11.errorCode === Errors.NOT_ENOUGH_REPLICAS ? "t" : null;
      const body = await client.request(Produce, 11, { ...request, transactionalId });
      const { errorCode, baseOffset } = body.responses[0]!.partitionResponses[0]!;
      const isStricter = produceV11.errorCode === Errors.UNKNOWN_SERVER_ERROR || name === "offset deltas not rising";
      const expected = isStricter ? Errors.INVALID_RECORD : produceV11.errorCode;
      expect(errorCode, name).to.equal(expected);
      expect(baseOffset, name).to.equal(expected === 0 ? produceV11.baseOffset : -1);
    }
  });

  it("takes requests larger than the receive window", async () => {
    await createTopic(client, "large", { configs: { "max.message.bytes": "10000000" } });
    const value = "v".repeat(5_000_000);
    expect((await produceTo(client, { topic: "large" }, batchOf([value]))).errorCode).to.equal(0);
    expect((await read("large"))[0]!.length).to.equal(value.length);
  });
});

interface Vector {
  readonly name: string;
  readonly hex: string;
  /** What a running Kafka 4.3.1 answered when an empty topic was given these bytes. */
  readonly produceV11: { readonly errorCode: number; readonly baseOffset: number };
}

function readVectors(): Vector[] {
  const file = new URL("../fixtures/kafka/vectors/records.jsonl.gz", import.meta.url);
  const lines = gunzipSync(readFileSync(file)).toString().trim().split("\n");
  return lines.map(line => JSON.parse(line)).filter(({ produceV11 }) => produceV11 !== undefined);
}
