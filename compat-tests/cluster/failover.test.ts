/**
 * Three real processes under an idempotent librdkafka producer, while nodes are killed, stopped and restarted. Whatever happens, every acknowledged
 * record is there once, where it was promised and in order. The longest wait for an acknowledgement is told, not asserted: `npm run bench` measures.
 */
import { expect } from "chai";
import { longestGapMs, verifyKept } from "./acknowledgements.ts";
import { IdempotentProducer, requireProducer } from "./idempotent-producer.ts";
import { ProcessCluster } from "./process-cluster.ts";
import { readBack } from "./read-back.ts";

const TOPIC = "events";
const PARTITIONS = 6;
const RECORDS = 100_000;
const RECORDS_PER_SECOND = 20_000;
/** When something happens. */
const EARLY = 30_000;
const LATE = 60_000;

describe("three processes under an idempotent librdkafka producer", function () {
  this.timeout(180_000);
  let cluster: ProcessCluster;
  let producer: IdempotentProducer | null = null;

  before(function () {
    requireProducer(this);
  });

  beforeEach(async () => {
    cluster = await ProcessCluster.start();
    await cluster.createTopic(TOPIC, PARTITIONS);
  });

  afterEach(async () => {
    producer?.kill();
    producer = null;
    await cluster.dispose();
  });

  /** Has records produced while `happen` goes on, then checks what is kept. */
  async function produceWhile(happen: (producer: IdempotentProducer) => Promise<void>): Promise<void> {
    producer = await IdempotentProducer.start({
      bootstrapServers: cluster.bootstrapServers,
      topic: TOPIC,
      partitions: PARTITIONS,
      count: RECORDS,
      recordsPerSecond: RECORDS_PER_SECOND,
    });
    producer.go();
    await happen(producer);
    const acknowledgements = await producer.finished();
    expect(acknowledgements).to.have.length(RECORDS);
    await cluster.whole(TOPIC);
    verifyKept(acknowledgements, await readBack(cluster.bootstrapServers, TOPIC));
    console.log(
      `      longest gap between acknowledgements of a partition: ${Math.round(longestGapMs(acknowledgements))} ms`,
    );
  }

  async function kill(nodeId: number): Promise<void> {
    await cluster.local("kill", String(nodeId));
  }

  async function restart(nodeId: number): Promise<void> {
    await cluster.local("restart", String(nodeId));
  }

  it("loses nothing when a leader that is not the active controller is killed", async () => {
    await produceWhile(async records => {
      await records.acknowledged(EARLY);
      const controller = await cluster.activeController();
      const leader = (await cluster.partitions(TOPIC)).map(({ leader: id }) => id).find(id => id !== controller);
      await kill(leader as number);
      await records.acknowledged(LATE);
      await restart(leader as number);
    });
  });

  it("loses nothing when the active controller, which leads too, is killed", async () => {
    await produceWhile(async records => {
      await records.acknowledged(EARLY);
      const controller = await cluster.activeController();
      expect((await cluster.partitions(TOPIC)).map(({ leader }) => leader)).to.include(controller);
      await kill(controller);
      await records.acknowledged(LATE);
      await restart(controller);
    });
  });

  it("loses nothing when a leader stands still, and comes to itself again", async () => {
    await produceWhile(async records => {
      await records.acknowledged(EARLY);
      const leader = (await cluster.partitions(TOPIC))[0]!.leader!;
      cluster.signal(leader, "SIGSTOP");
      try {
        await records.acknowledged(LATE);
      } finally {
        cluster.signal(leader, "SIGCONT");
      }
    });
  });

  it("fails no request for good while all nodes are restarted one after the other", async () => {
    await produceWhile(async records => {
      await records.acknowledged(EARLY);
      for (const id of cluster.nodeIds) {
        await restart(id);
        await cluster.whole(TOPIC);
      }
    });
  });

  it("keeps everything when all nodes are killed at once", async () => {
    await produceWhile(async records => {
      await records.acknowledged(EARLY);
      for (const id of cluster.nodeIds) cluster.signal(id, "SIGKILL");
      await cluster.local();
    });
  });
});
