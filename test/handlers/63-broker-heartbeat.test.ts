import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { brokerHeartbeat } from "../../src/handlers/63-broker-heartbeat.ts";
import {
  beat,
  ControllerFixture,
  createTopic,
  joinIsrs,
  SESSION_TIMEOUT_MS,
  uuidOf,
} from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

const assigned = (...replicas: number[][]) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
});

const brokerOf = (fixture: ControllerFixture, id: number) => fixture.image.cluster.brokers.get(id)!;
const epochOf = (fixture: ControllerFixture, id: number) => brokerOf(fixture, id).epoch;
const partitions = (fixture: ControllerFixture) => fixture.image.topics.byName.get("a")!.partitions;

async function started(...replicas: number[][]): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
  await createTopic(fixture, "a", assigned(...replicas));
  return fixture;
}

describe("BrokerHeartbeat", () => {
  for (let version = 0; version <= 2; version += 1) {
    it(`unfences a broker that has applied its registration in v${version}`, async () => {
      const fixture = await ControllerFixture.start();
      const brokerEpoch = await fixture.register(2);
      const request = {
        brokerId: 2,
        brokerEpoch,
        currentMetadataOffset: brokerEpoch - 1,
        wantFence: false,
        wantShutDown: false,
      };
      const behind = await call(fixture, brokerHeartbeat, version, request);
      expect(behind).to.include({ errorCode: 0, isCaughtUp: false, isFenced: true, shouldShutDown: false });
      expect(brokerOf(fixture, 2).fenced).to.equal(true);
      const upToDate = { ...request, currentMetadataOffset: brokerEpoch };
      const caughtUp = await call(fixture, brokerHeartbeat, version, upToDate);
      expect(caughtUp).to.include({ errorCode: 0, isCaughtUp: true, isFenced: false, shouldShutDown: false });
      expect(brokerOf(fixture, 2).fenced).to.equal(false);
    });
  }

  it("gives partitions that wait for the broker a leader when it is unfenced", async () => {
    const fixture = await started([2]);
    await beat(fixture, 2, epochOf(fixture, 2), { wantFence: true });
    expect(partitions(fixture)[0]).to.deep.include({ leader: -1, isr: [], eligibleLeaderReplicas: [2] });
    await beat(fixture, 2, epochOf(fixture, 2));
    expect(partitions(fixture)[0]).to.deep.include({ leader: 2, isr: [2], eligibleLeaderReplicas: [], leaderEpoch: 2 });
  });

  it("keeps a broker fenced that wants to be", async () => {
    const fixture = await ControllerFixture.start();
    const brokerEpoch = await fixture.register(2);
    expect(await beat(fixture, 2, brokerEpoch, { wantFence: true })).to.include({ isCaughtUp: true, isFenced: true });
  });

  it("fences a broker that asks for it: others lead and are in sync in its place", async () => {
    const fixture = await started([2, 1, 3], [1, 2, 3]);
    expect(await beat(fixture, 2, epochOf(fixture, 2), { wantFence: true })).to.include({ isFenced: true });
    expect(partitions(fixture).map(({ leader, isr }) => [leader, ...isr])).to.deep.equal([
      [1, 1, 3],
      [1, 1, 3],
    ]);
  });

  it("refuses another epoch than the registered one, and brokers that are not registered", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
    const request = {
      brokerId: 2,
      brokerEpoch: epochOf(fixture, 2) + 1,
      currentMetadataOffset: 0,
      wantFence: false,
      wantShutDown: false,
    };
    const stale = await call(fixture, brokerHeartbeat, 1, request);
    expect(stale).to.include({ errorCode: Errors.STALE_BROKER_EPOCH, isFenced: true });
    const unknown = await call(fixture, brokerHeartbeat, 1, { ...request, brokerId: 9 });
    expect(unknown.errorCode).to.equal(Errors.STALE_BROKER_EPOCH);
  });

  describe("of a broker that wants to stop", () => {
    it("moves its leaderships first, and lets it go when all others have applied that", async () => {
      const fixture = await started([2, 1, 3]);
      const epoch = epochOf(fixture, 2);
      const before = fixture.image.offset;
      const first = await beat(fixture, 2, epoch, { wantShutDown: true });
      expect(first).to.include({ isFenced: false, shouldShutDown: false });
      expect(partitions(fixture)[0]).to.deep.include({ leader: 1, isr: [1, 3] });
      expect(brokerOf(fixture, 2)).to.include({ fenced: false, inControlledShutdown: true });

      await beat(fixture, 1, epochOf(fixture, 1));
      await beat(fixture, 3, epochOf(fixture, 3), { currentMetadataOffset: before });
      expect(await beat(fixture, 2, epoch, { wantShutDown: true })).to.include({ shouldShutDown: false });
      await beat(fixture, 3, epochOf(fixture, 3));
      expect(await beat(fixture, 2, epoch, { wantShutDown: true })).to.include({
        isFenced: true,
        shouldShutDown: true,
      });
      expect(brokerOf(fixture, 2)).to.include({ fenced: true, inControlledShutdown: true });
    });

    it("lets it go at once when it is in sync with nothing, or fenced", async () => {
      const fixture = await started([1]);
      expect(await beat(fixture, 2, epochOf(fixture, 2), { wantShutDown: true })).to.include({ shouldShutDown: true });
      await beat(fixture, 3, epochOf(fixture, 3), { wantFence: true });
      expect(await beat(fixture, 3, epochOf(fixture, 3), { wantShutDown: true })).to.include({ shouldShutDown: true });
    });

    it("lets the last broker go, which is waited for", async () => {
      const fixture = await ControllerFixture.start();
      await createTopic(fixture, "a", assigned([1]));
      const answer = await beat(fixture, 1, epochOf(fixture, 1), { wantShutDown: true });
      expect(answer).to.include({ shouldShutDown: true, isFenced: true });
      expect(partitions(fixture)[0]).to.deep.include({
        leader: -1,
        isr: [],
        eligibleLeaderReplicas: [1],
        lastKnownElr: [1],
      });
    });

    it("is gone on with by the next controller", async () => {
      const fixture = await started([2, 1, 3]);
      const epoch = epochOf(fixture, 2);
      await beat(fixture, 2, epoch, { wantShutDown: true });
      fixture.log.loseLeadership();
      fixture.log.lead();
      await fixture.time.advance(1);
      expect(await beat(fixture, 2, epoch, { wantShutDown: true })).to.include({ shouldShutDown: false });
      for (const id of [1, 3]) await beat(fixture, id, epochOf(fixture, id));
      expect(await beat(fixture, 2, epoch, { wantShutDown: true })).to.include({ shouldShutDown: true });
    });
  });

  describe("that does not come", () => {
    it("fences the broker when its session ends, and no one else", async () => {
      const fixture = await started([2, 1, 3]);
      await fixture.time.advance(SESSION_TIMEOUT_MS - 1);
      await beat(fixture, 3, epochOf(fixture, 3));
      expect(brokerOf(fixture, 2).fenced).to.equal(false);
      await fixture.time.advance(1);
      expect(brokerOf(fixture, 2).fenced).to.equal(true);
      expect(brokerOf(fixture, 3).fenced).to.equal(false);
      expect(partitions(fixture)[0]).to.deep.include({ leader: 1, isr: [1, 3] });
      await fixture.time.advance(SESSION_TIMEOUT_MS);
      expect(brokerOf(fixture, 3).fenced).to.equal(true);
    });

    it("gives brokers a whole session's time when the controller changes", async () => {
      const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
      await fixture.time.advance(SESSION_TIMEOUT_MS - 1);
      fixture.log.loseLeadership();
      fixture.log.lead();
      await fixture.time.advance(SESSION_TIMEOUT_MS - 1);
      expect(brokerOf(fixture, 2).fenced).to.equal(false);
      await fixture.time.advance(2);
      expect(brokerOf(fixture, 2).fenced).to.equal(true);
    });

    it("fences nobody where this node is not the controller", async () => {
      const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
      fixture.log.loseLeadership();
      await fixture.time.advance(2 * SESSION_TIMEOUT_MS);
      expect(brokerOf(fixture, 2).fenced).to.equal(false);
    });
  });

  describe("with offline log directories", () => {
    const logDirs = [uuidOf(71), uuidOf(72)];

    it("takes the replicas there out of sync", async () => {
      const fixture = await ControllerFixture.start({ brokerIds: [1] });
      const epoch = await fixture.addBroker(2, { logDirs });
      const topicId = await createTopic(fixture, "a", assigned([2, 1], [2, 1]));
      for (const [index, id] of logDirs.entries()) {
        const directories = [{ id, topics: [{ topicId, partitions: [{ partitionIndex: index }] }] }];
        await fixture.complete(
          fixture.controller.assignReplicasToDirs({ brokerId: 2, brokerEpoch: epoch, directories }),
        );
      }
      await beat(fixture, 2, epoch, { offlineLogDirs: [uuidOf(71)] });
      expect(brokerOf(fixture, 2).logDirs).to.deep.equal([uuidOf(72)]);
      expect(partitions(fixture).map(({ leader, isr }) => [leader, ...isr])).to.deep.equal([
        [1, 1],
        [2, 2, 1],
      ]);
    });
  });

  it("remembers which directories are to take nothing new", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
    const cordonedLogDirs = brokerOf(fixture, 2).logDirs.slice();
    await beat(fixture, 2, epochOf(fixture, 2), { cordonedLogDirs });
    expect(brokerOf(fixture, 2).cordonedLogDirs).to.deep.equal(cordonedLogDirs);
    const before = fixture.log.logEndOffset;
    await beat(fixture, 2, epochOf(fixture, 2), { cordonedLogDirs });
    expect(fixture.log.logEndOffset).to.equal(before);
  });
});

describe("a broker that comes back as another process", () => {
  it("is refused while the one before is heard of, and taken when that is not", async () => {
    const fixture = await started([2, 1]);
    const request = { incarnationId: uuidOf(99), logDirs: [uuidOf(777)] };
    const refused = await fixture.register(2, request).catch(error => error.code);
    expect(refused).to.equal(Errors.DUPLICATE_BROKER_REGISTRATION);
    expect(partitions(fixture)[0]).to.deep.include({ leader: 2, isr: [2, 1] });
    await fixture.time.advance(SESSION_TIMEOUT_MS);
    await fixture.register(2, request);
    expect(partitions(fixture)[0]).to.deep.include({ leader: 1, isr: [1] });
  });

  it("is taken at once with the directories of the one before, which had locked them", async () => {
    const fixture = await started([2, 1]);
    const before = epochOf(fixture, 2);
    await fixture.register(2, { incarnationId: uuidOf(99) });
    expect(epochOf(fixture, 2)).to.be.above(before);
    expect(brokerOf(fixture, 2).fenced).to.equal(true);
    expect(partitions(fixture)[0]).to.deep.include({ leader: 1, isr: [1] });
  });

  it("stays eligible for what it had acknowledged, which was synced", async () => {
    const fixture = await started([2, 1]);
    await beat(fixture, 1, epochOf(fixture, 1), { wantFence: true });
    await fixture.time.advance(SESSION_TIMEOUT_MS);
    expect(partitions(fixture)[0]).to.deep.include({ leader: -1, isr: [], eligibleLeaderReplicas: [2] });
    await fixture.addBroker(2, { incarnationId: uuidOf(99), previousBrokerEpoch: -1 });
    expect(partitions(fixture)[0]).to.deep.include({ leader: 2, isr: [2], leaderRecoveryState: 0 });
  });

  it("is not counted on where its directory is another one: nobody leads until the other is back", async () => {
    const fixture = await started([2, 1]);
    await beat(fixture, 1, epochOf(fixture, 1), { wantFence: true });
    await fixture.time.advance(SESSION_TIMEOUT_MS);
    await fixture.addBroker(2, { incarnationId: uuidOf(99), logDirs: [uuidOf(777)] });
    expect(partitions(fixture)[0]).to.deep.include({ leader: -1, isr: [], eligibleLeaderReplicas: [] });
  });

  it("leads nothing whose only replica is in a directory that it does not tell of, until that is back", async () => {
    const fixture = await started([2]);
    const [before] = partitions(fixture);
    await fixture.time.advance(SESSION_TIMEOUT_MS);
    await fixture.addBroker(2, { incarnationId: uuidOf(99), logDirs: [uuidOf(777)] });
    expect(partitions(fixture)[0]).to.deep.include({ leader: -1, directories: before!.directories });
    await fixture.time.advance(SESSION_TIMEOUT_MS);
    await fixture.addBroker(2, { incarnationId: uuidOf(100), logDirs: [uuidOf(777), ...before!.directories] });
    expect(partitions(fixture)[0]).to.deep.include({ leader: 2, isr: [2], leaderRecoveryState: 0 });
  });

  for (const [isClean, outcome] of [
    [false, { leader: -1, isr: [], eligibleLeaderReplicas: [] }],
    [true, { leader: 2, isr: [2], eligibleLeaderReplicas: [] }],
  ] as const) {
    it(`is ${isClean ? "" : "not "}counted on after ${isClean ? "a clean" : "an unclean"} stop where acknowledged records were in memory`, async () => {
      const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
      await createTopic(fixture, "a", { ...assigned([2, 1]), configs: [{ name: "write.caching", value: "true" }] });
      const epoch = epochOf(fixture, 2);
      await beat(fixture, 1, epochOf(fixture, 1), { wantFence: true });
      await fixture.time.advance(SESSION_TIMEOUT_MS);
      await fixture.addBroker(2, { incarnationId: uuidOf(99), previousBrokerEpoch: isClean ? epoch : -1 });
      expect(partitions(fixture)[0]).to.deep.include(outcome);
    });
  }

  describe("of a topic with write.caching, three replicas and two in sync at least", () => {
    const configs = [
      { name: "write.caching", value: "true" },
      { name: "min.insync.replicas", value: "2" },
    ];
    const cached = async () => {
      const fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
      await createTopic(fixture, "a", { ...assigned([1, 2, 3]), configs });
      expect(partitions(fixture)[0]).to.deep.include({ leader: 1, isr: [1, 2, 3] });
      return fixture;
    };
    const fence = (fixture: ControllerFixture, id: number) =>
      beat(fixture, id, epochOf(fixture, id), { wantFence: true });
    /** Another process of the broker, which was stopped cleanly or lost what it had in memory. */
    const restart = (fixture: ControllerFixture, id: number, isClean: boolean) =>
      fixture.addBroker(id, {
        incarnationId: uuidOf(90 + id),
        previousBrokerEpoch: isClean ? epochOf(fixture, id) : -1,
      });

    it("is not waited for when its power failed: the one that is in sync leads, and it alone", async () => {
      const fixture = await cached();
      await fence(fixture, 3);
      await restart(fixture, 1, false);
      expect(partitions(fixture)[0]).to.deep.include({ leader: 2, isr: [2], eligibleLeaderReplicas: [] });
      await fence(fixture, 2);
      expect(partitions(fixture)[0]).to.deep.include({ leader: -1, isr: [], eligibleLeaderReplicas: [2] });
      await restart(fixture, 2, true);
      expect(partitions(fixture)[0]).to.deep.include({ leader: 2, isr: [2] });
    });

    it("is out of the ISR at once when it comes back before its session ended", async () => {
      const fixture = await cached();
      await restart(fixture, 2, false);
      expect(partitions(fixture)[0]).to.deep.include({ leader: 1, isr: [1, 3], eligibleLeaderReplicas: [] });
      for (const id of [3, 1]) await fence(fixture, id);
      expect(partitions(fixture)[0]).to.deep.include({ leader: -1, isr: [], eligibleLeaderReplicas: [1, 3] });
    });

    for (const isClean of [true, false]) {
      it(`${isClean ? "leads" : "does not lead"} from the ELR after ${isClean ? "a clean" : "an unclean"} stop`, async () => {
        const fixture = await cached();
        for (const id of [1, 2, 3]) await fence(fixture, id);
        expect(partitions(fixture)[0]).to.deep.include({ leader: -1, isr: [], eligibleLeaderReplicas: [2, 3] });
        await restart(fixture, 2, isClean);
        const outcome = isClean
          ? { leader: 2, isr: [2], eligibleLeaderReplicas: [3] }
          : { leader: -1, isr: [], eligibleLeaderReplicas: [3] };
        expect(partitions(fixture)[0]).to.deep.include(outcome);
      });
    }
  });

  it("can lead again from another directory, once it is in sync there", async () => {
    const fixture = await started([2, 1]);
    await fixture.time.advance(SESSION_TIMEOUT_MS);
    await fixture.addBroker(2, { incarnationId: uuidOf(99), logDirs: [uuidOf(777)] });
    await joinIsrs(fixture, 2);
    expect(partitions(fixture)[0]).to.deep.include({
      leader: 1,
      isr: [1, 2],
      directories: [uuidOf(777), uuidOf(2001)],
    });
    await beat(fixture, 1, epochOf(fixture, 1), { wantFence: true });
    expect(partitions(fixture)[0]).to.deep.include({ leader: 2, isr: [2] });
  });

  it("joins the ISR under its new epoch only", async () => {
    const fixture = await started([1, 2]);
    await fixture.time.advance(SESSION_TIMEOUT_MS);
    await fixture.addBroker(2, { incarnationId: uuidOf(99) });
    expect(partitions(fixture)[0]).to.deep.include({ leader: 1, isr: [1] });
    await joinIsrs(fixture, 2);
    expect(partitions(fixture)[0]).to.deep.include({ leader: 1, isr: [1, 2] });
  });
});
