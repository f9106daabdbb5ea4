/** Leaving Samsa and coming back: Apache Kafka serves what Samsa wrote, on Samsa's own directory, and Samsa what Kafka wrote behind it. */
import { expect } from "chai";
import kafkajs from "kafkajs";
import { BrokerProcess } from "../support/broker-process.ts";
import { KafkaProcess } from "../support/kafka-process.ts";
import { requireKafkaTools } from "../support/kafka-tools.ts";
import { kafkajsClient, type ReadRecord, readTopicWithKafkajs } from "../support/kafkajs.ts";

const { CompressionTypes } = kafkajs;
const CODECS = ["None", "GZIP", "Snappy", "LZ4", "ZSTD"] as const;
const DELETED_BELOW = 40;
/** Topics and the offset from which they are read. */
const TOPICS: Readonly<Record<string, number>> = { segmented: 0, deleted: DELETED_BELOW, idempotent: 0, empty: 0 };

for (const stop of ["a clean stop", "kill -9"] as const) {
  describe(`a directory that Samsa wrote, after ${stop}`, function () {
    this.timeout(120_000);
    let samsa: BrokerProcess;
    let kafka: KafkaProcess | null = null;
    let written: Map<string, ReadRecord[]>;

    before(async function () {
      this.timeout(300_000);
      requireKafkaTools(this);
      samsa = await BrokerProcess.start();
      await write(samsa.address);
      written = await readAll(samsa.address);
      if (stop === "kill -9") await samsa.kill("SIGKILL");
      else await samsa.stop();
    });

    after(async () => {
      await kafka?.dispose();
      await samsa?.dispose();
    });

    it("is served by Kafka, record by record", async () => {
      kafka = await KafkaProcess.start({ dataDir: samsa.dataDir, port: samsa.port });
      await untilServed(samsa.address);
      expect(await readAll(samsa.address)).to.deep.equal(written);
      expect(kafka.output).not.to.match(/corrupt|Exception/i);
    });

    it("is served with the same log starts and ends", async () => {
      const admin = kafkajsClient(samsa.address).admin();
      await admin.connect();
      expect(await admin.fetchTopicOffsets("segmented")).to.deep.equal([
        { partition: 0, offset: "1000", high: "1000", low: "0" },
      ]);
      const [deleted] = await admin.fetchTopicOffsets("deleted");
      expect(deleted).to.include({ low: String(DELETED_BELOW), high: "100" });
      await admin.disconnect();
    });

    it("is served by Samsa again, with what Kafka wrote behind it", async () => {
      const producer = kafkajsClient(samsa.address, { retry: { retries: 5 } }).producer();
      await producer.connect();
      for (const topic of Object.keys(TOPICS))
        await producer.send({
          topic,
          acks: -1,
          messages: [{ key: "kafka", value: "was here", headers: { by: "Kafka" } }],
        });
      await producer.disconnect();
      const expected = await readAll(samsa.address);
      await kafka!.stop();
      await samsa.restart();
      await untilServed(samsa.address);
      expect(await readAll(samsa.address)).to.deep.equal(expected);
      expect(expected.get("empty")).to.have.length(1);
      await samsa.stop();
    });
  });
}

async function write(address: string): Promise<void> {
  const client = kafkajsClient(address, { retry: { retries: 5 } });
  const admin = client.admin();
  await admin.connect();
  const configEntries = [{ name: "internal.segment.bytes", value: "20000" }];
  const topics = Object.keys(TOPICS).map(topic => ({ topic, numPartitions: 1, replicationFactor: 1, configEntries }));
  await admin.createTopics({ topics });
  const producer = client.producer();
  await producer.connect();
  for (let round = 0; round < 50; round += 1) {
    const messages = Array.from({ length: 20 }, (_, index) => ({
      key: `key-${index}`,
      value: `round ${round} record ${index} ${"x".repeat(100)}`,
      headers: { round: String(round) },
    }));
    await producer.send({
      topic: "segmented",
      acks: -1,
      compression: CompressionTypes[CODECS[round % CODECS.length]!],
      messages,
    });
    if (round < 10) {
      const few = messages.slice(0, 10);
      await producer.send({ topic: "deleted", acks: -1, messages: few });
    }
  }
  await producer.disconnect();
  const idempotent = client.producer({ idempotent: true, maxInFlightRequests: 1 });
  await idempotent.connect();
  for (let round = 0; round < 20; round += 1)
    await idempotent.send({ topic: "idempotent", messages: [{ key: `key-${round}`, value: `round ${round}` }] });
  await idempotent.disconnect();
  // kafkajs looks for the leader in the metadata that it has, and this fetches it.
  await admin.fetchTopicOffsets("deleted");
  await admin.deleteTopicRecords({ topic: "deleted", partitions: [{ partition: 0, offset: String(DELETED_BELOW) }] });
  await admin.disconnect();
}

async function readAll(address: string): Promise<Map<string, ReadRecord[]>> {
  const records = new Map<string, ReadRecord[]>();
  for (const [topic, from] of Object.entries(TOPICS))
    records.set(topic, await readTopicWithKafkajs(address, topic, from));
  return records;
}

/** Listening comes before leading: waits until every topic has its leader. */
async function untilServed(address: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      await readAll(address);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise(resolve => setTimeout(resolve, 200));
    }
  }
}
