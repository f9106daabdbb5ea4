/**
 * Every broker setting that may change while a broker runs, and that this version uses, does something then: each has its line here, and each of
 * those who read them is seen to follow on a running broker.
 */
import { expect } from "chai";
import { IncrementalAlterConfigs } from "../../protocol/apis/44-incremental-alter-configs.ts";
import { DescribeProducers } from "../../protocol/apis/61-describe-producers.ts";
import { Errors } from "../../protocol/errors.ts";
import type { Broker } from "../../src/broker.ts";
import { type ConfigTable, updateModeOf } from "../../src/config/definition.ts";
import { BrokerConfig, brokerConfigs, ConfigResourceType, TopicConfig } from "../../src/config/index.ts";
import { type LogConfig, logConfigOf, logManagerOptions } from "../../src/log/index.ts";
import { connectionLimits } from "../../src/server/server-options.ts";
import { batchOf, createTopic, produceTo, RawClient, startTestBroker } from "../support/broker.ts";

/** Keys that supply topics' defaults: a value, and what a log's settings then hold. */
const topicDefaults: Readonly<Record<string, readonly [string, Partial<LogConfig>, Record<string, string>?]>> = {
  "compression.gzip.level": ["3", { compressionLevel: 3 }, { "compression.type": "gzip" }],
  "compression.lz4.level": ["3", { compressionLevel: 3 }, { "compression.type": "lz4" }],
  "compression.zstd.level": ["7", { compressionLevel: 7 }, { "compression.type": "zstd" }],
  "compression.type": ["gzip", { compressionType: "gzip" }],
  "log.cleanup.policy": ["compact", { compacts: true, deletes: false }],
  "log.cleaner.delete.retention.ms": ["77", { deleteRetentionMs: 77 }],
  "log.cleaner.max.compaction.lag.ms": ["77", { maxCompactionLagMs: 77 }],
  "log.cleaner.min.cleanable.ratio": ["0.25", { minCleanableDirtyRatio: 0.25 }],
  "log.cleaner.min.compaction.lag.ms": ["77", { minCompactionLagMs: 77 }],
  "log.flush.interval.messages": ["77", { flushMessages: 77 }],
  "log.index.interval.bytes": ["8192", { indexIntervalBytes: 8192 }],
  "log.index.size.max.bytes": ["8192", { indexSizeBytes: 8192 }],
  "log.flush.interval.ms": ["77", { flushMs: 77 }],
  "log.message.timestamp.after.max.ms": ["77", { timestampAfterMaxMs: 77 }],
  "log.message.timestamp.before.max.ms": ["77", { timestampBeforeMaxMs: 77 }],
  "log.message.timestamp.type": ["LogAppendTime", { timestampType: "LogAppendTime" }],
  "log.retention.bytes": ["77", { retentionSizeBytes: 77 }],
  "log.retention.ms": ["77", { retentionMs: 77 }],
  "log.roll.jitter.ms": ["77", { segmentJitterMs: 77 }],
  "log.roll.ms": ["77", { segmentMs: 77 }],
  "log.segment.bytes": ["2097152", { segmentSizeBytes: 2_097_152 }],
  "log.segment.delete.delay.ms": ["77", { fileDeleteDelayMs: 77 }],
  "message.max.bytes": ["77", { maxMessageBytes: 77 }],
  "samsa.log.write.caching": ["true", { writeCaching: true }],
};

/** The other keys: a value, and how it shows in the settings of whoever acts on it. */
const others: Readonly<Record<string, readonly [string, (config: BrokerConfig) => unknown, unknown]>> = {
  "cordoned.log.dirs": ["*", config => config.cordonedLogDirs.length, 1],
  "follower.replication.throttled.rate": ["77", config => config.get("follower.replication.throttled.rate"), 77],
  "leader.replication.throttled.rate": ["77", config => config.get("leader.replication.throttled.rate"), 77],
  "unclean.leader.election.enable": ["true", config => config.get("unclean.leader.election.enable"), true],
  "log.cleaner.backoff.ms": ["77", config => cleaner(config)?.backoffMs, 77],
  "log.cleaner.dedupe.buffer.size": ["7700000", config => cleaner(config)?.mapMemoryBytes, 7_700_000],
  "log.cleaner.io.buffer.load.factor": ["0.5", config => cleaner(config)?.mapLoadFactor, 0.5],
  "log.cleaner.io.buffer.size": ["7700", config => cleaner(config)?.bufferBytes, 7700],
  "log.cleaner.io.max.bytes.per.second": ["77", config => cleaner(config)?.bytesPerSecond, 77],
  "log.cleaner.threads": ["2", config => cleaner(config)?.threads, 2],
  "max.connection.creation.rate": ["77", config => connectionLimits(config).maxCreationRate, 77],
  "max.connections": ["77", config => connectionLimits(config).maxConnections, 77],
  "max.connections.per.ip": ["77", config => connectionLimits(config).maxConnectionsPerIp, 77],
  "max.connections.per.ip.overrides": [
    "127.0.0.1:77",
    config => connectionLimits(config).maxConnectionsPerIpOverrides.get("127.0.0.1"),
    77,
  ],
  "min.insync.replicas": ["3", config => TopicConfig.resolve(new Map(), config).minInsyncReplicas(3), 3],
  "replica.alter.log.dirs.io.max.bytes.per.second": [
    "77",
    config => config.get("replica.alter.log.dirs.io.max.bytes.per.second"),
    77,
  ],
  "producer.id.expiration.ms": ["77", config => logManagerOptions(config, ["/data"]).producerExpirationMs, 77],
};

const cleaner = (config: BrokerConfig) => logManagerOptions(config, ["/data"]).cleaner;

describe("settings that change while the broker runs", () => {
  it("are all tried here", () => {
    const dynamic = Object.entries(brokerConfigs).filter(
      ([, definition]) => definition.effect === "used" && updateModeOf(definition) !== "read-only",
    );
    const tried = [...Object.keys(topicDefaults), ...Object.keys(others)];
    expect(dynamic.map(([name]) => name).sort()).to.deep.equal(tried.sort());
  });

  for (const [name, [value, expected, topic = {}]] of Object.entries(topicDefaults)) {
    it(`${name} reaches the logs of topics`, () => {
      const config = BrokerConfig.load();
      const settings = (): LogConfig => logConfigOf(TopicConfig.resolve(new Map(Object.entries(topic)), config));
      expect(settings()).to.not.deep.include(expected);
      config.applyDynamic(new Map(), new Map([[name, value]]));
      expect(settings()).to.deep.include(expected);
    });
  }

  for (const [name, [value, read, expected]] of Object.entries(others)) {
    it(`${name} reaches whoever acts on it`, () => {
      const config = BrokerConfig.load();
      expect(read(config)).to.not.deep.equal(expected);
      const layer = new Map([[name, value]]);
      const isPerBroker = (brokerConfigs as ConfigTable)[name]?.updateMode === "per-broker";
      config.applyDynamic(isPerBroker ? layer : new Map(), isPerBroker ? new Map() : layer);
      expect(read(config)).to.deep.equal(expected);
    });
  }
});

describe("a running broker whose settings change", () => {
  let broker: Broker;
  let client: RawClient;

  before(async () => {
    broker = await startTestBroker({ config: { "producer.id.expiration.check.interval.ms": 20 } });
    client = await RawClient.connect(broker.address);
    await createTopic(client, "kept");
  });

  after(async () => {
    client.close();
    await broker.stop();
  });

  /** Sets a default of all brokers, or takes it away. */
  async function alter(name: string, value: string | null): Promise<void> {
    expect(await errorOf(name, value, "")).to.equal(Errors.NONE);
  }

  async function errorOf(name: string, value: string | null, resourceName: string): Promise<number> {
    const { responses } = await client.request(IncrementalAlterConfigs, 1, {
      resources: [
        {
          resourceType: ConfigResourceType.BROKER,
          resourceName,
          configs: [{ name, configOperation: value === null ? 1 : 0, value }],
        },
      ],
      validateOnly: false,
    });
    return responses[0]!.errorCode;
  }

  it("refuses batches of topics that are there already by the new message.max.bytes", async () => {
    const batch = batchOf(["x".repeat(200)]);
    await alter("message.max.bytes", "100");
    expect((await produceTo(client, { topic: "kept" }, batch)).errorCode).to.equal(Errors.MESSAGE_TOO_LARGE);
    await alter("message.max.bytes", null);
    expect((await produceTo(client, { topic: "kept" }, batch)).errorCode).to.equal(Errors.NONE);
  });

  it("accepts connections by the new max.connections.per.ip", async () => {
    await alter("max.connections.per.ip", "1");
    const refused = await RawClient.connect(broker.address);
    await refused.closed();
    await alter("max.connections.per.ip", null);
    const accepted = await RawClient.connect(broker.address);
    await createTopic(accepted, "more");
    accepted.close();
  });

  it("forgets producers by the new producer.id.expiration.ms", async () => {
    const producers = async (): Promise<number> => {
      const { topics } = await client.request(DescribeProducers, 0, {
        topics: [{ name: "kept", partitionIndexes: [0] }],
      });
      return topics[0]!.partitions[0]!.activeProducers.length;
    };
    await produceTo(client, { topic: "kept" }, batchOf(["a"], { producerId: 5, producerEpoch: 0, baseSequence: 0 }));
    expect(await producers()).to.equal(1);
    await alter("producer.id.expiration.ms", "1");
    while ((await producers()) > 0) await new Promise(resolve => setTimeout(resolve, 10));
    await alter("producer.id.expiration.ms", null);
  });

  it("keeps what only a restart can change", async () => {
    for (const name of ["listeners", "listener.security.protocol.map", "num.recovery.threads.per.data.dir"]) {
      const value =
        name === "listeners" ? "PLAINTEXT://127.0.0.1:1" : name.startsWith("num") ? "3" : "PLAINTEXT:PLAINTEXT";
      expect(await errorOf(name, value, "1"), name).to.equal(Errors.INVALID_REQUEST);
    }
  });
});
