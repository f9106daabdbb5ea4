/**
 * Random histories of a classic group against the rules it lives by. A failure names its seed: `SEED=… npx mocha …` repeats it.
 */
import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { ClassicGroup } from "../../../src/coordinators/group/classic/classic-group.ts";
import type { GroupState } from "../../../src/coordinators/group/group-state.ts";
import { commitOffsets } from "../../../src/coordinators/group/offsets/commit.ts";
import { SeededRandom } from "../../../src/platform/memory-random.ts";
import { GROUP, heartbeat, join, leave, sync } from "../support/classic-client.ts";
import {
  defaultOptions,
  GroupFixture,
  type JoinResponse,
  type SyncResponse,
  type Watched,
  watch,
} from "../support/group-fixture.ts";

const HISTORIES = Number(process.env.HISTORIES ?? 9_000);
const STEPS = 30;
const PARTITIONS = 6;

const OPTIONS = { ...defaultOptions, classic: { ...defaultOptions.classic, initialRebalanceDelayMs: 500, maxSize: 4 } };

class Client {
  readonly instanceId: string | null;
  memberId = "";
  generation = -1;
  isLeader = false;
  members: string[] = [];
  joining: Watched<JoinResponse> | null = null;
  syncing: Watched<SyncResponse> | null = null;

  constructor(instanceId: string | null) {
    this.instanceId = instanceId;
  }
}

/** One history: what clients were told, and whether it can all be true. */
class History {
  readonly fixture = new GroupFixture(OPTIONS);
  readonly random: SeededRandom;
  readonly clients: Client[];
  /** Generation → member → what it was told to own. */
  readonly assignments = new Map<number, Map<string, string>>();
  /** The newest generation that anybody was told is complete. */
  newestGeneration = 0;
  /** Member ids that were told they are out, or were replaced. */
  readonly fenced = new Set<string>();
  commits = 0;

  constructor(seed: string) {
    this.random = new SeededRandom(seed);
    this.clients = [
      new Client(null),
      new Client(null),
      new Client(null),
      new Client("s1"),
      new Client("s1"),
      new Client("s2"),
    ];
  }

  async run(): Promise<void> {
    await this.fixture.settle();
    for (let step = 0; step < STEPS; step += 1) {
      await this.act();
      await this.fixture.settle();
      this.listen();
      if (this.random.integer(3) === 0) this.checkReplay();
    }
    await this.end();
  }

  async act(): Promise<void> {
    const client = this.clients[this.random.integer(this.clients.length)]!;
    const { fixture } = this;
    switch (this.random.integer(13)) {
      case 0:
        await fixture.time.advance(this.random.integer(12_000));
        return;
      case 1:
        await fixture.time.advance(this.random.integer(600));
        return;
      case 2:
        return this.random.integer(4) === 0 ? this.restart() : undefined;
      case 3:
        if (this.random.integer(6) === 0) fixture.partition.failNextAppend = true;
        return;
      case 4:
        return this.leave(client);
      case 5:
      case 6:
        return this.commit(client);
      case 7:
        return this.beat(client);
      case 12:
        return this.late(client);
      case 8:
      case 9:
        return this.sync(client);
      default:
        return this.join(client);
    }
  }

  /** Clients lose their connections and what they waited for. */
  async restart(): Promise<void> {
    for (const client of this.clients) {
      client.joining = null;
      client.syncing = null;
    }
    await this.fixture.restart();
  }

  join(client: Client): void {
    if (client.joining !== null || client.syncing !== null || !this.fixture.shard.isActive) return;
    client.joining = join(this.fixture, {
      memberId: client.memberId,
      groupInstanceId: client.instanceId,
      sessionTimeoutMs: 6_000 + this.random.integer(3) * 3_000,
      rebalanceTimeoutMs: this.random.integer(3) * 4_000,
    });
  }

  sync(client: Client): void {
    if (client.generation < 0 || client.joining !== null || client.syncing !== null || !this.fixture.shard.isActive)
      return;
    if (!(this.fixture.state.groups.get(GROUP) instanceof ClassicGroup)) return;
    const assignments: Record<string, string> = {};
    if (client.isLeader) {
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const memberId = client.members[this.random.integer(client.members.length)]!;
        assignments[memberId] = `${assignments[memberId] ?? ""}${partition}`;
      }
    }
    const overrides = client.instanceId === null ? {} : { groupInstanceId: client.instanceId };
    client.syncing = sync(this.fixture, client.memberId, client.generation, assignments, overrides);
  }

  beat(client: Client): void {
    const group = this.fixture.state.groups.get(GROUP);
    if (client.memberId === "" || !(group instanceof ClassicGroup) || !this.fixture.shard.isActive) return;
    this.told(client, heartbeat(this.fixture, client.memberId, client.generation, client.instanceId));
  }

  /** Requests of an earlier generation that the network has held back: none is taken any more. */
  async late(client: Client): Promise<void> {
    const group = this.fixture.state.groups.get(GROUP);
    const { memberId } = client;
    const generation = client.generation - 1;
    if (generation < 1 || !(group instanceof ClassicGroup) || !this.fixture.shard.isActive) return;
    if (group.generationId <= generation) return;
    expect(heartbeat(this.fixture, memberId, generation, client.instanceId)).to.not.equal(Errors.NONE);
    const overrides = client.instanceId === null ? {} : { groupInstanceId: client.instanceId };
    const synced = sync(this.fixture, memberId, generation, { [memberId]: "late" }, overrides);
    await this.fixture.settle();
    if (synced.value !== undefined) expect(synced.value.errorCode, "of a late sync").to.not.equal(Errors.NONE);
    expect(await this.tryCommit(client, generation), "of a late commit").to.not.equal(Errors.NONE);
  }

  async leave(client: Client): Promise<void> {
    const group = this.fixture.state.groups.get(GROUP);
    if (client.memberId === "" || !(group instanceof ClassicGroup) || !this.fixture.shard.isActive) return;
    if (this.random.integer(2) === 0) return;
    const { memberId, instanceId: groupInstanceId } = client;
    try {
      const [result] = await leave(this.fixture, [{ memberId, groupInstanceId }]);
      if (result!.errorCode === Errors.NONE) this.fenced.add(memberId);
      this.told(client, result!.errorCode === Errors.NONE ? Errors.UNKNOWN_MEMBER_ID : result!.errorCode);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  async commit(client: Client): Promise<void> {
    if (client.memberId === "" || client.generation < 0 || !this.fixture.shard.isActive) return;
    const { memberId, generation } = client;
    const code = await this.tryCommit(client, generation);
    if (code !== Errors.NONE) {
      this.told(client, code);
      return;
    }
    expect(this.fenced.has(memberId), `commit of fenced ${memberId}`).to.equal(false);
    expect(generation, "generation of a commit").to.be.at.least(this.newestGeneration);
    expect(this.fixture.state.offsets.get(GROUP, "t", 0)!.offset).to.equal(BigInt(this.commits));
  }

  /** The error code; -1 when the coordinator went away. */
  async tryCommit({ memberId, instanceId }: Client, generation: number): Promise<number> {
    this.commits += 1;
    const partition = {
      partitionIndex: 0,
      committedOffset: BigInt(this.commits),
      committedLeaderEpoch: -1,
      committedMetadata: null,
    };
    try {
      const committed = this.fixture.shard.execute((state, turn) =>
        commitOffsets(state, turn, {
          groupId: GROUP,
          generationIdOrMemberEpoch: generation,
          memberId,
          groupInstanceId: instanceId,
          apiVersion: 9,
          retentionTimeMs: -1,
          topics: [{ name: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAA", partitions: [partition] }],
        }),
      );
      const watched = watch(Promise.resolve(committed));
      await this.fixture.settle();
      return watched.value?.[0]?.[0] ?? -1;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return error.code;
    }
  }

  /** A client acts on an error code as the Java consumer does. */
  told(client: Client, errorCode: number): void {
    if (errorCode === Errors.UNKNOWN_MEMBER_ID || errorCode === Errors.FENCED_INSTANCE_ID) {
      client.memberId = "";
      client.generation = -1;
    } else if (errorCode === Errors.ILLEGAL_GENERATION) client.generation = -1;
  }

  listen(): void {
    for (const client of this.clients) {
      if (client.joining?.isDone) this.joined(client, client.joining);
      if (client.syncing?.isDone) this.synced(client, client.syncing);
    }
  }

  joined(client: Client, { value }: Watched<JoinResponse>): void {
    client.joining = null;
    if (value === undefined) return; // the coordinator went away
    if (value.errorCode === Errors.MEMBER_ID_REQUIRED) {
      client.memberId = value.memberId!;
      return;
    }
    if (value.errorCode !== Errors.NONE) {
      this.told(client, value.errorCode!);
      return;
    }
    if (client.memberId !== "" && client.memberId !== value.memberId) this.fenced.add(client.memberId);
    for (const other of this.clients) {
      const isReplaced = other !== client && other.instanceId !== null && other.instanceId === client.instanceId;
      if (isReplaced && other.memberId !== "" && other.memberId !== value.memberId) this.fenced.add(other.memberId);
    }
    client.memberId = value.memberId!;
    client.generation = value.generationId!;
    client.isLeader = value.leader === client.memberId;
    client.members = (value.members ?? []).map(({ memberId }) => memberId);
    if (client.isLeader && value.skipAssignment !== true) expect(client.members).to.include(client.memberId);
    if (client.members.length === 0) client.isLeader = false;
  }

  synced(client: Client, { value }: Watched<SyncResponse>): void {
    client.syncing = null;
    if (value === undefined) return;
    if (value.errorCode !== Errors.NONE) {
      this.told(client, value.errorCode!);
      return;
    }
    const owned = String(value.assignment);
    const members = this.assignments.get(client.generation) ?? new Map<string, string>();
    this.assignments.set(client.generation, members);
    const key = client.instanceId ?? client.memberId;
    expect(members.get(key) ?? owned, `assignment of ${key} in ${client.generation}`).to.equal(owned);
    members.set(key, owned);
    const all = [...members.values()].join("");
    expect(new Set(all).size, `partitions of generation ${client.generation}: ${all}`).to.equal(all.length);
    this.newestGeneration = Math.max(this.newestGeneration, client.generation);
  }

  checkReplay(): void {
    const { shard, partition } = this.fixture;
    if (!shard.isActive || shard.uncommittedCount > 0 || partition.highWatermark < partition.logEndOffset) return;
    const live = this.fixture.state;
    const replayed = this.fixture.replayed();
    expect(offsets(replayed)).to.deep.equal(offsets(live));
    const group = live.groups.get(GROUP);
    if (group instanceof ClassicGroup && (group.state === "Stable" || group.state === "Empty")) {
      const [lived, told] = [facts(live), facts(replayed)];
      if (!isDeepStrictEqual(lived, told)) expect(told).to.deep.equal(lived);
    }
  }

  /** Nobody waits for ever. */
  async end(): Promise<void> {
    await this.fixture.time.advance(600_000);
    this.listen();
    for (const { joining, syncing } of this.clients) expect(joining ?? syncing, "somebody still waits").to.equal(null);
    const group = this.fixture.state.groups.get(GROUP);
    if (group instanceof ClassicGroup) expect(group).to.include({ size: 0, state: "Empty" });
    this.checkReplay();
    this.fixture.shard.close();
  }
}

function facts(state: GroupState): unknown {
  const group = state.groups.get(GROUP);
  if (!(group instanceof ClassicGroup)) return null;
  return {
    state: group.state,
    generationId: group.generationId,
    protocolName: group.protocolName,
    leaderId: group.leaderId,
    members: Array.from(group.members(), ({ memberId, groupInstanceId, assignment, sessionTimeoutMs }) => ({
      memberId,
      groupInstanceId,
      sessionTimeoutMs,
      assignment: String(assignment),
    })),
  };
}

function offsets(state: GroupState): unknown {
  return state.offsets.of(GROUP)?.get("t")?.get(0)?.offset;
}

describe(`classic group in ${HISTORIES} random histories`, () => {
  it("keeps one assignment a generation, no partition twice, no fenced commit, and a log that tells it all", async function () {
    this.timeout(60_000);
    const seeds = process.env.SEED
      ? [process.env.SEED]
      : Array.from({ length: HISTORIES }, (_, seed) => `classic-${seed}`);
    for (const seed of seeds) {
      try {
        await new History(seed).run();
      } catch (error) {
        (error as Error).message = `SEED=${seed}: ${(error as Error).message}`;
        throw error;
      }
    }
  });
});
