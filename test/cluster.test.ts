import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Produce } from "../protocol/apis/00-produce.ts";
import { Metadata } from "../protocol/apis/03-metadata.ts";
import { CreateTopics } from "../protocol/apis/19-create-topics.ts";
import { Errors } from "../protocol/errors.ts";
import { ZERO_UUID } from "../protocol/schema.ts";
import type { ClusterStatus } from "../src/client/cluster-status.ts";
import { Cluster } from "../src/cluster.ts";
import { memoryLogger } from "../src/logging/index.ts";
import { createNodePlatform } from "../src/platform/node.ts";
import { batchOf, produceRequest, RawClient } from "./support/broker.ts";

const CONFIG = { "samsa.log.disk.reserve.bytes": 0, "samsa.log.disk.reserve.ratio": 0 };

describe("Cluster", function () {
  this.timeout(30_000);
  const clusters: Cluster[] = [];
  afterEach(async () => {
    for (const cluster of clusters.splice(0)) await cluster.stop();
  });

  async function start(options: Parameters<typeof Cluster.start>[0]): Promise<Cluster> {
    const cluster = await Cluster.start({ ...options, config: { ...CONFIG, ...options?.config } });
    clusters.push(cluster);
    return cluster;
  }

  async function createTopic(
    cluster: Cluster,
    name: string,
  ): Promise<{ errorCode: number; replicationFactor: number }> {
    const client = await RawClient.connect(cluster.brokers[0]!.address);
    const topic = { name, numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] };
    const response = await client.request(CreateTopics, 7, { topics: [topic], timeoutMs: 10_000 });
    client.close();
    return response.topics[0]!;
  }

  async function leaderOf(cluster: Cluster, name: string): Promise<number> {
    const client = await RawClient.connect(cluster.brokers[0]!.address);
    const { topics } = await client.request(Metadata, 9, {
      topics: [{ name, topicId: ZERO_UUID }],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
    client.close();
    return topics[0]!.partitions[0]!.leaderId;
  }

  /** Gives the error code. */
  async function produce(cluster: Cluster, nodeId: number, topic: string, value: string): Promise<number> {
    const client = await RawClient.connect(cluster.broker(nodeId).address);
    const { responses } = await client.request(Produce, 11, produceRequest({ topic }, batchOf([value])));
    client.close();
    return responses[0]!.partitionResponses[0]!.errorCode;
  }

  it("starts three brokers that replicate, and goes on with two", async () => {
    const cluster = await start({ brokers: 3 });
    expect(cluster.brokers.map(({ nodeId }) => nodeId)).to.deep.equal([1, 2, 3]);
    expect(new Set(cluster.brokers.map(({ clusterId }) => clusterId)).size).to.equal(1);
    expect(cluster.bootstrapServers.split(",")).to.have.length(3);
    expect(await createTopic(cluster, "orders")).to.include({ errorCode: 0, replicationFactor: 3 });

    const whole = await cluster.status();
    expect(whole.clusterId).to.equal(cluster.broker(1).clusterId);
    expect(whole.nodes.map(({ node, fenced, inSync }) => [node, fenced, inSync])).to.deep.equal([
      [1, false, 1],
      [2, false, 1],
      [3, false, 1],
    ]);
    expect(whole.quorum.voters.map(({ node }) => node).sort()).to.deep.equal([1, 2, 3]);
    expect(whole.partitions).to.include({ topics: 1, count: 1 });
    expect(whole.partitions.underReplicated).to.deep.equal([]);

    const leader = await leaderOf(cluster, "orders");
    expect(await produce(cluster, leader, "orders", "before")).to.equal(0);
    await cluster.stopBroker(leader);
    expect(cluster.brokers).to.have.length(2);
    expect(() => cluster.broker(leader)).to.throw(`node ${leader} does not run`);
    // Whoever is asked learns it from the controller, of which there may be another now.
    let less: ClusterStatus;
    do less = await cluster.status();
    while (less.nodes.every(({ fenced }) => !fenced));
    expect(less.nodes.filter(({ fenced }) => fenced).map(({ node }) => node)).to.deep.equal([leader]);
    expect(less.partitions.underReplicated).to.deep.equal(["orders-0"]);
    let next: number;
    do next = await leaderOf(cluster, "orders");
    while (next === leader || next === -1);
    let errorCode: number;
    do errorCode = await produce(cluster, next, "orders", "after");
    while (errorCode === Errors.NOT_LEADER_OR_FOLLOWER);
    expect(errorCode).to.equal(0);

    const back = await cluster.startBroker(leader);
    expect(back.nodeId).to.equal(leader);
    expect(cluster.brokers).to.have.length(3);
  });

  it("keeps its data where it is told to, over a stop of all", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "samsa-cluster-"));
    try {
      const first = await start({ brokers: 3, dataDir });
      const { clusterId } = first.brokers[0]!;
      await createTopic(first, "kept");
      await first.stop();
      const second = await start({ brokers: 3, dataDir });
      expect(second.brokers[0]!.clusterId).to.equal(clusterId);
      const leader = await leaderOf(second, "kept");
      // The others may be on their way back into the ISR.
      let errorCode: number;
      do errorCode = await produce(second, leader, "kept", "value");
      while (errorCode === Errors.NOT_ENOUGH_REPLICAS || errorCode === Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
      expect(errorCode).to.equal(0);
      await second.stop();
      const error = await Cluster.start({ brokers: 2, dataDir }).catch((reason: unknown) => reason);
      expect((error as Error).message).to.contain("has 3 brokers, not 2");
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });

  it("removes a temporary directory, and tells nodes apart in what it logs", async () => {
    const logger = memoryLogger();
    const platform = createNodePlatform();
    const cluster = await start({ brokers: 1, logger, platform });
    const [directory] = cluster.broker(1).config.logDirs as [string];
    expect(platform.disk.exists(directory)).to.equal(true);
    await cluster.stop();
    expect(platform.disk.exists(directory)).to.equal(false);
    expect(logger.of("broker.started").map(({ fields }) => fields.node)).to.deep.equal([1]);
  });

  it("refuses a size that is none, and leaves nothing running when a node cannot start", async () => {
    for (const brokers of [0, -1, 1.5, Number.NaN]) {
      const error = await Cluster.start({ brokers }).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(RangeError);
    }
    const error = await Cluster.start({ brokers: 3, config: { "num.partitions": "none" } }).catch(
      (reason: unknown) => reason,
    );
    expect((error as Error).name).to.equal("ConfigError");
  });
});
