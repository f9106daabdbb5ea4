/** A random history of a consumer group, and the rules that hold after each of its steps. */
import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import { Errors } from "../../../protocol/errors.ts";
import { topicPartitionsOf } from "../../../src/coordinators/group/consumer/assignment.ts";
import { ConsumerGroup } from "../../../src/coordinators/group/consumer/consumer-group.ts";
import type { GroupState } from "../../../src/coordinators/group/group-state.ts";
import { SeededRandom } from "../../../src/platform/memory-random.ts";
import { beat, GROUP, T1, T2, TestConsumer } from "./consumer-client.ts";
import { defaultOptions, GroupFixture } from "./group-fixture.ts";

const STEPS = 30;

/** A consumer that holds on to what it has to give up until it has said that it did. */
export class HoldingConsumer extends TestConsumer {
  /** `topic:partition` that it works on. */
  held = new Set<string>();
  isIn = false;

  async act(action: () => Promise<{ errorCode?: number }>): Promise<number | undefined> {
    const { errorCode } = await action();
    if (errorCode === Errors.NONE) {
      for (const partition of this.told()) this.held.add(partition);
    } else if (errorCode !== Errors.COORDINATOR_NOT_AVAILABLE && errorCode !== Errors.NOT_COORDINATOR) {
      // Fenced: it drops everything at once.
      this.drop();
    }
    return errorCode;
  }

  told(): string[] {
    return this.owned.flatMap(({ topicId, partitions }) => partitions.map(partition => `${topicId}:${partition}`));
  }

  /** The next heartbeat says what is left: from now on it works on no more than that. */
  release(): void {
    this.held = new Set(this.told());
  }

  drop(): void {
    this.held.clear();
    this.owned = [];
    this.isIn = false;
    this.epoch = 0;
  }
}

/** A random history of a group, checked after each step. */
export class History {
  readonly fixture: GroupFixture;
  readonly random: SeededRandom;
  consumers: HoldingConsumer[] = [];
  isEnding = false;
  #nextMember = 0;

  constructor(seed: string) {
    this.random = new SeededRandom(seed);
    const times = {
      sessionTimeoutMs: 45_000,
      heartbeatIntervalMs: 5_000,
      assignmentIntervalMs: this.random.integer(2) * 1_000,
    };
    this.fixture = new GroupFixture({ ...defaultOptions, consumer: { ...defaultOptions.consumer, of: () => times } });
  }

  async run(): Promise<void> {
    this.fixture.setTopics([T1, T2]);
    await this.fixture.settle();
    this.consumers = [0, 1, 2, 3].map(() => this.newConsumer(this.random.integer(4)));
    for (let step = 0; step < STEPS; step += 1) {
      await this.act();
      await this.fixture.settle();
      this.check(this.random.integer(4) === 0);
    }
    await this.end();
  }

  newConsumer(kind: number): HoldingConsumer {
    const memberId = `m${this.#nextMember++}`;
    const subscribedTopicNames = this.random.integer(2) === 0 ? ["t1"] : ["t1", "t2"];
    if (kind === 0) {
      return new HoldingConsumer(this.fixture, memberId, { subscribedTopicNames: [], subscribedTopicRegex: "t.*" });
    }
    if (kind === 1)
      return new HoldingConsumer(this.fixture, memberId, { subscribedTopicNames, instanceId: `i-${memberId}` });
    if (kind === 2)
      return new HoldingConsumer(this.fixture, memberId, { subscribedTopicNames, serverAssignor: "range" });
    return new HoldingConsumer(this.fixture, memberId, { subscribedTopicNames });
  }

  async act(): Promise<void> {
    const index = this.random.integer(this.consumers.length);
    const consumer = this.consumers[index]!;
    const { fixture } = this;
    switch (this.random.integer(15)) {
      case 0:
        await fixture.time.advance(this.random.integer(20_000));
        return;
      case 1:
        return this.random.integer(3) === 0 ? fixture.restart() : undefined;
      case 2:
        if (this.random.integer(5) === 0) fixture.partition.failNextAppend = true;
        return;
      case 3:
        return this.leave(consumer, index);
      case 4: {
        if (this.random.integer(4) > 0) return;
        fixture.setTopics([{ ...T1, partitionCount: 5 + this.random.integer(4) }, T2]);
        const group = fixture.state.groups.get(GROUP);
        if (group instanceof ConsumerGroup) group.isMetadataStale = true;
        return;
      }
      case 5:
        return this.staleBeat(consumer);
      case 6:
        return this.random.integer(3) === 0 ? this.resubscribe(consumer) : undefined;
      default:
        return this.beat(consumer);
    }
  }

  async beat(consumer: HoldingConsumer): Promise<void> {
    if (!this.fixture.shard.isActive) return;
    if (!consumer.isIn) {
      consumer.isIn = true;
      await consumer.act(() => consumer.join());
      return;
    }
    // Busy consumers stay in the group and keep what they have for the time being.
    const isBusy = this.random.integer(3) === 0 && !this.isEnding;
    if (isBusy) {
      await consumer.act(() => consumer.beat(false));
      return;
    }
    consumer.release();
    await consumer.act(() => consumer.beat());
  }

  /** A member wants other topics from now on. */
  async resubscribe(consumer: HoldingConsumer): Promise<void> {
    if (!consumer.isIn || consumer.news.subscribedTopicRegex !== undefined || !this.fixture.shard.isActive) return;
    const subscribedTopicNames = this.random.integer(2) === 0 ? ["t2"] : ["t1", "t2"];
    const code = await consumer.act(() => consumer.beat(false, { subscribedTopicNames }));
    if (code === Errors.NONE) consumer.news = { ...consumer.news, subscribedTopicNames };
  }

  /** A request that comes late, with an epoch of long ago, is refused and changes nothing. */
  async staleBeat(consumer: HoldingConsumer): Promise<void> {
    if (!consumer.isIn || consumer.epoch < 4 || !this.fixture.shard.isActive) return;
    const { memberId } = consumer;
    const group = this.fixture.state.groups.get(GROUP);
    if (!(group instanceof ConsumerGroup) || group.member(memberId)?.previousMemberEpoch === 1) return;
    const before = this.fixture.partition.logEndOffset;
    const { errorCode } = await beat(this.fixture, {
      memberId,
      memberEpoch: 1,
      instanceId: consumer.news.instanceId ?? null,
      topicPartitions: this.random.integer(2) === 0 ? [] : [{ topicId: T1.id, partitions: [99] }],
    });
    expect(errorCode).to.not.equal(Errors.NONE);
    expect(this.fixture.partition.logEndOffset).to.equal(before);
  }

  async leave(consumer: HoldingConsumer, index: number): Promise<void> {
    if (!consumer.isIn || !this.fixture.shard.isActive || this.random.integer(2) === 0) return;
    const isStatic = consumer.news.instanceId !== undefined;
    const comesBack = isStatic && this.random.integer(2) === 0;
    consumer.drop();
    await consumer.leave(comesBack ? -2 : -1);
    if (!comesBack) {
      this.consumers[index] = this.newConsumer(this.random.integer(4));
      return;
    }
    this.consumers[index] = new HoldingConsumer(this.fixture, `m${this.#nextMember++}`, consumer.news);
  }

  check(compareWithLog: boolean): void {
    const { shard, partition } = this.fixture;
    if (!shard.isActive || shard.uncommittedCount > 0 || partition.highWatermark < partition.logEndOffset) return;
    const group = this.fixture.state.groups.get(GROUP);
    if (!(group instanceof ConsumerGroup)) return;
    if (compareWithLog) {
      const [live, replayed] = [facts(this.fixture.state), facts(this.fixture.replayed())];
      if (!isDeepStrictEqual(live, replayed)) expect(replayed).to.deep.equal(live);
    }
    const owners = new Map<string, string>();
    for (const { memberId, assigned, revoking } of group.members()) {
      for (const owned of [assigned, revoking]) {
        for (const { topicId, partitions } of topicPartitionsOf(owned)) {
          for (const partitionIndex of partitions) {
            const key = `${topicId}:${partitionIndex}`;
            expect(owners.get(key), `${key} is owned by ${memberId} too`).to.equal(undefined);
            owners.set(key, memberId);
          }
        }
      }
    }
    this.checkHeld(group);
  }

  /** What members work on, as long as the coordinator counts them in, is nobody else's. */
  checkHeld(group: ConsumerGroup): void {
    const holders = new Map<string, string>();
    for (const consumer of this.consumers) {
      if (!consumer.isIn || group.member(consumer.memberId) === undefined) continue;
      for (const partition of consumer.held) {
        expect(holders.get(partition), `${partition} is held by ${consumer.memberId} too`).to.equal(undefined);
        holders.set(partition, consumer.memberId);
      }
    }
  }

  /** Left in peace, the group comes to rest with every partition in somebody's hands. */
  async end(): Promise<void> {
    this.fixture.partition.failNextAppend = false;
    this.isEnding = true;
    for (let round = 0; round < 14; round += 1) {
      const before = this.fixture.partition.logEndOffset;
      for (const consumer of this.consumers) await this.beat(consumer);
      await this.fixture.time.advance(round === 2 ? 40_000 : 5_000);
      if (round > 5 && this.fixture.partition.logEndOffset === before) break;
    }
    this.check(true);
    const group = this.fixture.state.groups.get(GROUP) as ConsumerGroup;
    expect(group.state).to.equal("Stable");
    for (const { memberId, news } of this.consumers) {
      const names = group.member(memberId)!.subscribedTopicNames;
      expect([...names], `subscription of ${memberId}`).to.deep.equal(news.subscribedTopicNames);
    }
    const all = [...group.members()]
      .flatMap(({ assigned }) => topicPartitionsOf(assigned))
      .flatMap(({ partitions }) => partitions);
    const image = this.fixture.environment.image();
    let expected = 0;
    for (const topic of ["t1", "t2"])
      if (group.isSubscribedTo(topic)) expected += image.topics.byName.get(topic)!.partitions.length;
    expect(all).to.have.length(expected);
    this.fixture.shard.close();
  }
}

/** Everything about the group that has to last. */
export function facts(state: GroupState): unknown {
  const group = state.groups.get(GROUP);
  if (!(group instanceof ConsumerGroup)) return null;
  const { groupEpoch, assignmentEpoch, metadataHash } = group;
  return {
    groupEpoch,
    assignmentEpoch,
    metadataHash,
    members: [...group.members()].sort((a, b) => (a.memberId < b.memberId ? -1 : 1)),
    targets: [...group.targets()].sort(([a], [b]) => (a < b ? -1 : 1)),
    patterns: [...group.patterns()],
    topicCounts: group.topicCounts,
  };
}
