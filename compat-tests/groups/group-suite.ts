/**
 * What every client has to show in groups of one, three and ten members over twelve partitions: joining, leaving, killed, coming back as static
 * members. Members are processes of their own (member-process.ts). `TEST_GROUPS_OF=kafka` asks the same of Apache Kafka, which tells faults of
 * clients from ours.
 */
import { expect } from "chai";
import type { Admin, Producer } from "kafkajs";
import { BrokerProcess } from "../support/broker-process.ts";
import { KafkaProcess } from "../support/kafka-process.ts";
import { kafkajsClient } from "../support/kafkajs.ts";
import type { GroupClient } from "./clients.ts";
import { GroupRun, type Member } from "./group-run.ts";

const PARTITIONS = 12;
/** The least that brokers allow by default. */
const SESSION_TIMEOUT_MS = 6_000;
const HEARTBEAT_INTERVAL_MS = 500;
/** What the survivors take to join again, on a machine that has other things to do. */
const REBALANCE_SLACK_MS = 6_000;
const OFFSETS_POLL_MS = 100;

const settings = {
  "group.initial.rebalance.delay.ms": "200",
  "group.consumer.min.session.timeout.ms": String(SESSION_TIMEOUT_MS),
  "group.consumer.session.timeout.ms": String(SESSION_TIMEOUT_MS),
  "group.consumer.min.heartbeat.interval.ms": String(HEARTBEAT_INTERVAL_MS),
  "group.consumer.heartbeat.interval.ms": String(HEARTBEAT_INTERVAL_MS),
};

/** Describes the groups of a client, as mocha suites. */
export function describeGroupsOf(client: GroupClient): void {
  describe(`groups of ${client.name}, ${client.protocol} protocol`, function () {
    this.timeout(180_000);
    let broker: BrokerProcess | KafkaProcess;
    let producer: Producer;
    let admin: Admin;
    let run: GroupRun;
    let hasFailed = false;

    before(async function () {
      const reason = client.missing();
      if (reason !== null) {
        if (process.env.TEST_REQUIRE_CLIENTS === "1") throw new Error(reason);
        console.log(`      skipped: ${reason}`);
        this.skip();
      }
      client.prepare();
      broker = await (process.env.TEST_GROUPS_OF === "kafka"
        ? KafkaProcess.start({ properties: settings })
        : BrokerProcess.start({ overrides: settings }));
      const kafka = kafkajsClient(broker.address, { retry: { retries: 8 } });
      producer = kafka.producer();
      admin = kafka.admin();
      await producer.connect();
      await admin.connect();
    });

    after(async () => {
      await run?.dispose();
      await producer?.disconnect();
      await admin?.disconnect();
      if (broker instanceof BrokerProcess) await broker.stop();
      await broker?.dispose();
    });

    beforeEach(function () {
      if (hasFailed) this.skip(); // each test goes on with the group of the last
    });

    afterEach(function () {
      hasFailed ||= this.currentTest?.state === "failed";
    });

    it("1, 3 and 10 members share all partitions and see every record once", async () => {
      run = await newRun("sizes");
      for (const [joining, size] of [
        [1, 1],
        [2, 3],
        [7, 10],
      ] as const) {
        run.start(joining);
        await run.sharedByAll();
        expect(run.running).to.have.length(size);
        await produce(run, "sizes", 50);
        await run.allProcessed();
      }
      await committed(run, "sizes");
      run.checkRecords(client.saysCommits);
      run.checkErrors();
    });

    it("members that leave are replaced at once", async () => {
      const leaving = run.running.at(-1)!;
      await run.leave(leaving);
      const leftAt = performance.now();
      await run.sharedByAll();
      expect(performance.now() - leftAt, "ms").to.be.below(SESSION_TIMEOUT_MS);
      for (const member of run.running.slice(3)) await run.leave(member);
      await run.sharedByAll();
      await produce(run, "sizes", 50);
      await run.allProcessed();
      await committed(run, "sizes");
      run.checkRecords(client.saysCommits);
      run.checkErrors();
    });

    it("a member killed while it reads is replaced within its session, and nothing is lost", async () => {
      const [victim] = run.start(1) as [Member];
      await run.sharedByAll();
      if (client.saysCommits) {
        const producing = produce(run, "sizes", 500);
        await run.until("the victim reads", () => victim.processedCount > 60);
        await run.crash(victim);
        await producing;
      } else {
        // Nobody can tell what it had committed of the records it was reading, so it is killed when it has read them all.
        await run.crash(victim);
        await produce(run, "sizes", 100);
      }
      const killedAt = performance.now();
      await run.sharedByAll();
      expect(performance.now() - killedAt, "ms").to.be.below(SESSION_TIMEOUT_MS + REBALANCE_SLACK_MS);
      await run.allProcessed();
      await committed(run, "sizes");
      run.checkRecords(client.saysCommits);
      run.checkErrors();
      for (const member of run.running) await run.leave(member);
    });

    const staticMembers = async () => {
      run = await newRun("static");
      const members = ["a", "b", "c"].map(id => run.start(1, id)[0]!);
      await run.sharedByAll();
      await produce(run, "static", 50);
      await run.allProcessed();
      await committed(run, "static");
      const [gone, ...others] = members as [Member, ...Member[]];
      const before = others.map(member => member.assignmentCount);
      const { owned } = gone;
      // Of the consumer protocol's static members only those that say good-bye give their name free before their session ends (KIP-848).
      if (client.protocol === "classic") await run.crash(gone);
      else await run.leave(gone);
      const [back] = run.start(1, "a") as [Member];
      await run.sharedByAll();
      expect(back.owned).to.deep.equal(owned);
      await produce(run, "static", 50);
      await run.allProcessed();
      expect(others.map(member => member.assignmentCount)).to.deep.equal(before);
      await committed(run, "static");
      run.checkRecords(client.saysCommits);
      run.checkErrors();
    };
    if (client.isStatic) it("static members come back to what they had, and the others notice nothing", staticMembers);

    async function newRun(purpose: string): Promise<GroupRun> {
      await admin.createTopics({
        topics: [{ topic: nameOf(purpose), numPartitions: PARTITIONS }],
        waitForLeaders: true,
      });
      return new GroupRun(
        { partitions: PARTITIONS },
        {
          launch: (count, instanceId) =>
            client.launch(
              {
                bootstrap: broker.address,
                group: nameOf(purpose),
                topic: nameOf(purpose),
                protocol: client.protocol,
                ...(instanceId === undefined ? {} : { instanceId }),
                sessionTimeoutMs: SESSION_TIMEOUT_MS,
                heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
              },
              count,
            ),
        },
      );
    }

    /** Resolves when the broker has the offsets of all records. */
    async function committed(run: GroupRun, purpose: string): Promise<void> {
      if (client.saysCommits) await run.allCommitted();
      for (;;) {
        const [fetched] = await admin.fetchOffsets({ groupId: nameOf(purpose), topics: [nameOf(purpose)] });
        const offsets = new Map(fetched!.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
        if (run.endOffsets.every((end, partition) => offsets.get(partition) === end)) return;
        if (client.saysCommits) expect(run.endOffsets).to.deep.equal(run.endOffsets.map((_, at) => offsets.get(at)));
        // librdkafka commits in the background, and says nothing of it.
        await new Promise(resolve => setTimeout(resolve, OFFSETS_POLL_MS));
      }
    }

    /** Adds `count` records to each partition. */
    async function produce(run: GroupRun, purpose: string, count: number): Promise<void> {
      const messages = [];
      for (let partition = 0; partition < PARTITIONS; partition++) {
        for (let index = 0; index < count; index++) messages.push({ partition, value: String(index) });
        run.produced(partition, count);
      }
      await producer.send({ topic: nameOf(purpose), acks: -1, messages });
    }

    function nameOf(purpose: string): string {
      return `${client.name.replaceAll(/[^\w]+/g, "-")}-${client.protocol}-${purpose}`;
    }
  });
}
