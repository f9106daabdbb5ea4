/** A whole broker started on data directories that Apache Kafka 4.3.1 wrote: clients get from it what they got from Kafka. */
import { expect } from "chai";
import { DescribeGroups } from "../../protocol/apis/15-describe-groups.ts";
import { ListGroups } from "../../protocol/apis/16-list-groups.ts";
import { DescribeTransactions } from "../../protocol/apis/65-describe-transactions.ts";
import { ConsumerGroupDescribe } from "../../protocol/apis/69-consumer-group-describe.ts";
import { Broker } from "../../src/broker.ts";
import { nullLogger } from "../../src/logging/index.ts";
import { createMemoryPlatform, type MemoryPlatform } from "../../src/platform/memory.ts";
import { RpcConnection } from "../../src/rpc/index.ts";
import { kafkaFiles, type Manifest, manifest, unpack } from "../log/support/kafka-data.ts";
import {
  batchesBetween,
  listOffset,
  type ServedPartition,
  servedOffsets,
  servedPartitions,
} from "../support/served.ts";

/** A little after the last of the two directories was written: nothing in them has aged. */
const START_MS = 1_795_231_700_000;
/** What the directories' README asks for. */
const CONFIG = {
  "offsets.topic.num.partitions": 4,
  "transaction.state.log.num.partitions": 3,
  "share.coordinator.state.topic.num.partitions": 3,
  "log.index.size.max.bytes": 262_144,
  "samsa.log.disk.reserve.bytes": 0,
  "samsa.log.disk.reserve.ratio": 0,
};

for (const kind of ["clean", "unclean"] as const) {
  describe(`a broker on a directory that Kafka ${kind === "clean" ? "closed" : "was killed over"}`, function () {
    this.timeout(60_000);
    let platform: MemoryPlatform;
    let broker: Broker;
    let connection: RpcConnection;
    let files: Map<string, Buffer>;
    let served: readonly ServedPartition[];
    const expected: Manifest = manifest(kind);

    before(async () => {
      platform = createMemoryPlatform({ startMs: START_MS });
      files = kafkaFiles(kind);
      unpack(files, platform.disk, "/data");
      const { time } = platform;
      broker = await time.complete(Broker.start({ platform, dataDir: "/data", port: 29_192, config: CONFIG }));
      const options = { host: "localhost", port: 29_192, clientId: "test" };
      connection = new RpcConnection(options, { platform, logger: nullLogger });
      await time.complete(connection.connect());
      await time.complete(connection.negotiate());
      served = await time.complete(servedPartitions(connection));
    });

    after(async () => {
      await platform.time.complete(broker.stop());
    });

    it("has its cluster id, and its topics with their partitions and ids", () => {
      expect(broker.clusterId).to.equal(expected.clusterId);
      const names = (partitions: readonly { topic: string; partition: number; topicId: string }[]): string[] =>
        partitions.map(({ topic, partition, topicId }) => `${topic}-${partition} ${topicId}`).sort();
      expect(names(served)).to.deep.equal(names(expected.partitions));
    });

    it("serves every committed record, log start, last stable offset and high watermark of the manifest", () => {
      for (const partition of expected.partitions) {
        const name = `${partition.topic}-${partition.partition}`;
        const found = servedOf(name);
        expect(found.logStartOffset, name).to.equal(partition.logStartOffset);
        expect(found.highWatermark, name).to.be.above(partition.lastAckedOffset ?? -1);
        // Kafka committed one more group offset between the manifest and its stop.
        if (kind === "clean" && name === "__consumer_offsets-0") {
          expect(found.highWatermark).to.equal(partition.highWatermark + 1);
          continue;
        }
        expect(found.highWatermark, name).to.equal(partition.highWatermark);
        expect(found.lastStableOffset, name).to.equal(partition.lastStableOffset);
        expect(found.committed.length, name).to.equal(partition.committedRecords);
        expect(found.sha256, name).to.equal(partition.sha256);
      }
    });

    it("serves the very bytes of Kafka's segments: timestamps, headers, producers, epochs", () => {
      let sizeBytes = 0;
      for (const { topic, partition, logStartOffset, highWatermark, batches } of served) {
        const name = `${topic}-${partition}`;
        const segments = [...files].filter(([path]) => path.startsWith(`${name}/`) && path.endsWith(".log")).sort();
        const contents = segments.map(([, bytes]) => bytes);
        expect(batches.equals(batchesBetween(contents, logStartOffset, highWatermark)), name).to.equal(true);
        sizeBytes += batches.length;
      }
      expect(sizeBytes).to.be.above(1_000_000);
    });

    it("finds records by timestamp", async () => {
      let count = 0;
      for (const { topic, partition, committed } of served.filter(({ topic }) => !topic.startsWith("txn"))) {
        for (const { timestamp } of [committed.at(0), committed.at(committed.length >> 1), committed.at(-1)].filter(
          record => record !== undefined,
        )) {
          const first = committed.find(record => record.timestamp >= timestamp)!;
          const question = { topic, partition, timestamp: BigInt(timestamp) };
          const found = await platform.time.complete(listOffset(connection, question));
          expect(found, `${topic}-${partition} at ${timestamp}`).to.equal(first.offset);
          count += 1;
        }
      }
      expect(count).to.be.above(50);
    });

    it("has the groups with their types and protocols", async () => {
      const { groups } = await platform.time.complete(connection.request(ListGroups, NO_FILTER));
      const listed = groups.map(({ groupId, groupType, protocolType }) => ({ groupId, groupType, protocolType }));
      expect(byGroup(listed)).to.deep.equal(
        byGroup(
          expected.groups.map(({ group, type, protocol }) => ({
            groupId: group,
            groupType: type.toLowerCase(),
            protocolType: protocol,
          })),
        ),
      );
    });

    it("describes the groups as without members", async () => {
      const namesOf = (type: string): string[] =>
        expected.groups.filter(group => group.type === type).map(({ group }) => group);
      const classic = await platform.time.complete(
        connection.request(DescribeGroups, { groups: namesOf("Classic"), includeAuthorizedOperations: false }),
      );
      const consumer = await platform.time.complete(
        connection.request(ConsumerGroupDescribe, {
          groupIds: namesOf("Consumer"),
          includeAuthorizedOperations: false,
        }),
      );
      for (const { groupId, errorCode, groupState, members } of [...classic.groups, ...consumer.groups])
        expect({ groupId, errorCode, groupState, members }).to.deep.equal({
          groupId,
          errorCode: 0,
          groupState: "Empty",
          members: [],
        });
      expect(classic.groups.length + consumer.groups.length).to.be.above(4);
    });

    it("has every committed group offset with leader epoch and metadata, those of transactions too", async () => {
      for (const { group, type, offsets } of expected.groups) {
        if (type === "Share") continue;
        const found = await platform.time.complete(servedOffsets(connection, group));
        const wanted = offsets.map(offset => ({ leaderEpoch: -1, ...offset }));
        expect(found, group).to.deep.equal(wanted);
      }
    });

    it("knows how each transaction ended, if it serves transactions", async function () {
      if (!connection.supportedVersions!.has(DescribeTransactions.key)) this.skip();
      const { transactionStates } = await platform.time.complete(
        connection.request(DescribeTransactions, {
          transactionalIds: expected.transactions.map(({ transactionalId }) => transactionalId),
        }),
      );
      expect(
        transactionStates.map(({ transactionalId, producerId, transactionState }) => ({
          transactionalId,
          producerId,
          state: transactionState,
        })),
      ).to.deep.equal(expected.transactions);
    });

    const servedOf = (name: string): ServedPartition =>
      served.find(({ topic, partition }) => `${topic}-${partition}` === name)!;
  });
}

const NO_FILTER = { statesFilter: [], typesFilter: [] };

function byGroup<T extends { groupId: string }>(groups: readonly T[]): T[] {
  return groups.toSorted((a, b) => (a.groupId < b.groupId ? -1 : 1));
}
