/**
 * Random histories of a group whose members speak the classic and the consumer protocol, so that it changes from one to the other and back. A failure
 * names its seed: `SEED=… npx mocha …` repeats it.
 */
import { expect } from "chai";
import { ClassicGroup } from "../../../src/coordinators/group/classic/classic-group.ts";
import { ConsumerGroup } from "../../../src/coordinators/group/consumer/consumer-group.ts";
import { ClassicConsumer } from "../support/classic-consumer.ts";
import { GROUP } from "../support/consumer-client.ts";
import { History, type HoldingConsumer } from "../support/consumer-history.ts";

const HISTORIES = Number(process.env.HISTORIES ?? 1_000);
const ROUNDS = 40;

/** How often groups became what they were not. */
const changes = { toConsumer: 0, toClassic: 0 };

class MixedHistory extends History {
  classics: ClassicConsumer[] = [];
  #kind: string | undefined;

  override async run(): Promise<void> {
    this.classics = Array.from({ length: 1 + this.random.integer(3) }, () => this.newClassic());
    await super.run();
  }

  newClassic(): ClassicConsumer {
    return new ClassicConsumer(this.fixture, this.random.integer(2) === 0 ? ["t1"] : ["t1", "t2"]);
  }

  override async act(): Promise<void> {
    const index = this.random.integer(this.classics.length);
    switch (this.random.integer(8)) {
      case 0:
        // Those of the consumer protocol go all at once, now and then: the others are among themselves again.
        if (this.random.integer(4) === 0) for (const consumer of [...this.consumers]) await this.goFor(consumer);
        return;
      case 1:
        if (this.random.integer(4) > 0) return;
        await this.classics[index]!.leave();
        this.classics[index] = this.newClassic();
        return;
      case 2:
      case 3:
      case 4:
        return this.classics[index]!.act();
      default:
        await super.act();
    }
  }

  async goFor(consumer: HoldingConsumer): Promise<void> {
    if (!consumer.isIn || !this.fixture.shard.isActive) return;
    consumer.drop();
    await consumer.leave(-1);
    await this.fixture.settle();
    this.check(false);
  }

  override check(compareWithLog: boolean): void {
    const group = this.fixture.state.groups.get(GROUP);
    if (this.#kind === "classic" && group instanceof ConsumerGroup) changes.toConsumer += 1;
    if (this.#kind === "consumer" && group instanceof ClassicGroup) changes.toClassic += 1;
    this.#kind = group?.kind;
    super.check(compareWithLog);
    const { shard, partition } = this.fixture;
    if (!shard.isActive || shard.uncommittedCount > 0 || partition.highWatermark < partition.logEndOffset) return;
    if (group instanceof ConsumerGroup || group instanceof ClassicGroup) this.checkHeld(group);
  }

  /** Whoever is counted in works on nothing that another works on, whatever protocol the two speak. */
  override checkHeld(group: ConsumerGroup | ClassicGroup): void {
    const holders = new Map<string, string>();
    for (const consumer of [...this.consumers, ...this.classics]) {
      if (!consumer.isIn || group.member(consumer.memberId) === undefined) continue;
      for (const partition of consumer.held) {
        expect(holders.get(partition), `${partition} is held by ${consumer.memberId} too`).to.equal(undefined);
        holders.set(partition, consumer.memberId);
      }
    }
  }

  /** Left in peace, the group comes to rest, whatever it has become, with every partition in somebody's hands. */
  override async end(): Promise<void> {
    this.fixture.partition.failNextAppend = false;
    this.isEnding = true;
    let expected = -1;
    let held = new Set<string>();
    for (let round = 0; round < ROUNDS && held.size !== expected; round += 1) {
      for (const consumer of this.consumers) await this.beat(consumer);
      for (const consumer of this.classics) for (let step = 0; step < 3; step += 1) await consumer.act();
      await this.fixture.time.advance(round === 2 ? 40_000 : 5_000);
      this.check(true);
      held = new Set([...this.consumers, ...this.classics].flatMap(consumer => [...consumer.held]));
      expected = 0;
      for (const { name, partitions } of this.fixture.environment.image().topics.byName.values()) {
        if (this.isWanted(name)) expected += partitions.length;
      }
    }
    expect(held.size, "partitions at work").to.equal(expected);
    this.fixture.shard.close();
  }

  isWanted(topic: string): boolean {
    const isSubscribed = ({ news }: HoldingConsumer) =>
      news.subscribedTopicRegex !== undefined || news.subscribedTopicNames!.includes(topic);
    return this.consumers.some(isSubscribed) || this.classics.some(({ topics }) => topics.includes(topic));
  }
}

describe(`a group that changes its protocol in ${HISTORIES} random histories`, () => {
  it("never has a partition in two hands, comes to rest, and has a log that tells it all", async function () {
    this.timeout(60_000 + HISTORIES * 100);
    const seeds = process.env.SEED
      ? [process.env.SEED]
      : Array.from({ length: HISTORIES }, (_, seed) => `migration-${seed}`);
    for (const seed of seeds) {
      try {
        await new MixedHistory(seed).run();
      } catch (error) {
        (error as Error).message = `SEED=${seed}: ${(error as Error).message}`;
        throw error;
      }
    }
    if (seeds.length < 100) return;
    // Both ways are gone often, or the histories test nothing.
    expect(changes.toConsumer, "to the consumer protocol").to.be.above(seeds.length / 10);
    expect(changes.toClassic, "to the classic protocol").to.be.above(seeds.length / 10);
  });
});
