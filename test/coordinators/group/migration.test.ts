import { expect } from "chai";
import { Errors } from "../../../protocol/errors.ts";
import { ClassicGroup } from "../../../src/coordinators/group/classic/classic-group.ts";
import { decodeAssignment, encodeAssignment } from "../../../src/coordinators/group/classic/consumer-metadata.ts";
import {
  heartbeatAsClassicMember,
  joinAsClassicMember,
  syncAsClassicMember,
} from "../../../src/coordinators/group/consumer/classic-members.ts";
import { ConsumerGroup } from "../../../src/coordinators/group/consumer/consumer-group.ts";
import * as classic from "../support/classic-client.ts";
import { joinRequest } from "../support/classic-client.ts";
import { consumerGroup, converge, GROUP, T1, TestConsumer } from "../support/consumer-client.ts";
import { defaultOptions, GroupFixture, type JoinResponse, watch } from "../support/group-fixture.ts";
import { encodeSubscription } from "../support/subscription.ts";

const t1 = (...partitions: number[]) => encodeAssignment(1, [{ topic: "t1", partitions }]);
const protocols = (owned: number[] = []) => [
  {
    name: "range",
    metadata: encodeSubscription(["t1"], owned.length === 0 ? [] : [{ topic: "t1", partitions: owned }]),
  },
];

async function opened(): Promise<GroupFixture> {
  const fixture = new GroupFixture();
  fixture.setTopics([T1]);
  await fixture.settle();
  return fixture;
}

/** A stable classic group of one member that owns everything. */
async function classicGroup(fixture: GroupFixture): Promise<string> {
  const { memberId } = await classic.joinDynamic(fixture, { protocols: protocols(), groupInstanceId: null });
  await fixture.time.advance(3_100);
  const reply = classic.sync(fixture, memberId, 1, {});
  void reply;
  const group = classic.classicGroup(fixture);
  group.member(memberId)!.assignment = t1(0, 1, 2, 3, 4, 5);
  await fixture.settle();
  group.member(memberId)!.assignment = t1(0, 1, 2, 3, 4, 5);
  return memberId;
}

async function rejoin(fixture: GroupFixture, memberId: string, owned: number[]): Promise<JoinResponse> {
  const reply = fixture.shard.park<JoinResponse>();
  const request = joinRequest({ memberId, protocols: protocols(owned) });
  const facts = { apiVersion: 9, clientId: "client", clientHost: "/127.0.0.1" };
  fixture.shard.execute((state, turn) =>
    joinAsClassicMember(state, turn, state.groups.get(GROUP) as ConsumerGroup, request, facts, reply),
  );
  const watched = watch(reply.promise);
  await fixture.settle();
  return watched.value!;
}

function synced(fixture: GroupFixture, memberId: string, generationId: number): number[] {
  const response = fixture.shard.execute((state, turn) =>
    syncAsClassicMember(state, turn, state.groups.get(GROUP) as ConsumerGroup, {
      groupId: GROUP,
      memberId,
      generationId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: [],
    }),
  );
  if (response instanceof Promise) throw new Error("uncommitted");
  return decodeAssignment(response.assignment).flatMap(({ partitions }) => partitions);
}

function beatClassic(fixture: GroupFixture, memberId: string, generationId: number): number {
  return heartbeatAsClassicMember(fixture.state, consumerGroup(fixture), {
    memberId,
    generationId,
    groupInstanceId: null,
  });
}

describe("migration of a classic group", () => {
  it("makes it a consumer group when a member of the consumer protocol joins, and moves partitions safely", async () => {
    const fixture = await opened();
    const old = await classicGroup(fixture);
    const modern = new TestConsumer(fixture, "modern");
    await modern.join();
    expect(consumerGroup(fixture)).to.include({ size: 2, classicMembers: 1 });
    expect(modern.partitions).to.deep.equal([]);
    expect(beatClassic(fixture, old, 1)).to.equal(Errors.REBALANCE_IN_PROGRESS);
    // It still owns what it has to give up: it is told to keep three, joins again once they are given up, and is done.
    const first = await rejoin(fixture, old, [0, 1, 2, 3, 4, 5]);
    const kept = synced(fixture, old, first.generationId!);
    expect(kept).to.have.length(3);
    expect(beatClassic(fixture, old, first.generationId!)).to.equal(Errors.REBALANCE_IN_PROGRESS);
    await modern.beat();
    expect(modern.partitions, "not given up yet").to.deep.equal([]);
    const second = await rejoin(fixture, old, kept);
    await converge(modern);
    expect(modern.partitions).to.have.length(3);
    expect([...modern.partitions, ...kept].sort()).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(synced(fixture, old, second.generationId!)).to.deep.equal(kept);
    expect(beatClassic(fixture, old, second.generationId!)).to.equal(Errors.NONE);
    expect(consumerGroup(fixture).state).to.equal("Stable");
  });

  it("survives a restart half way", async () => {
    const fixture = await opened();
    const old = await classicGroup(fixture);
    await new TestConsumer(fixture, "modern").join();
    await fixture.restart();
    expect(consumerGroup(fixture)).to.include({ size: 2, classicMembers: 1 });
    expect(beatClassic(fixture, old, 1)).to.equal(Errors.REBALANCE_IN_PROGRESS);
  });

  it("makes it a classic group again when only classic members are left", async () => {
    const fixture = await opened();
    const old = await classicGroup(fixture);
    const modern = new TestConsumer(fixture, "modern");
    await modern.join();
    await modern.leave();
    const group = fixture.state.groups.get(GROUP) as ClassicGroup;
    expect(group).to.be.instanceOf(ClassicGroup);
    expect(group).to.include({ state: "PreparingRebalance", size: 1 });
    expect(fixture.replayed().groups.get(GROUP)).to.include({ kind: "classic", state: "Stable" });
    expect(classic.heartbeat(fixture, old, group.generationId)).to.equal(Errors.REBALANCE_IN_PROGRESS);
  });

  it("is refused where the policy says so", async () => {
    const fixture = await opened();
    fixture.options = { ...defaultOptions, consumer: { ...defaultOptions.consumer, canUpgrade: false } };
    await classicGroup(fixture);
    const refused = await new TestConsumer(fixture, "modern").join();
    expect(refused).to.include({ errorCode: Errors.GROUP_ID_NOT_FOUND });
  });

  it("of an empty group takes no policy", async () => {
    const fixture = await opened();
    fixture.options = { ...defaultOptions, consumer: { ...defaultOptions.consumer, canUpgrade: false } };
    const old = await classicGroup(fixture);
    await classic.leave(fixture, [{ memberId: old }]);
    const modern = new TestConsumer(fixture, "modern");
    await modern.join();
    expect(modern.partitions).to.have.length(6);
    expect(fixture.replayed().groups.get(GROUP)).to.be.instanceOf(ConsumerGroup);
  });

  it("throws out a classic member that does not join again", async () => {
    const fixture = await opened();
    const old = await classicGroup(fixture);
    const modern = new TestConsumer(fixture, "modern");
    await modern.join();
    for (let round = 0; round < 8; round += 1) {
      await fixture.time.advance(5_000);
      if (consumerGroup(fixture).member(old) !== undefined) beatClassic(fixture, old, 1);
      await modern.beat();
    }
    expect(consumerGroup(fixture).member(old)).to.equal(undefined);
    await converge(modern);
    expect(modern.partitions).to.have.length(6);
  });
});
