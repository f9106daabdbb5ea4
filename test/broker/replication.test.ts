/** Replication as clients of whole brokers see it. */
import { expect } from "chai";
import { Produce } from "../../protocol/apis/00-produce.ts";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { ListOffsets } from "../../protocol/apis/02-list-offsets.ts";
import { DeleteRecords } from "../../protocol/apis/21-delete-records.ts";
import { IncrementalAlterConfigs } from "../../protocol/apis/44-incremental-alter-configs.ts";
import { Errors } from "../../protocol/errors.ts";
import type { ResponseOf } from "../../protocol/schema.ts";
import { RACK_AWARE_SELECTOR } from "../../src/replication/replica-selector.ts";
import { batchOf, fetchRequest, produceRequest, valuesOf } from "../support/broker.ts";
import { BrokerCluster } from "./support/broker-cluster.ts";

const ALL = [1, 2, 3];
const TOPIC = "orders";

type PartitionView = NonNullable<
  ResponseOf<typeof import("../../protocol/apis/03-metadata.ts").Metadata>["topics"]
>[number]["partitions"][number];

async function started(config: Readonly<Record<string, string>> = {}): Promise<BrokerCluster> {
  const cluster = new BrokerCluster({ count: 3, config });
  await cluster.complete(Promise.all(ALL.map(id => cluster.start(id, { "broker.rack": `rack${id}` }))));
  expect(await cluster.createTopic(1, TOPIC)).to.equal(Errors.NONE);
  return cluster;
}

async function partition(cluster: BrokerCluster, asked: number): Promise<PartitionView> {
  return (await cluster.metadata(asked, TOPIC)).topics[0]!.partitions[0]!;
}

async function produce(cluster: BrokerCluster, value: string, asked = 1): Promise<number> {
  const { leaderId } = await partition(cluster, asked);
  const request = produceRequest({ topic: TOPIC }, batchOf([value], { timestamp: 1 }));
  const response = await cluster.ask(leaderId, Produce, request, { versions: { max: 12 } });
  return response.responses[0]!.partitionResponses[0]!.errorCode;
}

async function fetch(cluster: BrokerCluster, id: number, fetchOffset: number, rackId: string, maxWaitMs = 0) {
  const request = { ...fetchRequest([{ topic: TOPIC, fetchOffset }], { maxWaitMs }), rackId };
  const response = await cluster.ask(id, Fetch, request, { versions: { max: 12 } });
  return response.responses[0]!.partitions[0]!;
}

async function configure(
  cluster: BrokerCluster,
  asked: number,
  resourceType: number,
  resourceName: string,
  name: string,
  value: string,
): Promise<void> {
  const configs = [{ name, configOperation: 0, value }];
  const resources = [{ resourceType, resourceName, configs }];
  const { responses } = await cluster.ask(asked, IncrementalAlterConfigs, { resources, validateOnly: false });
  expect(responses[0]!.errorCode, responses[0]!.errorMessage ?? "").to.equal(Errors.NONE);
}

/** Log start and end of the replica on a broker. */
function logOf(cluster: BrokerCluster, id: number) {
  return cluster.partitionOf(id, TOPIC).log;
}

describe("a topic with three replicas", () => {
  it("has what it acknowledges on every replica's disk", async () => {
    const cluster = await started();
    for (const value of ["one", "two", "three"]) expect(await produce(cluster, value)).to.equal(Errors.NONE);
    for (const id of ALL) expect(logOf(cluster, id).flushedOffset, `at ${id}`).to.equal(3);
  });

  it("sends consumers to the replica in their rack, which serves what is committed and wakes them", async () => {
    const cluster = await started({ "replica.selector.class": RACK_AWARE_SELECTOR });
    await produce(cluster, "one");
    const { leaderId } = await partition(cluster, 1);
    const follower = ALL.find(id => id !== leaderId)!;
    const sent = await fetch(cluster, leaderId, 0, `rack${follower}`);
    expect([sent.preferredReadReplica, sent.records?.length ?? 0]).to.deep.equal([follower, 0]);
    expect((await fetch(cluster, leaderId, 0, `rack${leaderId}`)).preferredReadReplica).to.equal(-1);
    expect((await fetch(cluster, leaderId, 0, "elsewhere")).preferredReadReplica).to.equal(-1);
    await cluster.until(() => logOf(cluster, follower).highWatermark === 1);
    expect(valuesOf((await fetch(cluster, follower, 0, `rack${follower}`)).records)).to.deep.equal(["one"]);
    const startedMs = cluster.nowMs;
    const parked = fetch(cluster, follower, 1, `rack${follower}`, 5_000);
    await produce(cluster, "two", leaderId);
    expect(valuesOf((await parked).records)).to.deep.equal(["two"]);
    expect(cluster.nowMs - startedMs).to.be.below(500);
  });

  it("takes no acks=all while the ISR is too small, and says so of what it had taken", async () => {
    const cluster = await started({ "min.insync.replicas": "3" });
    expect(await produce(cluster, "one")).to.equal(Errors.NONE);
    const { leaderId } = await partition(cluster, 1);
    const victim = ALL.find(id => id !== leaderId && id !== cluster.activeController)!;
    cluster.end(victim, "silence");
    expect(await produce(cluster, "two", leaderId)).to.equal(Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    expect(await produce(cluster, "three", leaderId)).to.equal(Errors.NOT_ENOUGH_REPLICAS);
    expect(logOf(cluster, leaderId).highWatermark).to.equal(1);
    await cluster.complete(cluster.start(victim));
    await cluster.until(() => logOf(cluster, leaderId).highWatermark === 2);
    expect(await produce(cluster, "four", leaderId)).to.equal(Errors.NONE);
  });

  it("deletes records on all replicas before it answers", async () => {
    const cluster = await started();
    for (const value of ["one", "two", "three"]) await produce(cluster, value);
    const { leaderId } = await partition(cluster, 1);
    const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, offset: 2 }] }];
    const response = await cluster.ask(leaderId, DeleteRecords, { topics, timeoutMs: 5_000 });
    expect(response.topics[0]!.partitions[0]).to.deep.equal({
      partitionIndex: 0,
      lowWatermark: 2,
      errorCode: Errors.NONE,
    });
    for (const id of ALL) expect(logOf(cluster, id).logStartOffset, `at ${id}`).to.equal(2);
  });

  it("tells the end of the log to followers and debuggers, and to consumers the high watermark", async () => {
    const cluster = await started({ "min.insync.replicas": "3" });
    await produce(cluster, "one");
    const { leaderId } = await partition(cluster, 1);
    const victim = ALL.find(id => id !== leaderId && id !== cluster.activeController)!;
    cluster.end(victim, "silence");
    await produce(cluster, "two", leaderId);
    const latest = async (replicaId: number): Promise<number> => {
      const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n }];
      const topics = [{ name: TOPIC, partitions }];
      const response = await cluster.ask(leaderId, ListOffsets, {
        replicaId,
        isolationLevel: 0,
        topics,
        timeoutMs: 1_000,
      });
      return response.topics[0]!.partitions[0]!.offset;
    };
    expect([await latest(-1), await latest(-2), await latest(victim)]).to.deep.equal([1, 2, 2]);
  });

  for (const side of ["leader", "follower"] as const) {
    it(`is brought up to date no faster than the ${side}'s quota allows where that holds`, async () => {
      const cluster = await started();
      const { leaderId } = await partition(cluster, 1);
      const victim = ALL.find(id => id !== leaderId && id !== cluster.activeController)!;
      cluster.end(victim);
      const batch = "x".repeat(100_000);
      for (let round = 0; round < 20; round += 1) expect(await produce(cluster, batch, leaderId)).to.equal(Errors.NONE);
      await configure(cluster, leaderId, 2, TOPIC, `${side}.replication.throttled.replicas`, "*");
      await configure(cluster, leaderId, 4, "", `${side}.replication.throttled.rate`, "200000");
      await cluster.complete(cluster.start(victim, { "replica.fetch.max.bytes": "150000" }));
      const startedMs = cluster.nowMs;
      await cluster.until(() => logOf(cluster, victim).logEndOffset === 20);
      const tookMs = cluster.nowMs - startedMs;
      expect(tookMs, "2 MB at 200 kB/s, less what the first window lets by").to.be.within(6_000, 12_000);
      // Who is in sync is not held back.
      await cluster.until(() => cluster.partitionOf(leaderId, TOPIC).isr.length === 3);
      expect(await produce(cluster, batch, leaderId)).to.equal(Errors.NONE);
      expect(cluster.nowMs - startedMs - tookMs).to.be.below(1_500);
    });
  }

  it("moves from a log directory that fails to another broker, and stays readable", async () => {
    const cluster = new BrokerCluster({ count: 3, config: { "log.dirs": "/first,/second" } });
    await cluster.startAll();
    expect(await cluster.createTopic(1, TOPIC, 3, 6)).to.equal(Errors.NONE);
    await cluster.advance(2_000);
    // One whose log is not in the directory of the metadata log.
    const leading = async () => (await cluster.metadata(1, TOPIC)).topics[0]!.partitions;
    const lost = (await leading()).find(({ leaderId, partitionIndex }) =>
      cluster.partitionOf(leaderId, TOPIC, partitionIndex).log.directory.startsWith("/second"),
    )!;
    const { leaderId, partitionIndex } = lost;
    cluster.machine(leaderId).disk.addFault({ operation: "writev", path: "/second", code: "EIO" });
    const request = produceRequest({ topic: TOPIC, partition: partitionIndex }, batchOf(["x"], { timestamp: 1 }));
    const response = await cluster.ask(leaderId, Produce, request, { versions: { max: 12 } });
    expect(response.responses[0]!.partitionResponses[0]!.errorCode).to.equal(Errors.KAFKA_STORAGE_ERROR);
    let now = lost;
    for (let round = 0; round < 100 && now.leaderId === leaderId; round += 1) {
      await cluster.advance(50);
      now = (await leading())[partitionIndex]!;
    }
    expect(now.leaderId).to.not.equal(leaderId);
    const again = await cluster.ask(now.leaderId, Produce, request, { versions: { max: 12 } });
    expect(again.responses[0]!.partitionResponses[0]!.errorCode).to.equal(Errors.NONE);
    expect(cluster.brokers.get(leaderId)!.isRunning).to.equal(true);
  });
});

describe("a broker that starts again", () => {
  it("leads nothing before it is registered, whatever the process before it led", async () => {
    const cluster = new BrokerCluster({ count: 1 });
    await cluster.startAll();
    expect(await cluster.createTopic(1, TOPIC, 1)).to.equal(Errors.NONE);
    expect(await produce(cluster, "one")).to.equal(Errors.NONE);
    const before = cluster.partitionOf(1, TOPIC).leaderEpoch;
    cluster.end(1, "power");
    const seen: { isLed: boolean; leads: boolean }[] = [];
    let registeredAs = "";
    cluster.onAssembled = ({ metadata, replicas }) => {
      registeredAs = metadata.image.cluster.brokers.get(1)?.incarnationId ?? "";
      const look = (): void => {
        const { incarnationId = "" } = metadata.image.cluster.brokers.get(1) ?? {};
        registeredAs ||= incarnationId;
        if (incarnationId !== registeredAs) return;
        const isLed = metadata.image.topics.byName.get(TOPIC)?.partitions[0]?.leader === 1;
        seen.push({ isLed, leads: replicas.get(TOPIC, 0)?.isLeader === true });
      };
      look();
      metadata.subscribe(look);
    };
    await cluster.complete(cluster.start(1));
    expect(
      seen.some(({ isLed }) => isLed),
      "the metadata said that it leads",
    ).to.equal(true);
    expect(seen.some(({ leads }) => leads)).to.equal(false);
    expect(cluster.partitionOf(1, TOPIC).leaderEpoch).to.be.above(before);
    expect(await produce(cluster, "two")).to.equal(Errors.NONE);
  });
});
