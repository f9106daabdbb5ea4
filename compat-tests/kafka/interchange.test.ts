/** Leaving Samsa and coming back: Apache Kafka serves what Samsa wrote, on Samsa's own directory, and Samsa what Kafka wrote behind it. */
import { expect } from "chai";
import { ListGroups } from "../../protocol/apis/16-list-groups.ts";
import { DescribeProducers } from "../../protocol/apis/61-describe-producers.ts";
import { type ServedOffset, type ServedPartition, servedOffsets, servedPartitions } from "../../test/support/served.ts";
import { BrokerProcess } from "../support/broker-process.ts";
import {
  commitOffsets,
  connectTo,
  DELETED_BELOW,
  FILLING,
  fillDirectory,
  GROUP,
  TOPICS,
  TRANSACTIONAL,
  untilReadable,
} from "../support/filled-directory.ts";
import { KafkaProcess } from "../support/kafka-process.ts";
import { requireKafkaTools } from "../support/kafka-tools.ts";
import { kafkajsClient } from "../support/kafkajs.ts";

const KAFKA = {
  "offsets.topic.num.partitions": 2,
  // A broker of the same id is taken for alive for so long.
  "broker.session.timeout.ms": 2_000,
  "broker.heartbeat.interval.ms": 500,
  // What Samsa compacted is to be compared, not what Kafka makes of it.
  "log.cleaner.enable": false,
};

/** Said while the killed broker's session lasts, whose id Kafka comes with. */
const IN_ITS_PLACE = /DuplicateBrokerRegistration/;

/** Everything that clients can see. */
interface Served {
  readonly partitions: readonly ServedPartition[];
  readonly offsets: readonly ServedOffset[];
  readonly groups: unknown;
  /** Producer state: sequences, open transactions. */
  readonly producers: unknown;
}

for (const stop of ["a clean stop", "kill -9"] as const) {
  describe(`a directory that Samsa wrote, after ${stop}`, function () {
    this.timeout(120_000);
    let samsa: BrokerProcess;
    let kafka: KafkaProcess | null = null;
    let written: Served;

    before(async function () {
      this.timeout(300_000);
      requireKafkaTools(this);
      samsa = await BrokerProcess.start({ overrides: FILLING });
      await fillDirectory(samsa, stop === "kill -9" ? "killed" : "clean");
      written = await untilReadable(() => readAll(samsa.address));
      if (stop === "kill -9") await samsa.kill("SIGKILL");
      else await samsa.stop();
    });

    after(async () => {
      await kafka?.dispose();
      await samsa?.dispose();
    });

    it("holds what it is meant to hold", () => {
      const [deleted, transactional] = ["deleted", TRANSACTIONAL].map(partitionOf);
      expect(deleted!.logStartOffset).to.equal(DELETED_BELOW);
      expect(transactional!.lastStableOffset).to.be.above(400).and.below(transactional!.highWatermark);
      const compacted = partitionOf("compacted");
      expect(compacted.committed.length)
        .to.be.above(10)
        .and.below(compacted.highWatermark / 2);
      expect(partitionOf("segmented").committed.length).to.equal(1001);
    });

    it("is served by Kafka, byte by byte: records, offsets, timestamps, log starts, last stable offsets", async () => {
      kafka = await KafkaProcess.start({ dataDir: samsa.dataDir, port: samsa.port, properties: KAFKA });
      const served = await untilReadable(() => readAll(samsa.address));
      for (const partition of written.partitions) {
        const { topic } = partition;
        const { batches, ...others } = served.partitions.find(other => other.topic === topic)!;
        const { batches: expected, ...otherExpected } = partition;
        expect(others, topic).to.deep.equal(otherExpected);
        expect(batches.equals(expected), `bytes of ${topic}`).to.equal(true);
      }
      const complaints = kafka.output.split("\n").filter(line => /corrupt|Exception/i.test(line));
      expect(complaints.filter(line => !IN_ITS_PLACE.test(line))).to.deep.equal([]);
    });

    it("has the same groups and committed offsets in Kafka", async () => {
      const { offsets, groups } = await readAll(samsa.address);
      expect(offsets).to.deep.equal(written.offsets);
      expect(groups).to.deep.equal(written.groups);
      expect(offsets).to.deep.include({
        topic: "segmented",
        partition: 0,
        offset: 17,
        leaderEpoch: 0,
        metadata: "at 17 ü",
      });
    });

    it("has the same producers in Kafka: sequences, epochs, open transactions", async () => {
      const { producers } = await readAll(samsa.address);
      expect(producers).to.deep.equal(written.producers);
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
      await commitOffsets(samsa.address, 23);
      const expected = await readAll(samsa.address);
      await kafka!.stop();
      await samsa.restart();
      const served = await untilReadable(() => readAll(samsa.address));
      expect(served).to.deep.equal(expected);
      expect(served.partitions.find(({ topic }) => topic === "empty")!.committed).to.have.length(1);
      expect(served.offsets[0]!.offset).to.equal(23);
      await samsa.stop();
    });

    const partitionOf = (topic: string): ServedPartition => written.partitions.find(other => other.topic === topic)!;
  });
}

async function readAll(address: string): Promise<Served> {
  const connection = await connectTo(address);
  try {
    const { groups } = await connection.request(ListGroups, { statesFilter: [], typesFilter: [] });
    const { topics } = await connection.request(DescribeProducers, {
      topics: ["idempotent", TRANSACTIONAL].map(name => ({ name, partitionIndexes: [0] })),
    });
    const producers = topics.map(({ name, partitions }) => ({
      name,
      errorCode: partitions[0]!.errorCode,
      active: partitions[0]!.activeProducers.toSorted((a, b) => a.producerId - b.producerId),
    }));
    return {
      partitions: await servedPartitions(connection, Object.keys(TOPICS)),
      offsets: await servedOffsets(connection, GROUP),
      groups,
      producers,
    };
  } finally {
    connection.close();
  }
}
