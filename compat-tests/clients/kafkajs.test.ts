import { expect } from "chai";
import kafkajs, { type Admin, type Kafka } from "kafkajs";
import { BrokerProcess } from "../support/broker-process.ts";
import { kafkajsClient, readTopicWithKafkajs } from "../support/kafkajs.ts";

const { CompressionTypes, ConfigResourceTypes } = kafkajs;

describe("kafkajs against Samsa", function () {
  this.timeout(60_000);
  let broker: BrokerProcess;
  let client: Kafka;
  let admin: Admin;

  before(async () => {
    broker = await BrokerProcess.start();
    client = kafkajsClient(broker.address, { retry: { retries: 5 } });
    admin = client.admin();
    await admin.connect();
  });

  after(async () => {
    await admin?.disconnect();
    await broker?.stop();
    await broker?.dispose();
  });

  it("describes the cluster", async () => {
    const cluster = await admin.describeCluster();
    expect(cluster.brokers).to.deep.equal([{ nodeId: 1, host: broker.host, port: broker.port }]);
    expect(cluster.controller).to.equal(1);
    expect(cluster.clusterId).to.match(/^[\w-]{22}$/);
  });

  it("creates, grows, lists and deletes topics", async () => {
    expect(await admin.createTopics({ topics: [{ topic: "grown", numPartitions: 2 }], waitForLeaders: true })).to.equal(
      true,
    );
    expect(await admin.createTopics({ topics: [{ topic: "grown", numPartitions: 2 }] })).to.equal(false);
    await admin.createPartitions({ topicPartitions: [{ topic: "grown", count: 6 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: ["grown"] });
    expect(
      topics[0]!.partitions.map(partition => [partition.partitionId, partition.leader, partition.isr]),
    ).to.have.deep.members([0, 1, 2, 3, 4, 5].map(partition => [partition, 1, [1]]));
    await admin.deleteTopics({ topics: ["grown"] });
    expect(await admin.listTopics()).not.to.include("grown");
  });

  it("creates a topic by producing to it", async () => {
    const producer = client.producer({ allowAutoTopicCreation: true });
    await producer.connect();
    await producer.send({ topic: "made-by-producing", messages: [{ value: "hello" }] });
    await producer.disconnect();
    expect(await admin.listTopics()).to.include("made-by-producing");
  });

  for (const [name, compression] of Object.entries(CompressionTypes)) {
    it(`reads back keyed records with headers in codec ${name}`, async () => {
      const topic = `kafkajs-${name}`.toLowerCase();
      await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true });
      const producer = client.producer();
      await producer.connect();
      const messages = Array.from({ length: 3000 }, (_, index) => ({
        key: `key-${index % 97}`,
        value: `value ${index}`,
        headers: { index: String(index) },
      }));
      const metadata = await producer.send({ topic, messages, acks: -1, compression: compression as number });
      await producer.disconnect();
      expect(metadata.map(entry => entry.errorCode)).to.deep.equal([0, 0, 0]);

      const read = await readTopicWithKafkajs(broker.address, topic);
      expect(read.map(record => record.value)).to.have.members(messages.map(message => message.value));
      const partitionOf = new Map(read.map(record => [record.key, record.partition]));
      expect(read.every(record => partitionOf.get(record.key) === record.partition)).to.equal(true);
    });
  }

  it("alters and describes configs", async () => {
    await admin.createTopics({ topics: [{ topic: "configured" }] });
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: "configured",
          configEntries: [{ name: "retention.ms", value: "86400000" }],
        },
      ],
    });
    const { resources } = await admin.describeConfigs({
      includeSynonyms: true,
      resources: [
        { type: ConfigResourceTypes.TOPIC, name: "configured", configNames: ["retention.ms", "compression.type"] },
      ],
    });
    const entries = new Map(resources[0]!.configEntries.map(entry => [entry.configName, entry]));
    expect(entries.get("retention.ms")).to.include({ configValue: "86400000", isDefault: false });
    expect(entries.get("compression.type")).to.include({ configValue: "producer" });
  });

  it("deletes records and finds offsets by time", async () => {
    await admin.createTopics({ topics: [{ topic: "shortened", numPartitions: 1 }], waitForLeaders: true });
    const producer = client.producer();
    await producer.connect();
    await producer.send({
      topic: "shortened",
      messages: Array.from({ length: 10 }, (_, index) => ({
        value: `${index}`,
        timestamp: String(1_700_000_000_000 + index),
      })),
    });
    await producer.disconnect();
    // kafkajs looks for the partition's leader in what it knows already: let it ask for the topic once.
    await admin.fetchTopicOffsets("shortened");
    await admin.deleteTopicRecords({ topic: "shortened", partitions: [{ partition: 0, offset: "4" }] });
    expect(await admin.fetchTopicOffsets("shortened")).to.deep.equal([
      { partition: 0, offset: "10", high: "10", low: "4" },
    ]);
    expect(await admin.fetchTopicOffsetsByTimestamp("shortened", 1_700_000_000_006)).to.deep.equal([
      { partition: 0, offset: "6" },
    ]);
    const read = await readTopicFrom(4);
    expect(read).to.deep.equal(["4", "5", "6", "7", "8", "9"]);
  });

  /** Values of topic "shortened" from an offset on. */
  async function readTopicFrom(offset: number): Promise<(string | null)[]> {
    const records = await readTopicWithKafkajs(broker.address, "shortened", offset);
    return records.map(record => record.value);
  }

  it("reads the same records after kill -9 and restart", async () => {
    const producer = client.producer();
    await producer.connect();
    const messages = Array.from({ length: 5000 }, (_, index) => ({ value: `survivor ${index}` }));
    for (let at = 0; at < messages.length; at += 250) {
      await producer.send({ topic: "survived", acks: -1, messages: messages.slice(at, at + 250) });
    }
    await producer.disconnect();
    await broker.kill("SIGKILL");
    await broker.restart();
    const read = await readTopicWithKafkajs(broker.address, "survived");
    expect(read.map(record => record.value)).to.deep.equal(messages.map(message => message.value));
  });
});
