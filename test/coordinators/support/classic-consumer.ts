/**
 * A consumer of the classic protocol in a {@link GroupFixture}, whatever kind of group it finds itself in: it joins, assigns when it leads, gives up all it
 * has before it joins again, and drops everything when it is told that it is no member.
 */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
} from "../../../src/coordinators/group/classic/consumer-metadata.ts";
import { heartbeatGroup, joinGroup, leaveGroup, syncGroup } from "../../../src/coordinators/group/classic-requests.ts";
import type { GroupTurn, Reply } from "../../../src/coordinators/group/group-environment.ts";
import type { GroupState } from "../../../src/coordinators/group/group-state.ts";
import { joinRequest } from "./classic-client.ts";
import { GROUP } from "./consumer-client.ts";
import { type GroupFixture, type JoinResponse, type SyncResponse, type Watched, watch } from "./group-fixture.ts";
import { encodeSubscription } from "./subscription.ts";

const FACTS = { apiVersion: 9, clientId: "client", clientHost: "/127.0.0.1" };
const SESSION_TIMEOUT_MS = 45_000;
const REBALANCE_TIMEOUT_MS = 60_000;

export class ClassicConsumer {
  readonly fixture: GroupFixture;
  readonly topics: readonly string[];
  memberId = "";
  /** `topicId:partition` that it works on. */
  readonly held = new Set<string>();
  #generationId = -1;
  #state: "out" | "joining" | "syncing" | "in" = "out";
  #joining: Watched<JoinResponse> | null = null;
  #syncing: Watched<SyncResponse> | null = null;

  constructor(fixture: GroupFixture, topics: readonly string[]) {
    this.fixture = fixture;
    this.topics = topics;
  }

  get isIn(): boolean {
    return this.memberId !== "" && this.#state !== "out";
  }

  /** Goes one step on. */
  async act(): Promise<void> {
    if (!this.fixture.shard.isActive) return;
    if (this.#state === "out") this.#join();
    else if (this.#state === "joining") this.#hearJoin();
    else if (this.#state === "syncing") this.#hearSync();
    else this.#beat();
    await this.fixture.settle();
  }

  async leave(): Promise<void> {
    if (!this.isIn || !this.fixture.shard.isActive) return;
    const { memberId } = this;
    this.held.clear();
    const done = this.fixture.shard.execute((state, turn) =>
      leaveGroup(state, turn, GROUP, [{ memberId, groupInstanceId: null, reason: null }]),
    );
    if (done instanceof Promise) done.catch(() => {});
    await this.fixture.settle();
  }

  /** It is no member any more, or cannot know. */
  #drop(): void {
    this.held.clear();
    this.memberId = "";
    this.#state = "out";
  }

  #join(): void {
    this.held.clear();
    this.#state = "joining";
    const request = joinRequest({
      memberId: this.memberId,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      protocols: [{ name: "range", metadata: encodeSubscription([...this.topics]) }],
    });
    this.#joining = this.#ask((state, turn, reply: Reply<JoinResponse>) =>
      joinGroup(state, turn, request, FACTS, reply),
    );
  }

  #hearJoin(): void {
    const { value, isDone } = this.#joining!;
    if (!isDone) return;
    if (value === undefined) {
      // The coordinator went away: it joins again as who it was.
      this.#state = "out";
      return;
    }
    switch (value.errorCode) {
      case Errors.NONE:
        this.memberId = value.memberId!;
        this.#generationId = value.generationId!;
        this.#sync(value);
        return;
      case Errors.MEMBER_ID_REQUIRED:
        this.memberId = value.memberId!;
        this.#join();
        return;
      case Errors.REBALANCE_IN_PROGRESS:
        this.#join();
        return;
      default:
        this.#drop();
    }
  }

  #sync({ leader, members }: JoinResponse): void {
    this.#state = "syncing";
    const { memberId } = this;
    const request = {
      groupId: GROUP,
      memberId,
      generationId: this.#generationId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: leader === memberId ? this.#assignments(members!) : [],
    };
    this.#syncing = this.#ask((state, turn, reply: Reply<SyncResponse>) => syncGroup(state, turn, request, reply));
  }

  #hearSync(): void {
    const { value, isDone } = this.#syncing!;
    if (!isDone) return;
    if (value === undefined) {
      this.#state = "out";
      return;
    }
    if (value.errorCode === Errors.NONE) {
      this.#state = "in";
      const { byName } = this.fixture.environment.image().topics;
      for (const { topic, partitions } of decodeAssignment(value.assignment as Buffer)) {
        for (const partition of partitions) this.held.add(`${byName.get(topic)!.id}:${partition}`);
      }
    } else if (value.errorCode === Errors.REBALANCE_IN_PROGRESS) this.#join();
    else this.#drop();
  }

  #beat(): void {
    const code = this.#heartbeat();
    if (code === Errors.REBALANCE_IN_PROGRESS) this.#join();
    else if (code === Errors.UNKNOWN_MEMBER_ID || code === Errors.ILLEGAL_GENERATION) this.#drop();
  }

  #heartbeat(): number {
    const { memberId } = this;
    const request = { groupId: GROUP, memberId, generationId: this.#generationId, groupInstanceId: null };
    try {
      const code = this.fixture.shard.execute(state => heartbeatGroup(state, request));
      if (!(code instanceof Promise)) return code;
      code.catch(() => {});
      return Errors.NONE;
    } catch (error) {
      if (error instanceof ApiError) return error.code;
      throw error;
    }
  }

  /** All partitions in turn to those that want the topic. */
  #assignments(members: NonNullable<JoinResponse["members"]>) {
    const owned = new Map(members.map(({ memberId }) => [memberId, new Map<string, number[]>()]));
    const wanting = members.map(({ memberId, metadata }) => ({
      memberId,
      topics: decodeSubscription(metadata as Buffer).subscription.topics,
    }));
    let turn = 0;
    for (const { name, partitions } of this.fixture.environment.image().topics.byName.values()) {
      const takers = wanting.filter(({ topics }) => topics.includes(name));
      for (const { partition } of takers.length === 0 ? [] : partitions) {
        const topics = owned.get(takers[turn++ % takers.length]!.memberId)!;
        topics.set(name, [...(topics.get(name) ?? []), partition]);
      }
    }
    return Array.from(owned, ([memberId, topics]) => ({
      memberId,
      assignment: encodeAssignment(
        1,
        Array.from(topics, ([topic, partitions]) => ({ topic, partitions })),
      ),
    }));
  }

  #ask<T>(decide: (state: GroupState, turn: GroupTurn, reply: Reply<T>) => void): Watched<T> {
    const reply = this.fixture.shard.park<T>();
    try {
      const done = this.fixture.shard.execute((state, turn) => decide(state, turn, reply));
      if (done instanceof Promise) done.catch(error => reply.reject(error));
    } catch (error) {
      reply.reject(error as Error);
    }
    return watch(reply.promise);
  }
}
