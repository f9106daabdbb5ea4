import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { hashTopics } from "../../../src/coordinators/group/consumer/metadata-hash.ts";
import { describeConsumerGroup, listGroups } from "../../../src/coordinators/group/describe.ts";
import { groupRecordCodec } from "../../../src/coordinators/group/group-record.ts";
import type { GroupState } from "../../../src/coordinators/group/group-state.ts";
import { coordinatorPartition, javaHashCode } from "../../../src/coordinators/runtime/java-hash.ts";
import type { MetadataImage } from "../../../src/metadata/image.ts";
import { GroupFixture } from "../support/group-fixture.ts";

const fixtures = new URL("../../fixtures/kafka/", import.meta.url);

interface ManifestGroup {
  readonly group: string;
  readonly type: string;
  readonly protocol: string;
  readonly offsets: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset?: number;
    readonly leaderEpoch?: number;
    readonly metadata?: string;
  }[];
}

const manifest: { clean: { groups: ManifestGroup[] } } = JSON.parse(
  readFileSync(new URL("manifest.json", fixtures), "utf8"),
);

function kafkaLog(partition: number): Buffer {
  return gunzipSync(readFileSync(new URL(`consumer-offsets-${partition}.log.gz`, fixtures)));
}

/** Partitions 1 and 2 of the four are empty. */
async function replay(partition: number): Promise<GroupFixture> {
  const fixture = new GroupFixture();
  fixture.shard.close();
  fixture.partition.load(kafkaLog(partition));
  await fixture.restart();
  return fixture;
}

function offsetsOf(state: GroupState, group: string) {
  const offsets = [];
  for (const [topic, partitions] of state.offsets.of(group) ?? []) {
    for (const [partition, { offset, leaderEpoch, metadata }] of partitions) {
      offsets.push({ topic, partition, offset: Number(offset), leaderEpoch, metadata });
    }
  }
  return offsets.sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition));
}

describe("replay of a Kafka 4.3.1 __consumer_offsets", () => {
  for (const { group, type, protocol, offsets } of manifest.clean.groups) {
    it(`${group}: type, protocol and offsets are those that Kafka reports`, async () => {
      const fixture = await replay(coordinatorPartition(group, 4));
      const listed = listGroups(fixture.state, { states: new Set(), types: new Set() });
      const found = listed.find(({ groupId }) => groupId === group);
      expect(found).to.include({ groupType: type.toLowerCase(), protocolType: protocol, groupState: "Empty" });
      if (type === "Share") return;
      const expected = offsets.map(offset => ({ leaderEpoch: -1, ...offset }));
      expect(offsetsOf(fixture.state, group)).to.deep.equal(expected);
    });
  }

  it("a deleted group is gone", async () => {
    const fixture = await replay(coordinatorPartition("g-deleted", 4));
    expect(fixture.state.groups.has("g-deleted")).to.equal(false);
    expect(fixture.state.offsets.has("g-deleted")).to.equal(false);
  });

  it("an aborted transaction leaves nothing open", async () => {
    const fixture = await replay(coordinatorPartition("g-txn", 4));
    expect(fixture.state.offsets.hasOpen("g-txn")).to.equal(false);
  });

  it("a consumer group keeps its epochs", async () => {
    const fixture = await replay(coordinatorPartition("g-consumer", 4));
    const described = describeConsumerGroup(fixture.state, "g-consumer");
    expect(described).to.include({ groupState: "Empty", groupEpoch: 3, assignmentEpoch: 2 });
  });

  it("records come out of the codec as they went in", async () => {
    for (const partition of [0, 3]) {
      const fixture = await replay(partition);
      for (const record of fixture.records()) {
        const { key, value } = groupRecordCodec.encode(record);
        expect(groupRecordCodec.decode(key, value)).to.deep.equal(record);
      }
    }
  });
});

describe("hash of a group's topics", () => {
  const topics = [
    { name: "headers", id: "Yd7HG_1SQw6H-0T2AcGvWA", partitionCount: 1 },
    { name: "plain", id: "krjfbHa3QBSF8UtTqJLYTw", partitionCount: 3 },
    { name: "codec-snappy", id: "VsKc4FwOThWI1QRE8cy6bA", partitionCount: 1 },
    { name: "codec-zstd", id: "NB9tYHRaR0SLOezFeYnjFA", partitionCount: 1 },
    { name: "codec-lz4", id: "JeL36e9ARFmvfupbxi08_w", partitionCount: 1 },
    { name: "codec-gzip", id: "gLmYTNcqQhCUsQsQccPKwg", partitionCount: 1 },
    { name: "codec-by-broker", id: "HT-8NktvSNe-nm9232rzPA", partitionCount: 1 },
  ];
  const image = (): MetadataImage => {
    const fixture = new GroupFixture();
    fixture.setTopics(topics);
    return fixture.environment.image();
  };

  it("is what Kafka 4.3.1 wrote for the same topics", () => {
    expect(hashTopics(["headers"], image())).to.equal(4387375045907706416n);
    expect(hashTopics(["plain", "headers"], image())).to.equal(-6957121177430023455n);
    const codecs = topics.map(({ name }) => name).filter(name => name.startsWith("codec-"));
    expect(hashTopics(codecs, image())).to.equal(5447151502144148978n);
  });

  it("is 0 for topics that do not exist", () => {
    expect(hashTopics(["nobody"], image())).to.equal(0n);
  });
});

describe("partition of a group", () => {
  it("follows Java's String.hashCode", () => {
    expect(javaHashCode("")).to.equal(0);
    expect(javaHashCode("hello")).to.equal(99162322);
    expect(javaHashCode("polygenelubricants")).to.equal(-2147483648);
    expect(coordinatorPartition("polygenelubricants", 50)).to.equal(0);
    expect(coordinatorPartition("g-regex", 4)).to.equal(3);
  });
});
