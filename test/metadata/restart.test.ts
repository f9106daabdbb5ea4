import { expect } from "chai";
import { quorumVersionOf } from "../../src/broker/controller-part.ts";
import { BrokerConfig } from "../../src/config/index.ts";
import { Controller } from "../../src/metadata/controller/controller.ts";
import { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { initialBootstrapRecords } from "../../src/metadata/storage/bootstrap.ts";
import { SnapshotGenerator } from "../../src/raft/snapshot-generator.ts";
import { VoterFixture } from "../raft/support/voter.ts";
import { CLUSTER_ID, newTopic, registration, uuidOf } from "./support/controller-fixture.ts";
import { plain } from "./support/kafka-metadata.ts";

/** A node's metadata over a real one-voter log on a disk in memory. */
class Node {
  readonly fixture: VoterFixture;
  readonly store: MetadataStore;
  readonly controller: Controller;
  readonly snapshots: SnapshotGenerator;

  private constructor(fixture: VoterFixture, maxBytesBetweenSnapshots: number) {
    const { voter: log, time, random, logger } = fixture;
    this.fixture = fixture;
    this.store = new MetadataStore({ log, logger });
    const source = () => this.store.snapshotImage();
    const onFatal = (error: Error) => fixture.fatal.push(error);
    this.snapshots = new SnapshotGenerator(
      { maxBytesBetweenSnapshots, maxIntervalMs: 0 },
      { log, source, timers: time, logger, onFatal },
    );
    this.controller = new Controller(
      { nodeId: 1, clusterId: CLUSTER_ID, bootstrapRecords: initialBootstrapRecords() },
      {
        log,
        quorumVersion: quorumVersionOf(log),
        config: BrokerConfig.load({ overrides: { "node.id": "1", "metadata.max.idle.interval.ms": "0" } }),
        clock: time,
        timers: time,
        random,
        logger,
        awaitApplied: offset => this.store.waitFor(offset),
      },
    );
  }

  /** Starts a process: its broker has another incarnation each time. */
  static async start(fixture: VoterFixture, incarnation: number, maxBytesBetweenSnapshots = 1e9): Promise<Node> {
    await fixture.start();
    const node = new Node(fixture, maxBytesBetweenSnapshots);
    node.store.start();
    node.controller.start();
    node.snapshots.start();
    await node.complete(node.controller.whenActive());
    const request = { ...registration(1), incarnationId: uuidOf(incarnation) };
    const { brokerEpoch } = await node.complete(node.controller.registerBroker(request));
    await node.complete(node.controller.unfenceBroker(1, brokerEpoch));
    return node;
  }

  complete<T>(promise: Promise<T>): Promise<T> {
    return this.fixture.time.complete(promise);
  }

  async create(...names: string[]): Promise<void> {
    const topics = names.map(name => newTopic(name, { numPartitions: 3 }));
    await this.complete(this.controller.createTopics({ topics, timeoutMs: 10_000, validateOnly: false }));
  }

  get topics(): unknown {
    return (plain(this.store.image) as { ids: [string, { name: string }][] }).ids.map(([id, { name }]) => [id, name]);
  }
}

describe("metadata over a one-voter log", () => {
  it("is what was answered for after a crash that loses all that was not flushed", async () => {
    const fixture = new VoterFixture();
    const before = await Node.start(fixture, 1);
    await before.create("a", "b");
    const topics = before.topics;
    fixture.crash();
    const after = await Node.start(fixture, 2);
    expect(after.topics).to.deep.equal(topics);
    for (const topic of after.store.image.topics.byId.values()) {
      expect(topic.partitions.map(({ leader, leaderEpoch }) => [leader, leaderEpoch])).to.deep.equal([
        [1, 2],
        [1, 2],
        [1, 2],
      ]);
    }
    expect(fixture.fatal).to.deep.equal([]);
  });

  it("comes back from a snapshot and the log behind it", async () => {
    const fixture = new VoterFixture();
    const before = await Node.start(fixture, 1, 500);
    for (const name of ["a", "b", "c"]) {
      await before.create(name);
      await fixture.time.advance(100);
    }
    expect(fixture.voter.latestSnapshotId?.endOffset).to.be.greaterThan(0);
    await before.create("d");
    const topics = before.topics;
    fixture.crash();
    const after = await Node.start(fixture, 2);
    expect(after.topics).to.deep.equal(topics);
    expect(fixture.fatal).to.deep.equal([]);
  });
});
