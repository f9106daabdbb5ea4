import { expect } from "chai";
import { Errors } from "../../../protocol/errors.ts";
import { BatchBuilder, endTransactionBatch } from "../../../protocol/records/index.ts";
import { type ConsumeOptions, consume } from "../../../src/cli/client/consumer.ts";
import type { ClusterClient } from "../../../src/client/cluster-client.ts";
import { createNodePlatform } from "../../../src/platform/node.ts";

interface FetchRequest {
  topics: { partitions: { partition: number; fetchOffset: number }[] }[];
}

interface Answer {
  errorCode?: number;
  records?: Buffer;
  abortedTransactions?: { producerId: number; firstOffset: number }[];
}

/** A cluster of brokers 1 and 2 with one topic; partition 0 is led by `leader()`. Fetches are answered by `answer`. */
function stubCluster(answer: (offset: number, node: number) => Answer, leader = (): number => 1): ClusterClient {
  const topic = () => ({ name: "t", errorCode: 0, partitions: [{ partitionIndex: 0, leaderId: leader() }] });
  const stub = {
    platform: createNodePlatform(),
    timeoutMs: 1000,
    topic: async () => topic(),
    metadata: async () => ({ topics: [topic()] }),
    request: async (_api: unknown, body: FetchRequest, { node }: { node: number }) => {
      const { partition, fetchOffset } = body.topics[0]!.partitions[0]!;
      const fetched = {
        partitionIndex: partition,
        errorCode: 0,
        abortedTransactions: null,
        records: null,
        ...answer(fetchOffset, node),
      };
      return { errorCode: 0, responses: [{ partitions: [fetched] }] };
    },
  };
  return stub as unknown as ClusterClient;
}

function batch(baseOffset: number, values: readonly string[], producerId?: number): Buffer {
  const builder = new BatchBuilder({
    baseOffset,
    ...(producerId === undefined ? {} : { producerId, producerEpoch: 0, baseSequence: 0, transactional: true }),
  });
  for (const value of values) builder.append({ value: Buffer.from(value), timestamp: 1 });
  return builder.build();
}

function marker(type: "abort" | "commit", producerId: number, baseOffset: number): Buffer {
  return endTransactionBatch(
    { type, coordinatorEpoch: 0 },
    { producerId, producerEpoch: 0 },
    { baseOffset, timestamp: 1 },
  );
}

async function read(
  cluster: ClusterClient,
  options: Partial<ConsumeOptions> & { from: number; to: number },
): Promise<string[]> {
  const values: string[] = [];
  const { from, to, ...rest } = options;
  for await (const records of consume(cluster, {
    topic: "t",
    start: new Map([[0, from]]),
    end: new Map([[0, to]]),
    ...rest,
  })) {
    for (const record of records) values.push(`${record.offset}:${record.value}`);
  }
  return values;
}

describe("consume", () => {
  it("begins and ends within batches, which come whole", async () => {
    const records = Buffer.concat([batch(0, ["a", "b", "c"]), batch(3, ["d", "e"])]);
    expect(
      await read(
        stubCluster(() => ({ records })),
        { from: 1, to: 4 },
      ),
    ).to.deep.equal(["1:b", "2:c", "3:d"]);
  });

  it("passes over a cut batch at the end, and asks for it again", async () => {
    const [first, second] = [batch(0, ["a"]), batch(1, ["b"])];
    const cluster = stubCluster(offset => ({
      records: offset === 0 ? Buffer.concat([first, second.subarray(0, 40)]) : second,
    }));
    expect(await read(cluster, { from: 0, to: 2 })).to.deep.equal(["0:a", "1:b"]);
  });

  it("leaves out markers; uncommitted reading keeps records of aborted transactions", async () => {
    const records = Buffer.concat([batch(0, ["x"], 7), marker("abort", 7, 1), batch(2, ["y"])]);
    expect(
      await read(
        stubCluster(() => ({ records })),
        { from: 0, to: 3 },
      ),
    ).to.deep.equal(["0:x", "2:y"]);
  });

  it("committed reading drops a producer's batches from an aborted transaction's begin to its marker, and no others", async () => {
    const records = Buffer.concat([
      batch(0, ["lost"], 7),
      batch(1, ["kept"], 8),
      batch(2, ["lost"], 7),
      marker("abort", 7, 3),
      batch(4, ["next"], 7),
      marker("commit", 7, 5),
      marker("commit", 8, 6),
    ]);
    const cluster = stubCluster(() => ({ records, abortedTransactions: [{ producerId: 7, firstOffset: 0 }] }));
    expect(await read(cluster, { from: 0, to: 7, committedOnly: true })).to.deep.equal(["1:kept", "4:next"]);
  });

  it("follows a partition to its new leader", async () => {
    let leader = 1;
    const cluster = stubCluster(
      (_offset, node) => {
        if (node === 2) return { records: batch(0, ["a"]) };
        leader = 2;
        return { errorCode: Errors.NOT_LEADER_OR_FOLLOWER };
      },
      () => leader,
    );
    expect(await read(cluster, { from: 0, to: 1 })).to.deep.equal(["0:a"]);
  });

  it("an offset out of range: fails with topic, partition and offset", async () => {
    const reading = read(
      stubCluster(() => ({ errorCode: Errors.OFFSET_OUT_OF_RANGE })),
      { from: 9, to: 10 },
    );
    const error = await reading.then(
      () => null,
      (thrown: Error) => thrown,
    );
    expect(error?.message).to.contain("Cannot read t-0 at offset 9").and.contain("OFFSET_OUT_OF_RANGE");
  });

  it("a partition that is at its end already: asks for nothing", async () => {
    expect(
      await read(
        stubCluster(() => expect.fail("fetched")),
        { from: 5, to: 5 },
      ),
    ).to.deep.equal([]);
  });
});
