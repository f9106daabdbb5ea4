/**
 * Three real processes under an idempotent librdkafka producer, while nodes are killed, stopped and restarted. Whatever happens, every acknowledged
 * record is there once, where it was promised and in order. The longest wait for an acknowledgement is told, not asserted: `npm run bench` measures.
 */
import { expect } from "chai";
import { longestGap, verifyKept } from "./acknowledgements.ts";
import { type Acknowledgement, IdempotentProducer, requireProducer } from "./idempotent-producer.ts";
import { ProcessCluster } from "./process-cluster.ts";
import { readBack } from "./read-back.ts";

const TOPIC = "events";
const PARTITIONS = 6;
const RECORDS = 100_000;
const RECORDS_PER_SECOND = 20_000;
/** When something happens. */
const EARLY = 30_000;
const LATE = 60_000;
/** More than are ever produced: such a load ends when it is told to. */
const ENDLESS = 5_000_000;

/** A process that stands still keeps its connections: a client that waits for its answers gives up after this, by default after a minute. */
const IMPATIENT = { "socket.timeout.ms": "1000" };

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

  async function startProducer(load: {
    readonly count: number;
    readonly settings?: Readonly<Record<string, string>>;
  }): Promise<IdempotentProducer> {
    producer = await IdempotentProducer.start({
      bootstrapServers: cluster.bootstrapServers,
      topic: TOPIC,
      partitions: PARTITIONS,
      recordsPerSecond: RECORDS_PER_SECOND,
      ...load,
    });
    return producer;
  }

  /** Checks what is kept once all nodes are in sync, and tells of the longest gap that was not over `sinceMs` after the start. */
  async function verify(acknowledgements: readonly Acknowledgement[], sinceMs = 0): Promise<void> {
    await cluster.whole(TOPIC);
    verifyKept(acknowledgements, await readBack(cluster.bootstrapServers, TOPIC));
    const { fromMs, untilMs } = longestGap(acknowledgements, sinceMs);
    console.log(`      longest gap between acknowledgements of a partition: ${Math.round(untilMs - fromMs)} ms`);
  }

  /** Has records produced while `happen` goes on, then checks what is kept. */
  async function produceWhile(happen: (records: IdempotentProducer) => Promise<void>): Promise<void> {
    const records = await startProducer({ count: RECORDS });
    records.go();
    await happen(records);
    const acknowledgements = await records.finished();
    expect(acknowledgements).to.have.length(RECORDS);
    await verify(acknowledgements);
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

  /**
   * Stops a node's process in the midst of a load, and lets it go on when somebody else has acknowledged records of each partition that it led. The load
   * ends only when the node is in sync again.
   */
  async function standStill(nodeId: number): Promise<void> {
    const led = (await cluster.partitions(TOPIC)).filter(({ leader }) => leader === nodeId);
    expect(led, `partitions that node ${nodeId} leads`).to.not.have.length(0);
    const records = await startProducer({ count: ENDLESS, settings: IMPATIENT });
    const startedMs = records.go();
    await records.acknowledged(EARLY);
    cluster.signal(nodeId, "SIGSTOP");
    const stoppedMs = Date.now() - startedMs;
    // What was produced when the node stood still already cannot have been acknowledged by it.
    const from = records.unproducedFrom();
    try {
      const isLate = (partition: number) => (each: Acknowledgement) =>
        each.partition === partition && each.number >= from;
      await Promise.all(led.map(({ partition }) => records.acknowledgedOne(isLate(partition))));
    } finally {
      cluster.signal(nodeId, "SIGCONT");
    }
    await cluster.whole(TOPIC);
    records.enough();
    const moved = await cluster.partitions(TOPIC);
    for (const { partition } of led) expect(moved[partition]!.leader).to.not.equal(nodeId);
    await verify(await records.finished(), stoppedMs);
  }

  it("loses nothing when a leader that is not the active controller stands still, and comes to itself again", async () => {
    const controller = await cluster.activeController();
    await standStill(cluster.nodeIds.find(id => id !== controller)!);
  });

  it("loses nothing when the active controller, which leads too, stands still, and comes to itself again", async () => {
    await standStill(await cluster.activeController());
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
