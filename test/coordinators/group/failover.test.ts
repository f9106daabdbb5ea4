/** Groups whose coordinator moves: to another broker, and back. */
import { expect } from "chai";
import { OffsetCommit } from "../../../protocol/apis/08-offset-commit.ts";
import { JoinGroup } from "../../../protocol/apis/11-join-group.ts";
import { Heartbeat } from "../../../protocol/apis/12-heartbeat.ts";
import { ConsumerGroupHeartbeat } from "../../../protocol/apis/68-consumer-group-heartbeat.ts";
import { Errors } from "../../../protocol/errors.ts";
import { SeededRandom } from "../../../src/platform/memory-random.ts";
import { RpcError } from "../../../src/rpc/index.ts";
import { BrokerCluster } from "../../broker/support/broker-cluster.ts";
import { ClusterGroupClient } from "../support/cluster-group-client.ts";

const ALL = [1, 2, 3];
const SEEDS = Number(process.env.SEEDS ?? 4);
const ROUNDS = 12;

async function started(seed = 1): Promise<BrokerCluster> {
  const cluster = new BrokerCluster({
    count: 3,
    seed,
    config: { "offsets.topic.num.partitions": "3", "group.initial.rebalance.delay.ms": "0" },
  });
  await cluster.startAll();
  expect(await cluster.createTopic(1, "t")).to.equal(Errors.NONE);
  return cluster;
}

describe("a group whose coordinator moves", function () {
  this.timeout(120_000);

  for (const how of ["is killed", "stops"] as const) {
    it(`keeps members, generation and offsets of the classic protocol when it ${how}`, async () => {
      const cluster = await started();
      const client = new ClusterGroupClient(cluster, "g");
      const member = await client.joinAlone();
      expect(await client.commit("t", 42, member)).to.equal(Errors.NONE);
      const before = await client.coordinator();
      if (how === "stops") await cluster.stop(before);
      else cluster.end(before);
      const body = {
        groupId: "g",
        generationId: member.generationIdOrMemberEpoch,
        memberId: member.memberId,
        groupInstanceId: null,
      };
      expect((await client.ask(Heartbeat, body, ({ errorCode }) => errorCode)).errorCode).to.equal(Errors.NONE);
      expect(await client.coordinator()).to.not.equal(before);
      expect(await client.committed("t")).to.equal(42);
      expect(await client.commit("t", 43, member)).to.equal(Errors.NONE);
      await cluster.complete(cluster.start(before));
      expect(await client.committed("t")).to.equal(43);
    });

    it(`keeps members, epochs and assignment of the consumer protocol when it ${how}`, async () => {
      const cluster = await started();
      const client = new ClusterGroupClient(cluster, "g");
      const beat = async (memberEpoch: number, news: object) =>
        client.ask(
          ConsumerGroupHeartbeat,
          {
            groupId: "g",
            memberId: "m",
            memberEpoch,
            instanceId: null,
            rackId: null,
            rebalanceTimeoutMs: -1,
            subscribedTopicNames: null,
            subscribedTopicRegex: null,
            serverAssignor: null,
            topicPartitions: null,
            ...news,
          },
          ({ errorCode }) => errorCode,
        );
      const joined = await beat(0, { rebalanceTimeoutMs: 30_000, subscribedTopicNames: ["t"], topicPartitions: [] });
      expect(joined.errorCode).to.equal(Errors.NONE);
      const assigned = joined.assignment!.topicPartitions;
      expect(assigned).to.have.length(1);
      const before = await client.coordinator();
      if (how === "stops") await cluster.stop(before);
      else cluster.end(before);
      const again = await beat(joined.memberEpoch, {
        rebalanceTimeoutMs: 30_000,
        subscribedTopicNames: ["t"],
        topicPartitions: assigned,
      });
      expect(again.errorCode).to.equal(Errors.NONE);
      expect(again.memberEpoch).to.equal(joined.memberEpoch);
      expect(again.assignment!.topicPartitions).to.deep.equal(assigned);
    });
  }

  it("answers those who wait with NOT_COORDINATOR before it stops", async () => {
    const cluster = await started();
    const client = new ClusterGroupClient(cluster, "g");
    await client.joinAlone();
    const coordinator = await client.coordinator();
    const { memberId } = await client.ask(JoinGroup, client.joinRequest(""), ({ errorCode }) => errorCode);
    // It waits for the other member, which does not hear of the rebalance.
    const waiting = cluster.ask(coordinator, JoinGroup, client.joinRequest(memberId));
    const stopping = cluster.brokers.get(coordinator)!.stop();
    expect((await waiting).errorCode).to.equal(Errors.NOT_COORDINATOR);
    await cluster.complete(stopping);
  });

  it("has its topic on three brokers", async () => {
    const cluster = await started();
    await new ClusterGroupClient(cluster, "g").coordinator();
    const { topics } = await cluster.metadata(1, "__consumer_offsets");
    for (const { replicaNodes } of topics[0]!.partitions) expect([...replicaNodes].sort()).to.deep.equal(ALL);
  });

  it("does not take a commit on an old coordinator's word", async () => {
    const cluster = await started();
    const client = new ClusterGroupClient(cluster, "g");
    expect(await client.commit("t", 1)).to.equal(Errors.NONE);
    const old = await client.coordinator();
    cluster.machine(old).pause();
    cluster.brokers.delete(old); // clients do not ask it now
    const late = cluster.ask(old, OffsetCommit, client.commitRequest("t", 2), { versions: { max: 9 } });
    late.catch(() => {});
    await cluster.advance(30_000);
    expect(await client.commit("t", 3)).to.equal(Errors.NONE);
    cluster.machine(old).resume();
    const answer = await late.catch((error: unknown) => error);
    if (!(answer instanceof RpcError)) {
      const { topics } = answer as Awaited<typeof late>;
      expect(topics[0]!.partitions[0]!.errorCode).to.not.equal(Errors.NONE);
    }
    await cluster.advance(5_000);
    expect(await client.committed("t")).to.equal(3);
  });

  it(`loses no commit that it has taken, in ${SEEDS} random histories`, async () => {
    const seeds = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: SEEDS }, (_, seed) => seed + 1);
    for (const seed of seeds) {
      try {
        await commitsThroughFaults(seed);
      } catch (error) {
        (error as Error).message = `SEED=${seed}: ${(error as Error).message}`;
        throw error;
      }
    }
  });
});

/** Commits to three groups while nodes are killed, stopped, cut from power, and come back; one is away at a time. */
async function commitsThroughFaults(seed: number): Promise<void> {
  const cluster = await started(seed);
  const random = new SeededRandom(`failover-${seed}`);
  const clients = ["a", "b", "c"].map(groupId => new ClusterGroupClient(cluster, groupId));
  const last = new Map<string, number>();
  let next = 1;
  for (let round = 0; round < ROUNDS; round += 1) {
    const away = ALL[random.integer(ALL.length)]!;
    for (let commits = random.integer(4); commits >= 0; commits -= 1) {
      const client = clients[random.integer(clients.length)]!;
      expect(await client.commit("t", next)).to.equal(Errors.NONE);
      last.set(client.groupId, next);
      next += 1;
    }
    // One more is under way when the node goes: it is sent again until it is taken.
    const client = clients[random.integer(clients.length)]!;
    const coordinator = await client.coordinator();
    const underWay = cluster.ask(coordinator, OffsetCommit, client.commitRequest("t", next), { versions: { max: 9 } });
    underWay.catch(() => {});
    const fault = random.integer(3);
    if (fault === 0) await cluster.stop(away);
    else cluster.end(away, fault === 1 ? "kill" : "power");
    expect(await client.commit("t", next)).to.equal(Errors.NONE);
    last.set(client.groupId, next);
    next += 1;
    for (const { groupId } of clients) {
      const other = new ClusterGroupClient(cluster, groupId);
      expect(await other.committed("t"), `group ${groupId} while ${away} is away`).to.equal(last.get(groupId) ?? -1);
    }
    await cluster.complete(cluster.start(away));
    await cluster.advance(random.integer(2_000));
  }
  for (const client of clients) {
    expect(await client.committed("t"), `group ${client.groupId}`).to.equal(last.get(client.groupId) ?? -1);
  }
}
