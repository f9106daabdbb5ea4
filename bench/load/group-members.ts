/**
 * Entry of a process that is many members of many groups, each with a connection of its own: joins, sends heartbeats, commits offsets, as its parent
 * says (one {@link MembersCommand} after the other, each answered by one {@link MembersReport}).
 */

import { OffsetCommit } from "../../protocol/apis/08-offset-commit.ts";
import { FindCoordinator } from "../../protocol/apis/10-find-coordinator.ts";
import { JoinGroup } from "../../protocol/apis/11-join-group.ts";
import { Heartbeat } from "../../protocol/apis/12-heartbeat.ts";
import { SyncGroup } from "../../protocol/apis/14-sync-group.ts";
import { ConsumerGroupHeartbeat } from "../../protocol/apis/68-consumer-group-heartbeat.ts";
import { Errors, errorName } from "../../protocol/errors.ts";
import { decodeResponse, encodeRequest } from "../../protocol/frame.ts";
import { type Api, type RequestInputOf, type ResponseOf, ZERO_UUID } from "../../protocol/schema.ts";
import { WireConnection } from "./wire-connection.ts";

export type MembersCommand =
  | {
      readonly do: "connect";
      readonly address: string;
      readonly protocol: "classic" | "consumer";
      readonly groups: number;
      readonly members: number;
      readonly topic: string;
      readonly partitions: number;
    }
  | { readonly do: "join" }
  | { readonly do: "heartbeat"; readonly intervalMs: number; readonly durationMs: number }
  | { readonly do: "commit"; readonly committers: number; readonly durationMs: number };

/** How many requests were answered; those that were refused are an error of the benchmark. */
export interface MembersReport {
  readonly count: number;
  readonly latenciesMs: readonly number[];
}

const FIND_VERSION = 3;
const JOIN_VERSION = 9;
const SYNC_VERSION = 5;
const CLASSIC_HEARTBEAT_VERSION = 4;
const CONSUMER_HEARTBEAT_VERSION = 1;
const COMMIT_VERSION = 9;
const SESSION_TIMEOUT_MS = 45_000;
const REBALANCE_TIMEOUT_MS = 60_000;
const CONNECTING_AT_ONCE = 100;
/** Members of a group join together, so that one rebalance takes them all in. */
const JOINING_AT_ONCE = 500;
const SETTLE_ROUNDS = 20;
/** About what a consumer's subscription and assignment take. */
const PROTOCOL_BYTES = Buffer.alloc(48);
const TICK_MS = 20;

type Connect = Extract<MembersCommand, { do: "connect" }>;

type Owned = readonly { readonly topicId: string; readonly partitions: readonly number[] }[];

class BenchMember {
  readonly groupId: string;
  readonly #index: number;
  readonly #load: Connect;
  readonly #connection: WireConnection;
  #onAnswer: (answer: Buffer) => void;
  #memberId = "";
  /** Of a classic member its generation, of one of the consumer protocol its epoch. */
  #epoch = 0;
  #leaderOf: readonly string[] = [];
  #owned: Owned | null = null;

  static async open(load: Connect, groupId: string, index: number): Promise<BenchMember> {
    let member: BenchMember | null = null;
    const connection = await WireConnection.open(load.address, answer => member!.#onAnswer(answer));
    member = new BenchMember(load, groupId, index, connection);
    return member;
  }

  private constructor(load: Connect, groupId: string, index: number, connection: WireConnection) {
    this.groupId = groupId;
    this.#index = index;
    this.#load = load;
    this.#connection = connection;
    this.#onAnswer = unexpected;
  }

  /** Resolves when the coordinators are there. */
  async findCoordinator(): Promise<void> {
    const found = await this.#ask(FindCoordinator, FIND_VERSION, {
      key: this.groupId,
      keyType: 0,
      coordinatorKeys: [],
    });
    check(found);
  }

  async join(): Promise<void> {
    if (this.#load.protocol === "consumer") {
      this.#memberId = `${this.groupId}-member-${this.#index}`;
      await this.#beatAsConsumer(true);
      return;
    }
    const first = await this.#ask(JoinGroup, JOIN_VERSION, this.#joinRequest());
    if (first.errorCode !== Errors.MEMBER_ID_REQUIRED) throw new Error(`join: ${errorName(first.errorCode)}`);
    this.#memberId = first.memberId;
    const joined = check(await this.#ask(JoinGroup, JOIN_VERSION, this.#joinRequest()));
    this.#epoch = joined.generationId;
    this.#leaderOf = joined.leader === this.#memberId ? joined.members.map(({ memberId }) => memberId) : [];
    const { groupId } = this;
    check(
      await this.#ask(SyncGroup, SYNC_VERSION, {
        groupId,
        generationId: this.#epoch,
        memberId: this.#memberId,
        groupInstanceId: null,
        protocolType: "consumer",
        protocolName: "range",
        assignments: this.#leaderOf.map(memberId => ({ memberId, assignment: PROTOCOL_BYTES })),
      }),
    );
  }

  /** Heartbeats until it has acknowledged all that it was given. */
  async settle(): Promise<void> {
    if (this.#load.protocol === "classic") return;
    await this.#beatAsConsumer(false);
  }

  /** One heartbeat as a client sends them most of the time; `onAnswered` is called when it was taken. */
  beat(onAnswered: () => void): void {
    const { groupId } = this;
    const [api, version, body] =
      this.#load.protocol === "classic"
        ? ([
            Heartbeat,
            CLASSIC_HEARTBEAT_VERSION,
            { groupId, generationId: this.#epoch, memberId: this.#memberId, groupInstanceId: null },
          ] as const)
        : ([ConsumerGroupHeartbeat, CONSUMER_HEARTBEAT_VERSION, this.#consumerHeartbeat(null)] as const);
    this.#onAnswer = answer => {
      this.#onAnswer = unexpected;
      const body = check(decodeResponse(api as typeof Heartbeat | typeof ConsumerGroupHeartbeat, version, answer).body);
      // The group may go on to another epoch at any heartbeat; commits are to name the newest.
      if ("memberEpoch" in body) this.#taken(body);
      onAnswered();
    };
    this.#connection.send(Buffer.concat(encodeRequest(api as Api, version, 1, "bench", body as never)));
  }

  /** Commits the offset of a partition it could own. */
  async commit(offset: bigint): Promise<void> {
    const partitionIndex = this.#index % this.#load.partitions;
    const { groupId } = this;
    const answer = await this.#ask(OffsetCommit, COMMIT_VERSION, {
      groupId,
      generationIdOrMemberEpoch: this.#epoch,
      memberId: this.#memberId,
      groupInstanceId: null,
      topics: [
        {
          name: this.#load.topic,
          topicId: ZERO_UUID,
          partitions: [
            { partitionIndex, committedOffset: Number(offset), committedLeaderEpoch: -1, committedMetadata: "" },
          ],
        },
      ],
    });
    check(answer.topics[0]!.partitions[0]!);
  }

  #joinRequest(): RequestInputOf<typeof JoinGroup> {
    return {
      groupId: this.groupId,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      memberId: this.#memberId,
      groupInstanceId: null,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: PROTOCOL_BYTES }],
      reason: null,
    };
  }

  #consumerHeartbeat(owned: Owned | null): RequestInputOf<typeof ConsumerGroupHeartbeat> {
    return {
      groupId: this.groupId,
      memberId: this.#memberId,
      memberEpoch: this.#epoch,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: owned,
    };
  }

  async #beatAsConsumer(isJoining: boolean): Promise<void> {
    const body = isJoining
      ? {
          ...this.#consumerHeartbeat([]),
          rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
          subscribedTopicNames: [this.#load.topic],
        }
      : this.#consumerHeartbeat(this.#owned);
    this.#taken(check(await this.#ask(ConsumerGroupHeartbeat, CONSUMER_HEARTBEAT_VERSION, body)));
  }

  #taken({ memberEpoch, assignment }: ResponseOf<typeof ConsumerGroupHeartbeat>): void {
    this.#epoch = memberEpoch;
    this.#owned = assignment?.topicPartitions ?? null;
  }

  #ask<A extends Api>(api: A, version: number, body: RequestInputOf<A>): Promise<ResponseOf<A>> {
    const { promise, resolve } = Promise.withResolvers<ResponseOf<A>>();
    this.#onAnswer = answer => {
      this.#onAnswer = unexpected;
      resolve(decodeResponse(api, version, answer).body as ResponseOf<A>);
    };
    this.#connection.send(Buffer.concat(encodeRequest(api, version, 1, "bench", body)));
    return promise;
  }
}

function check<T extends { readonly errorCode: number }>(answer: T): T {
  if (answer.errorCode !== Errors.NONE) throw new Error(`refused: ${errorName(answer.errorCode)}`);
  return answer;
}

function unexpected(): void {
  throw new Error("an answer that nobody waits for");
}

const members: BenchMember[] = [];

async function connect(load: Connect): Promise<void> {
  const places = Array.from({ length: load.groups * load.members }, (_, at) => ({
    groupId: `${load.protocol}-${Math.floor(at / load.members)}`,
    index: at % load.members,
  }));
  for (let at = 0; at < places.length; at += CONNECTING_AT_ONCE) {
    const some = places.slice(at, at + CONNECTING_AT_ONCE);
    members.push(...(await Promise.all(some.map(({ groupId, index }) => BenchMember.open(load, groupId, index)))));
  }
  await members[0]!.findCoordinator();
}

async function join(): Promise<void> {
  for (let at = 0; at < members.length; at += JOINING_AT_ONCE) {
    await Promise.all(members.slice(at, at + JOINING_AT_ONCE).map(member => member.join()));
  }
  for (let round = 0; round < SETTLE_ROUNDS; round++) await Promise.all(members.map(member => member.settle()));
}

/** Each member once an interval, spread evenly. */
async function heartbeat(intervalMs: number, durationMs: number): Promise<MembersReport> {
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  let sent = 0;
  const finished = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs >= durationMs) {
      clearInterval(timer);
      finished.resolve();
      return;
    }
    const due = Math.floor((elapsedMs / intervalMs) * members.length);
    for (; sent < due; sent++) {
      const sentMs = performance.now();
      members[sent % members.length]!.beat(() => latenciesMs.push(performance.now() - sentMs));
    }
  }, TICK_MS);
  await finished.promise;
  return { count: latenciesMs.length, latenciesMs: percentiles(latenciesMs) };
}

/** Some of the members commit, one commit after the other. */
async function commit(committers: number, durationMs: number): Promise<MembersReport> {
  const latenciesMs: number[] = [];
  const untilMs = performance.now() + durationMs;
  const loop = async (member: BenchMember) => {
    for (let offset = 0n; performance.now() < untilMs; offset++) {
      const sentMs = performance.now();
      await member.commit(offset);
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(members.slice(0, committers).map(loop));
  return { count: latenciesMs.length, latenciesMs: percentiles(latenciesMs) };
}

/** The median and the 99th percentile. */
function percentiles(values: number[]): number[] {
  values.sort((a, b) => a - b);
  return [0.5, 0.99].map(part => values[Math.floor(values.length * part)] ?? Number.NaN);
}

const NOTHING: MembersReport = { count: 0, latenciesMs: [] };

process.on("message", async (command: MembersCommand) => {
  switch (command.do) {
    case "connect":
      await connect(command);
      process.send!(NOTHING);
      return;
    case "join":
      await join();
      process.send!(NOTHING);
      return;
    case "heartbeat":
      process.send!(await heartbeat(command.intervalMs, command.durationMs));
      return;
    case "commit":
      process.send!(await commit(command.committers, command.durationMs));
  }
});
