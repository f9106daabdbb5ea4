import { expect } from "chai";
import type { Consumer, Kafka } from "kafkajs";
import { BrokerProcess } from "../support/broker-process.ts";
import { kafkajsClient } from "../support/kafkajs.ts";

const PARTITIONS = 12;
const RECORDS = 3000;

/** A consumer of a group, and what it was given so far. */
interface Member {
  readonly consumer: Consumer;
  readonly values: string[];
}

/** What outlives the members of a group; how members share a topic is tested with every client in compat-tests/groups. */
describe("consumer groups of kafkajs", function () {
  this.timeout(90_000);
  let broker: BrokerProcess;
  let client: Kafka;

  before(async () => {
    broker = await BrokerProcess.start({ overrides: { "group.initial.rebalance.delay.ms": "300" } });
    client = kafkajsClient(broker.address, { retry: { retries: 8 } });
  });

  after(async () => {
    await broker?.stop();
    await broker?.dispose();
  });

  async function fill(topic: string): Promise<void> {
    const admin = client.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true });
    await admin.disconnect();
    await produce(topic, 0, RECORDS);
  }

  async function produce(topic: string, from: number, to: number): Promise<void> {
    const producer = client.producer();
    await producer.connect();
    const messages = Array.from({ length: to - from }, (_, index) => ({
      key: `k${from + index}`,
      value: `${from + index}`,
    }));
    await producer.send({ topic, acks: -1, messages });
    await producer.disconnect();
  }

  /** Starts a member; `onValue` hears of each record. Offsets are committed at the end of every batch. */
  async function join(groupId: string, topic: string, onValue: () => void): Promise<Member> {
    const consumer = client.consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 500, maxWaitTimeInMs: 100 });
    const values: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        values.push(message.value!.toString());
        onValue();
      },
    });
    return { consumer, values };
  }

  /** Resolves when `members` have seen `count` different records between them. */
  function allSeen(members: readonly Member[], count: number): { promise: Promise<void>; check: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => {
      if (new Set(members.flatMap(member => member.values)).size >= count) resolve();
    };
    return { promise, check };
  }

  it("a member that comes later goes on where the group had committed", async () => {
    await fill("resumed");
    const first: Member[] = [];
    const firstSeen = allSeen(first, RECORDS);
    first.push(await join("resuming", "resumed", firstSeen.check));
    firstSeen.check();
    await firstSeen.promise;
    await first[0]!.consumer.disconnect();

    await broker.kill("SIGKILL");
    await broker.restart();
    await produce("resumed", RECORDS, RECORDS + 500);
    const second: Member[] = [];
    const secondSeen = allSeen(second, 500);
    second.push(await join("resuming", "resumed", secondSeen.check));
    secondSeen.check();
    await secondSeen.promise;
    await second[0]!.consumer.disconnect();
    const expected = Array.from({ length: 500 }, (_, index) => `${RECORDS + index}`);
    expect([...second[0]!.values].sort()).to.deep.equal(expected.sort());
  });

  it("describes, lists, resets and deletes groups", async () => {
    const admin = client.admin();
    await admin.connect();
    const { groups } = await admin.listGroups();
    expect(groups.map(group => group.groupId)).to.include("resuming");
    const described = await admin.describeGroups(["resuming", "nobody"]);
    expect(described.groups.map(group => group.state)).to.deep.equal(["Empty", "Dead"]);
    await admin.resetOffsets({ groupId: "resuming", topic: "resumed", earliest: true });
    const offsets = await admin.fetchOffsets({ groupId: "resuming", topics: ["resumed"] });
    expect(offsets[0]!.partitions.every(partition => Number(partition.offset) <= 0)).to.equal(true);
    await admin.deleteGroups(["resuming"]);
    expect((await admin.listGroups()).groups.map(group => group.groupId)).not.to.include("resuming");
    await admin.disconnect();
  });
});
