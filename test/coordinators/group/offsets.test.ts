import { expect } from "chai";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { ZERO_UUID } from "../../../protocol/schema.ts";
import { deleteGroup } from "../../../src/coordinators/group/delete-group.ts";
import { offsetCommitRecord } from "../../../src/coordinators/group/group-record.ts";
import { type CommitRequest, commitOffsets } from "../../../src/coordinators/group/offsets/commit.ts";
import { deleteOffsets, deleteTopicOffsets } from "../../../src/coordinators/group/offsets/delete.ts";
import { expireOffsets } from "../../../src/coordinators/group/offsets/expire.ts";
import { fetchOffsets } from "../../../src/coordinators/group/offsets/fetch.ts";
import { classicGroup, GROUP, joinDynamic, leave, stableGroup } from "../support/classic-client.ts";
import { GroupFixture } from "../support/group-fixture.ts";

const DAY_MS = 24 * 3_600_000;

async function opened(): Promise<GroupFixture> {
  const fixture = new GroupFixture();
  await fixture.settle();
  return fixture;
}

function request(
  overrides: Partial<CommitRequest> = {},
  topics: Record<string, Record<number, bigint>> = { t: { 0: 5n } },
): CommitRequest {
  return {
    groupId: GROUP,
    generationIdOrMemberEpoch: -1,
    memberId: "",
    groupInstanceId: null,
    apiVersion: 9,
    retentionTimeMs: -1,
    topics: Object.entries(topics).map(([name, partitions]) => ({
      name,
      topicId: ZERO_UUID,
      partitions: Object.entries(partitions).map(([index, committedOffset]) => ({
        partitionIndex: Number(index),
        committedOffset,
        committedLeaderEpoch: -1,
        committedMetadata: null,
      })),
    })),
    ...overrides,
  };
}

/** Error codes, or that of the whole request. */
async function commit(fixture: GroupFixture, commitRequest: CommitRequest): Promise<unknown> {
  try {
    const result = fixture.shard.execute((state, turn) => commitOffsets(state, turn, commitRequest));
    await fixture.settle();
    return await result;
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
}

function fetch(fixture: GroupFixture, topics: Record<string, number[]> | null, requireStable = false) {
  return fetchOffsets(fixture.state, {
    groupId: GROUP,
    memberId: null,
    memberEpoch: -1,
    topics:
      topics === null ? null : Object.entries(topics).map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
    requireStable,
  });
}

async function expire(fixture: GroupFixture): Promise<void> {
  fixture.shard.run("test", (state, turn) => {
    expireOffsets(state, turn);
  });
  await fixture.settle();
}

describe("OffsetCommit", () => {
  it("stores any 64-bit offset as it is, -1 and -2 too", async () => {
    const fixture = await opened();
    const offsets = { 0: -1n, 1: -2n, 2: 9_223_372_036_854_775_807n };
    expect(await commit(fixture, request({}, { t: offsets }))).to.deep.equal([[0, 0, 0]]);
    await fixture.restart();
    const [topic] = fetch(fixture, { t: [0, 1, 2, 3] });
    expect(topic!.partitions.map(({ committedOffset }) => committedOffset)).to.deep.equal([
      -1n,
      -2n,
      9_223_372_036_854_775_807n,
      -1n,
    ]);
    expect(topic!.partitions[3]).to.deep.include({ errorCode: Errors.NONE, metadata: "", committedLeaderEpoch: -1 });
  });

  it("makes a group that was not there, in name", async () => {
    const fixture = await opened();
    await commit(fixture, request());
    expect(classicGroup(fixture)).to.include({ state: "Empty", protocolType: null });
  });

  it("refuses metadata that is too long, partition by partition", async () => {
    const fixture = await opened();
    const commitRequest = request({}, { t: { 0: 1n, 1: 1n } });
    const [topic] = commitRequest.topics;
    const long = { ...topic!.partitions[0]!, committedMetadata: "x".repeat(4_097) };
    const result = await commit(fixture, {
      ...commitRequest,
      topics: [{ ...topic!, partitions: [long, topic!.partitions[1]!] }],
    });
    expect(result).to.deep.equal([[Errors.OFFSET_METADATA_TOO_LARGE, Errors.NONE]]);
  });

  it("is taken from members of the present generation only", async () => {
    const fixture = await opened();
    const { memberIds, generationId } = await stableGroup(fixture, 1);
    const as = (memberId: string, generationIdOrMemberEpoch: number) =>
      commit(fixture, request({ memberId, generationIdOrMemberEpoch }));
    expect(await as(memberIds[0]!, generationId)).to.deep.equal([[Errors.NONE]]);
    expect(await as(memberIds[0]!, generationId - 1)).to.equal(Errors.ILLEGAL_GENERATION);
    expect(await as("stranger", generationId)).to.equal(Errors.UNKNOWN_MEMBER_ID);
    expect(await as("", -1)).to.equal(Errors.UNKNOWN_MEMBER_ID);
  });

  it("asks a member to wait that has not been told what it owns", async () => {
    const fixture = await opened();
    const { memberId } = await joinDynamic(fixture);
    await fixture.time.advance(3_100);
    const result = await commit(fixture, request({ memberId, generationIdOrMemberEpoch: 1 }));
    expect(result).to.equal(Errors.REBALANCE_IN_PROGRESS);
  });

  for (const [apiVersion, code] of [
    [8, Errors.ILLEGAL_GENERATION],
    [9, Errors.GROUP_ID_NOT_FOUND],
  ] as const) {
    it(`of a member of no group is answered in v${apiVersion} with ${code}`, async () => {
      const fixture = await opened();
      expect(await commit(fixture, request({ apiVersion, memberId: "x", generationIdOrMemberEpoch: 1 }))).to.equal(
        code,
      );
      expect(fixture.state.groups.size).to.equal(0);
    });
  }

  it("of more than fits a batch is written in several", async () => {
    const fixture = await opened();
    fixture.partition.log.config.maxMessageBytes = 2_000;
    const offsets = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [index, BigInt(index)]));
    await commit(fixture, request({}, { t: offsets }));
    expect(fixture.partition.batches.length).to.be.greaterThan(2);
    expect(fixture.partition.batches.every(({ bytes }) => bytes.length <= 2_000)).to.equal(true);
    expect(fixture.replayed().offsets.count).to.equal(100);
  });

  it("shares a batch with the others of its tick", async () => {
    const fixture = await opened();
    for (let index = 0; index < 50; index += 1) void commit(fixture, request({}, { t: { [index]: 1n } }));
    await fixture.settle();
    expect(fixture.partition.batches).to.have.length(1);
  });
});

describe("OffsetFetch", () => {
  it("of a group that is not there finds no offsets, and no error", async () => {
    const fixture = await opened();
    expect(fetch(fixture, { t: [0] })[0]!.partitions[0]).to.include({ committedOffset: -1n, errorCode: Errors.NONE });
    expect(fetch(fixture, null)).to.deep.equal([]);
  });

  it("refuses offsets that an open transaction may change, when stable ones are asked for", async () => {
    const fixture = await opened();
    await commit(fixture, request());
    const { topicId } = request().topics[0]!;
    const open = { offset: 9n, leaderEpoch: -1, metadata: "", commitTimestamp: 0, expireTimestamp: -1, topicId };
    const write = fixture.shard.execute((_state, turn) => {
      turn.producer = { producerId: 7, producerEpoch: 0 };
      turn.append(offsetCommitRecord(GROUP, "t", 0, open));
    });
    await fixture.settle();
    await write;
    expect(fetch(fixture, { t: [0] }, true)[0]!.partitions[0]).to.include({ errorCode: Errors.UNSTABLE_OFFSET_COMMIT });
    expect(fetch(fixture, { t: [0] })[0]!.partitions[0]).to.include({ committedOffset: 5n });
    await fixture.restart();
    expect(fetch(fixture, null, true)[0]!.partitions[0]).to.include({ errorCode: Errors.UNSTABLE_OFFSET_COMMIT });
    fixture.state.endTransaction(7, true);
    expect(fetch(fixture, { t: [0] }, true)[0]!.partitions[0]).to.include({ committedOffset: 9n });
  });
});

describe("removal of offsets", () => {
  it("leaves those of topics that the group consumes", async () => {
    const fixture = await opened();
    await commit(fixture, request({}, { t: { 0: 1n }, other: { 0: 1n } }));
    await stableGroup(fixture, 1);
    const codes = fixture.shard.execute((state, turn) =>
      deleteOffsets(state, turn, GROUP, [
        { name: "t", partitions: [{ partitionIndex: 0 }] },
        { name: "other", partitions: [{ partitionIndex: 0 }] },
      ]),
    );
    await fixture.settle();
    expect(await codes).to.deep.equal([Errors.GROUP_SUBSCRIBED_TO_TOPIC, Errors.NONE]);
    expect([...fixture.state.offsets.of(GROUP)!.keys()]).to.deep.equal(["t"]);
  });

  it("with their group leaves nothing", async () => {
    const fixture = await opened();
    await commit(fixture, request({}, { t: { 0: 1n, 1: 1n } }));
    const deleted = fixture.shard.execute((state, turn) => deleteGroup(state, turn, GROUP));
    await fixture.settle();
    await deleted;
    expect(fixture.state.groups.size + fixture.state.offsets.count).to.equal(0);
    expect(fixture.replayed().groups.size).to.equal(0);
  });

  it("of a group that is in use, or not there, is refused", async () => {
    const fixture = await opened();
    const remove = () => fixture.shard.execute((state, turn) => deleteGroup(state, turn, GROUP));
    expect(remove).to.throw().with.property("code", Errors.GROUP_ID_NOT_FOUND);
    await stableGroup(fixture, 1);
    expect(remove).to.throw().with.property("code", Errors.NON_EMPTY_GROUP);
  });

  it("comes with the removal of their topic", async () => {
    const fixture = await opened();
    await commit(fixture, request({}, { gone: { 0: 1n }, stays: { 0: 1n } }));
    fixture.shard.run("test", (state, turn) => deleteTopicOffsets(state, turn, new Set(["gone"])));
    await fixture.settle();
    expect([...fixture.replayed().offsets.of(GROUP)!.keys()]).to.deep.equal(["stays"]);
  });
});

describe("expiry", () => {
  it("of offsets without members counts from each commit, and takes the group with the last", async () => {
    const fixture = await opened();
    await commit(fixture, request({}, { t: { 0: 1n } }));
    await fixture.time.advance(3 * DAY_MS);
    await commit(fixture, request({}, { t: { 1: 1n } }));
    await fixture.time.advance(5 * DAY_MS);
    await expire(fixture);
    expect([...fixture.state.offsets.of(GROUP)!.get("t")!.keys()]).to.deep.equal([1]);
    await fixture.time.advance(3 * DAY_MS);
    await expire(fixture);
    expect(fixture.state.groups.size + fixture.replayed().groups.size).to.equal(0);
  });

  it("of an empty consumer group counts from when it became empty", async () => {
    const fixture = await opened();
    const { memberIds, generationId } = await stableGroup(fixture, 1, { sessionTimeoutMs: 1_800_000 });
    await commit(fixture, request({ memberId: memberIds[0]!, generationIdOrMemberEpoch: generationId }));
    await leave(fixture, [{ memberId: memberIds[0]! }]);
    await fixture.time.advance(7 * DAY_MS - 1_000);
    await expire(fixture);
    expect(fixture.state.offsets.count).to.equal(1);
    await fixture.time.advance(2_000);
    await expire(fixture);
    expect(fixture.state.offsets.count + fixture.state.groups.size).to.equal(0);
  });

  it("spares offsets that members still consume", async () => {
    const fixture = await opened();
    const { memberIds, generationId } = await stableGroup(fixture, 1, { sessionTimeoutMs: 1_800_000 });
    const member = { memberId: memberIds[0]!, generationIdOrMemberEpoch: generationId };
    await commit(fixture, request(member, { t: { 0: 1n }, other: { 0: 1n } }));
    fixture.time.jumpWallClock(8 * DAY_MS);
    await expire(fixture);
    expect([...fixture.state.offsets.of(GROUP)!.keys()]).to.deep.equal(["t"]);
  });

  it("never comes when the client asked for longer than there is time, and at once for less than none", async () => {
    const fixture = await opened();
    await commit(fixture, request({ retentionTimeMs: Number.MAX_SAFE_INTEGER }));
    await fixture.time.advance(60_000);
    await expire(fixture);
    expect(fixture.state.offsets.count).to.equal(1);
    await commit(fixture, request({ retentionTimeMs: -Number.MAX_SAFE_INTEGER }));
    await expire(fixture);
    expect(fixture.state.offsets.count).to.equal(0);
  });

  it("comes when the client asked for it", async () => {
    const fixture = await opened();
    await commit(fixture, request({ retentionTimeMs: 1_000 }));
    await fixture.time.advance(1_001);
    await expire(fixture);
    expect(fixture.state.offsets.count).to.equal(0);
  });
});
