import { expect } from "chai";
import { Produce } from "../../protocol/apis/00-produce.ts";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { ListGroups } from "../../protocol/apis/16-list-groups.ts";
import { DeleteTopics } from "../../protocol/apis/20-delete-topics.ts";
import { Envelope } from "../../protocol/apis/58-envelope.ts";
import { UnregisterBroker } from "../../protocol/apis/64-unregister-broker.ts";
import { AddRaftVoter } from "../../protocol/apis/80-add-raft-voter.ts";
import { RemoveRaftVoter } from "../../protocol/apis/81-remove-raft-voter.ts";
import { Errors } from "../../protocol/errors.ts";
import { encodeRequest } from "../../protocol/frame.ts";
import { DefaultPrincipalData } from "../../protocol/internal/principal.ts";
import { encodeVersioned } from "../../protocol/internal/versioned.ts";
import { batchOf, fetchRequest, produceRequest, valuesOf } from "../support/broker.ts";
import { BrokerCluster } from "./support/broker-cluster.ts";

const ALL = [1, 2, 3];

async function started(config: Readonly<Record<string, string>> = {}, seed = 1): Promise<BrokerCluster> {
  const cluster = new BrokerCluster({ count: 3, seed, config });
  await cluster.startAll();
  return cluster;
}

/** Leader of partition 0 as a node knows it; -1 while there is none. */
async function leaderOf(cluster: BrokerCluster, askedId: number, topic: string): Promise<number> {
  const { topics } = await cluster.metadata(askedId, topic);
  return topics[0]?.partitions[0]?.leaderId ?? -1;
}

/** Produces to partition 0 as a client that retries; gives how long that took. */
async function produce(cluster: BrokerCluster, askedId: number, topic: string, value: string): Promise<number> {
  const startedMs = cluster.nowMs;
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const leader = await leaderOf(cluster, askedId, topic);
    if (leader > 0 && cluster.brokers.has(leader)) {
      const records = batchOf([value], { timestamp: 1 });
      const response = await cluster.ask(leader, Produce, produceRequest({ topic }, records), {
        versions: { max: 12 },
      });
      if (response.responses[0]?.partitionResponses[0]?.errorCode === Errors.NONE) return cluster.nowMs - startedMs;
    }
    await cluster.advance(10);
  }
  throw new Error(`${topic} could not be written`);
}

async function values(cluster: BrokerCluster, askedId: number, topic: string): Promise<string[]> {
  const leader = await leaderOf(cluster, askedId, topic);
  const response = await cluster.ask(leader, Fetch, fetchRequest([{ topic }]), { versions: { max: 12 } });
  return valuesOf(response.responses[0]!.partitions[0]!.records as Buffer);
}

describe("a cluster of three", () => {
  it("takes what is for the controller at any broker, and answers when all know it", async () => {
    const cluster = await started();
    for (const id of ALL) {
      expect(await cluster.createTopic(id, `t${id}`)).to.equal(Errors.NONE);
      for (const asked of ALL) expect(await leaderOf(cluster, asked, `t${id}`), `at ${asked}`).to.be.oneOf(ALL);
    }
    expect(await cluster.createTopic(2, "t1")).to.equal(Errors.TOPIC_ALREADY_EXISTS);
  });

  for (const victim of ["the active controller", "another node"]) {
    it(`goes on within 300 ms when ${victim} is killed`, async () => {
      for (let seed = 1; seed <= 5; seed += 1) {
        const cluster = await started({}, seed);
        const controller = cluster.activeController;
        const isController = victim === "the active controller";
        const id = isController ? controller : ALL.find(other => other !== controller)!;
        for (const name of ["a", "b", "c"]) expect(await cluster.createTopic(1, name)).to.equal(Errors.NONE);
        let topic = "a";
        for (const name of ["a", "b", "c"]) if ((await leaderOf(cluster, 1, name)) === id) topic = name;
        await produce(cluster, 1, topic, "before");
        const asked = ALL.find(other => other !== id)!;
        await cluster.advance(1_000);
        cluster.end(id);
        const tookMs = await produce(cluster, asked, topic, "after");
        expect(tookMs, `seed ${seed}`).to.be.below(300);
        expect(await values(cluster, asked, topic)).to.deep.equal(["before", "after"]);
        const { brokers } = await cluster.metadata(asked, topic);
        expect(brokers.map(({ nodeId }) => nodeId)).to.not.include(id);
        if (isController) expect(cluster.activeController).to.not.equal(controller);
        // It comes back, and into the in-sync replicas.
        await cluster.complete(cluster.start(id));
        let isr: readonly number[] = [];
        for (let round = 0; round < 100 && isr.length < 3; round += 1) {
          await cluster.advance(50);
          isr = (await cluster.metadata(asked, topic)).topics[0]!.partitions[0]!.isrNodes;
        }
        expect([...isr].sort()).to.deep.equal(ALL);
      }
    });
  }

  it("has leaders elsewhere before a broker stops", async () => {
    const cluster = await started();
    expect(await cluster.createTopic(1, "t")).to.equal(Errors.NONE);
    const leader = await leaderOf(cluster, 1, "t");
    const asked = ALL.find(id => id !== leader)!;
    const stopping = cluster.brokers.get(leader)!.stop();
    let isStopped = false;
    stopping.then(() => {
      isStopped = true;
    });
    await cluster.until(() => isStopped, 10_000);
    const after = await leaderOf(cluster, asked, "t");
    expect(after).to.be.oneOf(ALL.filter(id => id !== leader));
    expect(cluster.loggers.get(leader)!.of("broker.shutdown-not-granted")).to.have.length(0);
    expect(await produce(cluster, asked, "t", "x")).to.be.below(50);
  });

  it("answers administrators while a broker hangs, and fences that when its session is over", async () => {
    const cluster = await started({ "broker.session.timeout.ms": "4000" });
    const hanging = ALL.find(id => id !== cluster.activeController)!;
    const asked = cluster.activeController;
    cluster.machine(hanging).pause();
    const startedMs = cluster.nowMs;
    expect(await cluster.createTopic(asked, "t", 2)).to.equal(Errors.NONE);
    expect(cluster.nowMs - startedMs).to.be.within(400, 1_000);
    await cluster.advance(6_000);
    expect((await cluster.metadata(asked, "t")).brokers.map(({ nodeId }) => nodeId)).to.not.include(hanging);
    cluster.machine(hanging).resume();
    await cluster.advance(3_000);
    expect((await cluster.metadata(asked, "t")).brokers).to.have.length(3);
  });

  for (const victim of ["the active controller", "another node"]) {
    it(`goes on within 2 s when ${victim} falls silent`, async () => {
      for (let seed = 1; seed <= 5; seed += 1) {
        const cluster = await started({}, seed);
        const controller = cluster.activeController;
        const id = victim === "the active controller" ? controller : ALL.find(other => other !== controller)!;
        for (const name of ["a", "b", "c"]) expect(await cluster.createTopic(1, name)).to.equal(Errors.NONE);
        let topic = "a";
        for (const name of ["a", "b", "c"]) if ((await leaderOf(cluster, 1, name)) === id) topic = name;
        const asked = ALL.find(other => other !== id)!;
        await produce(cluster, asked, topic, "before");
        await cluster.advance(1_000 + seed * 61);
        cluster.machine(id).pause();
        const startedMs = cluster.nowMs;
        const silent = cluster.brokers.get(id)!;
        cluster.brokers.delete(id);
        await produce(cluster, asked, topic, "after");
        expect(cluster.nowMs - startedMs, `seed ${seed}`).to.be.below(2_000);
        cluster.brokers.set(id, silent);
        cluster.machine(id).resume();
        await cluster.advance(3_000);
        expect((await cluster.metadata(asked, topic)).brokers).to.have.length(3);
        expect(await values(cluster, asked, topic)).to.deep.equal(["before", "after"]);
      }
    });
  }

  it("is not troubled by event loops that stand still for half a second", async () => {
    const cluster = await started();
    const epoch = (await cluster.quorum(1)).leaderEpoch;
    for (let round = 0; round < 30; round += 1) {
      const id = ALL[round % 3]!;
      cluster.machine(id).pause();
      await cluster.advance(500);
      cluster.machine(id).resume();
      await cluster.advance(1_000);
    }
    expect((await cluster.quorum(1)).leaderEpoch).to.equal(epoch);
    for (const logger of cluster.loggers.values()) expect(logger.of("broker.fenced")).to.deep.equal([]);
  });

  it("sends a node that fell behind a snapshot", async () => {
    const cluster = await started({
      "metadata.log.max.record.bytes.between.snapshots": "4000",
      "metadata.max.retention.bytes": "1000",
    });
    const away = ALL.find(id => id !== cluster.activeController)!;
    const asked = cluster.activeController;
    cluster.end(away);
    await cluster.advance(500);
    for (let index = 0; index < 40; index += 1) {
      expect(await cluster.createTopic(asked, `t${index}`, 1, 2)).to.equal(Errors.NONE);
    }
    await cluster.advance(1_000);
    await cluster.complete(cluster.start(away));
    expect(cluster.loggers.get(away)!.of("snapshot.downloaded"), "snapshots").to.have.length.above(0);
    expect(await leaderOf(cluster, away, "t0")).to.be.oneOf(ALL);
    expect(await leaderOf(cluster, away, "t39")).to.be.oneOf(ALL);
  });

  it("forgets a broker that is gone for good, and takes it again", async () => {
    const cluster = await started();
    const gone = ALL.find(id => id !== cluster.activeController)!;
    const asked = cluster.activeController;
    const refused = await cluster.ask(asked, UnregisterBroker, { brokerId: gone });
    expect(refused.errorCode).to.equal(Errors.INVALID_REQUEST);
    cluster.end(gone);
    await cluster.advance(500);
    expect((await cluster.ask(asked, UnregisterBroker, { brokerId: gone })).errorCode).to.equal(Errors.NONE);
    await cluster.complete(cluster.start(gone));
    expect((await cluster.metadata(asked, "t")).brokers).to.have.length(3);
  });

  it("answers the one who has the leader of the quorum removed", async () => {
    const cluster = await started({ "controller.quorum.auto.join.enable": "false" });
    const leader = cluster.activeController;
    const asked = ALL.find(id => id !== leader)!;
    const { currentVoters } = await cluster.quorum(asked);
    const voter = currentVoters.find(({ replicaId }) => replicaId === leader)!;
    const body = { clusterId: null, voterId: leader, voterDirectoryId: voter.replicaDirectoryId };
    const { errorCode } = await cluster.ask(asked, RemoveRaftVoter, body);
    expect(errorCode).to.equal(Errors.NONE);
    await cluster.until(() => cluster.activeController !== leader);
    await cluster.advance(1_000);
    const after = await cluster.quorum(asked);
    expect(after.currentVoters.map(({ replicaId }) => replicaId)).to.deep.equal(ALL.filter(id => id !== leader));
    expect(after.observers.map(({ replicaId }) => replicaId)).to.deep.equal([leader]);
    // And back again, by way of any broker.
    const endpoint = { name: "CONTROLLER", host: `n${leader}`, port: 19_092 };
    const addition = { ...body, timeoutMs: 5_000, listeners: [endpoint], ackWhenCommitted: true };
    expect((await cluster.ask(leader, AddRaftVoter, addition)).errorCode).to.equal(Errors.NONE);
    expect((await cluster.quorum(asked)).currentVoters).to.have.length(3);
  });

  it("comes back after all nodes lost power at once", async () => {
    const cluster = await started();
    expect(await cluster.createTopic(1, "t")).to.equal(Errors.NONE);
    await produce(cluster, 1, "t", "kept");
    for (const id of ALL) cluster.end(id, "power");
    await cluster.startAll();
    await produce(cluster, 1, "t", "later");
    expect(await values(cluster, 1, "t")).to.deep.equal(["kept", "later"]);
  });

  it("stops all at once without waiting for each other", async () => {
    const cluster = await started();
    const startedMs = cluster.nowMs;
    await cluster.complete(Promise.all(ALL.map(id => cluster.brokers.get(id)!.stop())));
    expect(cluster.nowMs - startedMs).to.be.below(5_000);
  });

  it("stops its last node without waiting for a controller that cannot be elected any more", async () => {
    const cluster = await started();
    expect(await cluster.createTopic(1, "t")).to.equal(Errors.NONE);
    await cluster.stop(1);
    await cluster.stop(2);
    const startedMs = cluster.nowMs;
    await cluster.stop(3);
    expect(cluster.nowMs - startedMs).to.be.below(500);
  });

  it("has a node's leaderships moved before it stops while another is down, since a majority is left", async () => {
    const cluster = await started();
    expect(await cluster.createTopic(1, "t")).to.equal(Errors.NONE);
    await cluster.stop(1);
    await cluster.stop(2);
    expect(await leaderOf(cluster, 3, "t")).to.equal(3);
  });
});

describe("Envelope", () => {
  const principal = encodeVersioned(DefaultPrincipalData, 0, { type: "User", name: "a", tokenAuthenticated: false });
  const clientHostAddress = Buffer.from([127, 0, 0, 1]);
  const request = {
    requestData: Buffer.concat(
      encodeRequest(DeleteTopics, 6, 1, "c", { topics: [], topicNames: [], timeoutMs: 1000 }),
    ).subarray(4),
    requestPrincipal: principal,
    clientHostAddress,
  };

  it("is refused where nobody may have sent it so", async () => {
    const cluster = await started();
    const controller = cluster.activeController;
    const other = ALL.find(id => id !== controller)!;
    const ask = (id: number, changes: object) =>
      cluster.ask(id, Envelope, { ...request, ...changes }, { port: 19_092 });
    expect((await ask(controller, {})).errorCode).to.equal(Errors.NONE);
    expect((await ask(other, {})).errorCode).to.equal(Errors.NOT_CONTROLLER);
    const badPrincipal = { requestPrincipal: Buffer.from("no principal") };
    expect((await ask(controller, badPrincipal)).errorCode).to.equal(Errors.PRINCIPAL_DESERIALIZATION_FAILURE);
    expect((await ask(controller, { requestPrincipal: null })).errorCode).to.equal(
      Errors.PRINCIPAL_DESERIALIZATION_FAILURE,
    );
    const garbage = { requestData: Buffer.from([0, 20, 0]) };
    expect((await ask(controller, garbage)).errorCode).to.equal(Errors.INVALID_REQUEST);
    const truncated = { requestData: request.requestData.subarray(0, 12) };
    expect((await ask(controller, truncated)).errorCode).to.equal(Errors.INVALID_REQUEST);
    const notForwarded = Buffer.concat(encodeRequest(ListGroups, 4, 1, "c", { statesFilter: [], typesFilter: [] }));
    expect((await ask(controller, { requestData: notForwarded.subarray(4) })).errorCode).to.equal(
      Errors.INVALID_REQUEST,
    );
    const newer = Buffer.from(request.requestData);
    newer.writeInt16BE(99, 2);
    expect((await ask(controller, { requestData: newer })).errorCode).to.be.oneOf([
      Errors.UNSUPPORTED_VERSION,
      Errors.INVALID_REQUEST,
    ]);
  });
});
