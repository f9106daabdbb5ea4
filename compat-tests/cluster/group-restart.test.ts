/**
 * Three real processes, an idempotent librdkafka producer, and a group of two members that reads what it writes while every node is restarted: the
 * group's coordinator, the partitions' leaders and the active controller move several times. Stock clients get over all that by themselves.
 */
import { expect } from "chai";
import { type GroupClient, kafkajs, kcat } from "../groups/clients.ts";
import { GroupRun, type Member } from "../groups/group-run.ts";
import { IdempotentProducer, requireProducer } from "./idempotent-producer.ts";
import { ProcessCluster } from "./process-cluster.ts";

const TOPIC = "events";
const PARTITIONS = 6;
const RECORDS = 60_000;
const RECORDS_PER_SECOND = 5_000;
const EARLY = 5_000;
const MEMBERS = 2;
/** Connections that end are what a restart is. librdkafka tells of them, and connects again. */
const CONNECTION_LOST = /^Local: (Broker transport failure|All broker connections are down)/;

for (const client of [kcat, kafkajs]) {
  describe(`a group of ${client.name} in a rolling restart`, function () {
    this.timeout(180_000);
    let cluster: ProcessCluster;
    let producer: IdempotentProducer;
    let run: GroupRun;

    before(function () {
      requireProducer(this);
    });

    beforeEach(async () => {
      cluster = await ProcessCluster.start({ settings: { "offsets.topic.num.partitions": "6" } });
      await cluster.createTopic(TOPIC, PARTITIONS);
      run = groupOf(client, cluster);
      producer = await IdempotentProducer.start({
        bootstrapServers: cluster.bootstrapServers,
        topic: TOPIC,
        partitions: PARTITIONS,
        count: RECORDS,
        recordsPerSecond: RECORDS_PER_SECOND,
      });
    });

    afterEach(async () => {
      producer?.kill();
      await run?.dispose();
      await cluster?.dispose();
    });

    it("reads every record, what it has committed once, and meets no error that the client does not get over", async () => {
      run.start(MEMBERS);
      await run.sharedByAll();
      producer.go();
      await producer.acknowledged(EARLY);
      for (const id of cluster.nodeIds) {
        await cluster.local("restart", String(id));
        await cluster.whole(TOPIC);
      }
      const acknowledgements = await producer.finished();
      for (const { partition } of acknowledgements) run.produced(partition, 1);
      await run.allProcessed();
      expect(run.running, "members that go on").to.have.length(MEMBERS);
      expect(errorsOf(run.members)).to.deep.equal([]);
      const processed = timesProcessed(run.members, run.endOffsets, client.saysCommits);
      expect(processed.never, "records that nobody read").to.equal(0);
      expect(processed.afterCommit, "records read again after their commit was answered").to.equal(0);
      console.log(`      ${RECORDS} records read, ${processed.again} of them again`);
      for (const member of run.running) await run.leave(member);
    });
  });
}

function groupOf(client: GroupClient, { bootstrapServers: bootstrap }: ProcessCluster): GroupRun {
  client.prepare();
  const config = { bootstrap, group: "readers", topic: TOPIC, protocol: client.protocol };
  const times = { sessionTimeoutMs: 10_000, heartbeatIntervalMs: 500 };
  return new GroupRun({ partitions: PARTITIONS }, { launch: count => client.launch({ ...config, ...times }, count) });
}

/** What the application has to deal with. */
function errorsOf(members: readonly Member[]): string[] {
  const errors = members.flatMap(({ events }) => events.filter(event => event.event === "error"));
  return errors
    .filter(({ message, isRetried = false }) => !isRetried && !CONNECTION_LOST.test(message))
    .map(({ message }) => message);
}

interface TimesProcessed {
  readonly never: number;
  /** More than once, for whatever reason. */
  readonly again: number;
  /** More than once, although the members know of more than one commit. */
  readonly afterCommit: number;
}

function timesProcessed(members: readonly Member[], ends: readonly number[], saysCommits: boolean): TimesProcessed {
  let never = 0;
  let again = 0;
  let afterCommit = 0;
  for (const [partition, end] of ends.entries()) {
    const processed = new Uint8Array(end);
    const committed = new Uint8Array(end);
    for (const { events } of members) count(events, partition, processed, committed);
    for (let offset = 0; offset < end; offset++) {
      if (processed[offset] === 0) never += 1;
      if (processed[offset]! > 1) again += 1;
      if (saysCommits && committed[offset]! > 1) afterCommit += 1;
    }
  }
  return { never, again, afterCommit };
}

/** Adds how often a member has read each record of a partition, and how often it was told that what it had read is committed. */
function count(events: Member["events"], partition: number, processed: Uint8Array, committed: Uint8Array): void {
  let open: { readonly first: number; readonly last: number }[] = [];
  for (const event of events) {
    if (!("partition" in event) || event.partition !== partition) continue;
    if (event.event === "processed") {
      open.push(event);
      for (let offset = event.first; offset <= event.last; offset++) processed[offset]! += 1;
    } else if (event.event === "committed") {
      for (const { first, last } of open) {
        for (let offset = first; offset <= last && offset < event.offset; offset++) committed[offset]! += 1;
      }
      open = [];
    } else open = []; // they are read again, by whoever has the partition then
  }
}
