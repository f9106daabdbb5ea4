import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { freePortPair } from "../../compat-tests/support/broker-process.ts";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { Metadata } from "../../protocol/apis/03-metadata.ts";
import { CreateTopics } from "../../protocol/apis/19-create-topics.ts";
import type { Broker } from "../../src/broker.ts";
import { batchOf, fetchRequest, produceTo, RawClient, startTestBroker, valuesOf } from "../support/broker.ts";

describe("three brokers in one process, over real sockets", () => {
  const directory = mkdtempSync(join(tmpdir(), "samsa-cluster-"));
  const brokers = new Map<number, Broker>();
  const ports: number[] = [];

  after(async () => {
    await Promise.all([...brokers.values()].map(broker => broker.stop()));
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(nodeId: number): Promise<void> {
    const peers = ports.map(port => `127.0.0.1:${port}`).join(",");
    const dataDir = join(directory, `${nodeId}`);
    const options = { nodeId, port: ports[nodeId - 1]!, dataDir, config: { "samsa.peers": peers } };
    brokers.set(nodeId, await startTestBroker(options));
  }

  async function connect(nodeId: number): Promise<RawClient> {
    return RawClient.connect(brokers.get(nodeId)!.address);
  }

  async function leaderOf(client: RawClient): Promise<number> {
    const { topics } = await client.request(Metadata, 12, {
      topics: [{ name: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAA" }],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
    return topics[0]!.partitions[0]!.leaderId;
  }

  it("replicate, hand over when one stops, and take it back", async () => {
    while (ports.length < 3) {
      const port = await freePortPair();
      if (!ports.includes(port)) ports.push(port);
    }
    await Promise.all([1, 2, 3].map(start));
    let client = await connect(1);
    const topic = { name: "t", numPartitions: 1, replicationFactor: 3, assignments: [], configs: [] };
    const { topics } = await client.request(CreateTopics, 7, { topics: [topic], timeoutMs: 10_000 });
    expect(topics[0]?.errorCode).to.equal(0);
    const leader = await leaderOf(client);
    client.close();
    client = await connect(leader);
    expect((await produceTo(client, { topic: "t" }, batchOf(["a", "b"]))).errorCode).to.equal(0);
    client.close();

    await brokers.get(leader)!.stop();
    brokers.delete(leader);
    const other = leader === 1 ? 2 : 1;
    client = await connect(other);
    const next = await leaderOf(client);
    expect(next).to.be.oneOf([1, 2, 3].filter(id => id !== leader));
    client.close();
    client = await connect(next);
    expect((await produceTo(client, { topic: "t" }, batchOf(["c"]))).errorCode).to.equal(0);
    await start(leader);
    const { responses } = await client.request(Fetch, 12, fetchRequest([{ topic: "t" }], { maxWaitMs: 1000 }));
    expect(valuesOf(responses[0]!.partitions[0]!.records)).to.deep.equal(["a", "b", "c"]);
    client.close();
  });
});
