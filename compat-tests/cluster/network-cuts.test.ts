/**
 * Cables pulled under an idempotent librdkafka producer: a leader, and the active controller that leads too, that hear nothing of the other nodes while
 * clients still reach them; and a node that nobody hears of any more. Whatever happens, every acknowledged record is there once, where it was promised
 * and in order. The longest wait for an acknowledgement is told.
 *
 * A client that is cut off itself notices by its own timeouts only, which are minutes by default: there the producer is given shorter ones.
 */
import { expect } from "chai";
import { longestGap, verifyKept } from "./acknowledgements.ts";
import { IdempotentProducer, requireProducer } from "./idempotent-producer.ts";
import { canMakeNetworks, NetworkCluster } from "./network-cluster.ts";
import { readBack } from "./read-back.ts";

const TOPIC = "events";
const PARTITIONS = 6;
const RECORDS = 100_000;
const RECORDS_PER_SECOND = 20_000;
const EARLY = 20_000;
const LATE = 60_000;

/** So that a client that hears nothing from a broker asks another soon. */
const IMPATIENT = { "socket.timeout.ms": "1000" };

describe("three processes whose network is cut, under an idempotent librdkafka producer", function () {
  this.timeout(120_000);
  let cluster: NetworkCluster;
  let producer: IdempotentProducer | null = null;

  before(async function () {
    requireProducer(this);
    if (!canMakeNetworks) {
      console.log("      skipped: root and network namespaces are needed");
      this.skip();
    }
    cluster = await NetworkCluster.start();
    console.log("      each node in a network namespace of its own");
  });

  afterEach(() => {
    producer?.kill();
    producer = null;
  });

  after(() => cluster?.dispose());

  /** Has records produced while the node is cut off, then checks what is kept. */
  async function produceWhile(
    topic: string,
    nodeId: number,
    cut: () => void,
    settings: Readonly<Record<string, string>>,
  ): Promise<void> {
    await cluster.createTopicLedBy(topic, PARTITIONS, [nodeId, ...cluster.nodeIds.filter(id => id !== nodeId)]);
    producer = await IdempotentProducer.start({
      bootstrapServers: cluster.bootstrapServers,
      topic,
      partitions: PARTITIONS,
      count: RECORDS,
      recordsPerSecond: RECORDS_PER_SECOND,
      settings,
    });
    const startedMs = producer.go();
    await producer.acknowledged(EARLY);
    const cutMs = Date.now() - startedMs;
    cut();
    try {
      await producer.acknowledged(LATE);
      const acknowledgements = await producer.finished();
      expect(acknowledgements).to.have.length(RECORDS);
      cluster.heal(nodeId);
      await cluster.whole(topic);
      verifyKept(acknowledgements, await readBack(cluster.bootstrapServers, topic));
      const { fromMs, untilMs } = longestGap(acknowledgements, cutMs);
      console.log(`      longest gap between acknowledgements of a partition: ${Math.round(untilMs - fromMs)} ms`);
      if (process.env.TEST_TRACE) {
        for (const { nodeId: id, afterMs, text } of cluster.eventsAfter(startedMs + cutMs, untilMs - cutMs))
          console.log(`        ${afterMs}  n${id}  ${text}`);
      }
    } finally {
      cluster.heal(nodeId);
    }
  }

  it("loses nothing when a leader is cut off from the others but not from its clients", async () => {
    const controller = await cluster.activeController();
    const leader = cluster.nodeIds.find(id => id !== controller)!;
    await produceWhile(`${TOPIC}-1`, leader, () => cluster.cutFromOthers(leader), {});
  });

  it("loses nothing when the active controller, which leads too, is cut off from the others but not from its clients", async () => {
    const controller = await cluster.activeController();
    await produceWhile(`${TOPIC}-2`, controller, () => cluster.cutFromOthers(controller), {});
  });

  it("loses nothing when a node is cut off from everybody", async () => {
    const controller = await cluster.activeController();
    const leader = cluster.nodeIds.find(id => id !== controller)!;
    await produceWhile(`${TOPIC}-3`, leader, () => cluster.unplug(leader), IMPATIENT);
  });
});
