import { expect } from "chai";
import { Errors } from "../../../protocol/errors.ts";
import { BrokerSessions } from "../../../src/metadata/controller/broker-sessions.ts";
import { metadataRecordCodec, record } from "../../../src/metadata/records.ts";
import { prometheusRenderer } from "../../../src/metrics/prometheus.ts";
import { SimulatedTime } from "../../../src/platform/memory-time.ts";
import {
  alterIsr,
  beat,
  ControllerFixture,
  createTopic,
  joinIsrs,
  SESSION_TIMEOUT_MS,
  uuidOf,
} from "../support/controller-fixture.ts";

const assigned = (...replicas: number[][]) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
});

const partitions = (fixture: ControllerFixture, topic = "a") => fixture.image.topics.byName.get(topic)!.partitions;
const leaders = (fixture: ControllerFixture, topic = "a") => partitions(fixture, topic).map(({ leader }) => leader);
const epochOf = (fixture: ControllerFixture, id: number) => fixture.image.cluster.brokers.get(id)!.epoch;
const isFenced = (fixture: ControllerFixture, id: number) => fixture.image.cluster.brokers.get(id)!.fenced;
const fence = (fixture: ControllerFixture, id: number) => beat(fixture, id, epochOf(fixture, id), { wantFence: true });

/** Sets a topic's configuration, or the cluster's. */
async function set(fixture: ControllerFixture, resourceName: string, name: string, value: string): Promise<void> {
  const resources = [
    { resourceType: resourceName === "" ? 4 : 2, resourceName, configs: [{ name, configOperation: 0, value }] },
  ];
  const { responses } = await fixture.complete(
    fixture.controller.incrementalAlterConfigs({ resources, validateOnly: false }),
  );
  expect(responses[0]?.errorMessage).to.equal(null);
  await fixture.time.advance(1);
}

describe("a broker that something hints is gone", () => {
  /** Ports that refuse connections, and those that were tried. */
  async function probing(): Promise<{ fixture: ControllerFixture; refusing: Set<string>; tried: string[] }> {
    const refusing = new Set<string>();
    const tried: string[] = [];
    const probe = async ({ host }: { host: string }) => {
      tried.push(host);
      return !refusing.has(host);
    };
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3], probe });
    await createTopic(fixture, "a", assigned([2, 3, 1]));
    return { fixture, refusing, tried };
  }

  it("is fenced at once when its port refuses", async () => {
    const { fixture, refusing } = await probing();
    refusing.add("broker-2");
    fixture.controller.suspect(2, "its connection closed");
    await fixture.time.advance(1);
    expect(isFenced(fixture, 2)).to.equal(true);
    expect(partitions(fixture)[0]).to.deep.include({ leader: 3, isr: [3, 1] });
    expect(fixture.logger.entries.find(({ event }) => event === "broker.fenced")?.fields).to.deep.include({
      brokerId: 2,
      why: "its connection closed",
    });
  });

  it("stays as it is when its port answers", async () => {
    const { fixture, tried } = await probing();
    fixture.controller.suspect(2, "its connection closed");
    await fixture.time.advance(1);
    expect(tried).to.deep.equal(["broker-2"]);
    expect(isFenced(fixture, 2)).to.equal(false);
  });

  it("stays as it is when it speaks while it is looked for", async () => {
    const { fixture } = await probing();
    const answer = Promise.withResolvers<boolean>();
    const slow = await ControllerFixture.start({ brokerIds: [1, 2], probe: () => answer.promise });
    slow.controller.suspect(2, "its connection closed");
    await slow.time.advance(10);
    await beat(slow, 2, epochOf(slow, 2));
    answer.resolve(false);
    await slow.time.advance(1);
    expect(isFenced(slow, 2)).to.equal(false);
    expect(isFenced(fixture, 2)).to.equal(false);
  });

  it("is not looked for when it is fenced, unknown, or this node's own", async () => {
    const { fixture, tried } = await probing();
    await fence(fixture, 3);
    for (const id of [1, 3, 9]) fixture.controller.suspect(id, "its connection closed");
    await fixture.time.advance(1);
    expect(tried).to.deep.equal([]);
  });

  it("is looked for by a controller that becomes active, so that a broker which died with the last one is fenced", async () => {
    const { fixture, refusing } = await probing();
    fixture.log.loseLeadership();
    refusing.add("broker-2");
    fixture.log.lead();
    await fixture.time.advance(1);
    expect(isFenced(fixture, 2)).to.equal(true);
    expect(isFenced(fixture, 3)).to.equal(false);
  });

  it("is looked for when another process registers under its id", async () => {
    const { fixture, refusing } = await probing();
    refusing.add("broker-2");
    const another = { incarnationId: uuidOf(99), logDirs: [uuidOf(777)] };
    const register = () => fixture.register(2, another).catch(error => error.code);
    expect(await register()).to.equal(Errors.DUPLICATE_BROKER_REGISTRATION);
    await fixture.time.advance(1);
    expect(await register())
      .to.be.greaterThan(0)
      .and.not.equal(Errors.DUPLICATE_BROKER_REGISTRATION);
  });
});

describe("a broker in many partitions", () => {
  it("is fenced in steps of a thousand of them, its leaderships first", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
    await createTopic(fixture, "a", { numPartitions: 3_600, replicationFactor: 2 });
    const batchesBefore = fixture.log.batches.length;
    expect(leaders(fixture).filter(leader => leader === 2)).to.have.length(1_200);
    await fence(fixture, 2);
    const steps = fixture.log.batches.slice(batchesBefore).map(({ records }) => {
      const changes = records.map(metadataRecordCodec.decode).filter(({ type }) => type === "PartitionChangeRecord");
      return {
        changes: changes.length,
        elected: changes.filter(({ value }) => "leader" in value && value.leader > 0).length,
      };
    });
    expect(steps).to.deep.equal([
      { changes: 1_000, elected: 1_000 },
      { changes: 1_000, elected: 200 },
      { changes: 400, elected: 0 },
    ]);
    for (const { leader, isr } of partitions(fixture)) expect([leader, ...isr]).to.not.include(2);
    await beat(fixture, 2, epochOf(fixture, 2));
    expect(isFenced(fixture, 2)).to.equal(false);
  });
});

describe("a controlled shutdown", () => {
  it("is granted with the first heartbeat where the others are known to have heard", async () => {
    const heard: number[] = [];
    const fixture = await ControllerFixture.start({
      brokerIds: [1, 2, 3],
      awaitAppliedEverywhere: async offset => void heard.push(offset),
    });
    await createTopic(fixture, "a", assigned([2, 3]));
    heard.length = 0;
    const answer = await beat(fixture, 2, epochOf(fixture, 2), { wantShutDown: true });
    expect(answer).to.include({ shouldShutDown: true, isFenced: true });
    expect(partitions(fixture)[0]).to.deep.include({ leader: 3, isr: [3] });
    expect(heard).to.have.length(1);
  });
});

describe("placement", () => {
  const replicasOf = async (fixture: ControllerFixture, name: string, replicationFactor: number) => {
    await createTopic(fixture, name, { numPartitions: 6, replicationFactor });
    return partitions(fixture, name).map(({ replicas }) => replicas);
  };

  it("gives nothing to brokers that shut down, or whose directories are all cordoned", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3, 4] });
    await createTopic(fixture, "a", assigned([2, 1]));
    await beat(fixture, 2, epochOf(fixture, 2), { wantShutDown: true });
    const cordonedLogDirs = [...fixture.image.cluster.brokers.get(3)!.logDirs];
    await beat(fixture, 3, epochOf(fixture, 3), { cordonedLogDirs });
    expect(new Set((await replicasOf(fixture, "b", 2)).flat())).to.deep.equal(new Set([1, 4]));
    const refused = await replicasOf(fixture, "c", 3).catch((error: Error) => error.message);
    expect(refused).to.contain(
      "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 2 broker(s) are registered.",
    );
  });

  it("gives replicas to fenced brokers only when the others do not suffice, and never the lead", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
    await fence(fixture, 3);
    for (const replicas of await replicasOf(fixture, "a", 2)) expect(replicas).to.have.members([1, 2]);
    for (const replicas of await replicasOf(fixture, "b", 3)) expect(replicas[2]).to.equal(3);
    for (const { leader, isr } of partitions(fixture, "b")) {
      expect(isr).to.have.members([1, 2]);
      expect(isr).to.include(leader);
    }
  });
});

describe("a controller that becomes active", () => {
  it("goes on with what the one before had begun", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
    await createTopic(fixture, "a", assigned([2, 3], [3, 2]));
    // The broker was fenced, but the controller died before the partitions' turn.
    const fenced = record("BrokerRegistrationChangeRecord", 0, {
      brokerId: 2,
      brokerEpoch: epochOf(fixture, 2),
      fenced: 1,
      inControlledShutdown: 0,
      logDirs: [],
      cordonedLogDirs: null,
    });
    fixture.log.loseLeadership();
    const offset = fixture.log.logEndOffset;
    fixture.log.batches.push({
      baseOffset: offset,
      lastOffset: offset,
      epoch: fixture.log.epoch,
      appendTimeMs: 0,
      sizeBytes: 100,
      records: [metadataRecordCodec.encode(fenced)],
      isControl: false,
    });
    fixture.log.commit();
    fixture.log.lead();
    await fixture.time.advance(1);
    expect(partitions(fixture).map(({ leader, isr }) => [leader, ...isr])).to.deep.equal([
      [3, 3],
      [3, 3],
    ]);
  });
});

describe("preferred leaders", () => {
  /** Broker 2 was away, and is in sync again. */
  async function imbalanced(config = {}): Promise<ControllerFixture> {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2], config });
    await createTopic(fixture, "a", assigned([2, 1], [1, 2], [2, 1]));
    await fence(fixture, 2);
    await beat(fixture, 2, epochOf(fixture, 2));
    await joinIsrs(fixture, 2);
    expect(leaders(fixture)).to.deep.equal([1, 1, 1]);
    return fixture;
  }

  async function wait(fixture: ControllerFixture, seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 5) {
      await beat(fixture, 2, epochOf(fixture, 2));
      await fixture.time.advance(5_000);
    }
  }

  it("lead again after a while", async () => {
    const fixture = await imbalanced();
    await wait(fixture, 305);
    expect(leaders(fixture)).to.deep.equal([2, 1, 2]);
  });

  it("do not where that is switched off, nor where they are not in sync", async () => {
    const off = await imbalanced({ "auto.leader.rebalance.enable": "false" });
    await wait(off, 305);
    expect(leaders(off)).to.deep.equal([1, 1, 1]);
    const behind = await imbalanced({ "leader.imbalance.check.interval.seconds": "10" });
    const { id } = behind.image.topics.byName.get("a")!;
    await alterIsr(behind, id, partitions(behind)[0]!, [[1, -1]]);
    await wait(behind, 15);
    expect(leaders(behind)).to.deep.equal([1, 1, 2]);
  });
});

describe("unclean elections", () => {
  /** Broker 2 is alive, and holds less than broker 3, which is not. */
  async function waiting(): Promise<ControllerFixture> {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
    await createTopic(fixture, "a", { ...assigned([3, 2]), configs: [{ name: "min.insync.replicas", value: "1" }] });
    await fence(fixture, 2);
    await fence(fixture, 3);
    await beat(fixture, 2, epochOf(fixture, 2));
    expect(partitions(fixture)[0]).to.deep.include({ leader: -1, isr: [], eligibleLeaderReplicas: [3] });
    return fixture;
  }

  for (const topic of ["a", ""]) {
    it(`happen when they are switched on for ${topic === "" ? "the cluster" : "the topic"}`, async () => {
      const fixture = await waiting();
      await set(fixture, topic, "unclean.leader.election.enable", "true");
      expect(partitions(fixture)[0]).to.deep.include({ leader: 2, isr: [2], leaderRecoveryState: 1 });
      expect(partitions(fixture)[0]).to.deep.include({ eligibleLeaderReplicas: [], lastKnownElr: [] });
    });
  }

  it("do not happen by themselves", async () => {
    const fixture = await waiting();
    await fixture.time.advance(2 * 300_000);
    expect(leaders(fixture)).to.deep.equal([-1]);
  });

  it("end when the leader has said that it recovered", async () => {
    const fixture = await waiting();
    await set(fixture, "a", "unclean.leader.election.enable", "true");
    const { id } = fixture.image.topics.byName.get("a")!;
    const [partition] = partitions(fixture);
    const self = [[2, epochOf(fixture, 2)]] as const;
    const { errorCode } = await alterIsr(fixture, id, partition!, self, { leaderRecoveryState: 0 });
    expect(errorCode).to.equal(0);
    expect(partitions(fixture)[0]).to.deep.include({ leader: 2, leaderRecoveryState: 0 });
  });
});

describe("eligible leader replicas", () => {
  it("are forgotten with a change of the minimum, but not where they are all that could be elected", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
    await createTopic(fixture, "a", assigned([1, 2, 3], [2, 3, 1]));
    const { id } = fixture.image.topics.byName.get("a")!;
    await alterIsr(fixture, id, partitions(fixture)[0]!, [[1, -1]]);
    await alterIsr(fixture, id, partitions(fixture)[1]!, [[2, -1]]);
    await fence(fixture, 2);
    expect(partitions(fixture).map(partition => partition.eligibleLeaderReplicas)).to.deep.equal([
      [2, 3],
      [1, 2],
    ]);
    expect(leaders(fixture)).to.deep.equal([1, 3]);
    for (const broker of [3, 1]) await fence(fixture, broker);
    await beat(fixture, 1, epochOf(fixture, 1));
    await set(fixture, "a", "min.insync.replicas", "1");
    // Both are led by 1, from the ELR: forgotten. Then nobody leads: kept.
    expect(partitions(fixture).map(partition => partition.eligibleLeaderReplicas)).to.deep.equal([[], []]);
    await fence(fixture, 1);
    await set(fixture, "a", "min.insync.replicas", "2");
    expect(partitions(fixture).map(partition => partition.eligibleLeaderReplicas)).to.deep.equal([[1], [1]]);
    await beat(fixture, 1, epochOf(fixture, 1));
    expect(leaders(fixture)).to.deep.equal([1, 1]);
  });
});

describe("the controller's metrics", () => {
  async function values(fixture: ControllerFixture): Promise<Record<string, number>> {
    const text = await prometheusRenderer(fixture.metrics).render();
    const samples = text.matchAll(/^samsa_controller_([^ ]+) (\d+)$/gm);
    return Object.fromEntries([...samples].map(([, name, value]) => [name, Number(value)]));
  }

  it("tell what the cluster is, on the active controller alone", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
    await createTopic(fixture, "a", assigned([3, 1, 2], [2, 1, 3]));
    await createTopic(fixture, "b", assigned([3]));
    await fence(fixture, 3);
    expect(await values(fixture)).to.deep.include({
      active: 1,
      topics: 2,
      partitions: 3,
      'brokers{state="active"}': 2,
      'brokers{state="fenced"}': 1,
      offline_partitions: 1,
      imbalanced_partitions: 2,
      under_replicated_partitions: 3,
      under_min_isr_partitions: 1,
      'elections_total{kind="clean"}': 1,
    });
    await fence(fixture, 2);
    expect(await values(fixture)).to.deep.include({ under_min_isr_partitions: 3, 'elections_total{kind="clean"}': 2 });
    fixture.log.loseLeadership();
    await fixture.time.advance(1);
    expect(await values(fixture)).to.deep.include({ active: 0, topics: 0, partitions: 0, offline_partitions: 0 });
  });
});

describe("BrokerSessions", () => {
  it("gives brokers time to be heard when this process itself was held up", () => {
    let nowMs = 0;
    let due: () => void = () => {};
    const expired: number[] = [];
    const timers = {
      after: (_delayMs: number, callback: () => void) => {
        due = callback;
        return { clear: () => {} };
      },
      every: () => ({ clear: () => {} }),
      endOfTick: () => {},
    };
    const clock = { now: () => nowMs, monotonic: () => nowMs };
    const sessions = new BrokerSessions(
      { timeoutMs: SESSION_TIMEOUT_MS, ownBrokerId: 1 },
      { clock, timers, onExpired: id => expired.push(id) },
    );
    sessions.begin([1, 2, 3]);
    nowMs = 3 * SESSION_TIMEOUT_MS;
    due();
    expect(expired).to.deep.equal([]);
    sessions.heard(3, { metadataOffset: 1, isFenced: false });
    nowMs += 500;
    due();
    expect(expired).to.deep.equal([2]);
    expect([1, 2, 3].filter(id => sessions.isLive(id))).to.deep.equal([1, 3]);
  });

  it("fences a broker that is allowed more time after that time only, until it is allowed no more", async () => {
    const time = new SimulatedTime();
    const expired: number[] = [];
    const sessions = new BrokerSessions(
      { timeoutMs: SESSION_TIMEOUT_MS, ownBrokerId: 1 },
      { clock: time, timers: time, onExpired: id => expired.push(id) },
    );
    sessions.begin([2, 3]);
    sessions.allow(3, 3 * SESSION_TIMEOUT_MS);
    await time.advance(SESSION_TIMEOUT_MS);
    expect(expired).to.deep.equal([2]);
    await time.advance(2 * SESSION_TIMEOUT_MS - 1);
    expect(expired).to.deep.equal([2]);
    expect(sessions.isLive(3)).to.equal(true);
    await time.advance(1);
    expect(expired).to.deep.equal([2, 3]);
    sessions.allow(3, 0);
    sessions.heard(3, { metadataOffset: 1, isFenced: false });
    await time.advance(SESSION_TIMEOUT_MS);
    expect(expired).to.deep.equal([2, 3, 3]);
  });
});

describe("a broker of Apache Kafka's", () => {
  it("gets the session that somebody set, as any other does", async () => {
    const config = { "broker.session.timeout.ms": "1500" };
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2], config });
    fixture.controller.brokerSpeaks(2, "apache-kafka-java");
    await fixture.time.advance(2_000);
    expect(isFenced(fixture, 2)).to.equal(true);
  });
});
