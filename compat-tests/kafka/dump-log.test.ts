import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import kafkajs from "kafkajs";
import { BrokerProcess } from "../support/broker-process.ts";
import { kafkaTool, requireKafkaTools } from "../support/kafka-tools.ts";
import { kafkajsClient } from "../support/kafkajs.ts";

const DUMP = "org.apache.kafka.tools.DumpLogSegments";
const { CompressionTypes } = kafkajs;

describe("kafka-dump-log on Samsa's files", function () {
  this.timeout(120_000);
  let broker: BrokerProcess;

  before(async function () {
    this.timeout(300_000);
    requireKafkaTools(this);
    broker = await BrokerProcess.start();
    const client = kafkajsClient(broker.address);
    const admin = client.admin();
    await admin.connect();
    await admin.createTopics({
      topics: [
        { topic: "dumped", numPartitions: 1, configEntries: [{ name: "internal.segment.bytes", value: "60000" }] },
      ],
    });
    await admin.disconnect();
    const producer = client.producer();
    await producer.connect();
    const codecs = [
      CompressionTypes.None,
      CompressionTypes.GZIP,
      CompressionTypes.Snappy,
      CompressionTypes.LZ4,
      CompressionTypes.ZSTD,
    ];
    for (let round = 0; round < 60; round++) {
      const messages = Array.from({ length: 50 }, (_, index) => ({
        key: `key-${index}`,
        value: `round ${round} record ${index} ${"x".repeat(100)}`,
        headers: { round: String(round) },
      }));
      await producer.send({ topic: "dumped", acks: -1, compression: codecs[round % codecs.length]!, messages });
    }
    await producer.disconnect();
  });

  after(async () => {
    await broker?.dispose();
  });

  const files = (directory: string, ending: string): string[] =>
    readdirSync(join(broker.dataDir, directory))
      .filter(name => name.endsWith(ending))
      .map(name => join(broker.dataDir, directory, name));

  /** Dumps files with Kafka's tool, and fails on every complaint that it knows. */
  async function dump(paths: readonly string[], ...options: string[]): Promise<string> {
    expect(paths).not.to.have.length(0);
    const { stdout, stderr } = await kafkaTool(DUMP, [...options, "--files", paths.join(",")]);
    // The tool takes -1 for the offset before the first of every file, and so complains about all but the first segment.
    const gaps = [...stdout.matchAll(/^ {2}(-?\d+) is followed by \d+$/gm)].map(match => match[1]);
    expect(gaps.filter(before => before !== "-1")).to.deep.equal([]);
    for (const complaint of ["Exception", "Mismatches in", "corrupt", "should be", "isvalid: false", "out of order"]) {
      expect(stdout + stderr, complaint).not.to.contain(complaint);
    }
    return stdout;
  }

  function theDumpsAreClean(): void {
    it("reads every batch and record of every segment", async () => {
      const output = await dump(files("dumped-0", ".log"), "--deep-iteration", "--print-data-log");
      const offsets = [...output.matchAll(/^\| offset: (\d+)/gm)].map(match => Number(match[1]));
      expect(offsets).to.deep.equal(Array.from({ length: 3000 }, (_, offset) => offset));
      expect(files("dumped-0", ".log").length).to.be.greaterThan(1);
    });

    it("finds the offset and time indexes sane", async () => {
      await dump(files("dumped-0", ".index"), "--index-sanity-check");
      await dump(files("dumped-0", ".index"), "--verify-index-only");
      await dump(files("dumped-0", ".timeindex"));
    });

    it("decodes the cluster metadata log and its checkpoints", async () => {
      const output = await dump(files("__cluster_metadata-0", ".log"), "--cluster-metadata-decoder");
      expect(output).to.contain('"type":"TOPIC_RECORD"');
      expect(output).to.contain('"type":"PARTITION_RECORD"');
      const snapshots = files("__cluster_metadata-0", ".checkpoint");
      if (snapshots.length > 0) await dump(snapshots, "--cluster-metadata-decoder");
    });
  }

  describe("while the broker runs", theDumpsAreClean);

  describe("after kill -9, recovery and a clean stop", () => {
    before(async () => {
      await broker.kill("SIGKILL");
      await broker.restart();
      await broker.stop();
    });
    theDumpsAreClean();
  });
});
