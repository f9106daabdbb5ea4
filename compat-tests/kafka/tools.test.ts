import { expect } from "chai";
import { BrokerProcess } from "../support/broker-process.ts";
import { kafkaTool, requireKafkaTools } from "../support/kafka-tools.ts";

const TOPICS = "org.apache.kafka.tools.TopicCommand";
const CONFIGS = "kafka.admin.ConfigCommand";
const OFFSETS = "org.apache.kafka.tools.GetOffsetShell";
const PRODUCER = "org.apache.kafka.tools.ConsoleProducer";
const CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer";
const API_VERSIONS = "org.apache.kafka.tools.BrokerApiVersionsCommand";

describe("Apache Kafka's tools against Samsa", function () {
  this.timeout(120_000);
  let broker: BrokerProcess;

  before(async function () {
    this.timeout(300_000);
    requireKafkaTools(this);
    broker = await BrokerProcess.start();
  });

  after(async () => {
    await broker?.stop();
    await broker?.dispose();
  });

  const bootstrap = (): string[] => ["--bootstrap-server", broker.address];
  const topics = async (...args: string[]): Promise<string> =>
    (await kafkaTool(TOPICS, [...bootstrap(), ...args])).stdout;
  const configs = async (...args: string[]): Promise<string> =>
    (await kafkaTool(CONFIGS, [...bootstrap(), ...args])).stdout;

  it("kafka-topics creates, lists, describes, alters and deletes topics", async () => {
    await topics("--create", "--topic", "made", "--partitions", "3", "--config", "retention.ms=120000");
    expect((await topics("--list")).split("\n")).to.include("made");

    const described = await topics("--describe", "--topic", "made");
    expect(described).to.match(/Topic: made\s+TopicId: [\w-]{22}\s+PartitionCount: 3\s+ReplicationFactor: 1/);
    expect(described).to.contain("retention.ms=120000");
    for (const partition of [0, 1, 2]) {
      expect(described).to.match(new RegExp(`Partition: ${partition}\\s+Leader: 1\\s+Replicas: 1\\s+Isr: 1`));
    }

    await topics("--alter", "--topic", "made", "--partitions", "5");
    expect(await topics("--describe", "--topic", "made")).to.contain("PartitionCount: 5");

    await topics("--delete", "--topic", "made");
    expect((await topics("--list")).split("\n")).not.to.include("made");
  });

  it("kafka-topics gets Kafka's errors for what cannot be", async () => {
    const message = async (...args: string[]): Promise<string> =>
      await topics(...args).then(
        () => "",
        (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
      );
    expect(await message("--create", "--topic", "many", "--replication-factor", "3")).to.contain(
      "InvalidReplicationFactorException",
    );
    await topics("--create", "--topic", "twice");
    expect(await message("--create", "--topic", "twice")).to.contain("TopicExistsException");
    expect(await message("--alter", "--topic", "twice", "--partitions", "1")).to.contain("InvalidPartitionsException");
  });

  it("kafka-configs describes and alters topic and broker configs", async () => {
    await topics("--create", "--topic", "configured");
    await configs(
      "--alter",
      "--topic",
      "configured",
      "--add-config",
      "retention.ms=60000,cleanup.policy=[compact,delete]",
    );
    const described = await configs("--describe", "--topic", "configured");
    expect(described).to.contain("retention.ms=60000");
    expect(described).to.contain("DYNAMIC_TOPIC_CONFIG:retention.ms=60000");
    expect(described).to.contain("cleanup.policy=compact,delete");

    await configs("--alter", "--topic", "configured", "--delete-config", "retention.ms");
    expect(await configs("--describe", "--topic", "configured")).not.to.contain("retention.ms=");
    expect(await configs("--describe", "--all", "--topic", "configured")).to.contain("retention.ms=604800000");

    const refusal = await configs("--alter", "--topic", "configured", "--add-config", "retention.ms=soon").then(
      () => "",
      (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
    );
    expect(refusal).to.contain("InvalidConfigurationException");

    await configs("--alter", "--entity-type", "brokers", "--entity-default", "--add-config", "log.cleaner.threads=2");
    expect(await configs("--describe", "--entity-type", "brokers", "--entity-default")).to.contain(
      "log.cleaner.threads=2",
    );
  });

  it("kafka-console-producer's records reach kafka-console-consumer, and kafka-get-offsets counts them", async () => {
    await topics("--create", "--topic", "spoken", "--partitions", "2");
    const lines = Array.from({ length: 1000 }, (_, index) => `key-${index}:value ${index} – größe`);
    for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
      await kafkaTool(
        PRODUCER,
        [
          ...bootstrap(),
          "--topic",
          "spoken",
          "--compression-codec",
          codec,
          "--reader-property",
          "parse.key=true",
          "--reader-property",
          "key.separator=:",
        ],
        `${lines.join("\n")}\n`,
      );
    }

    const counted = (await kafkaTool(OFFSETS, [...bootstrap(), "--topic", "spoken"])).stdout.trim().split("\n");
    const ends = counted.map(line => Number(line.split(":")[2]));
    expect(ends.length).to.equal(2);
    expect(ends[0]! + ends[1]!).to.equal(5 * lines.length);

    const heard: string[] = [];
    for (const partition of [0, 1]) {
      const { stdout } = await kafkaTool(CONSUMER, [
        ...bootstrap(),
        ...["--topic", "spoken", "--partition", String(partition), "--offset", "earliest"],
        ...["--max-messages", String(ends[partition]), "--timeout-ms", "30000"],
        ...["--formatter-property", "print.key=true", "--formatter-property", "key.separator=:"],
      ]);
      heard.push(...stdout.split("\n").filter(line => line !== ""));
    }
    const expected = lines.flatMap(line => [line, line, line, line, line]);
    expect(heard.sort()).to.deep.equal(expected.sort());
  });

  it("kafka-broker-api-versions finds every advertised API usable", async () => {
    const { stdout } = await kafkaTool(API_VERSIONS, bootstrap());
    expect(stdout).to.contain("Produce(0): 0 to 13 [usable: 13]");
    expect(stdout).to.contain("Fetch(1): 4 to 18 [usable: 18]");
    expect(stdout).not.to.contain("UNSUPPORTED: Metadata");
  });
});
