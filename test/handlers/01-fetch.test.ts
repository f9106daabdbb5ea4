import { expect } from "chai";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { DeleteTopics } from "../../protocol/apis/20-delete-topics.ts";
import { Errors } from "../../protocol/errors.ts";
import { batchSizeAt } from "../../protocol/records/batch.ts";
import { CODEC } from "../../protocol/records/compression/index.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import type { Broker } from "../../src/broker.ts";
import {
  batchOf,
  createTopic,
  type FetchInput,
  fetchRequest,
  leaderEpochsOf,
  produceTo,
  RawClient,
  startTestBroker,
  valuesOf,
} from "../support/broker.ts";

describe("Fetch", () => {
  let broker: Broker;
  let client: RawClient;
  let producer: RawClient;
  before(async () => {
    broker = await startTestBroker();
    producer = await RawClient.connect(broker.address);
  });
  after(async () => {
    producer.close();
    await broker.stop();
  });
  beforeEach(async () => {
    client = await RawClient.connect(broker.address);
  });
  afterEach(() => client.close());

  async function fill(topic: string, batches: readonly (readonly string[])[], partition = 0): Promise<void> {
    for (const values of batches) await produceTo(producer, { topic, partition }, batchOf(values));
  }

  it("keeps the bytes of a reply that its client is slow to take, whatever others fetch meanwhile", async () => {
    // Read from files: the tail in memory holds next to nothing.
    const small = await startTestBroker({ config: { "samsa.log.tail.cache.bytes": 0 } });
    const clients = await Promise.all([RawClient.connect(small.address), RawClient.connect(small.address)]);
    try {
      const [slow, fast] = clients as [RawClient, RawClient];
      const partitions = 16;
      await createTopic(fast, "slow", { partitions });
      await createTopic(fast, "fast", { partitions: 3 });
      const letters = (partition: number) => String.fromCharCode(65 + partition).repeat(900_000);
      for (let partition = 0; partition < partitions; partition++) {
        await produceTo(fast, { topic: "slow", partition }, batchOf([letters(partition)]));
      }
      for (let partition = 0; partition < 3; partition++) {
        await produceTo(fast, { topic: "fast", partition }, batchOf(["z".repeat(900_000)]));
      }
      // What does not fit the system's buffers stays in the broker until the client reads.
      slow.socket.pause();
      slow.send(
        Fetch,
        12,
        fetchRequest(Array.from({ length: partitions }, (_, partition) => ({ topic: "slow", partition }))),
      );
      for (let count = 0; count < 9; count++) {
        const { responses } = await fast.request(Fetch, 12, fetchRequest([{ topic: "fast", partition: count % 3 }]));
        expect(valuesOf(responses[0]!.partitions[0]!.records)[0]).to.equal("z".repeat(900_000));
      }
      slow.socket.resume();
      const { body } = await slow.receive(Fetch, 12);
      const values = body.responses[0]!.partitions.map(({ records }) => valuesOf(records)[0]);
      expect(values.map(value => value?.[0])).to.deep.equal(
        Array.from({ length: partitions }, (_, index) => letters(index)[0]),
      );
      for (const [partition, value] of values.entries()) {
        expect(value === letters(partition), `partition ${partition}`).to.equal(true);
      }
    } finally {
      for (const each of clients) each.close();
      await small.stop();
    }
  });

  for (let version = 4; version <= 18; version++) {
    it(`v${version} reads what was produced`, async () => {
      const topic = `read-${version}`;
      const topicId = await createTopic(client, topic);
      await fill(topic, [["a", "b"], ["c"]]);
      const body = await client.request(Fetch, version, fetchRequest([{ topic, topicId }]));
      expect(body.errorCode).to.equal(0);
      const [response] = body.responses;
      if (version >= 13) expect(response!.topicId).to.equal(topicId);
      else expect(response!.topic).to.equal(topic);
      const [partition] = response!.partitions;
      expect(partition!.errorCode).to.equal(0);
      expect(partition!.highWatermark).to.equal(3);
      expect(partition!.lastStableOffset).to.equal(3);
      expect(partition!.logStartOffset).to.equal(version >= 5 ? 0 : -1);
      expect(partition!.abortedTransactions).to.equal(null);
      expect(valuesOf(partition!.records)).to.deep.equal(["a", "b", "c"]);
    });
  }

  async function one(version: number, request: FetchInput) {
    const body = await client.request(Fetch, version, request);
    return body.responses[0]!.partitions[0]!;
  }

  it("starts with the batch that holds the offset", async () => {
    await createTopic(client, "middle");
    await fill("middle", [["a", "b", "c"], ["d"], ["e"]]);
    for (const [fetchOffset, values] of [
      [1, ["a", "b", "c", "d", "e"]],
      [3, ["d", "e"]],
      [4, ["e"]],
      [5, []],
    ] as const) {
      const partition = await one(12, fetchRequest([{ topic: "middle", fetchOffset }]));
      expect(valuesOf(partition.records)).to.deep.equal(values);
    }
  });

  it("answers offsets outside the log with OFFSET_OUT_OF_RANGE", async () => {
    await createTopic(client, "range");
    await fill("range", [["a"]]);
    for (const fetchOffset of [-1, 2, 1_000_000]) {
      const partition = await one(12, fetchRequest([{ topic: "range", fetchOffset }], { maxWaitMs: 10_000 }));
      expect(partition.errorCode).to.equal(Errors.OFFSET_OUT_OF_RANGE);
      expect([partition.highWatermark, partition.records?.length]).to.deep.equal([-1, 0]);
    }
  });

  it("keeps to the limits on bytes, but for the first batch", async () => {
    await createTopic(client, "limits", { partitions: 2 });
    const values = ["x".repeat(1000)];
    const sizeBytes = batchOf(values).length;
    await fill("limits", [values, values, values], 0);
    await fill("limits", [values, values], 1);
    const fetched = async (options: Partial<FetchInput>, partitionMaxBytes: number) => {
      const partitions = [0, 1].map(partition => ({ topic: "limits", partition, partitionMaxBytes }));
      const body = await client.request(Fetch, 11, fetchRequest(partitions, options));
      return body.responses.flatMap(topic => topic.partitions).map(({ records }) => valuesOf(records).length);
    };
    expect(await fetched({}, 1 << 20)).to.deep.equal([3, 2]);
    expect(await fetched({}, sizeBytes)).to.deep.equal([1, 1]);
    expect(await fetched({}, 2 * sizeBytes + 1)).to.deep.equal([2, 2]);
    expect(await fetched({}, 1)).to.deep.equal([1, 0]);
    expect(await fetched({ maxBytes: 1 }, 1 << 20)).to.deep.equal([1, 0]);
    expect(await fetched({ maxBytes: 4 * sizeBytes }, 1 << 20)).to.deep.equal([3, 1]);
  });

  it("keeps the order of partitions in the request", async () => {
    await createTopic(client, "order", { partitions: 4 });
    const partitions = [2, 0, 3, 1];
    const body = await client.request(
      Fetch,
      11,
      fetchRequest(partitions.map(partition => ({ topic: "order", partition }))),
    );
    expect(body.responses).to.have.length(1);
    expect(body.responses[0]!.partitions.map(({ partitionIndex }) => partitionIndex)).to.deep.equal(partitions);
  });

  it("answers unknown topics, partitions and ids", async () => {
    const topicId = await createTopic(client, "known");
    const unknown = "xxxxxxxxxxxxxxxxxxxxxw";
    expect((await one(12, fetchRequest([{ topic: "unknown" }]))).errorCode).to.equal(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    const other = await one(12, fetchRequest([{ topic: "known", partition: 5 }]));
    expect(other.errorCode).to.equal(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    const byId = await one(13, fetchRequest([{ topic: "", topicId: unknown }]));
    expect(byId.errorCode).to.equal(Errors.UNKNOWN_TOPIC_ID);
    const gone = await one(13, fetchRequest([{ topic: "", topicId, partition: 5 }]));
    expect(gone.errorCode).to.equal(Errors.UNKNOWN_TOPIC_OR_PARTITION);
  });

  it("compares the client's leader epoch with its own", async () => {
    await createTopic(client, "epochs");
    const [epoch] = await leaderEpochsOf(client, "epochs");
    const codeOf = async (currentLeaderEpoch: number) =>
      (await one(12, fetchRequest([{ topic: "epochs", currentLeaderEpoch }]))).errorCode;
    expect(await codeOf(epoch!)).to.equal(0);
    expect(await codeOf(-1)).to.equal(0);
    expect(await codeOf(epoch! + 1)).to.equal(Errors.UNKNOWN_LEADER_EPOCH);
    if (epoch! > 0) expect(await codeOf(epoch! - 1)).to.equal(Errors.FENCED_LEADER_EPOCH);
  });

  it("tells a reader whose last epoch ended before its offset where it did", async () => {
    await createTopic(client, "diverging");
    await fill("diverging", [["a", "b"]]);
    const [epoch] = await leaderEpochsOf(client, "diverging");
    const agreeing = await one(12, fetchRequest([{ topic: "diverging", fetchOffset: 1, lastFetchedEpoch: epoch! }]));
    expect(agreeing.divergingEpoch.epoch).to.equal(-1);
    expect(agreeing.records!.length).to.be.above(0);
    const beyond = await one(12, fetchRequest([{ topic: "diverging", fetchOffset: 3, lastFetchedEpoch: epoch! }]));
    expect(beyond.divergingEpoch).to.deep.equal({ epoch: epoch!, endOffset: 2 });
    expect(beyond.records!.length).to.equal(0);
  });

  it("answers zstd to clients from before it with UNSUPPORTED_COMPRESSION_TYPE", async () => {
    await createTopic(client, "zstd");
    await produceTo(producer, { topic: "zstd" }, batchOf(["x"], { codec: CODEC.zstd }));
    expect((await one(9, fetchRequest([{ topic: "zstd" }]))).errorCode).to.equal(Errors.UNSUPPORTED_COMPRESSION_TYPE);
    expect(valuesOf((await one(10, fetchRequest([{ topic: "zstd" }]))).records)).to.deep.equal(["x"]);
  });

  it("with read_committed gives an empty list of aborted transactions where there are none", async () => {
    await createTopic(client, "committed");
    await fill("committed", [["a"]]);
    const partition = await one(11, fetchRequest([{ topic: "committed" }], { isolationLevel: 1 }));
    expect(partition.abortedTransactions).to.deep.equal([]);
    expect(valuesOf(partition.records)).to.deep.equal(["a"]);
  });

  describe("that finds less than it asks for", () => {
    it("waits until its time is up", async () => {
      await createTopic(client, "wait");
      const startedMs = performance.now();
      const partition = await one(12, fetchRequest([{ topic: "wait" }], { maxWaitMs: 200 }));
      expect(performance.now() - startedMs).to.be.within(190, 600);
      expect(partition.records!.length).to.equal(0);
    });

    it("is woken by what is produced, with acks=all and acks=1", async () => {
      await createTopic(client, "wake");
      for (const [offset, acks] of [-1, 1, 0].entries()) {
        const request = fetchRequest([{ topic: "wake", fetchOffset: offset }], { maxWaitMs: 30_000 });
        const fetched = one(12, request);
        await new Promise(resolve => setTimeout(resolve, 30));
        const startedMs = performance.now();
        if (acks === 0) {
          const { Produce } = await import("../../protocol/apis/00-produce.ts");
          const { produceRequest } = await import("../support/broker.ts");
          producer.send(Produce, 9, produceRequest({ topic: "wake" }, batchOf(["x"]), 0));
        } else await produceTo(producer, { topic: "wake", acks }, batchOf(["x"]));
        expect(valuesOf((await fetched).records)).to.deep.equal(["x"]);
        expect(performance.now() - startedMs).to.be.below(500);
      }
    });

    it("waits for all of min bytes, over partitions", async () => {
      await createTopic(client, "minimum", { partitions: 2 });
      const sizeBytes = batchOf(["x".repeat(100)]).length;
      const partitions = [0, 1].map(partition => ({ topic: "minimum", partition }));
      const fetched = client.request(
        Fetch,
        12,
        fetchRequest(partitions, { maxWaitMs: 30_000, minBytes: 3 * sizeBytes }),
      );
      let isDone = false;
      fetched.then(() => {
        isDone = true;
      });
      await fill("minimum", [["x".repeat(100)], ["x".repeat(100)]], 0);
      await new Promise(resolve => setTimeout(resolve, 50));
      expect(isDone).to.equal(false);
      await fill("minimum", [["x".repeat(100)]], 1);
      const { responses } = await fetched;
      expect(responses[0]!.partitions.map(({ records }) => valuesOf(records).length)).to.deep.equal([2, 1]);
    });

    it("is answered when its topic is deleted", async () => {
      await createTopic(client, "deleted");
      const fetched = one(12, fetchRequest([{ topic: "deleted" }], { maxWaitMs: 30_000 }));
      await new Promise(resolve => setTimeout(resolve, 30));
      await producer.request(DeleteTopics, 6, {
        topics: [{ name: "deleted", topicId: ZERO_UUID }],
        topicNames: [],
        timeoutMs: 1000,
      });
      expect((await fetched).errorCode).to.equal(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    });

    it("is let go when its client leaves", async () => {
      await createTopic(client, "left");
      client.send(Fetch, 12, fetchRequest([{ topic: "left" }], { maxWaitMs: 0x7fffffff }));
      await new Promise(resolve => setTimeout(resolve, 30));
      client.close();
      await fill("left", [["a"]]);
      client = await RawClient.connect(broker.address);
      expect(valuesOf((await one(12, fetchRequest([{ topic: "left" }]))).records)).to.deep.equal(["a"]);
    });
  });

  describe("in a session", () => {
    const open = { sessionId: 0, sessionEpoch: 0 };

    it("answers in full first, then only what is new", async () => {
      await createTopic(client, "session", { partitions: 3 });
      await fill("session", [["a"]], 1);
      const all = [0, 1, 2].map(partition => ({ topic: "session", partition }));
      const first = await client.request(Fetch, 11, fetchRequest(all, open));
      expect(first.sessionId).to.be.above(0);
      expect(first.responses[0]!.partitions).to.have.length(3);
      const { sessionId } = first;
      // The client has read partition 1 and says so; nothing else is new.
      const second = await client.request(
        Fetch,
        11,
        fetchRequest([{ topic: "session", partition: 1, fetchOffset: 1 }], { sessionId, sessionEpoch: 1 }),
      );
      expect(second.sessionId).to.equal(sessionId);
      expect(second.responses).to.deep.equal([]);
      await fill("session", [["b"]], 2);
      const third = await client.request(Fetch, 11, fetchRequest([], { sessionId, sessionEpoch: 2, maxWaitMs: 1000 }));
      expect(third.responses[0]!.partitions.map(({ partitionIndex }) => partitionIndex)).to.deep.equal([2]);
      expect(valuesOf(third.responses[0]!.partitions[0]!.records)).to.deep.equal(["b"]);
    });

    it("forgets partitions that it is told to, and takes on others", async () => {
      await createTopic(client, "changing", { partitions: 3 });
      const { sessionId } = await client.request(Fetch, 11, fetchRequest([{ topic: "changing", partition: 0 }], open));
      for (const partition of [0, 1]) await fill("changing", [["a"]], partition);
      const changed = await client.request(
        Fetch,
        11,
        fetchRequest([{ topic: "changing", partition: 1 }], {
          sessionId,
          sessionEpoch: 1,
          forgottenTopicsData: [{ topic: "changing", topicId: ZERO_UUID, partitions: [0] }],
        }),
      );
      expect(changed.responses[0]!.partitions.map(({ partitionIndex }) => partitionIndex)).to.deep.equal([1]);
    });

    it("gives each partition its turn when not all fit", async () => {
      await createTopic(client, "turns", { partitions: 3 });
      const value = "x".repeat(1000);
      for (const partition of [0, 1, 2]) await fill("turns", [[value], [value], [value]], partition);
      const all = [0, 1, 2].map(partition => ({ topic: "turns", partition }));
      const served: number[] = [];
      let response = await client.request(Fetch, 11, fetchRequest(all, { ...open, maxBytes: 1 }));
      const { sessionId } = response;
      for (let sessionEpoch = 1; ; sessionEpoch++) {
        const [partition] = response.responses
          .flatMap(topic => topic.partitions)
          .filter(({ records }) => records!.length > 0);
        served.push(partition!.partitionIndex);
        if (sessionEpoch === 4) break;
        response = await client.request(Fetch, 11, fetchRequest([], { sessionId, sessionEpoch, maxBytes: 1 }));
      }
      expect(served).to.deep.equal([0, 1, 2, 0]);
    });

    it("answers unknown sessions and wrong epochs, and names to sessions of ids, with errors at the top", async () => {
      const topicId = await createTopic(client, "session-errors");
      const unknown = await client.request(Fetch, 11, fetchRequest([], { sessionId: 12345, sessionEpoch: 1 }));
      expect(unknown.errorCode).to.equal(Errors.FETCH_SESSION_ID_NOT_FOUND);
      const { sessionId } = await client.request(Fetch, 13, fetchRequest([{ topic: "", topicId }], open));
      const wrong = await client.request(Fetch, 13, fetchRequest([], { sessionId, sessionEpoch: 5 }));
      expect(wrong.errorCode).to.equal(Errors.INVALID_FETCH_SESSION_EPOCH);
      const named = await client.request(Fetch, 12, fetchRequest([], { sessionId, sessionEpoch: 1 }));
      expect(named.errorCode).to.equal(Errors.FETCH_SESSION_TOPIC_ID_ERROR);
      const closed = await client.request(
        Fetch,
        13,
        fetchRequest([{ topic: "", topicId }], { sessionId, sessionEpoch: -1 }),
      );
      expect([closed.errorCode, closed.sessionId]).to.deep.equal([0, 0]);
      const after = await client.request(Fetch, 13, fetchRequest([], { sessionId, sessionEpoch: 1 }));
      expect(after.errorCode).to.equal(Errors.FETCH_SESSION_ID_NOT_FOUND);
    });
  });

  it("reads whole batches whatever the sizes", async () => {
    await createTopic(client, "whole");
    for (let index = 1; index <= 40; index++) await fill("whole", [["y".repeat(index * 97)]]);
    for (const partitionMaxBytes of [1, 500, 3_000, 20_000, 200_000]) {
      let fetchOffset = 0;
      const seen: number[] = [];
      while (fetchOffset < 40) {
        const { records } = await one(12, fetchRequest([{ topic: "whole", fetchOffset, partitionMaxBytes }]));
        let position = 0;
        while (position < records!.length) position += batchSizeAt(records!, position);
        expect(position).to.equal(records!.length);
        const values = valuesOf(records);
        seen.push(...values.map(value => value.length / 97));
        fetchOffset += values.length;
      }
      expect(seen).to.deep.equal(Array.from({ length: 40 }, (_value, index) => index + 1));
    }
  });
});
