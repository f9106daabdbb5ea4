import { expect } from "chai";
import { Errors } from "../../../protocol/errors.ts";
import type { JoinRequest } from "../../../src/coordinators/group/classic/join.ts";
import {
  classicGroup,
  GROUP,
  heartbeat,
  join,
  joinDynamic,
  leave,
  stableGroup,
  sync,
} from "../support/classic-client.ts";
import { defaultOptions, GroupFixture } from "../support/group-fixture.ts";

async function opened(): Promise<GroupFixture> {
  const fixture = new GroupFixture();
  await fixture.settle();
  return fixture;
}

describe("JoinGroup", () => {
  it("makes a member of v4 and later come back with its id", async () => {
    const fixture = await opened();
    const first = join(fixture, {}, 4);
    await fixture.settle();
    expect(first.value).to.include({ errorCode: Errors.MEMBER_ID_REQUIRED, memberId: "client-uuid-1" });
    expect(classicGroup(fixture).size).to.equal(0);
    const second = join(fixture, { memberId: "client-uuid-1" }, 4);
    await fixture.time.advance(3_010);
    expect(second.value).to.include({
      errorCode: Errors.NONE,
      generationId: 1,
      leader: "client-uuid-1",
      protocolName: "range",
    });
    expect(second.value!.members).to.have.length(1);
  });

  it("takes a member of v3 at once", async () => {
    const fixture = await opened();
    const joined = join(fixture, {}, 3);
    await fixture.time.advance(3_010);
    expect(joined.value).to.include({ errorCode: Errors.NONE, generationId: 1 });
  });

  it("waits for more members as long as they come, up to the rebalance timeout", async () => {
    const fixture = await opened();
    const first = await joinDynamic(fixture, { rebalanceTimeoutMs: 7_000 });
    await fixture.time.advance(2_000);
    await joinDynamic(fixture, { rebalanceTimeoutMs: 7_000 });
    await fixture.time.advance(2_000);
    await joinDynamic(fixture, { rebalanceTimeoutMs: 7_000 });
    await fixture.time.advance(2_900);
    expect(first.joined.isDone).to.equal(false);
    await fixture.time.advance(200);
    expect(first.joined.value!.members).to.have.length(3);
  });

  it("tells only the leader who the members are", async () => {
    const fixture = await opened();
    const { joined: first } = await joinDynamic(fixture);
    const { joined: second } = await joinDynamic(fixture);
    await fixture.time.advance(6_100);
    expect(first.value!.members).to.have.length(2);
    expect(second.value!.members).to.have.length(0);
    expect(second.value!.leader).to.equal(first.value!.memberId);
  });

  it("chooses the protocol most members want of those that all know", async () => {
    const fixture = await opened();
    const named = (...names: string[]) => names.map(name => ({ name, metadata: Buffer.from(name) }));
    await joinDynamic(fixture, { protocolType: "x", protocols: named("a", "b", "c") });
    await joinDynamic(fixture, { protocolType: "x", protocols: named("c", "b") });
    const { joined } = await joinDynamic(fixture, { protocolType: "x", protocols: named("c", "b", "z") });
    await fixture.time.advance(9_100);
    expect(joined.value!.protocolName).to.equal("c");
  });

  const refused: [string, Partial<JoinRequest>, number][] = [
    ["another protocol type", { protocolType: "connect" }, Errors.INCONSISTENT_GROUP_PROTOCOL],
    [
      "no protocol in common",
      { protocols: [{ name: "x", metadata: Buffer.alloc(0) }] },
      Errors.INCONSISTENT_GROUP_PROTOCOL,
    ],
    ["a member id nobody gave", { memberId: "stranger" }, Errors.UNKNOWN_MEMBER_ID],
    ["an instance id nobody has", { memberId: "stranger", groupInstanceId: "i" }, Errors.UNKNOWN_MEMBER_ID],
  ];
  for (const [what, overrides, code] of refused) {
    it(`refuses ${what}, changing nothing`, async () => {
      const fixture = await opened();
      await stableGroup(fixture, 1);
      const refused = join(fixture, overrides);
      await fixture.settle();
      expect(refused.value!.errorCode).to.equal(code);
      expect(classicGroup(fixture)).to.include({ state: "Stable", size: 1 });
    });
  }

  it("refuses a new group without protocols and does not create it", async () => {
    const fixture = await opened();
    const refused = join(fixture, { protocols: [] });
    await fixture.settle();
    expect(refused.value!.errorCode).to.equal(Errors.INCONSISTENT_GROUP_PROTOCOL);
    expect(fixture.state.groups.has(GROUP)).to.equal(false);
  });

  it("refuses a member too many", async () => {
    const fixture = await opened();
    fixture.options = { ...defaultOptions, classic: { ...defaultOptions.classic, maxSize: 2 } };
    await stableGroup(fixture, 2);
    const refused = join(fixture);
    await fixture.settle();
    expect(refused.value!.errorCode).to.equal(Errors.GROUP_MAX_SIZE_REACHED);
  });

  it("answers a follower that joins again unchanged with the generation it has", async () => {
    const fixture = await opened();
    const { memberIds, generationId } = await stableGroup(fixture, 2);
    const again = join(fixture, { memberId: memberIds[1]! });
    await fixture.settle();
    expect(again.value).to.include({ errorCode: Errors.NONE, generationId });
    expect(classicGroup(fixture).state).to.equal("Stable");
  });

  it("takes the leader's joining again for a wish to rebalance", async () => {
    const fixture = await opened();
    const { memberIds, generationId } = await stableGroup(fixture, 2);
    const again = join(fixture, { memberId: memberIds[0]! });
    await fixture.settle();
    expect(classicGroup(fixture).state).to.equal("PreparingRebalance");
    expect(heartbeat(fixture, memberIds[1]!, generationId)).to.equal(Errors.REBALANCE_IN_PROGRESS);
    join(fixture, { memberId: memberIds[1]! });
    await fixture.settle();
    expect(again.value).to.include({ errorCode: Errors.NONE, generationId: generationId + 1 });
  });

  it("throws out members that do not join again in time", async () => {
    const fixture = await opened();
    const { memberIds } = await stableGroup(fixture, 2, { rebalanceTimeoutMs: 5_000 });
    const again = join(fixture, { memberId: memberIds[0]!, rebalanceTimeoutMs: 5_000 });
    await fixture.time.advance(5_020);
    expect(again.value!.members!.map(({ memberId }) => memberId)).to.deep.equal([memberIds[0]]);
  });

  it("forgets a member that never comes back with its id", async () => {
    const fixture = await opened();
    join(fixture, {}, 9);
    await fixture.time.advance(10_100);
    expect(classicGroup(fixture).pendingMembers.size).to.equal(0);
  });
});

describe("SyncGroup", () => {
  it("gives everybody what the leader has decided, once it is in the log", async () => {
    const fixture = await opened();
    const { memberId: leader } = await joinDynamic(fixture);
    const { memberId: follower } = await joinDynamic(fixture);
    await fixture.time.advance(6_100);
    fixture.partition.holdsCommits = true;
    const waiting = sync(fixture, follower, 1);
    const leading = sync(fixture, leader, 1, { [leader]: "L", [follower]: "F" });
    await fixture.settle();
    expect(waiting.isDone || leading.isDone).to.equal(false);
    fixture.partition.commit();
    await fixture.settle();
    expect(String(waiting.value!.assignment)).to.equal("F");
    expect(String(leading.value!.assignment)).to.equal("L");
    expect(classicGroup(fixture).state).to.equal("Stable");
  });

  it("refuses strangers, other generations and other protocols", async () => {
    const fixture = await opened();
    const { memberIds, generationId } = await stableGroup(fixture, 1);
    const codes = [
      sync(fixture, "stranger", generationId),
      sync(fixture, memberIds[0]!, generationId + 1),
      sync(fixture, memberIds[0]!, generationId, {}, { protocolName: "other" }),
      sync(fixture, memberIds[0]!, generationId, {}, { groupInstanceId: "i" }),
    ];
    await fixture.settle();
    expect(codes.map(({ value }) => value!.errorCode)).to.deep.equal([
      Errors.UNKNOWN_MEMBER_ID,
      Errors.ILLEGAL_GENERATION,
      Errors.INCONSISTENT_GROUP_PROTOCOL,
      Errors.UNKNOWN_MEMBER_ID,
    ]);
  });

  it("is told to join again when somebody joins before the leader has synced", async () => {
    const fixture = await opened();
    const { memberId: leader } = await joinDynamic(fixture);
    const { memberId: follower } = await joinDynamic(fixture);
    await fixture.time.advance(6_100);
    const waiting = sync(fixture, follower, 1);
    await joinDynamic(fixture);
    await fixture.settle();
    expect(waiting.value!.errorCode).to.equal(Errors.REBALANCE_IN_PROGRESS);
    expect(heartbeat(fixture, leader, 1)).to.equal(Errors.REBALANCE_IN_PROGRESS);
  });

  it("throws out members that do not sync within the rebalance timeout", async () => {
    const fixture = await opened();
    const { memberId: leader } = await joinDynamic(fixture, { rebalanceTimeoutMs: 20_000, sessionTimeoutMs: 60_000 });
    const { memberId: silent } = await joinDynamic(fixture, { rebalanceTimeoutMs: 20_000, sessionTimeoutMs: 60_000 });
    await fixture.time.advance(6_100);
    sync(fixture, leader, 1, { [leader]: "L" });
    await fixture.time.advance(19_000);
    expect(classicGroup(fixture).member(silent)).to.not.equal(undefined);
    await fixture.time.advance(1_100);
    expect(classicGroup(fixture).member(silent)).to.equal(undefined);
  });

  it("gives a member that named no rebalance timeout ten seconds to sync", async () => {
    const fixture = await opened();
    const { memberId } = await joinDynamic(fixture, { rebalanceTimeoutMs: 0 });
    await fixture.time.advance(3_100);
    await fixture.time.advance(9_000);
    const synced = sync(fixture, memberId, 1, { [memberId]: "mine" });
    await fixture.settle();
    expect(String(synced.value!.assignment)).to.equal("mine");
  });

  it("does not fail when the group is too large for a record: the group rebalances", async () => {
    const fixture = await opened();
    fixture.partition.log.config.maxMessageBytes = 1_000;
    const { memberId } = await joinDynamic(fixture);
    await fixture.time.advance(3_100);
    const synced = sync(fixture, memberId, 1, { [memberId]: "x".repeat(2_000) });
    await fixture.settle();
    expect(synced.value!.errorCode).to.equal(Errors.UNKNOWN_SERVER_ERROR);
    expect(classicGroup(fixture).state).to.equal("PreparingRebalance");
  });
});

describe("sessions", () => {
  it("last as long as heartbeats come", async () => {
    const fixture = await opened();
    const { memberIds, generationId } = await stableGroup(fixture, 1);
    for (let beat = 0; beat < 10; beat += 1) {
      await fixture.time.advance(9_000);
      expect(heartbeat(fixture, memberIds[0]!, generationId)).to.equal(Errors.NONE);
    }
    await fixture.time.advance(10_100);
    expect(classicGroup(fixture)).to.include({ size: 0, state: "Empty", generationId: generationId + 1 });
    expect(heartbeat(fixture, memberIds[0]!, generationId)).to.equal(Errors.UNKNOWN_MEMBER_ID);
  });

  it("of one member end with a rebalance for the others", async () => {
    const fixture = await opened();
    const { memberIds, generationId } = await stableGroup(fixture, 2);
    for (let beat = 0; beat < 3; beat += 1) {
      await fixture.time.advance(4_000);
      heartbeat(fixture, memberIds[0]!, generationId);
    }
    expect(heartbeat(fixture, memberIds[0]!, generationId)).to.equal(Errors.REBALANCE_IN_PROGRESS);
    expect(heartbeat(fixture, memberIds[0]!, generationId - 1)).to.equal(Errors.ILLEGAL_GENERATION);
  });

  it("begin anew after a restart, with members and assignments as they were", async () => {
    const fixture = await opened();
    const { memberIds, generationId } = await stableGroup(fixture, 2);
    await fixture.time.advance(5_000);
    await fixture.restart();
    await fixture.time.advance(9_000);
    expect(heartbeat(fixture, memberIds[0]!, generationId)).to.equal(Errors.NONE);
    const synced = sync(fixture, memberIds[1]!, generationId);
    await fixture.settle();
    expect(String(synced.value!.assignment)).to.equal(`to ${memberIds[1]}`);
    await fixture.time.advance(1_100);
    expect(classicGroup(fixture).member(memberIds[1]!)).to.equal(undefined);
  });
});

describe("LeaveGroup", () => {
  it("empties the group at once when the last one leaves", async () => {
    const fixture = await opened();
    const { memberIds } = await stableGroup(fixture, 1);
    expect(await leave(fixture, [{ memberId: memberIds[0]! }])).to.deep.equal([
      { memberId: memberIds[0], groupInstanceId: null, errorCode: Errors.NONE },
    ]);
    expect(classicGroup(fixture)).to.include({ state: "Empty", size: 0 });
    expect(fixture.replayed().groups.get(GROUP)).to.include({ state: "Empty", generationId: 2 });
  });

  it("judges each member by itself", async () => {
    const fixture = await opened();
    const { memberIds } = await stableGroup(fixture, 1);
    join(fixture, { groupInstanceId: "static" });
    const results = await leave(fixture, [
      { memberId: "stranger" },
      { groupInstanceId: "nobody" },
      { groupInstanceId: "static", memberId: "other" },
      { groupInstanceId: "static" },
      { memberId: memberIds[0]! },
    ]);
    expect(results.map(({ errorCode }) => errorCode)).to.deep.equal([
      Errors.UNKNOWN_MEMBER_ID,
      Errors.UNKNOWN_MEMBER_ID,
      Errors.FENCED_INSTANCE_ID,
      Errors.NONE,
      Errors.NONE,
    ]);
  });
});

describe("static members", () => {
  async function withStatic(fixture: GroupFixture): Promise<string> {
    const joined = join(fixture, { groupInstanceId: "i" });
    await fixture.time.advance(3_100);
    const memberId = joined.value!.memberId!;
    sync(fixture, memberId, 1, { [memberId]: "mine" });
    await fixture.settle();
    return memberId;
  }

  it("keep their assignment when they come back, without a rebalance", async () => {
    const fixture = await opened();
    const before = await withStatic(fixture);
    const again = join(fixture, { groupInstanceId: "i" });
    await fixture.settle();
    expect(again.value).to.include({ errorCode: Errors.NONE, generationId: 1, skipAssignment: true });
    const after = again.value!.memberId!;
    expect(after).to.not.equal(before);
    expect(again.value!.leader).to.equal(after);
    const synced = sync(fixture, after, 1, {}, { groupInstanceId: "i" });
    await fixture.settle();
    expect(String(synced.value!.assignment)).to.equal("mine");
    expect(fixture.replayed().groups.get(GROUP)).to.include({ leaderId: after, generationId: 1 });
  });

  it("are not told to lead before v9, lest they assign anew", async () => {
    const fixture = await opened();
    const before = await withStatic(fixture);
    const again = join(fixture, { groupInstanceId: "i" }, 8);
    await fixture.settle();
    expect(again.value).to.include({ leader: before, skipAssignment: false });
    expect(again.value!.members).to.have.length(0);
  });

  it("fence the process whose place they take", async () => {
    const fixture = await opened();
    const before = await withStatic(fixture);
    join(fixture, { groupInstanceId: "i" });
    await fixture.settle();
    expect(heartbeat(fixture, before, 1, "i")).to.equal(Errors.FENCED_INSTANCE_ID);
    const synced = sync(fixture, before, 1, {}, { groupInstanceId: "i" });
    await fixture.settle();
    expect(synced.value!.errorCode).to.equal(Errors.FENCED_INSTANCE_ID);
  });

  it("rebalance the group when they change its protocol", async () => {
    const fixture = await opened();
    await withStatic(fixture);
    join(fixture, {
      groupInstanceId: "i",
      protocols: [
        { name: "other", metadata: Buffer.alloc(0) },
        { name: "range", metadata: Buffer.alloc(0) },
      ],
    });
    await fixture.settle();
    expect(classicGroup(fixture)).to.include({ state: "CompletingRebalance", generationId: 2, protocolName: "other" });
  });
});

describe("a group on a failing log", () => {
  it("sends those who wait to look for the coordinator, and goes on with what was committed", async () => {
    const fixture = await opened();
    const { memberIds, generationId } = await stableGroup(fixture, 1);
    await joinDynamic(fixture);
    const again = join(fixture, { memberId: memberIds[0]! });
    await fixture.settle();
    const next = generationId + 1;
    expect(again.value).to.include({ generationId: next });
    fixture.partition.failNextAppend = true;
    const synced = sync(fixture, memberIds[0]!, next, { [memberIds[0]!]: "mine" });
    await fixture.time.advance(10);
    expect(synced.error).to.include({ code: Errors.NOT_COORDINATOR });
    expect(classicGroup(fixture)).to.include({ state: "Stable", generationId });
    expect(heartbeat(fixture, memberIds[0]!, next)).to.equal(Errors.ILLEGAL_GENERATION);
  });

  it("answers COORDINATOR_NOT_AVAILABLE when nothing is committed for the commit timeout", async () => {
    const fixture = await opened();
    fixture.partition.holdsCommits = true;
    const joined = fixture.shard.execute((_state, turn) => {
      turn.append({ type: "OffsetCommit", key: { group: "x", topic: "t", partition: 0 }, value: null, version: -1 });
    });
    let code = 0;
    (joined as Promise<void>).catch(error => {
      code = error.code;
    });
    await fixture.time.advance(5_000);
    expect(code).to.equal(Errors.COORDINATOR_NOT_AVAILABLE);
  });
});
