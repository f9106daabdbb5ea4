import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { joinPath } from "../../src/platform/files.ts";
import { BrokerCluster } from "./support/broker-cluster.ts";

/** What a promise was rejected with. */
async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not fail");
}

describe("nodes that are told of each other", () => {
  it("found one cluster, of which all are voters", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    const brokers = await cluster.startAll();
    expect(new Set(brokers.map(({ clusterId }) => clusterId))).to.have.property("size", 1);
    const { currentVoters } = await cluster.quorum(1);
    expect(currentVoters.map(({ replicaId }) => replicaId)).to.deep.equal([1, 2, 3]);
    const { brokers: known, controllerId } = await cluster.metadata(2, "t");
    expect(known.map(({ nodeId, host }) => [nodeId, host])).to.deep.equal([
      [1, "n1"],
      [2, "n2"],
      [3, "n3"],
    ]);
    expect(controllerId).to.equal(cluster.activeController);
  });

  it("wait for the last of them", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    const early = [cluster.start(1), cluster.start(2)];
    await cluster.advance(20_000);
    expect([...cluster.brokers.values()].map(({ clusterId }) => clusterId)).to.deep.equal(["", ""]);
    expect(cluster.machine(1).disk.exists("/data/meta.properties")).to.equal(false);
    expect(cluster.loggers.get(1)?.of("cluster.waiting").at(-1)?.fields.why).to.include("n3:9092");
    await cluster.complete(Promise.all([...early, cluster.start(3)]));
  });

  it("need not be told of themselves, and may be named by id", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    await cluster.complete(
      Promise.all([
        cluster.start(1, { "samsa.peers": "2@n2:9092,3@n3:9092" }),
        cluster.start(2, { "samsa.peers": "n1:9092,n3:9092" }),
        cluster.start(3),
      ]),
    );
  });

  it("come back as the same cluster, a majority of them being enough", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    const [first] = await cluster.startAll();
    expect(await cluster.createTopic(1, "kept")).to.equal(Errors.NONE);
    for (const id of [1, 2, 3]) cluster.end(id);
    const again = await cluster.complete(Promise.all([cluster.start(1), cluster.start(3)]));
    expect(again.map(({ clusterId }) => clusterId)).to.deep.equal([first!.clusterId, first!.clusterId]);
    expect((await cluster.metadata(3, "kept")).topics[0]?.errorCode).to.equal(Errors.NONE);
  });

  it("found nothing while one that crashed on the way is away, and then with its promise", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    const first = cluster.start(1);
    first.catch(() => {});
    await cluster.advance(500);
    const promised = cluster.machine(1).disk.readFile("/data/samsa.formation").toString();
    cluster.end(1, "power");
    const others = [cluster.start(2), cluster.start(3)];
    await cluster.advance(5_000);
    expect(cluster.machine(2).disk.exists("/data/meta.properties")).to.equal(false);
    await cluster.complete(Promise.all([...others, cluster.start(1)]));
    const { directoryId } = JSON.parse(promised) as { directoryId: string };
    const { currentVoters } = await cluster.quorum(1);
    expect(currentVoters[0]?.replicaDirectoryId).to.equal(directoryId);
  });

  it("take in a founder that was killed before it had heard of the cluster", async () => {
    for (let atMs = 0; atMs < 12; atMs += 1) {
      const cluster = new BrokerCluster({ count: 3, seed: atMs });
      const others = [cluster.start(1), cluster.start(2)];
      await cluster.advance(300);
      cluster.start(3).catch(() => {});
      await cluster.advance(atMs);
      cluster.end(3, "power");
      await cluster.advance(2_000);
      const third = cluster.start(3);
      const all = await cluster.complete(Promise.all([...others, third]));
      expect(new Set(all.map(({ clusterId }) => clusterId)), `killed at ${atMs} ms`).to.have.property("size", 1);
      const { currentVoters } = await cluster.quorum(1);
      expect(
        currentVoters.map(({ replicaId }) => replicaId),
        `killed at ${atMs} ms`,
      ).to.deep.equal([1, 2, 3]);
    }
  });

  it("take in a node whose disk was lost, under its new directory", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    const [first] = await cluster.startAll();
    const before = (await cluster.quorum(1)).currentVoters;
    cluster.end(3);
    cluster.machine(3).replaceDisk();
    const third = await cluster.complete(cluster.start(3));
    expect(third.clusterId).to.equal(first!.clusterId);
    const voterDirectory = async () =>
      (await cluster.quorum(1)).currentVoters.find(({ replicaId }) => replicaId === 3)?.replicaDirectoryId;
    let after = await voterDirectory();
    for (let round = 0; round < 50 && (after === undefined || after === before[2]?.replicaDirectoryId); round += 1) {
      await cluster.advance(200);
      after = await voterDirectory();
    }
    expect(after).to.have.length(22);
    expect(after).to.not.equal(before[2]?.replicaDirectoryId);
  });

  it("let a single node grow into a cluster", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    const alone = await cluster.complete(cluster.start(1, { "samsa.peers": "" }));
    const others = await cluster.complete(Promise.all([cluster.start(2), cluster.start(3)]));
    expect(others.map(({ clusterId }) => clusterId)).to.deep.equal([alone.clusterId, alone.clusterId]);
    let voters = 0;
    for (let round = 0; round < 100 && voters < 3; round += 1) {
      await cluster.advance(200);
      voters = (await cluster.quorum(1)).currentVoters.length;
    }
    expect(voters).to.equal(3);
  });

  it("refuse two of one id, and others than they were told", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    const [same, twice] = [cluster.start(1), cluster.start(2, { "node.id": "1" })];
    expect((await failureOf(cluster.complete(twice))).message).to.match(/node id 1 \(node.id\) is in use .* n1:9092/);
    same.catch(() => {});
    const other = new BrokerCluster({ count: 2 });
    const first = other.start(1, { "samsa.peers": "7@n2:9092" });
    other.start(2).catch(() => {});
    expect((await failureOf(other.complete(first))).message).to.equal("the node at n2:9092 is node 2, not 7");
  });

  it("refuse peers of different clusters", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    await cluster.complete(Promise.all([1, 2].map(id => cluster.start(id, { "samsa.peers": "" }))));
    const failure = await failureOf(cluster.complete(cluster.start(3)));
    expect(failure.name).to.equal("BrokerStartError");
    expect(failure.message).to.include("different clusters");
    expect(cluster.machine(3).disk.exists("/data/meta.properties")).to.equal(false);
  });

  it("can be stopped while they wait, and leave nothing locked", async () => {
    const cluster = new BrokerCluster({ count: 2 });
    const starting = cluster.start(1);
    starting.catch(() => {});
    await cluster.advance(1_000);
    const broker = cluster.brokers.get(1)!;
    await cluster.complete(broker.stop());
    expect((await failureOf(starting)).message).to.include("stopped");
    cluster.end(1);
    await cluster.complete(Promise.all([cluster.start(1), cluster.start(2)]));
  });
});

describe("a start", () => {
  it("is given up at once when the disk fails meanwhile", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    await cluster.startAll();
    for (const id of [1, 2, 3]) cluster.end(id);
    cluster.machine(3).disk.addFault({ operation: "writev", path: "quorum-state", code: "EIO" });
    const beganMs = cluster.nowMs;
    cluster.start(1).catch(() => {});
    const failure = await failureOf(cluster.complete(cluster.start(3)));
    expect(failure.message).to.include("EIO");
    expect(cluster.nowMs - beganMs).to.be.below(5_000);
    expect(cluster.brokers.get(3)!.isStopping).to.equal(true);
  });
});

describe("roles and ways to name a quorum", () => {
  it("has controllers and brokers apart", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    const controllerOnly = { "process.roles": "controller", listeners: "CONTROLLER://n1:9092" };
    const brokers = ["2", "3"].map(id => cluster.start(Number(id), { "process.roles": "broker" }));
    const controller = cluster.start(1, controllerOnly);
    await cluster.complete(Promise.all([controller, ...brokers]));
    expect(await cluster.createTopic(2, "t", 2)).to.equal(Errors.NONE);
    const { brokers: known, controllerId, topics } = await cluster.metadata(3, "t");
    expect(known.map(({ nodeId }) => nodeId)).to.deep.equal([2, 3]);
    // Clients know no controller that is no broker: any broker passes on what is for it.
    expect(controllerId).to.be.oneOf([2, 3]);
    expect(topics[0]?.partitions[0]?.isrNodes).to.have.members([2, 3]);
    const { currentVoters, observers } = await cluster.quorum(3);
    expect(currentVoters.map(({ replicaId }) => replicaId)).to.deep.equal([1]);
    expect(observers.map(({ replicaId }) => replicaId)).to.have.members([2, 3]);
  });

  it("takes configured voters", async () => {
    const cluster = new BrokerCluster({ count: 3 });
    const voters = "1@n1:19092,2@n2:19092,3@n3:19092";
    const config = { "samsa.peers": "", "controller.quorum.voters": voters };
    const brokers = await cluster.startAll(config);
    expect(new Set(brokers.map(({ clusterId }) => clusterId))).to.have.property("size", 1);
    expect(cluster.machine(1).disk.list("/data/__cluster_metadata-0")).to.not.include(
      "00000000000000000000-0000000000.checkpoint",
    );
    expect(await cluster.createTopic(1, "t")).to.equal(Errors.NONE);
    for (const id of [1, 2, 3]) cluster.end(id);
    await cluster.startAll(config);
    // A configured voter is known by its id alone: an empty disk must not vote in place of the one that was lost.
    cluster.end(3);
    cluster.machine(3).replaceDisk();
    const failure = await failureOf(cluster.complete(cluster.start(3, config)));
    expect(failure.message).to.include("not one it was founded with");
  });

  it("finds a cluster by bootstrap servers", async () => {
    const cluster = new BrokerCluster({ count: 2 });
    const first = await cluster.complete(cluster.start(1, { "samsa.peers": "" }));
    const config = { "samsa.peers": "", "controller.quorum.bootstrap.servers": "n1:19092" };
    const second = await cluster.complete(cluster.start(2, { ...config, "process.roles": "broker" }));
    expect(second.clusterId).to.equal(first.clusterId);
    const { currentVoters, observers } = await cluster.quorum(2);
    expect(currentVoters).to.have.length(1);
    expect(observers.map(({ replicaId }) => replicaId)).to.deep.equal([2]);
  });

  it("refuses a directory of another cluster", async () => {
    const cluster = new BrokerCluster({ count: 2 });
    await cluster.complete(cluster.start(1, { "samsa.peers": "" }));
    await cluster.complete(cluster.start(2, { "samsa.peers": "" }));
    cluster.end(2);
    const path = joinPath("/data", "meta.properties");
    // As an observer of the first cluster it is refused there, with Kafka's own error, and never joins.
    expect(cluster.machine(2).disk.readFile(path).toString()).to.include("node.id=2");
    const config = {
      "samsa.peers": "",
      "process.roles": "broker",
      "controller.quorum.bootstrap.servers": "n1:19092",
      "initial.broker.registration.timeout.ms": "5000",
    };
    const failure = await failureOf(cluster.complete(cluster.start(2, config)));
    expect((failure as { code?: number }).code).to.equal(Errors.REQUEST_TIMED_OUT);
  });
});
